//! Behaviour at the crate's edge: what goes over the wire, what comes back, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod aggregate;
mod fixture;
mod hostile;
mod round_trip;
