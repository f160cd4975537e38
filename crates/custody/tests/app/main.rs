//! The app's side of wallets with the real signer process: signing, locking, the real GNOME Keyring, and planted secrets
//! looked for in the app's memory. Reads `/proc`, so it runs on Linux. `in_the_keychain` needs the packages gnome-keyring
//! and dbus; the signer is this package's example `app_signer`, which `cargo test` builds.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod app;
#[cfg(test)]
mod canary;
#[cfg(test)]
#[expect(dead_code, reason = "the keychain's own tests use all of it")]
#[path = "../../../keychain/tests/real_keyring/desktop.rs"]
mod desktop;
#[cfg(test)]
mod in_the_keychain;
#[cfg(test)]
#[path = "../../../signer/tests/canary/needles.rs"]
mod needles;
#[cfg(test)]
mod signing;
