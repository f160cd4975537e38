//! Whole-system tests, in one binary.
//!
//! `architecture` and `tidy` read the sources and cargo's metadata; the others start the real programs. None needs a
//! GPU or a network. Each module is `cfg(test)`, so that clippy knows its helpers for what they are.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod checkout;
#[cfg(test)]
mod tidy;
