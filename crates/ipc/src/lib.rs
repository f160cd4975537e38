//! The words the app and the peer exchange, their framing and version.
//!
//! In and out: JSON objects, one a line, at most 1 MiB each, over the peer's stdin (commands) and stdout (events). The
//! first line each way is a [`Hello`]. `covey-peer … --json` prints exactly the event lines. The peer holds no key: it
//! asks with [`Event::SignRequest`] and the app answers with [`Command::SignReply`].
//! It opens nothing, spawns nothing and knows neither who reads a line nor what a round is.

mod command;
mod event;
mod exit_code;
mod frame;
mod hello;
mod line_io;
mod network;
mod number;
mod summary;

pub use command::{Command, CommandLine, Limits, Start, StopWhen, Task};
pub use event::{
    Event, EventLine, Lamp, LampState, LayerMoved, LogLevel, MAX_LAYERS, MAX_SAMPLE_CHARS, PeerPhase, Rejection, Role,
    SampleWhen,
};
pub use exit_code::{ExitClass, ExitCode};
pub use frame::{FrameError, LineSplitter, MAX_LINE_BYTES, decode_line, encode_line};
pub use hello::{HandshakeError, Hello, PROTOCOL, handshake};
pub use line_io::{LineReader, LineWriter, ReadError, WriteError};
pub use network::{Fetched, MAX_NETWORK_PEERS, NetworkPeer, NetworkStatus, PeerPath, Reach, ReachCause, RoundParts};
pub use summary::Summary;

#[cfg(test)]
mod tests;
