//! Wizard, wallets and signatures of the app.
//!
//! In: presses, secrets on their way from the keyboard to a vault, the keychain, payloads that a peer wants signed. Out:
//! what the wizard shows, what is told about wallets, signatures. The key that signs is opened by a signer process and is
//! never in this one; a secret that passes through here is wiped, also off the stack it was worked on. No network, no
//! window, no text in any language.

mod deed;
mod desk;
mod notes;
mod order;
mod scrub;
mod signing;
mod vaults;
mod wizard;

pub use deed::Deed;
pub use desk::{Desk, MAX_ORDERS};
pub use order::{DeskEvent, DeskOrder};
pub use signing::SigningDesk;
pub use vaults::Vaults;
pub use wizard::{Wizard, WizardEffect};
