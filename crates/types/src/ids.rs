//! Newtypes for every id and unit, so that a round is never passed where a block is wanted.
//!
//! In: integers. Out: typed integers that serialise as plain numbers. No arithmetic that could wrap silently.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A training round. The live reference calls it a window (protocol.md §4.1).
    Round(u64)
}
number! {
    /// Slot number of a registered hotkey in a run.
    Uid(u16)
}
number! {
    /// Height of a chain block.
    BlockNumber(u64)
}
number! {
    /// The smallest unit of a run's credit or token: 10^-9 of one.
    Rao(u64)
}
number! {
    /// A size in bytes.
    ByteCount(u64)
}

impl Round {
    /// The round after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The round before this one; `None` for round 0.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl Rao {
    /// Rao in one whole credit.
    pub const PER_CREDIT: u64 = 1_000_000_000;

    /// Whole credits, for display only: earnings are computed in integers.
    pub fn credits(self) -> f64 {
        self.0 as f64 / Self::PER_CREDIT as f64
    }
}
