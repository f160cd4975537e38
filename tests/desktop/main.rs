//! The desktop app end to end: the real `covey` and `covey-peer` on a real screen, with a real window manager, session
//! bus, tray, keychain and accessibility tree. What a person presses is pressed here.
//!
//! They belong to package `covey`, which builds the program they start; `covey-peer` lies beside it. Each test has a
//! desktop of its own and leaves nothing running. `COVEY_SCREENSHOTS=FOLDER` keeps pictures.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod life;
#[cfg(test)]
#[expect(dead_code, reason = "the app's words are text; other tests look for bytes")]
#[path = "../../crates/signer/tests/canary/needles.rs"]
mod needles;
#[cfg(test)]
mod newcomer;
#[cfg(test)]
mod program;
#[cfg(test)]
mod session;
#[cfg(test)]
mod tray;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod wallet;
