//! The process that opens a wallet and signs typed requests, and the wallet's command line.
//!
//! In: a key file or a vault, requests to sign as lines on standard input, a person at a terminal. Out: signatures and
//! public facts. A key never leaves this process, a passphrase never comes over argv or the environment, and nothing
//! here opens a socket to the network.

mod cold;
mod harden;
mod home;
pub mod keep;
mod passphrase;
mod policy;
mod secret_file;
mod serve;
mod source;
mod spawn;
mod stdin_line;
pub mod wallet_cli;

pub use cold::{ColdError, ColdSigner};
pub use home::{wallet_folder, wallet_path};
pub use passphrase::{CREDENTIAL, words_in_arguments};
pub use secret_file::SecretFileError;
pub use serve::{ServeError, serve};
pub use source::{KeySource, SourceArgs, SourceError};
pub use spawn::{Launched, SignerPipes, SignerProcess, SpawnError, launch, spawn};
pub use wallet::Price;

/// This build's version: the same for every program of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
