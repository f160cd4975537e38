//! The training peer process.
