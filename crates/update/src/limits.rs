//! Every bound of updates and packs, and the reason for each number.
//!
//! In: nothing. Out: constants. No bound is written anywhere else.

use std::time::Duration;

/// Longest signed description. A pack of 2.5 GB has 600 chunks with 64 hex digits each, thus 40 kB; there are a few.
pub const MAX_SIGNED_BYTES: usize = 4 << 20;

/// Signatures looked at: one per key of a change of keys, and room.
pub const MAX_SIGNATURES: usize = 8;

/// Keys that one build may trust: today's, tomorrow's, and room.
pub const MAX_KEYS: usize = 8;

/// How far a description may be ahead of this machine's clock: home clocks are wrong by hours when a battery is empty.
pub const MAX_AHEAD_SECS: u64 = 86_400;

/// Longest life of a description. Who can hold a new one back can do so no longer than this.
pub const MAX_LIFE_SECS: u64 = 400 * 86_400;

/// Second from which descriptions are counted: 1 January 2026, before the first release.
pub const FIRST_SECS: u64 = 1_767_225_600;

/// Least time between two descriptions. It bounds the number of the newest one, so that nobody can use all numbers up.
pub const SECS_PER_SEQUENCE: u64 = 60;

/// Longest file with what is trusted.
pub const MAX_TRUST_BYTES: u64 = 4096;

/// Longest journal and notes of a staged release.
pub const MAX_NOTE_BYTES: u64 = 64 << 10;

/// Releases in one description: a few platforms times two channels.
pub const MAX_RELEASES: usize = 64;

/// Places for one file.
pub const MAX_URLS: usize = 8;

/// Longest address.
pub const MAX_URL_CHARS: usize = 1024;

/// Longest file name and version text.
pub const MAX_NAME_CHARS: usize = 128;

/// Folders deep: licences of third parties in torch's wheel lie nine deep.
pub const MAX_DEPTH: usize = 16;

/// Longest words about a release.
pub const MAX_NOTES_CHARS: usize = 4000;

/// Largest archive of both programs: ten times what it is today.
pub const MAX_ARCHIVE_BYTES: u64 = 512 << 20;

/// Largest program.
pub const MAX_PROGRAM_BYTES: u64 = 512 << 20;

/// What is checked at once, and what a kill or a bad byte costs at most: 1.7 s at 20 Mbit/s.
pub const CHUNK_BYTES: u64 = 4 << 20;

/// Longest time to open a connection, as for peers.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Longest silence within an answer.
pub const STALL_TIME: Duration = Duration::from_secs(30);

/// Longest time for a signed description.
pub const SIGNED_TIME: Duration = Duration::from_secs(60);

/// A source that brings less than [`DRIP_BYTES`] within this time is left for another one.
pub const DRIP_TIME: Duration = Duration::from_secs(60);

/// 1 kB/s: a modem is faster.
pub const DRIP_BYTES: u64 = 60 << 10;

/// Redirects that are followed: code hosts send to a store once or twice.
pub const MAX_REDIRECTS: usize = 4;

/// Bad chunks or ranges after which a source is not asked again in this download.
pub const MAX_STRIKES: u32 = 3;

/// Tries in a row that bring nothing before a download ends with its reason; what it has stays.
pub const MAX_TRIES: u32 = 8;

/// First wait before a source is tried again; doubles each time.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// Longest such wait.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// What must be left free on the disk beside what is written: the system's own room to breathe.
pub const DISK_SLACK_BYTES: u64 = 256 << 20;

/// Longest time in which a staged program says its version.
pub const SMOKE_TIME: Duration = Duration::from_secs(60);

/// Starts that a new version must live through.
pub const GOOD_STARTS: u32 = 2;

/// Rounds that it must finish.
pub const GOOD_ROUNDS: u32 = 2;

/// Failed starts or failed rounds that send it back.
pub const BAD_ENOUGH: u32 = 2;

/// Between two looks for a new version.
pub const CHECK_EVERY: Duration = Duration::from_secs(6 * 3600);
