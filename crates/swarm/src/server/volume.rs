//! What may still go out this month.
//!
//! In: the user's word now and then, bytes that went. Out: whether it is used up. It keeps no calendar.

use std::sync::atomic::{AtomicU64, Ordering};

/// A volume in bytes; without one there is no end.
#[derive(Debug)]
pub(crate) struct Volume(AtomicU64);

const ENDLESS: u64 = u64::MAX;

impl Default for Volume {
    fn default() -> Self {
        Self(AtomicU64::new(ENDLESS))
    }
}

impl Volume {
    /// What is left as of now.
    pub(crate) fn set(&self, left: Option<u64>) {
        self.0.store(left.map_or(ENDLESS, |left| left.min(ENDLESS - 1)), Ordering::Relaxed);
    }

    /// These bytes went.
    pub(crate) fn spend(&self, bytes: u64) {
        let less = |left: u64| (left != ENDLESS).then(|| left.saturating_sub(bytes));
        // No volume: nothing to take from.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}
