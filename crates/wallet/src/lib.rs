//! Hotkeys and typed signing.
//!
//! In: a seed or a key file. Out: signatures over [`types::SignPayload`], nothing else. Secrets have no `Display`, no
//! `Serialize` and no `Clone`, a `Debug` that shows the address only, and are wiped on drop. It speaks to no network.

mod guard;
mod key_file;
mod local;

pub use guard::{GuardError, GuardPolicy, GuardedSigner};
pub use key_file::{KeyFile, KeyFileError};
pub use local::LocalSigner;
