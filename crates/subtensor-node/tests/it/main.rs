//! The node from outside: over its WebSocket with subxt, and as a process.

mod chain;
mod fixture;
mod support;
