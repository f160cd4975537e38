//! Every bound on strangers at the ledger, and the reason for each number.
//!
//! In: nothing. Out: the limits of [`super::Guests`]; no other number bounds them.

use std::time::Duration;

use crate::ledger::block::MAX_TRANSACTION_BYTES;

/// Guests remembered: an identity costs nothing, so the list is bounded and forgets those without a connection first.
/// Sixteen times the uids of a run; some 200 bytes each.
pub(crate) const MAX_REMEMBERED: usize = 4096;

/// What guests may take. Whoever is at this machine's socket has places of its own: all guests together use one connection
/// to the ledger for each of theirs, a quarter of what it takes, and stand in at most half of a block's places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuestLimits {
    /// Connections of one guest. A peer has one in a long poll for the head, one or two in submissions, one in a query.
    pub connections_per_guest: usize,
    /// Connections of all guests: one for each uid of a full run.
    pub connections: usize,
    /// Longest request. The longest honest one is a validator's full weight vector in hex with JSON around it.
    pub request_bytes: usize,
    /// Requests a second of one guest. A round's busiest moment is a query for records in every block; the fastest clock
    /// in use makes five blocks a second.
    pub requests_per_sec: f64,
    /// Requests a guest may make at once before it is slowed down: a newcomer that reads a run's past asks for a page of
    /// 1,024 records after the other.
    pub request_burst: f64,
    /// Requests a second of all guests: half of what one core answers (some 4,000 small ones, measured on the socket).
    pub all_requests_per_sec: f64,
    /// Registrations of one guest at once, and after that one in [`GuestLimits::registration_every`]. A peer needs one.
    pub registrations_per_guest: f64,
    /// Registrations of all guests at once, and after that one in [`GuestLimits::registration_every`]: whoever makes up
    /// keys fills a run's 256 places in hours and in front of everybody's eyes, not in a second.
    pub registrations: f64,
    /// Time after which another registration is taken.
    pub registration_every: Duration,
    /// Pages of records or pay-outs on their way to guests, one for each: bounds the memory of replies to slow readers
    /// to some 100 MiB.
    pub pages: usize,
    /// How long a guest waits for its turn to get a page.
    pub page_wait: Duration,
    /// A connection without a request is closed after this; a client opens another when it needs one.
    pub idle: Duration,
    /// Longest time from a request's first byte to its last: 4 kB at 1 kB/s.
    pub request_time: Duration,
    /// Longest time for a reply. The longest has 1 MiB: 20 s at 52 kB/s, the slowest line that can take part at all.
    pub reply_time: Duration,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self {
            connections_per_guest: 4,
            connections: 256,
            request_bytes: 2 * MAX_TRANSACTION_BYTES + 256,
            requests_per_sec: 32.0,
            request_burst: 256.0,
            all_requests_per_sec: 2000.0,
            registrations_per_guest: 2.0,
            registrations: 32.0,
            registration_every: Duration::from_secs(60),
            pages: 32,
            page_wait: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            request_time: Duration::from_secs(4),
            reply_time: Duration::from_secs(20),
        }
    }
}
