//! A coldkey on this computer, for the one thing it is needed for here: to pay a registration.
//!
//! In: an encrypted key file of btcli, its passphrase, what may be paid. Out: a signer that signs registrations
//! within that price and nothing else, and holds the key only while it signs. It is no part of training: a hotkey does
//! all that work.

use std::path::Path;

use async_trait::async_trait;
use types::{Coldkey, Hotkey, SignError, SignPayload, Signature, Signer};
use wallet::{ColdkeyFile, KeyfileError, Passphrase, Price};

use crate::secret_file::From;
use crate::{harden, passphrase};

/// Why a coldkey cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ColdError {
    /// Its file.
    #[error(transparent)]
    File(#[from] KeyfileError),
    /// No passphrase.
    #[error("{0}")]
    Passphrase(String),
}

/// Signs registrations with a coldkey.
pub struct ColdSigner {
    file: ColdkeyFile,
    passphrase: Passphrase,
    price: Price,
}

impl ColdSigner {
    /// Prepares to pay for a registration. Asks for the passphrase unless a file holds it.
    ///
    /// # Errors
    /// [`ColdError`]; a file that is not encrypted is refused.
    pub fn open(
        path: &Path,
        address: Coldkey,
        passphrase_file: Option<&Path>,
        price: Price,
    ) -> Result<Self, ColdError> {
        harden::process();
        let file = ColdkeyFile::at(path, address)?;
        let passphrase = match passphrase_file {
            Some(file) => passphrase::from_file(file, From::Person),
            None => passphrase::ask(&format!("Passphrase of the coldkey {address}: ")),
        };
        Ok(Self { file, passphrase: passphrase.map_err(ColdError::Passphrase)?, price })
    }
}

#[async_trait]
impl Signer for ColdSigner {
    fn hotkey(&self) -> Hotkey {
        Hotkey(self.file.address().0)
    }

    async fn sign(&self, payload: &SignPayload) -> Result<Signature, SignError> {
        let refused = |error: KeyfileError| SignError::Refused {
            operation: payload.operation().to_owned(),
            reason: error.to_string(),
        };
        // Half a gigabyte of argon2: seconds, in a program that does nothing else meanwhile.
        self.file.sign(&self.passphrase, payload, self.price).map_err(refused)
    }
}
