//! Hotkeys and typed signing.
//!
//! In: recovery words, a seed or a key file. Out: signatures over [`types::SignPayload`], nothing else. Secrets have no
//! `Display`, no `Serialize` and no `Clone`, no `Debug` or one that shows the address only, and are wiped on drop. It
//! speaks to no network.

mod guard;
mod key_file;
mod local;
mod path;
mod words;

pub use guard::{GuardError, GuardPolicy, GuardedSigner};
pub use key_file::{KeyFile, KeyFileError};
pub use local::LocalSigner;
pub use path::{DerivationPath, MAX_JUNCTIONS, PathError};
pub use words::{Quiz, RecoveryWords, WordCount, WordsError};
