//! Packs from the outside: a server that fails in every way, a process that is killed, a disk that is full, local files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod describing;
mod getting;
mod kills;
mod makers;
#[path = "../../../update/tests/it/server.rs"]
mod server;
