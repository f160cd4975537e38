//! A wallet that comes from elsewhere: words and a path, a seed, a folder of btcli, a key file.
//!
//! In: what a person typed or named. Out: a saved wallet, which counts as backed up because it came from a backup. What
//! was typed is not repeated in any message.

use std::path::Path;

use signer::keep;
use types::{Coldkey, Problem};
use view_model::{ImportFrom, Secret};
use wallet::{
    BtcliWallet, KeyfileBytes, KeyfileError, KeyfileKind, RecoveryWords, SealError, WalletInfo, WalletSecret,
};
use zeroize::Zeroizing;

use super::{Vaults, new_lock};

impl Vaults {
    /// Brings a wallet.
    ///
    /// # Errors
    /// Nothing was saved.
    pub(crate) fn import(
        &self,
        name: &str,
        from: ImportFrom,
        passphrase: Option<Secret>,
    ) -> Result<WalletInfo, Problem> {
        self.file(name)?;
        keep::must_be_free(&self.folder, name)?;
        let lock = new_lock(passphrase)?;
        let (secret, payout) = read(from)?;
        self.save(name, &secret, payout, true, &lock)
    }
}

fn read(from: ImportFrom) -> Result<(WalletSecret, Option<Coldkey>), Problem> {
    match from {
        // A passphrase may stand behind the path, so the path is a secret too.
        ImportFrom::Words { words, path } => Ok((from_words(words.expose(), &Zeroizing::new(path))?, None)),
        ImportFrom::Seed { hex } => {
            let seed = WalletSecret::from_seed_hex(hex.expose());
            seed.map(|secret| (secret, None))
                .map_err(|error| refused("seed_wrong", "This is no seed", &error.to_string()))
        }
        ImportFrom::Btcli { folder, hotkey, password } => {
            let wallet =
                BtcliWallet::read(Path::new(folder.trim())).map_err(|error| no_folder(&error.to_string(), &[]))?;
            let file = wallet.hotkey(&hotkey).map_err(|error| no_folder(&error.to_string(), wallet.hotkeys()))?;
            Ok((open(&file, password)?, wallet.coldkey()))
        }
        ImportFrom::KeyFile { path, password } => {
            let file = KeyfileBytes::read(Path::new(path.trim())).map_err(|error| not_a_key(&error))?;
            Ok((open(&file, password)?, None))
        }
    }
}

/// Words, and the path behind them: in its own field, or typed behind the words as Substrate writes it.
fn from_words(text: &str, path: &str) -> Result<WalletSecret, Problem> {
    let (words, behind) = match text.find('/') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let path = path.trim();
    if !path.is_empty() && !behind.is_empty() {
        return Err(refused("path_twice", "A derivation path stands in both fields", "keep one of them"));
    }
    let words = RecoveryWords::parse(words)
        .map_err(|error| refused("words_wrong", "These are no recovery words", &error.to_string()))?;
    WalletSecret::from_words(words, if path.is_empty() { behind.trim_end() } else { path })
        .map_err(|error| refused("path_wrong", "The path behind the words does not read", &error.to_string()))
}

fn open(file: &KeyfileBytes, password: Option<Secret>) -> Result<WalletSecret, Problem> {
    let password = match password {
        Some(text) if file.kind() != KeyfileKind::Plain && !text.expose().is_empty() => {
            Some(keep::given_passphrase(text.into_text())?)
        }
        _ => None,
    };
    file.open(password.as_ref()).map_err(|error| not_a_key(&error))
}

fn not_a_key(error: &KeyfileError) -> Problem {
    match error {
        KeyfileError::NeedsPassphrase => {
            refused("key_file_password", "This key file has a password", "type the one that btcli asks for")
        }
        KeyfileError::Seal(SealError::Refused) => refused(
            "key_file_not_opened",
            "The password does not open this key file",
            "check the keyboard's language and Caps Lock",
        ),
        other => refused("key_file", "This key file was not read", &other.to_string()),
    }
}

fn no_folder(why: &str, hotkeys: &[String]) -> Problem {
    let there = if hotkeys.is_empty() { String::new() } else { format!("; it has: {}", hotkeys.join(", ")) };
    refused("btcli_folder", "This is no wallet of btcli that can be read", &format!("{why}{there}"))
}

fn refused(code: &str, title: &str, why: &str) -> Problem {
    let mut hint = why.to_owned();
    if let Some(first) = hint.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Problem::new(code, title, format!("{hint}. Nothing was saved."))
}
