//! The client and the backend against the test node: real metadata, real SCALE, real signatures.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod backend;
mod client;
mod endpoints;
mod support;
