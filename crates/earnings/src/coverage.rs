//! Which blocks have been read, as disjoint ranges.
//!
//! In: ranges that were read. Out: their union, and what is missing. Pure.

use serde::{Deserialize, Serialize};
use types::BlockNumber;

/// The blocks `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockRange {
    /// First block.
    pub from: BlockNumber,
    /// First block after it.
    pub to: BlockNumber,
}

impl BlockRange {
    /// The blocks `from..to`.
    pub fn new(from: u64, to: u64) -> Self {
        Self { from: BlockNumber(from), to: BlockNumber(to) }
    }

    /// Whether it holds no block.
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// Whether it holds `block`.
    pub fn contains(&self, block: BlockNumber) -> bool {
        self.from <= block && block < self.to
    }

    /// How many blocks it holds.
    pub fn blocks(&self) -> u64 {
        self.to.0.saturating_sub(self.from.0)
    }
}

/// `covered` (ascending, disjoint, not touching) with `range` added.
pub(crate) fn with(covered: &[BlockRange], range: BlockRange) -> Vec<BlockRange> {
    if range.is_empty() {
        return covered.to_vec();
    }
    let mut grown = range;
    let mut out = Vec::with_capacity(covered.len() + 1);
    for old in covered {
        if old.to < grown.from || grown.to < old.from {
            out.push(*old);
        } else {
            grown = BlockRange { from: grown.from.min(old.from), to: grown.to.max(old.to) };
        }
    }
    out.push(grown);
    out.sort_unstable();
    out
}

/// What of `wanted` is not covered, ascending.
pub(crate) fn gaps(covered: &[BlockRange], wanted: BlockRange) -> Vec<BlockRange> {
    let mut out = Vec::new();
    let mut at = wanted.from;
    for range in covered {
        let gap = BlockRange { from: at, to: range.from.min(wanted.to) };
        if !gap.is_empty() {
            out.push(gap);
        }
        at = at.max(range.to);
    }
    let rest = BlockRange { from: at, to: wanted.to };
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_behave_like_sets_of_blocks(
            reads in proptest::collection::vec((0u64..60, 0u64..12), 0..12),
            wanted in (0u64..60, 0u64..40),
        ) {
            let mut covered = Vec::new();
            let mut model = [false; 80];
            for (from, length) in reads {
                covered = with(&covered, BlockRange::new(from, from + length));
                model[from as usize..(from + length) as usize].fill(true);
                prop_assert!(covered.windows(2).all(|w| w[0].to < w[1].from), "{:?}", covered);
            }
            let wanted = BlockRange::new(wanted.0, (wanted.0 + wanted.1).min(80));
            let missing = gaps(&covered, wanted);
            for block in 0..80 {
                let gone = wanted.contains(BlockNumber(block)) && !model[block as usize];
                prop_assert_eq!(missing.iter().any(|r| r.contains(BlockNumber(block))), gone, "block {}", block);
            }
        }
    }
}
