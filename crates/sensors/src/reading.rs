//! What was read, as plain values, and the bounds that nothing from outside gets past.

use types::ByteCount;

/// Names from outside are cut to so many characters.
const LONGEST_NAME: usize = 64;
/// Nobody is away for longer than ten years; a larger number is nonsense.
const MOST_IDLE_SECS: u64 = 10 * 366 * 86_400;

/// What the computer says at one moment. `None` is "cannot tell", never "no".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// How it is fed.
    pub battery: Option<Battery>,
    /// Seconds since somebody last used keyboard or mouse.
    pub idle_secs: Option<u64>,
    /// What fills the screen.
    pub full_screen: Option<FullScreen>,
    /// Camera or microphone is in use. On Linux: a recording of a sound card runs, or a USB camera is open; a Bluetooth
    /// headset's microphone is not seen.
    pub meeting: Option<bool>,
    /// The line costs by volume.
    pub metered: Option<bool>,
    /// The internet can be reached.
    pub online: Option<bool>,
    /// The session is locked.
    pub session_locked: Option<bool>,
    /// How the desktop wants things to look.
    pub appearance: Appearance,
    /// Those of the programs asked for that run, as they stand in [`crate::Config::apps`].
    pub apps: Option<Vec<String>>,
    /// Room on the data folder's disk.
    pub disk_free: Option<ByteCount>,
    /// Memory of the computer.
    pub memory_total: Option<ByteCount>,
    /// Memory that programs can still get.
    pub memory_free: Option<ByteCount>,
}

/// How the computer is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Battery {
    /// The battery feeds it. `false` where there is no battery.
    pub on_battery: bool,
    /// It takes charge.
    pub charging: bool,
    /// Charge in percent, of all batteries together; `None` without a battery.
    pub percent: Option<u32>,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FullScreen {
    /// Nothing does.
    Nothing,
    /// A program does.
    Program {
        /// Its name; empty if it cannot be told.
        app: String,
    },
}

/// How the desktop wants things to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appearance {
    /// Light letters on dark ground.
    pub dark: Option<bool>,
    /// Stronger contrast.
    pub high_contrast: Option<bool>,
    /// No motion.
    pub reduced_motion: Option<bool>,
}

/// A name from outside: one short line of printable characters.
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "only Linux names windows"))]
pub(crate) fn name(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// Seconds that somebody can have been away.
#[cfg_attr(not(any(target_os = "linux", windows, test)), expect(dead_code, reason = "nobody says it there"))]
pub(crate) fn idle_secs(secs: u64) -> Option<u64> {
    (secs <= MOST_IDLE_SECS).then_some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_times_from_outside_are_bounded() {
        assert_eq!(name(" a\u{1b}[31m\nb\0 "), "a[31mb");
        assert_eq!(name(&"ü".repeat(10_000)).chars().count(), LONGEST_NAME);
        assert_eq!(idle_secs(0), Some(0));
        assert_eq!(idle_secs(u64::MAX / 1000), None);
    }
}
