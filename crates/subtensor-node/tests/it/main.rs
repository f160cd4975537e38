//! The node from outside: over its WebSocket with subxt, and as a process.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy only exempts test functions")]

mod chain;
mod epochs;
mod fixture;
mod hostile;
mod knobs;
mod pool;
mod process;
mod support;
