//! A Subtensor node for tests: real metadata and SCALE, made-up economy, loopback only.
