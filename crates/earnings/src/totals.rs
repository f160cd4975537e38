//! Today, seven days, all of it: what the earnings page shows.
//!
//! In: a book, a moment, a time zone, optionally a tariff and prices in money. Out: sums in integers by local day, each marked with
//! what kind of number it is, and what is missing for them to be whole. Unknown stays unknown: a sum of worths in which one
//! price is missing is `None`.

use chain::NetworkInfo;
use jiff::tz::TimeZone;
use serde::Serialize;
use types::{BlockNumber, Hotkey, Rao};

use crate::amount::{Fiat, FiatRate, Labelled, Mark, PriceSource};
use crate::book::Book;
use crate::coverage::BlockRange;
use crate::days::{Day, days_until};
use crate::energy::{Energy, SlotEnergy};
use crate::error::BookError;
use crate::forecast::{Forecast, Pace, forecast};
use crate::pay_state::{Facts, PayState, Standing};
use crate::reward::Reward;
use crate::tariff::Tariff;

/// Days in the week's sum: today and the six before it.
const WEEK_DAYS: usize = 7;

/// What a summary is worked out from besides the book.
#[derive(Debug, Clone, Copy)]
pub struct SummaryInput<'a> {
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
    /// The person's time zone.
    pub zone: &'a TimeZone,
    /// Days to show, at least 7.
    pub days: u16,
    /// The newest block.
    pub head: BlockNumber,
    /// How often the chain pays.
    pub pace: Pace,
    /// Blocks until a block is usually final; `None` if unknown.
    pub finality_blocks: Option<u64>,
    /// Our place now.
    pub standing: Standing,
    /// Block from which on pay-outs matter, usually the first registration; earlier ones are not missed.
    pub since: BlockNumber,
    /// What electricity costs.
    pub tariff: Option<&'a Tariff>,
    /// Prices of the base unit in money, at most one of which is used per day: the last one of that day.
    pub rates: &'a [FiatRate],
}

/// A sum of pay-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Can no longer be taken back.
    pub confirmed: Labelled<Rao>,
    /// A reorg could still take it back.
    pub pending: Labelled<Rao>,
    /// Worth of both at their blocks' prices, in base unit; `None` if a price is missing.
    pub value: Option<Labelled<Rao>>,
    /// Pay-outs in the sum.
    pub epochs: u32,
}

impl Split {
    /// Confirmed and pending together.
    pub fn all(&self) -> Rao {
        Rao(self.confirmed.value.0.saturating_add(self.pending.value.0))
    }
}

/// A pay-out that is not final yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PendingPay {
    /// Its block.
    pub block: BlockNumber,
    /// Its amount.
    pub amount: Labelled<Rao>,
    /// Block at which it should be final.
    pub confirms_at: Option<Labelled<BlockNumber>>,
}

/// One day's bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayPay {
    /// The day.
    pub day: Day,
    /// What was paid.
    pub pay: Split,
    /// Whether every block's time in it was read from the block; otherwise pay near midnight may belong to the next day.
    pub exact_times: bool,
    /// What was expected for it from the epochs before it.
    pub expected: Option<Labelled<Forecast>>,
    /// Energy used; `None` if nothing was measured.
    pub energy: Option<Labelled<Energy>>,
    /// Milliseconds of the day for which energy is known.
    pub energy_known_ms: u64,
    /// What that energy cost, in the tariff's currency.
    pub cost: Option<Labelled<Fiat>>,
    /// What the pay was worth, in the tariff's currency.
    pub worth: Option<Labelled<Fiat>>,
    /// Worth less cost; `None` unless both are known.
    pub net: Option<Labelled<Fiat>>,
}

/// The whole page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The network.
    pub network: NetworkInfo,
    /// The subnet, if the network has them.
    pub subnet: Option<u16>,
    /// The key.
    pub hotkey: Hotkey,
    /// Since local midnight.
    pub today: Split,
    /// Today and the six days before.
    pub week: Split,
    /// Everything.
    pub total: Split,
    /// Days, oldest first; the last one is today.
    pub days: Vec<DayPay>,
    /// Not final yet.
    pub pending: Vec<PendingPay>,
    /// The estimate for a day from now.
    pub forecast: Option<Labelled<Forecast>>,
    /// Why it pays or does not; the weightiest first.
    pub states: Vec<PayState>,
    /// Blocks that are still to be read; while there are any, the sums are lower bounds.
    pub missing: Vec<BlockRange>,
    /// Currency of cost, worth and net.
    pub currency: Option<crate::tariff::Currency>,
}

/// Works out the page.
///
/// # Errors
/// [`BookError`] if the book does not read, [`BookError::Invalid`] for a moment beyond the calendar.
pub fn summary(book: &Book, input: &SummaryInput<'_>) -> Result<Summary, BookError> {
    let rewards = book.all_rewards()?;
    let count = input.days.max(WEEK_DAYS as u16);
    let beyond = |_| BookError::Invalid("a moment beyond the calendar");
    let days = days_until(input.now_ms, input.zone, count).map_err(beyond)?;
    let slots = match (days.first(), days.last()) {
        (Some(first), Some(last)) => book.energy(first.start_ms, last.end_ms)?,
        _ => Vec::new(),
    };
    let bars = days.into_iter().map(|day| bar(day, &rewards, &slots, input)).collect::<Result<Vec<_>, _>>()?;
    let from = |days: usize| bars[bars.len().saturating_sub(days)..].first().map_or(u64::MAX, |bar| bar.day.start_ms);
    let until = bars.last().map_or(0, |bar| bar.day.end_ms);
    let since = |start: u64| split(rewards.iter().filter(|r| (start..until).contains(&r.time.ms)));
    let missing = book.gaps(BlockRange { from: input.since, to: BlockNumber(input.head.0.saturating_add(1)) })?;
    let finality = input.finality_blocks.unwrap_or(0);
    let lag = input.head.0.saturating_sub(finality.max(input.pace.tempo_blocks));
    let network = &book.id().network;
    let read_to_head = missing.iter().all(|gap| gap.from.0 >= lag);
    let facts = Facts { network, head: input.head, standing: input.standing, pace: input.pace, read_to_head };
    let states = PayState::of(&facts, &rewards);
    let registered = matches!(input.standing, Standing::Registered { .. });
    let asleep = states.iter().any(|state| matches!(state, PayState::Dormant { .. } | PayState::Unknown));
    Ok(Summary {
        network: network.clone(),
        subnet: book.id().subnet,
        hotkey: book.id().hotkey,
        today: since(from(1)),
        week: since(from(WEEK_DAYS)),
        total: split(rewards.iter()),
        pending: pending(&rewards, input.finality_blocks),
        forecast: if registered && !asleep { forecast(&rewards, input.pace) } else { None },
        days: bars,
        states,
        missing,
        currency: input.tariff.map(|tariff| tariff.currency.clone()),
    })
}

fn split<'a>(rewards: impl Iterator<Item = &'a Reward>) -> Split {
    let (mut confirmed, mut pending, mut epochs) = (0u64, 0u64, 0u32);
    let (mut value, mut mark) = (Some(0u64), Mark::OnChain);
    for reward in rewards {
        let amount = reward.amount();
        let sum = if reward.confirmed_at.is_some() { &mut confirmed } else { &mut pending };
        *sum = sum.saturating_add(amount.0);
        epochs = epochs.saturating_add(1);
        if amount.0 == 0 {
            continue;
        }
        value = value.zip(reward.value()).and_then(|(sum, more)| sum.checked_add(more.0));
        if reward.price.is_some_and(|at| at.source == PriceSource::SimulatedSwap || at.block != reward.block) {
            mark = Mark::Estimate;
        }
    }
    Split {
        confirmed: Labelled::new(Rao(confirmed), Mark::OnChain),
        pending: Labelled::new(Rao(pending), Mark::OnChain),
        value: value.map(|rao| Labelled::new(Rao(rao), mark)),
        epochs,
    }
}

fn pending(rewards: &[Reward], finality_blocks: Option<u64>) -> Vec<PendingPay> {
    let confirms = |block: BlockNumber| {
        finality_blocks.map(|more| Labelled::new(BlockNumber(block.0.saturating_add(more)), Mark::Estimate))
    };
    rewards
        .iter()
        .filter(|reward| reward.confirmed_at.is_none() && reward.amount().0 > 0)
        .map(|reward| PendingPay {
            block: reward.block,
            amount: Labelled::new(reward.amount(), Mark::OnChain),
            confirms_at: confirms(reward.block),
        })
        .collect()
}

fn bar(day: Day, rewards: &[Reward], slots: &[SlotEnergy], input: &SummaryInput<'_>) -> Result<DayPay, BookError> {
    let paid: Vec<&Reward> = rewards.iter().filter(|reward| day.contains(reward.time.ms)).collect();
    let before = &rewards[..rewards.partition_point(|reward| reward.time.ms < day.start_ms)];
    let awake = before.last().is_some_and(|last| {
        day.start_ms.saturating_sub(last.time.ms)
            <= input.pace.tempo_blocks.saturating_mul(input.pace.block_ms).saturating_mul(3)
    });
    let pay = split(paid.iter().copied());
    let slots: Vec<SlotEnergy> = slots.iter().filter(|slot| day.contains(slot.start_ms)).copied().collect();
    let energy = slots.iter().fold(0u64, |sum, slot| sum.saturating_add(slot.energy().microjoules));
    let energy = (!slots.is_empty()).then_some(Labelled::new(Energy { microjoules: energy }, Mark::Measured));
    let cost = match input.tariff {
        Some(tariff) if energy.is_some() => {
            let cost = tariff.cost(&slots, input.zone);
            Some(Labelled::new(cost.map_err(|_| BookError::Invalid("a moment beyond the calendar"))?, Mark::Measured))
        }
        _ => None,
    };
    let worth = input.tariff.and_then(|tariff| worth(&day, &pay, tariff, input.rates));
    let net = worth.zip(cost).map(|(w, c)| Labelled::new(Fiat(w.value.0.saturating_sub(c.value.0)), w.mark));
    Ok(DayPay {
        exact_times: paid.iter().all(|reward| reward.time.exact),
        expected: if awake { forecast(before, input.pace) } else { None },
        energy,
        energy_known_ms: slots.iter().map(|slot| slot.known_ms).sum(),
        cost,
        worth,
        net,
        pay,
        day,
    })
}

/// The day's pay in the tariff's currency, by the last rate of that day. Nothing paid is worth nothing, whatever the rate.
fn worth(day: &Day, pay: &Split, tariff: &Tariff, rates: &[FiatRate]) -> Option<Labelled<Fiat>> {
    let value = pay.value?;
    if value.value.0 == 0 {
        return Some(Labelled::new(Fiat(0), Mark::Reported));
    }
    let of_day = rates.iter().filter(|rate| rate.currency == tariff.currency.code && day.contains(rate.at_ms));
    let worth = of_day.max_by_key(|rate| rate.at_ms)?.value(value.value)?;
    Some(Labelled::new(worth, Mark::Reported))
}

#[cfg(test)]
mod tests;
