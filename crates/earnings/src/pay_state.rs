//! Why a run pays nothing, in words.
//!
//! In: the network, our place, the newest pay-outs. Out: every reason that holds, the weightiest first, each with one sentence.
//! A zero is never shown without its reason; what cannot be known from what was read is said to be unknown.

use chain::{NetworkInfo, Registration};
use serde::{Deserialize, Serialize};
use types::{BlockNumber, Problem, Rao};

use crate::forecast::Pace;
use crate::reward::Reward;

/// A network that has missed this many pay-outs sleeps.
const DORMANT_TEMPOS: u64 = 3;

/// Our place in the run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has asked the chain yet.
    Unknown,
    /// The key never had a place, as far as was read.
    Never,
    /// It has one.
    Registered {
        /// Slot and block.
        place: Registration,
    },
    /// It had one and lost it.
    Lost {
        /// Block at which it was seen to be gone, if known.
        seen_at: Option<BlockNumber>,
    },
}

/// What the reasons are worked out from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The network.
    pub network: &'a NetworkInfo,
    /// The newest block.
    pub head: BlockNumber,
    /// Our place.
    pub standing: Standing,
    /// How often it should pay.
    pub pace: Pace,
    /// Whether pay-outs have been read up to `head`; if not, silence says nothing.
    pub read_to_head: bool,
}

/// One reason, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PayState {
    /// Not read yet.
    Unknown,
    /// The key has no place.
    NotRegistered,
    /// The key lost its place.
    Deregistered {
        /// Block at which it was seen to be gone, if known.
        seen_at: Option<BlockNumber>,
    },
    /// No pay-out for several tempos.
    Dormant {
        /// The last pay-out, if there ever was one.
        last: Option<BlockNumber>,
        /// How many should have come since.
        missed: u64,
    },
    /// All of the miners' part is burned.
    AllBurned {
        /// The pay-out that did so.
        block: BlockNumber,
    },
    /// Some of the miners' part is burned; the rest is paid.
    PartBurned {
        /// The pay-out that did so.
        block: BlockNumber,
        /// Burned share in hundredths of a percent, rounded down.
        basis_points: u16,
    },
    /// Nobody or only others have earned in the last pay-out.
    NoIncentiveYet {
        /// That pay-out.
        block: BlockNumber,
    },
    /// Registered since the last pay-out.
    FirstPayOutAhead {
        /// Block of the next one, by the tempo.
        expected: BlockNumber,
    },
    /// The last pay-out paid us.
    Pays {
        /// That pay-out.
        block: BlockNumber,
        /// What it paid.
        amount: Rao,
    },
    /// Credits of a rehearsal: worth nothing, ever.
    NoValue,
    /// The unit has value, but no price was read.
    PriceUnknown,
}

impl PayState {
    /// All that hold, the weightiest first. `rewards`: blocks ascending.
    pub fn of(facts: &Facts<'_>, rewards: &[Reward]) -> Vec<Self> {
        let mut states = vec![Self::main(facts, rewards)];
        if let Some(newest) = rewards.last() {
            states.extend(part_burned(newest));
        }
        if !facts.network.has_value {
            states.push(Self::NoValue);
        } else if rewards.iter().rev().find(|r| r.amount().0 > 0).is_some_and(|r| r.value().is_none()) {
            states.push(Self::PriceUnknown);
        }
        states
    }

    fn main(facts: &Facts<'_>, rewards: &[Reward]) -> Self {
        let place = match facts.standing {
            Standing::Unknown => return Self::Unknown,
            Standing::Never => return Self::NotRegistered,
            Standing::Lost { seen_at } => return Self::Deregistered { seen_at },
            Standing::Registered { place } => place,
        };
        let tempo = facts.pace.tempo_blocks.max(1);
        let since = rewards.last().map_or(place.block, |r| r.block.max(place.block));
        if facts.pace.overdue(since, facts.head, DORMANT_TEMPOS) {
            if !facts.read_to_head {
                return Self::Unknown;
            }
            let last = rewards.last().map(|r| r.block);
            return Self::Dormant { last, missed: facts.head.0.saturating_sub(since.0) / tempo };
        }
        let Some(newest) = rewards.last().filter(|r| r.block >= place.block) else {
            return Self::FirstPayOutAhead { expected: BlockNumber(since.0.saturating_add(tempo)) };
        };
        let (block, amount) = (newest.block, newest.amount());
        if amount.0 > 0 {
            Self::Pays { block, amount }
        } else if newest.all_miners.0 == 0 && newest.burned.0 > 0 {
            Self::AllBurned { block }
        } else {
            Self::NoIncentiveYet { block }
        }
    }

    /// Whether it means that nothing of value comes.
    pub fn pays_nothing(&self) -> bool {
        !matches!(self, Self::Pays { .. } | Self::PartBurned { .. } | Self::PriceUnknown | Self::Unknown)
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "pay_unknown",
            Self::NotRegistered => "not_registered",
            Self::Deregistered { .. } => "deregistered",
            Self::Dormant { .. } => "dormant",
            Self::AllBurned { .. } => "all_burned",
            Self::PartBurned { .. } => "part_burned",
            Self::NoIncentiveYet { .. } => "no_incentive_yet",
            Self::FirstPayOutAhead { .. } => "first_pay_out_ahead",
            Self::Pays { .. } => "pays",
            Self::NoValue => "no_value",
            Self::PriceUnknown => "price_unknown",
        }
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unknown => "Pay-outs have not been read from the chain yet".into(),
            Self::NotRegistered => "This key has no place in the run, so it earns nothing".into(),
            Self::Deregistered { seen_at: Some(block) } => {
                format!("This key lost its place in the run by block {block} and earns nothing since")
            }
            Self::Deregistered { seen_at: None } => "This key has lost its place in the run and earns nothing".into(),
            Self::Dormant { last: Some(block), missed } => {
                format!(
                    "The run sleeps: nothing was paid to anybody since block {block}, {missed} pay-outs are overdue"
                )
            }
            Self::Dormant { last: None, missed } => {
                format!("The run sleeps: it has paid nobody while {missed} pay-outs should have come")
            }
            Self::AllBurned { block } => {
                format!("Burning 100 %: the last pay-out (block {block}) gave nothing to any miner, you would earn 0")
            }
            Self::PartBurned { block, basis_points } => {
                let percent = crate::amount::decimal(u64::from(*basis_points), 2);
                format!("{percent} % of the miners' part was burned in the last pay-out (block {block})")
            }
            Self::NoIncentiveYet { block } => {
                format!("The last pay-out (block {block}) gave this key nothing: no validator gives it weight yet")
            }
            Self::FirstPayOutAhead { expected } => {
                format!("Registered since the last pay-out; the next one is due around block {expected}")
            }
            Self::Pays { block, amount } => {
                let amount = crate::amount::decimal(amount.0, 9);
                format!("The last pay-out (block {block}) paid {amount}")
            }
            Self::NoValue => "These are credits of a rehearsal: they are worth nothing and cannot be exchanged".into(),
            Self::PriceUnknown => "No price was read at that block, so its worth is unknown".into(),
        }
    }

    /// What to do about it.
    fn hint(&self) -> &'static str {
        match self {
            Self::NotRegistered | Self::Deregistered { .. } => "Registering gives the key a place; it may cost a fee",
            Self::Dormant { .. } | Self::AllBurned { .. } => "Training here earns nothing until that changes",
            Self::NoIncentiveYet { .. } => "Accepted rounds raise the weight; the first ones count little",
            Self::Unknown => "The figures appear when the chain answers",
            Self::NoValue => "Join a run on a network to earn something",
            Self::PriceUnknown => "The amount is exact; only its worth is missing",
            Self::PartBurned { .. } | Self::FirstPayOutAhead { .. } | Self::Pays { .. } => "There is nothing to do",
        }
    }

    /// The same for the places that show problems.
    pub fn problem(&self) -> Problem {
        Problem::new(self.code(), self.sentence(), self.hint())
    }
}

fn part_burned(newest: &Reward) -> Option<PayState> {
    let (burned, paid) = (u128::from(newest.burned.0), u128::from(newest.all_miners.0));
    let share = (burned * 10_000).checked_div(burned + paid)?;
    let basis_points = u16::try_from(share).ok()?;
    (burned > 0 && paid > 0).then_some(PayState::PartBurned { block: newest.block, basis_points })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::{Price, PriceAt, PriceSource};
    use crate::reward::BlockTime;
    use types::{Hash32, Uid};

    fn network(has_value: bool) -> NetworkInfo {
        let (name, symbol) = ("test".into(), "α".into());
        NetworkInfo { name, genesis: Hash32([1; 32]), symbol, decimals: 9, has_value }
    }

    fn place(block: u64) -> Registration {
        Registration { uid: Uid(7), block: BlockNumber(block) }
    }

    fn epoch(block: u64, mine: u64, others: u64, burned: u64) -> Reward {
        Reward {
            block: BlockNumber(block),
            hash: None,
            time: BlockTime { ms: 0, exact: true },
            standing: Some(place(10)),
            miner: Rao(mine),
            validator: Rao(0),
            all_miners: Rao(mine + others),
            burned: Rao(burned),
            minted: Rao(mine + others + burned),
            price: None,
            confirmed_at: None,
        }
    }

    fn states(standing: Standing, head: u64, has_value: bool, rewards: &[Reward]) -> Vec<PayState> {
        let (network, pace) = (network(has_value), Pace { tempo_blocks: 100, block_ms: 12_000 });
        let facts = Facts { network: &network, head: BlockNumber(head), standing, pace, read_to_head: true };
        PayState::of(&facts, rewards)
    }

    #[test]
    fn every_way_to_earn_nothing_has_its_own_words() {
        let registered = Standing::Registered { place: place(10) };
        let at = BlockNumber;
        let cases = [
            (states(Standing::Never, 50, true, &[]), PayState::NotRegistered),
            (states(Standing::Unknown, 50, true, &[]), PayState::Unknown),
            (
                states(Standing::Lost { seen_at: Some(at(40)) }, 50, true, &[]),
                PayState::Deregistered { seen_at: Some(at(40)) },
            ),
            (states(registered, 50, true, &[]), PayState::FirstPayOutAhead { expected: at(110) }),
            (states(registered, 500, true, &[]), PayState::Dormant { last: None, missed: 4 }),
            (
                states(registered, 900, true, &[epoch(200, 5, 5, 0)]),
                PayState::Dormant { last: Some(at(200)), missed: 7 },
            ),
            (states(registered, 250, true, &[epoch(200, 0, 0, 9)]), PayState::AllBurned { block: at(200) }),
            (states(registered, 250, true, &[epoch(200, 0, 9, 0)]), PayState::NoIncentiveYet { block: at(200) }),
        ];
        let mut sentences = std::collections::BTreeSet::new();
        for (found, want) in cases {
            assert_eq!(found[0], want);
            assert!(want.pays_nothing() || want == PayState::Unknown);
            assert!(sentences.insert(want.sentence()), "{}", want.sentence());
            assert_eq!(want.problem().code, want.code());
        }
        assert!(PayState::AllBurned { block: at(200) }.sentence().starts_with("Burning 100 %: "));
    }

    #[test]
    fn silence_that_was_not_read_is_unknown_and_not_dormant() {
        let (network, pace) = (network(true), Pace { tempo_blocks: 100, block_ms: 12_000 });
        let standing = Standing::Registered { place: place(10) };
        let facts = Facts { network: &network, head: BlockNumber(5_000), standing, pace, read_to_head: false };
        assert_eq!(PayState::of(&facts, &[]), [PayState::Unknown]);
    }

    #[test]
    fn pay_is_shown_with_its_burned_part_and_what_it_is_worth() {
        let registered = Standing::Registered { place: place(10) };
        let mut paid = epoch(200, 30, 30, 30);
        let burned = PayState::PartBurned { block: BlockNumber(200), basis_points: 3333 };
        let pays = PayState::Pays { block: BlockNumber(200), amount: Rao(30) };
        assert_eq!(states(registered, 250, true, &[paid.clone()]), [pays, burned, PayState::PriceUnknown]);
        assert!(burned.sentence().starts_with("33.33 % of"), "{}", burned.sentence());
        assert_eq!(states(registered, 250, false, &[paid.clone()]), [pays, burned, PayState::NoValue]);
        let price = Price::of_unit(25_000_000);
        paid.price = Some(PriceAt { price, source: PriceSource::RuntimeCall, block: paid.block });
        assert_eq!(states(registered, 250, true, &[paid]), [pays, burned]);
    }
}
