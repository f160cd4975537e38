//! Hotkeys at rest, and typed signing.
//!
//! In: recovery words, a seed, a vault, a capsule, or a key file of btcli. Out: signatures over [`types::SignPayload`], and
//! files that only the right lock opens. Secrets have no `Display`, no `Serialize` and no `Clone`, no `Debug` or one that
//! shows the address only, and are wiped on drop. It speaks to no network.

mod btcli;
mod bytes;
mod capsule;
mod elsewhere;
mod guard;
mod info;
mod key_file;
mod local;
mod path;
mod private_file;
mod sealed;
mod secret;
mod vault;
mod words;

pub use btcli::{BtcliError, BtcliWallet, ColdkeyFile, KeyfileBytes, KeyfileError, KeyfileKind, Price, export_btcli};
pub use capsule::{Capsule, CapsuleError, CapsuleInfo, CapsuleParts};
pub use elsewhere::{Elsewhere, ElsewhereAlarm};
pub use guard::{GuardError, GuardPolicy, GuardedSigner, Limits, RoundMemory};
pub use info::{InfoError, WalletInfo};
pub use key_file::{KeyFile, KeyFileError};
pub use local::LocalSigner;
pub use path::{DerivationPath, MAX_JUNCTIONS, PathError};
pub use sealed::SealError;
pub use secret::{NotASecretKey, NotASeed, Passphrase, PassphraseError, WalletSecret, WrappingKey};
pub use vault::{Lock, LockKind, Vault, VaultError};
pub use words::{Quiz, RecoveryWords, WordCount, WordsError};
