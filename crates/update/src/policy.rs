//! When a new version may be looked for, fetched and put in. Pure.
//!
//! In: the user's choice, what the line is, what was pressed, what is known of versions that failed. Out: yes or no, and who
//! is among the first to get a release. A metered line carries no update, whoever asks.

use serde::{Deserialize, Serialize};

use crate::install::Install;

/// The user's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Fetched and put in between two rounds.
    Automatic,
    /// Told, and fetched after a press.
    #[default]
    Ask,
    /// Nothing is asked of any server.
    Never,
}

/// What a decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The user's choice.
    pub mode: Mode,
    /// Whether the line is metered, if the desktop says.
    pub metered: Option<bool>,
    /// The user pressed the button for it.
    pub pressed: bool,
    /// How this program came here.
    pub install: &'a Install,
}

/// Why something about updates waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Switched off.
    Never,
    /// For the user's press.
    Press,
    /// For a line that is not metered.
    Metered,
    /// For ever: a package manager owns these programs.
    NotOurs,
}

impl Situation<'_> {
    /// Whether a description may be asked for: a few kilobytes.
    ///
    /// # Errors
    /// What it waits for.
    pub fn may_look(&self) -> Result<(), Wait> {
        match self.mode {
            Mode::Never if !self.pressed => Err(Wait::Never),
            _ if self.metered == Some(true) => Err(Wait::Metered),
            _ => Ok(()),
        }
    }

    /// Whether a release may be fetched: its size was shown before.
    ///
    /// # Errors
    /// What it waits for.
    pub fn may_fetch(&self) -> Result<(), Wait> {
        if !self.install.is_ours() {
            return Err(Wait::NotOurs);
        }
        match self.mode {
            _ if self.metered == Some(true) => Err(Wait::Metered),
            Mode::Automatic => Ok(()),
            _ if self.pressed => Ok(()),
            Mode::Ask => Err(Wait::Press),
            Mode::Never => Err(Wait::Never),
        }
    }

    /// Whether a staged release may be put in at the next edge of a round.
    ///
    /// # Errors
    /// What it waits for.
    pub fn may_put_in(&self) -> Result<(), Wait> {
        if !self.install.is_ours() {
            return Err(Wait::NotOurs);
        }
        match self.mode {
            _ if self.pressed => Ok(()),
            Mode::Automatic => Ok(()),
            Mode::Ask => Err(Wait::Press),
            Mode::Never => Err(Wait::Never),
        }
    }
}

/// This machine's fixed place, 0 to 99, in a release that goes out step by step. Each version draws anew, so that no machine
/// is always the first.
pub fn share(machine: &[u8], version: &str) -> u8 {
    let mut hasher = blake3::Hasher::new_derive_key("covey 2026 share of a staged release");
    hasher.update(machine);
    hasher.update(version.as_bytes());
    let hash = hasher.finalize();
    let head: [u8; 8] = hash.as_bytes()[..8].try_into().unwrap_or_default();
    u8::try_from(u64::from_le_bytes(head) % 100).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn at<'a>(mode: Mode, pressed: bool, metered: bool, install: &'a Install) -> Situation<'a> {
        Situation { mode, metered: Some(metered), pressed, install }
    }

    #[test]
    fn automatic_asks_nobody_ask_waits_for_a_press_and_never_is_silent() {
        let own = Install::Own(PathBuf::from("covey"));
        assert_eq!(at(Mode::Automatic, false, false, &own).may_fetch(), Ok(()));
        assert_eq!(at(Mode::Ask, false, false, &own).may_look(), Ok(()));
        assert_eq!(at(Mode::Ask, false, false, &own).may_fetch(), Err(Wait::Press));
        assert_eq!(at(Mode::Ask, true, false, &own).may_fetch(), Ok(()));
        assert_eq!(at(Mode::Never, false, false, &own).may_look(), Err(Wait::Never));
        assert_eq!(at(Mode::Never, true, false, &own).may_look(), Ok(()));
        assert_eq!(at(Mode::Automatic, false, false, &own).may_put_in(), Ok(()));
        assert_eq!(at(Mode::Ask, false, false, &own).may_put_in(), Err(Wait::Press));
    }

    #[test]
    fn a_metered_line_carries_no_update_even_after_a_press() {
        let own = Install::Own(PathBuf::from("covey"));
        for mode in [Mode::Automatic, Mode::Ask, Mode::Never] {
            assert_eq!(at(mode, true, true, &own).may_fetch(), Err(Wait::Metered));
            assert_eq!(at(mode, true, true, &own).may_look(), Err(Wait::Metered));
        }
    }

    #[test]
    fn what_a_package_manager_owns_is_never_fetched_nor_put_in() {
        for install in [Install::Deb, Install::Rpm, Install::System, Install::AppImage] {
            let situation = at(Mode::Automatic, true, false, &install);
            assert_eq!(situation.may_look(), Ok(()));
            assert_eq!(situation.may_fetch(), Err(Wait::NotOurs));
            assert_eq!(situation.may_put_in(), Err(Wait::NotOurs));
        }
    }

    #[test]
    fn shares_are_even_and_each_version_draws_anew() {
        let count = (0u32..5000).filter(|id| share(&id.to_le_bytes(), "1.0.0") < 10).count();
        assert!((350..650).contains(&count), "{count}");
        assert_eq!(share(b"me", "1.0.0"), share(b"me", "1.0.0"));
        assert!((0..20).any(|minor| share(b"me", &format!("1.{minor}.0")) != share(b"me", "1.0.0")));
    }
}
