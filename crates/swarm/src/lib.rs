//! The libp2p node of a run: peers find each other, prove whose they are, tell and fetch.
//!
//! In: a run's id, a network identity, nodes to reach first. Out: authenticated streams, small answers, announcements, and
//! a view of who is connected and how. It knows neither what a blob means nor when a round is; the chain's word on who is
//! a member comes from outside.

mod announcement;
mod behaviour;
mod binding;
mod book;
mod bulk;
mod counters;
mod key;
pub mod limits;
mod node;
mod pace;
mod query;
mod reach;
mod server;
mod source;
mod streams;
mod swarm;
mod view;

pub use announcement::{ANNOUNCEMENT_BYTES, AnnouncementError, SignedAnnouncement};
pub use binding::{BINDING_BYTES, BindingError, SignedBinding};
pub use book::{Book, CODEC_SUBMISSION, Equivocation, IgnoreReason, Judged, Membership, RejectReason};
pub use bulk::{BulkError, NotARequest, REQUEST_BYTES, Request, Status, Want};
pub use counters::{PeerNote, SwarmCounters};
pub use key::{KeyError, NodeKey};
pub use libp2p::{Multiaddr, PeerId, Stream};
pub use node::{
    Asked, Heard, Inbound, Node, NodeCounts, NodeError, NodeKind, NodeOptions, NodeParts, Verdict, peer_of,
};
pub use pace::{TokenBucket, Uplink};
pub use query::{KnownPeer, Query, QueryError, QueryReply, RunOffer};
pub use reach::{Reach, ReachCause};
pub use streams::{OpenError, Protocol};
pub use swarm::{AskError, LineLimits, PeerStatus, Swarm, SwarmInput, SwarmStatus};
pub use view::{NodeView, Path, PeerView};
