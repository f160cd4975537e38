//! Rounds, one after another.
