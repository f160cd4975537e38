//! A system of which only battery, memory, disk and programs are known. Everything else is "cannot tell".

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Instant;

use tokio_util::task::TaskTracker;

use crate::clock::Clocks;
use crate::config::Places;
use crate::keep_awake::KeepAwakeError;
use crate::reading::{Appearance, Reading};

/// Nothing is ever held.
pub(crate) type Lock = Infallible;

#[expect(dead_code, reason = "this system says nothing by itself")]
pub(crate) enum Told {
    Sleep(Option<Lock>),
    Woke,
    Ending(Option<Lock>),
    Look(Appearance),
}

pub(crate) struct Desktop;

impl Desktop {
    pub(crate) fn new(_places: Places, _tracker: &TaskTracker) -> Self {
        Self
    }

    pub(crate) async fn told(&mut self) -> Told {
        std::future::pending().await
    }

    pub(crate) async fn read(&mut self, _reading: &mut Reading) {}
}

/// One clock: sleep is not seen.
pub(crate) fn clocks() -> Clocks {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = START.elapsed();
    Clocks { with_sleep: since, awake: since }
}

pub(crate) async fn keep_awake(_places: &Places, _why: &str) -> Result<Lock, KeepAwakeError> {
    Err(KeepAwakeError::Unsupported)
}
