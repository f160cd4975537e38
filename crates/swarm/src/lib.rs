//! The libp2p node of a run.
