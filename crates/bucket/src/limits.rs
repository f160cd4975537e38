//! Every bound of the buckets, and the reason for each number.
//!
//! In: nothing. Out: constants. No bound is written anywhere else.

use std::time::Duration;

/// Objects up to this length go in one request; a longer one in parts of at least this length. At 20 Mbit/s it is 3 s of
/// upload, which is what a kill or a lost connection costs at most.
pub const PART_BYTES: u64 = 8 << 20;

/// Parts that S3 allows to one object.
pub const MAX_PARTS: u64 = 10_000;

/// Parts on their way at the same time: hides the server's answer time, and holds 24 MiB of memory.
pub const PARTS_IN_FLIGHT: usize = 3;

/// Bytes handed to the line at once, between two looks at the upload limit: 6 ms at 20 Mbit/s, so that a limited upload is
/// smooth enough for a call beside it.
pub const PIECE_BYTES: usize = 16 << 10;

/// Longest answer to anything but a read: a list of 1,000 names with 1,024 characters each, and their marks.
pub const MAX_ANSWER_BYTES: usize = 2 << 20;

/// Longest text of a refusal that is read: real ones have 300 bytes to 2 kB.
pub const MAX_REFUSAL_BYTES: usize = 16 << 10;

/// Objects looked through when old ones are removed: 1,000 rounds of a validator's and a peer's blobs with their manifests.
/// The rest waits for the next time.
pub const MAX_LISTED: usize = 10_000;

/// Longest time to open a connection, as for peers (network recipe §8).
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Longest time for an answer of up to a chunk. 20 s for 1 MiB is the slowest line that takes part; ten for the server.
pub const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Longest silence of an upload, and longest time for the answer to it.
pub const STALL_TIME: Duration = Duration::from_secs(30);

/// Longest time in which a server puts the parts of an object together; S3 says minutes.
pub const COMPLETE_TIME: Duration = Duration::from_secs(300);

/// First wait before something is tried again; doubles each time, and is cut by up to a half at random, so that a thousand
/// peers that met the same outage do not come back together.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// Longest such wait: an outage's end is noticed within it.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// Longest time for a check of a bucket, all its requests together: somebody waits in front of it.
pub const CHECK_TIME: Duration = Duration::from_secs(60);

/// Longest key file: two lines.
pub const MAX_KEY_FILE_BYTES: u64 = 4096;

/// Longest part of a key: AWS session secrets are the longest, with 40 characters; Cloudflare's have 64.
pub const MAX_KEY_CHARS: usize = 256;

/// Longest address of an endpoint.
pub const MAX_ENDPOINT_CHARS: usize = 512;

/// Longest file with a bucket's place.
pub const MAX_SECTION_BYTES: u64 = 16 << 10;

/// Longest note of an unfinished upload: 10,000 parts with a mark of up to 100 characters each.
pub const MAX_RESUME_BYTES: u64 = 2 << 20;

/// Longest upload id that is believed; real ones have up to 200 characters.
pub const MAX_UPLOAD_ID_CHARS: usize = 1024;

/// Longest part mark (ETag) that is believed; real ones have 34 characters.
pub const MAX_ETAG_CHARS: usize = 128;

/// Longest error code that is repeated to the user.
pub const MAX_CODE_CHARS: usize = 64;

/// Unfinished uploads looked at when old ones are given up: one per blob of a few rounds.
pub const MAX_RESUME_FILES: usize = 1024;
