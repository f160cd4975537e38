//! Building, tearing and resuming.
