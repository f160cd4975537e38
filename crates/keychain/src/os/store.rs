//! The store crate of this system behind [`super::Store`], and its errors sorted into ours.
//!
//! In: `keyring-core` and one store per system. Out: text items and [`KeychainError`]. What is only known on one system
//! stands behind `cfg`; only Linux has run so far.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{KeyId, KeychainError, SERVICE};

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store as Backend;
#[cfg(windows)]
use windows_native_keyring_store::Store as Backend;
#[cfg(target_os = "linux")]
use zbus_secret_service_keyring_store::Store as Backend;

/// A credential that stays on this machine: Windows' default roams with the user's profile.
#[cfg(windows)]
const MODIFIERS: &[(&str, &str)] = &[("persistence", "Local")];
#[cfg(not(windows))]
const MODIFIERS: &[(&str, &str)] = &[];

/// Opened at the first call, and again after a failure: the service may have been restarted.
#[derive(Default)]
pub(super) struct SystemStore {
    backend: Option<Arc<Backend>>,
}

impl SystemStore {
    fn entry(&mut self, id: &KeyId) -> Result<Entry, KeychainError> {
        let backend = match &self.backend {
            Some(backend) => backend,
            None => self.backend.insert(Backend::new().map_err(|error| absent(&error))?),
        };
        let modifiers: HashMap<&str, &str> = MODIFIERS.iter().copied().collect();
        let user = format!("vault-key/{id}");
        let built = backend.build(SERVICE, &user, (!modifiers.is_empty()).then_some(&modifiers));
        built.map_err(|error| sort(id, error))
    }

    fn run<T>(&mut self, id: &KeyId, work: impl Fn(&Entry) -> Result<T, Error>) -> Result<T, KeychainError> {
        let entry = self.entry(id)?;
        let mut result = work(&entry);
        if matches!(result, Err(Error::NoEntry)) && unlock_default()? {
            // It was locked, and some services show nothing of a locked collection.
            result = work(&entry);
        }
        result.map_err(|error| {
            if !matches!(error, Error::NoEntry) {
                self.backend = None;
            }
            sort(id, error)
        })
    }
}

impl super::Store for SystemStore {
    fn get(&mut self, id: &KeyId) -> Result<Zeroizing<String>, KeychainError> {
        self.run(id, |entry| entry.get_password().map(Zeroizing::new))
    }

    fn set(&mut self, id: &KeyId, text: &str) -> Result<(), KeychainError> {
        self.run(id, |entry| entry.set_password(text))
    }

    fn delete(&mut self, id: &KeyId) -> Result<(), KeychainError> {
        self.run(id, Entry::delete_credential)
    }
}

fn absent(error: &Error) -> KeychainError {
    KeychainError::Absent { why: error.to_string() }
}

fn sort(id: &KeyId, error: Error) -> KeychainError {
    let corrupt = |why: &'static str| KeychainError::Corrupt { id: id.to_string(), why };
    match error {
        Error::NoEntry => KeychainError::Lost { id: id.to_string() },
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            corrupt("it is no text")
        }
        Error::Ambiguous(_) => corrupt("there are several items of that name"),
        Error::NoStorageAccess(inner) | Error::PlatformFailure(inner) => system(inner.as_ref()),
        Error::NoDefaultStore => KeychainError::Absent { why: "no store for this system".into() },
        other => KeychainError::Failed { why: other.to_string() },
    }
}

#[cfg(target_os = "linux")]
fn system(error: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainError {
    use secret_service::Error as Ss;
    let why = error.to_string();
    match error.downcast_ref::<Ss>() {
        Some(Ss::Locked) => KeychainError::Locked,
        // The service gives the same answer when a person says no and when there is no window to ask in.
        Some(Ss::Prompt) if has_screen() => KeychainError::Denied,
        Some(Ss::Prompt) => KeychainError::Locked,
        // No default collection, or the service (or the whole bus) is gone.
        Some(Ss::NoResult | Ss::Unavailable | Ss::PromptDisconnected) => KeychainError::Absent { why },
        Some(Ss::Zbus(_) | Ss::ZbusFdo(_)) if why.contains("org.freedesktop.Secret.Error.IsLocked") => {
            KeychainError::Locked
        }
        Some(Ss::Zbus(_) | Ss::ZbusFdo(_)) => KeychainError::Absent { why },
        _ => KeychainError::Failed { why },
    }
}

/// Windows says this where there is no logon session, for example over SSH with a key.
#[cfg(windows)]
fn system(error: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainError {
    KeychainError::Absent { why: error.to_string() }
}

/// macOS names its reasons by number (`SecBase.h`).
#[cfg(target_os = "macos")]
fn system(error: &(dyn std::error::Error + Send + Sync + 'static)) -> KeychainError {
    let why = error.to_string();
    match error.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
        // errSecInteractionNotAllowed: locked, and nobody can be asked.
        Some(-25308) => KeychainError::Locked,
        // errSecUserCanceled, errSecAuthFailed, wrPermErr.
        Some(-128 | -25293 | -61) => KeychainError::Denied,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecNoDefaultKeychain.
        Some(-25291 | -25294 | -25307) => KeychainError::Absent { why },
        _ => KeychainError::Failed { why },
    }
}

/// Unlocks the collection that new items go to; whether it was locked. The system may ask a person.
#[cfg(target_os = "linux")]
fn unlock_default() -> Result<bool, KeychainError> {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;
    let unlock = || {
        // Nothing secret passes over this connection.
        let service = SecretService::connect(EncryptionType::Plain)?;
        let collection = service.get_default_collection()?;
        if !collection.is_locked()? {
            return Ok(false);
        }
        collection.unlock().map(|()| true)
    };
    match unlock() {
        Err(secret_service::Error::NoResult) => Ok(false),
        result => result.map_err(|error| system(&error)),
    }
}

#[cfg(not(target_os = "linux"))]
fn unlock_default() -> Result<bool, KeychainError> {
    Ok(false)
}

/// Whether the system has a window to ask in.
#[cfg(target_os = "linux")]
pub(super) fn has_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn has_screen() -> bool {
    true
}
