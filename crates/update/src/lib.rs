//! Signed updates of the two programs, and what they are made of.
//!
//! In: keys of this build, a signed description from anywhere, the folder that the programs lie in. Out: a newer pair of
//! programs, checked, fetched, staged, swapped in together and watched until it has proved itself, or the old pair. Refused:
//! everything that no trusted key signed, that is older than what was seen, that has run out, is for another machine or is
//! not byte by byte what was signed; and overwriting what a package manager put there.
//!
//! `self_update` unpacks releases and orders versions. Its signature rules are not used: an empty key list passes there, and
//! the version is not covered. Moments are arguments; nothing here decides when a download may run.

pub mod belief;
pub mod describe;
pub mod fetch;
pub mod health;
pub mod install;
pub mod keys;
pub mod limits;
pub mod manifest;
pub mod place;
pub mod policy;
pub mod room;
pub mod signed;
pub mod stage;
pub mod swap;
pub mod trust;
pub mod whole_file;
