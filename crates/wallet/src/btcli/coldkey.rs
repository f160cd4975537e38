//! A coldkey on this PC, the second and labelled path: kept only as an encrypted key file.
//!
//! In: a passphrase and a registration with its highest price. Out: a signature. The key is in memory only while it
//! signs. It signs nothing else, and it is not made or opened without encryption.

use std::path::{Path, PathBuf};

use types::{Coldkey, Hotkey, Rao, SignPayload, Signature};

use super::keyfile::{KeyfileBytes, KeyfileError, KeyfileKind};
use crate::guard::check_price;
use crate::{Passphrase, WalletSecret};

/// An encrypted coldkey of btcli.
#[derive(Debug, Clone)]
pub struct ColdkeyFile {
    path: PathBuf,
    address: Coldkey,
}

/// What a registration may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// At most this, and the transaction itself says so.
    AtMost(Rao),
    /// What it costs when it is included. Only for a runtime that knows no limit price, and only if a person said so.
    Whatever,
}

impl ColdkeyFile {
    /// Makes the file, encrypted as btcli does.
    ///
    /// # Errors
    /// [`KeyfileError::Exists`] if anything stands at `path`.
    pub fn create(path: &Path, secret: &WalletSecret, passphrase: &Passphrase) -> Result<Self, KeyfileError> {
        KeyfileBytes::write(secret, Some(passphrase))?.save(path)?;
        Ok(Self { path: path.to_owned(), address: Coldkey(secret.hotkey().0) })
    }

    /// A file that is there, for the coldkey that `coldkeypub.txt` beside it names.
    ///
    /// # Errors
    /// [`KeyfileError::Plain`] if it is not encrypted.
    pub fn at(path: &Path, address: Coldkey) -> Result<Self, KeyfileError> {
        match KeyfileBytes::read(path)?.kind() {
            KeyfileKind::Plain => Err(KeyfileError::Plain { path: path.to_owned() }),
            KeyfileKind::Nacl | KeyfileKind::Ansible => Ok(Self { path: path.to_owned(), address }),
        }
    }

    /// Whose it is.
    pub fn address(&self) -> Coldkey {
        self.address
    }

    /// Opens the file, signs one registration within `price`, and forgets the key again. Takes seconds.
    ///
    /// # Errors
    /// [`KeyfileError::NotForColdkey`] for anything but such a registration, before the file is opened.
    pub fn sign(
        &self,
        passphrase: &Passphrase,
        payload: &SignPayload,
        price: Price,
    ) -> Result<Signature, KeyfileError> {
        let operation = payload.operation();
        let refuse = |reason: String| KeyfileError::NotForColdkey { operation, reason };
        if operation != "extrinsic-register" {
            return Err(refuse("it is no registration on Bittensor".to_owned()));
        }
        if let Price::AtMost(max) = price {
            check_price(payload, Some(max)).map_err(refuse)?;
        }
        let secret = KeyfileBytes::read(&self.path)?.open(Some(passphrase))?;
        let (expected, found) = (Hotkey(self.address.0), secret.hotkey());
        if expected != found {
            return Err(KeyfileError::OtherKey { expected, found });
        }
        Ok(secret.signer().sign_now(payload))
    }
}
