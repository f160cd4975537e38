//! How fast this machine's line may be used: limits the user set, and courtesy where none was set.
//!
//! In: bytes about to go, round-trip times, the user's limits. Out: how long to wait. The arithmetic ([`TokenBucket`],
//! [`Uplink`]) takes the time as an argument and does no I/O; [`Tap`] is the one place that sleeps.

mod bucket;
mod tap;
mod uplink;

pub use bucket::TokenBucket;
pub(crate) use tap::{Tap, Turn};
pub use uplink::Uplink;

#[cfg(test)]
mod tests;
