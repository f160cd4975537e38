//! Packages as people get them: taken apart again, installed into a home that is a folder, removed from it.
//!
//! In: small programs that `cc` makes here, this repository's files. Out: nothing beside temporary folders.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod clear_data;
mod debian;
mod fedora;
mod materials;
mod portable;
mod promises;
mod stage;
mod windows;
