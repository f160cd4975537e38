//! The runtime pack.
