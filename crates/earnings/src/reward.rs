//! One pay-out as the book keeps it, and how it is said to the book.
//!
//! In: pay-outs of a chain and who we were at that block. Out: rows of the book. A pay-out that gave us nothing is kept too: it
//! says why nothing came.

use chain::{EpochReward, Registration};
use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hash32, Rao};

use crate::BlockRange;
use crate::amount::PriceAt;
use crate::error::BookError;

/// When a block was made, and whether the chain said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockTime {
    /// Milliseconds since 1970.
    pub ms: u64,
    /// Read from the block itself; otherwise counted from another block's time.
    pub exact: bool,
}

/// A pay-out, as read from the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochFact {
    /// Who was paid what.
    pub reward: EpochReward,
    /// Hash of its block, if it was read.
    pub hash: Option<Hash32>,
    /// When its block was made.
    pub time: BlockTime,
    /// Our place at that block; `None` if we had none.
    pub standing: Option<Registration>,
    /// The price at that block, if one was read.
    pub price: Option<PriceAt>,
}

/// What one look at the chain found: **all** pay-outs of a range of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The blocks that were read.
    pub range: BlockRange,
    /// Newest block that can no longer change. Later ones stay pending.
    pub finalized: BlockNumber,
    /// All pay-outs in the range, blocks ascending.
    pub epochs: Vec<EpochFact>,
}

/// A pay-out in the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Block whose end paid out.
    pub block: BlockNumber,
    /// Its hash, if known.
    pub hash: Option<Hash32>,
    /// When it was made.
    pub time: BlockTime,
    /// Our place at that block; `None` if we had none.
    pub standing: Option<Registration>,
    /// Paid to us as a miner.
    pub miner: Rao,
    /// Paid to us as a validator.
    pub validator: Rao,
    /// Paid to all miners.
    pub all_miners: Rao,
    /// Given to nobody.
    pub burned: Rao,
    /// Minted in all.
    pub minted: Rao,
    /// The price at that block, if one was read.
    pub price: Option<PriceAt>,
    /// Newest final block when this one was known to be final; `None` while a reorg could still take it back.
    pub confirmed_at: Option<BlockNumber>,
}

impl Reward {
    /// What we were paid.
    pub fn amount(&self) -> Rao {
        // Both are parts of one `minted`, which fits; a book that says otherwise does not open its rows.
        Rao(self.miner.0.saturating_add(self.validator.0))
    }

    /// What it was worth at its block; `None` without a price.
    pub fn value(&self) -> Option<Rao> {
        self.price.and_then(|at| at.price.value(self.amount()))
    }

    pub(crate) fn from_fact(fact: &EpochFact, finalized: BlockNumber) -> Result<Self, BookError> {
        let EpochReward { block, minted, owner, burned, miner, validator } = &fact.reward;
        let all_miners = total(miner.iter().map(|(_, rao)| *rao))?;
        let all = total(validator.iter().map(|(_, rao)| *rao).chain([*owner, *burned, all_miners]))?;
        if all != *minted {
            return Err(BookError::Invalid("a pay-out's parts do not sum to what was minted"));
        }
        let mine = |list: &[(types::Uid, Rao)]| match fact.standing {
            Some(place) => total(list.iter().filter(|(uid, _)| *uid == place.uid).map(|(_, rao)| *rao)),
            None => Ok(Rao(0)),
        };
        let reward = Self {
            block: *block,
            hash: fact.hash,
            time: fact.time,
            standing: fact.standing,
            miner: mine(miner)?,
            validator: mine(validator)?,
            all_miners,
            burned: *burned,
            minted: *minted,
            price: fact.price,
            confirmed_at: (*block <= finalized).then_some(finalized),
        };
        reward.check().map_err(BookError::Invalid)?;
        Ok(reward)
    }

    /// Holds for every row that this program writes.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let parts = u128::from(self.all_miners.0) + u128::from(self.burned.0) + u128::from(self.validator.0);
        if parts > u128::from(self.minted.0) || self.miner > self.all_miners {
            return Err("a part is larger than the whole");
        }
        if self.price.is_some_and(|at| at.price.per == 0) {
            return Err("a price per nothing");
        }
        match self.standing {
            None if self.amount() != Rao(0) => Err("paid without a place"),
            Some(place) if place.block > self.block => Err("registered after the pay-out"),
            _ if self.confirmed_at.is_some_and(|at| at < self.block) => Err("confirmed before it was made"),
            _ if self.time.ms > MAX_TIME_MS => Err("a time beyond the calendar"),
            _ => Ok(()),
        }
    }

    /// This row with what `read` adds to it.
    ///
    /// # Errors
    /// The field in which they contradict each other, if this row is confirmed. A pending row gives way.
    pub(crate) fn merged(&self, read: &Self) -> Result<Self, &'static str> {
        if self.confirmed_at.is_none() && self.differs(read).is_some() {
            return Ok(read.clone());
        }
        if let Some(field) = self.differs(read) {
            return Err(field);
        }
        let time = if self.time.exact { self.time } else { read.time };
        let confirmed_at = self.confirmed_at.or(read.confirmed_at);
        Ok(Self { hash: self.hash.or(read.hash), time, price: self.price.or(read.price), confirmed_at, ..self.clone() })
    }

    fn differs(&self, read: &Self) -> Option<&'static str> {
        let other = |a: Option<Hash32>, b: Option<Hash32>| matches!((a, b), (Some(a), Some(b)) if a != b);
        let both_exact = self.time.exact && read.time.exact;
        [
            ("hash", other(self.hash, read.hash)),
            ("time", both_exact && self.time.ms != read.time.ms),
            ("registration", self.standing != read.standing),
            ("amount", (self.miner, self.validator) != (read.miner, read.validator)),
            ("emission", (self.all_miners, self.burned, self.minted) != (read.all_miners, read.burned, read.minted)),
            ("price", matches!((self.price, read.price), (Some(a), Some(b)) if a.source == b.source && a != b)),
        ]
        .into_iter()
        .find(|(_, differs)| *differs)
        .map(|(field, _)| field)
    }
}

/// The year 9999, which is as far as calendars go here.
const MAX_TIME_MS: u64 = 253_370_764_800_000;

fn total(parts: impl Iterator<Item = Rao>) -> Result<Rao, BookError> {
    let sum: u128 = parts.map(|rao| u128::from(rao.0)).sum();
    u64::try_from(sum).map(Rao).map_err(|_| BookError::Invalid("a pay-out larger than any supply"))
}

/// Our place at the end of `block`, given every registration of the key in order of blocks: the newest one before it.
/// A key that was registered again has a new uid, and what its old uid earns from then on is somebody else's.
pub fn standing_at(registrations: &[Registration], block: BlockNumber) -> Option<Registration> {
    registrations.iter().filter(|r| r.block <= block).max_by_key(|r| r.block).copied()
}
