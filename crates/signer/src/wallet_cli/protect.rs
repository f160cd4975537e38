//! `wallet protect`: the same wallet, locked by the keychain or by a passphrase.
//!
//! In: the wallet, unlocked as it is now. Out: the wallet locked the other way; at no moment is it locked by nothing or
//! by something that is not there.

use keychain::{Keychain, LockError, protect, unprotect};
use wallet::{Lock, LockKind, SealError, Vault, VaultError};

use super::console::Console;
use super::place::Place;
use super::{ProtectArgs, Protection, Report, lock, show};
use crate::passphrase;
use crate::secret_file::From;

pub(super) fn run(
    args: &ProtectArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    let mut vault = Vault::read(&place.file).map_err(in_words)?;
    match (args.by, vault.lock_kind()) {
        (Protection::Keychain, LockKind::Keychain { .. }) => {
            console.tell("The keychain locks it already; nothing was changed.")?;
        }
        (Protection::Keychain, LockKind::Passphrase) => {
            let passphrase = present(args, console)?;
            protect(&place.file, &passphrase, keychain).map_err(|error| error.problem())?;
        }
        (Protection::Passphrase, LockKind::Keychain { .. }) => {
            // The keychain is asked first: nobody thinks up a passphrase in vain.
            let mut nobody = || Err("the vault should be locked by the keychain".to_owned());
            keychain::open_vault(&place.file, keychain, &mut nobody).map_err(|error| error.problem())?;
            let passphrase = lock::new_passphrase(args.new_passphrase_file.as_deref(), console)?;
            let done = unprotect(&place.file, &passphrase, keychain).map_err(|error| error.problem())?;
            if let Some(error) = done.left_behind {
                console.tell(&format!("An item that opens nothing any more stays in the keychain: {error}."))?;
            }
        }
        (Protection::Passphrase, LockKind::Passphrase) => {
            let old = present(args, console)?;
            vault.unlock(Lock::Passphrase(&old)).map_err(in_words)?;
            let new = lock::new_passphrase(args.new_passphrase_file.as_deref(), console)?;
            vault.rewrap(Lock::Passphrase(&old), Lock::Passphrase(&new)).map_err(in_words)?;
        }
    }
    show::report(place)
}

/// The passphrase that locks it now.
fn present(args: &ProtectArgs, console: &mut dyn Console) -> anyhow::Result<wallet::Passphrase> {
    let passphrase = match &args.passphrase_file {
        Some(file) => passphrase::from_file(file, From::Person),
        None => passphrase::checked(console.ask_secret("Present passphrase:")?),
    };
    passphrase.map_err(anyhow::Error::msg)
}

fn in_words(error: VaultError) -> anyhow::Error {
    match error {
        VaultError::Seal(SealError::Refused) | VaultError::Missing { .. } => LockError::from(error).problem().into(),
        other => other.into(),
    }
}
