//! The client and the backend against the test node: real metadata, real SCALE, real signatures.

mod backend;
mod client;
mod endpoints;
mod support;
