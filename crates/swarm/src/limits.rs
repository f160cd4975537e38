//! Every bound of the network, and the reason for each number. No bound is written anywhere else.
//!
//! In: nothing. Out: constants. Sources: the network recipe's sections on limits, NAT and adversarial safety.

use std::time::Duration;

/// Connections of a home line: routers with small tables stop working above some dozens (kubo#3320, kubo#11326).
pub const HOME_CONNECTIONS: u32 = 40;
/// Connections of a node with a public address, which relays for others.
pub const PUBLIC_CONNECTIONS: u32 = 256;
/// Connections of one peer: relayed, direct, a crossing dial, and one to spare.
pub const CONNECTIONS_PER_PEER: u32 = 4;
/// Handshakes under way at once, each way.
pub const PENDING_CONNECTIONS: u32 = 32;
/// Dials under way at once at home, for the same routers.
pub const HOME_DIALS: u32 = 8;
/// Idle connections stay this long: a round has quiet minutes, and a hole in a router is dear.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(600);
/// Longest gossip message: an announcement has some 160 bytes and its frame about as many.
pub const MAX_GOSSIP_BYTES: usize = 8 * 1024;
/// Heard messages that wait for a verdict.
pub const GOSSIP_QUEUE: usize = 256;
/// Longest time a message may wait for its verdict before it is ignored.
pub const VERDICT_TIME: Duration = Duration::from_secs(5);
/// Longest question to a peer.
pub const MAX_QUERY_BYTES: u64 = 16 * 1024;
/// Longest answer: a run's manifest has at most 256 KiB, and hex or base64 would double it.
pub const MAX_REPLY_BYTES: u64 = 512 * 1024;
/// Time for an answer.
pub const QUERY_TIME: Duration = Duration::from_secs(10);
/// Questions that wait for an answer of this process.
pub const QUERY_QUEUE: usize = 64;
/// Time to open a stream, dialling included.
pub const OPEN_TIME: Duration = Duration::from_secs(10);
/// Streams that wait for a connection.
pub const MAX_PENDING_OPENS: usize = 128;
/// Streams of one protocol that wait to be accepted.
pub const INBOUND_QUEUE: usize = 64;
/// Commands that wait for the node.
pub const COMMAND_QUEUE: usize = 256;
/// Streams that are being negotiated on one connection.
pub const NEGOTIATING: usize = 64;
/// Peers whose addresses are remembered beside connected ones.
pub const MAX_KNOWN_PEERS: usize = 64;
/// Addresses of one peer.
pub const MAX_KNOWN_ADDRESSES: usize = 8;
/// Peers told in one answer.
pub const MAX_TOLD_PEERS: usize = 32;
/// Connections to others that a node looks for by itself.
pub const WANTED_PEERS: usize = 12;
/// First and longest pause between two tries to reach a node that the run names.
pub const BOOTSTRAP_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Others are asked for more peers this often while there are too few, and once a minute when there are enough.
pub const LOOK_FOR_PEERS: Duration = Duration::from_secs(5);
/// See [`LOOK_FOR_PEERS`].
pub const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A ping at this interval, and how long its answer may take: pongs queue behind bulk data (rust-libp2p#5387).
pub const PING: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(20));
/// Bytes and time of a circuit through a public node: small things, and a hole punch.
pub const CIRCUIT: (u64, Duration) = (1 << 20, Duration::from_secs(120));
/// Circuits and reservations of a public node.
pub const CIRCUITS: (usize, usize) = (32, 128);
/// Share of the machine's memory above which no connection is taken.
pub const MEMORY_SHARE: f64 = 0.9;
