//! `covey-peer`.
fn main() {}
