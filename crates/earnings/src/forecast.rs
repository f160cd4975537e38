//! What a day would bring if it went on like the last epoch. An estimate, never booked.
//!
//! In: pay-outs, the chain's pace. Out: an amount per day with its basis and the band of recent epochs, or nothing where there is
//! nothing to go by. Pure.

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Rao};

use crate::amount::{Labelled, Mark};
use crate::reward::Reward;

/// Epochs that the band is taken from: a day of Bittensor.
const BAND_EPOCHS: usize = 20;
/// Fewer say nothing about how much they differ.
const BAND_AT_LEAST: usize = 3;
/// Epochs in the hourly figure.
const HOURLY_EPOCHS: usize = 3;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How often the chain pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Blocks between two pay-outs; on Bittensor the subnet's tempo.
    pub tempo_blocks: u64,
    /// Milliseconds between two blocks; 12,000 on Bittensor.
    pub block_ms: u64,
}

impl Pace {
    fn epoch_ms(self) -> Option<u64> {
        self.tempo_blocks.checked_mul(self.block_ms).filter(|ms| *ms > 0)
    }

    /// `amount` per epoch as an amount per `span_ms`, rounded down.
    fn per(self, amount: Rao, span_ms: u64) -> Option<Rao> {
        let rao = u128::from(amount.0) * u128::from(span_ms) / u128::from(self.epoch_ms()?);
        u64::try_from(rao).ok().map(Rao)
    }

    /// Whether an epoch at `block` is so long before `head` that the next one is overdue by `tempos`.
    pub(crate) fn overdue(self, block: BlockNumber, head: BlockNumber, tempos: u64) -> bool {
        head.0.saturating_sub(block.0) > self.tempo_blocks.saturating_mul(tempos)
    }
}

/// An estimate of a day's pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Last epoch × epochs per day.
    pub per_day: Rao,
    /// The smallest and largest of the recent epochs × epochs per day; `None` with fewer than three of them.
    pub band: Option<(Rao, Rao)>,
    /// Mean of the last three epochs × epochs per hour; `None` with fewer.
    pub per_hour: Option<Rao>,
    /// The last epoch.
    pub block: BlockNumber,
    /// What it paid us.
    pub last: Rao,
    /// Epochs that the band was taken from.
    pub epochs: usize,
}

impl Forecast {
    /// How it was worked out, in words.
    pub fn basis(&self) -> String {
        let band = match self.epochs {
            n if n < BAND_AT_LEAST => "too few epochs for a band".to_owned(),
            n => format!("band: smallest and largest of the last {n}"),
        };
        format!("last epoch (block {}) × epochs per day; {band}; it promises nothing", self.block)
    }
}

/// The estimate from `rewards` (blocks ascending), using only epochs of the newest one's registration.
/// `None` without a paid-or-not epoch in which we had a place, or for a chain that stands still.
pub fn forecast(rewards: &[Reward], pace: Pace) -> Option<Labelled<Forecast>> {
    let newest = rewards.last()?;
    let place = newest.standing?;
    let mut recent: Vec<Rao> =
        rewards.iter().rev().take_while(|r| r.standing == Some(place)).take(BAND_EPOCHS).map(Reward::amount).collect();
    let epochs = recent.len();
    let hourly = &recent[..epochs.min(HOURLY_EPOCHS)];
    let sum = u64::try_from(hourly.iter().map(|rao| u128::from(rao.0)).sum::<u128>()).ok()?;
    // Summed before divided: three epochs of 1 rao are not nothing.
    let per_hour = pace.per(Rao(sum), DAY_MS / 24).filter(|_| epochs >= HOURLY_EPOCHS);
    let per_hour = per_hour.map(|rao| Rao(rao.0 / HOURLY_EPOCHS as u64));
    recent.sort_unstable();
    let ends = recent.first().zip(recent.last()).filter(|_| epochs >= BAND_AT_LEAST);
    let band = match ends {
        Some((low, high)) => Some((pace.per(*low, DAY_MS)?, pace.per(*high, DAY_MS)?)),
        None => None,
    };
    let last = newest.amount();
    let value = Forecast { per_day: pace.per(last, DAY_MS)?, band, per_hour, block: newest.block, last, epochs };
    Some(Labelled::new(value, Mark::Estimate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::BlockTime;
    use chain::Registration;
    use types::Uid;

    const BITTENSOR: Pace = Pace { tempo_blocks: 360, block_ms: 12_000 };

    fn paid(epoch: u64, miner: u64, registered: Option<u64>) -> Reward {
        Reward {
            block: BlockNumber(360 * epoch),
            hash: None,
            time: BlockTime { ms: epoch * 4_320_000, exact: true },
            standing: registered.map(|block| Registration { uid: Uid(1), block: BlockNumber(block) }),
            miner: Rao(miner),
            validator: Rao(0),
            all_miners: Rao(miner),
            burned: Rao(0),
            minted: Rao(miner),
            price: None,
            confirmed_at: None,
        }
    }

    #[test]
    fn a_day_on_bittensor_has_twenty_epochs() {
        let rewards: Vec<Reward> = [5, 9, 2, 7].iter().zip(1..).map(|(rao, n)| paid(n, *rao, Some(0))).collect();
        let found = forecast(&rewards, BITTENSOR).unwrap();
        assert_eq!(found.mark, Mark::Estimate);
        assert_eq!(found.value.per_day, Rao(140));
        assert_eq!(found.value.band, Some((Rao(40), Rao(180))));
        // (9 + 2 + 7) / 3 × 50/60.
        assert_eq!(found.value.per_hour, Some(Rao(5)));
        assert!(found.value.basis().contains("block 1440"), "{}", found.value.basis());
    }

    #[test]
    fn an_earlier_registration_and_a_lost_place_say_nothing_about_tomorrow() {
        let again = [paid(1, 50, Some(0)), paid(2, 60, Some(0)), paid(3, 4, Some(900))];
        let found = forecast(&again, BITTENSOR).unwrap().value;
        assert_eq!((found.per_day, found.band, found.epochs), (Rao(80), None, 1));
        assert_eq!(forecast(&[paid(1, 50, Some(0)), paid(2, 0, None)], BITTENSOR), None);
        assert_eq!(forecast(&[], BITTENSOR), None);
        assert_eq!(forecast(&again, Pace { tempo_blocks: 0, block_ms: 12_000 }), None);
    }
}
