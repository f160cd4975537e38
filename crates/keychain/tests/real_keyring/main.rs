//! The OS keychain against the real GNOME Keyring. Needs the packages gnome-keyring and dbus; see `states`.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod desktop;
#[cfg(test)]
mod program;
#[cfg(test)]
mod prompter;
#[cfg(test)]
mod states;
