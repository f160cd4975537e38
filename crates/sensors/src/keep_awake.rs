//! Keeps the computer awake while it works, and lets go when it is dropped.

use crate::os;

/// As long as this lives, the computer does not fall asleep by itself. The screen may go dark; a person may still put the
/// computer to sleep where the system puts that above programs.
#[derive(Debug)]
#[must_use = "dropping it lets the computer sleep"]
pub struct KeepAwake {
    _lock: os::Lock,
}

/// Why the computer could not be kept awake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeepAwakeError {
    /// The system has nobody to ask.
    #[error("this system cannot be kept awake")]
    Unsupported,
    /// The system said no.
    #[error("the system refused to stay awake: {0}")]
    Refused(String),
    /// It did not answer in time.
    #[error("the system did not answer in time")]
    Slow,
}

impl KeepAwake {
    /// Asks for it. `why` is shown by the system to whoever looks for what keeps it awake.
    ///
    /// # Errors
    /// [`KeepAwakeError`]; then the computer may fall asleep.
    pub async fn take(places: &crate::Places, why: &str) -> Result<Self, KeepAwakeError> {
        os::keep_awake(places, why).await.map(|lock| Self { _lock: lock })
    }
}
