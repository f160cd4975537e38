//! The real programs, driven as a script or a service drives them: no terminal, secrets in files and on standard input.
//! `in_the_keychain` needs the packages gnome-keyring and dbus.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod command_line;
#[cfg(test)]
#[expect(dead_code, reason = "the keychain's own tests use all of it")]
#[path = "../../../keychain/tests/real_keyring/desktop.rs"]
mod desktop;
#[cfg(test)]
mod in_the_keychain;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod signing;
