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

// Who is who, and the chunks.

/// Members of a run whose words are kept: the uids of a subnet (256), and room for a larger one.
pub const MAX_MEMBERS: usize = 1024;

/// Longest payload that an announcement may speak of: the largest in sight, of the 72B model in the reference's format
/// (2.84 GB), and room. What honest ones of this run have is far less; the fetcher checks that.
pub const MAX_ANNOUNCED_BYTES: u64 = 8 << 30;

/// Proofs kept that a hotkey announced two roots: one per hotkey and round is enough, and a run has few liars.
pub const MAX_EQUIVOCATIONS: usize = 256;

/// Announcements that a slow listener in this process may be behind before it misses some: one per member and room.
pub const ANNOUNCEMENTS_WAITING: usize = 1024;

/// Sources besides the author: eight holders of 110 Mbit/s fill a line of 500 Mbit/s.
pub const OTHER_SOURCES: usize = 8;

/// Bindings asked for at the same time: the connections of a home line are few and answer within a second.
pub const BINDINGS_ASKED: usize = 8;

/// After a peer showed no sound binding it is asked again, since it may have registered meanwhile.
pub const BINDING_RETRY: Duration = Duration::from_secs(30);

/// How long a liar stays away: about a round. The proof is local, so nobody else needs to trust it.
pub const LIAR_BAN: Duration = Duration::from_secs(1800);

/// Chunks in one request: a request is answered in order, so this is how long a stream may be busy with one.
pub const CHUNKS_PER_REQUEST: u8 = 16;

/// Requests of ours that may be unanswered on one stream. Four reach the line's speed at 100 ms (ibid., section 6);
/// sixteen are 736 bytes, far below what both sides could be writing without reading.
pub const REQUESTS_IN_FLIGHT: usize = 16;

/// Streams served at once, over all peers. Each holds at most two chunks: 128 MiB altogether.
pub const STREAMS_SERVED: usize = 64;

/// Streams served at once for one peer.
pub const STREAMS_PER_PEER: usize = 4;

/// Streams that are told why they are not served at the same moment; beyond it they are reset.
pub const REFUSALS_IN_FLIGHT: usize = 32;

/// Time to tell a stream why it is not served.
pub const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// A stream on which nobody asks for anything is closed (network recipe, section 8).
pub const STREAM_IDLE: Duration = Duration::from_secs(60);

/// Time for one piece to leave: at most 256 KiB to a reader who reads 13 kB/s, a quarter of the slowest line.
pub const PIECE_WRITE_TIME: Duration = Duration::from_secs(20);

/// Time that any answer has before its bytes count: a round trip through a full queue.
pub const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// Slowest rate of an answer, in bytes a second: with [`ANSWER_GRACE`], 1 MiB within 20 s, the slowest line that can take
/// part at all (ibid.).
pub const ANSWER_FLOOR: u64 = 70_000;

/// Largest blob that is asked of, or given to, a peer that is reached through somebody else's relay: relays give a circuit
/// 128 KiB by default.
pub const RELAYED_BLOB_BYTES: u64 = 64 << 10;

/// A chunk is not promised if those before it need longer than this: its receiver would have given up.
pub const BUSY_AFTER: Duration = Duration::from_secs(10);

/// Least and most bytes that are sent at once. 4 KiB are three packets; 256 KiB keep a fast line busy between two wake-ups.
pub const PIECE_MIN_BYTES: usize = 4 << 10;
/// See [`PIECE_MIN_BYTES`].
pub const PIECE_MAX_BYTES: usize = 256 << 10;

/// How much of the line's time one piece takes: the most that a packet of somebody else waits behind it.
pub const PIECE_TIME: Duration = Duration::from_millis(5);

/// Queue in the router that the courteous uplink accepts: with a piece or two on top, added latency stays below 30 ms.
pub const UPLINK_TARGET: Duration = Duration::from_millis(15);

/// First rate of the courteous uplink, in bytes a second: 2 Mbit/s, which any line that can take part has.
pub const UPLINK_FIRST_RATE: u64 = 262_144;
/// Least rate it falls to: a line worse than that cannot keep a payload's deadline anyway.
pub const UPLINK_MIN_RATE: u64 = 32_768;
/// Most it rises to: 10 Gbit/s.
pub const UPLINK_MAX_RATE: u64 = 1_250_000_000;

/// Minutes of round trips of which the least is the empty line: routes change.
pub const UPLINK_BASE_WINDOWS: usize = 10;

/// Least time between two changes of the rate: about two round trips of a far peer.
pub const UPLINK_STEP: Duration = Duration::from_millis(190);

/// The same while the line has shown no queue yet: a swarm waits for the first seconds of a round's uploads, so the rate
/// must be at the line's within one of them.
pub const UPLINK_FIRST_STEP: Duration = Duration::from_millis(60);

/// While the rate is a guess, a chunk is promised as if the line were so many times as fast: who is told "busy" in the
/// first second asks one chunk at a time for the rest of the fetch.
pub const UPLINK_GUESS: f64 = 4.0;

/// While bytes go out and the rate is a guess, a round trip is measured this often.
pub const FIRST_PROBE_INTERVAL: Duration = Duration::from_millis(40);

/// While bytes go out, a round trip is measured this often.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(200);

/// A peer nearer than this is in the same house: its bytes do not pass the line, and are not paced.
pub const SAME_HOUSE: Duration = Duration::from_millis(3);

/// Peers of which it is noted what they got and gave: the connections of a public node, and those that have left.
pub const MAX_NOTES: usize = 1024;

/// Time for one echo while bytes go out: a queue longer than that says enough.
pub const ECHO_TIME: Duration = Duration::from_secs(2);
