//! What was earned, and what the electricity for it cost.
//!
//! In: the peer's word on each round's pay, the cards' energy. Out: the Earnings screen's figures. What the ledger of a
//! rehearsal pays is counted here, by local days; nothing is estimated, and what is not known stays unknown.

use super::run::drop_oldest;
use earnings::{days_until, hour_of_week};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::{Rao, Round};
use view_model::{
    DayBar, EarningsView, EnergySettings, EnergyView, Mark, ReceiptsView, RoundPay, RunKind, Told, Unit, Verified,
    is_week,
};

/// Days that are kept.
const MAX_DAYS: usize = 60;
/// Rounds that are kept.
const MAX_ROUNDS: usize = 500;
/// Books that are kept: one a run, and the rehearsals'.
const MAX_BOOKS: usize = 32;
const MILLIJOULES_PER_KWH: f64 = 3.6e9;
/// Millionths of a currency's unit.
const MICROS: u64 = 1_000_000;

/// All books; kept over a restart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Books {
    by_run: BTreeMap<String, Book>,
    energy: Energy,
}

/// A run's book. Rehearsals share one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Book {
    total: u64,
    days: Vec<(String, u64)>,
    /// Of the newest run, oldest first.
    rounds: Vec<RoundPay>,
    /// The newest balance that was said: what it grows by is pay.
    balance: Option<u64>,
}

/// Energy since local midnight.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Energy {
    day: String,
    millijoules: u64,
    /// Millionths of the currency's unit times millijoules, to be divided once.
    cost_micros: f64,
    estimated: bool,
}

/// Pay of a round, as the peer said it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pay {
    pub(crate) round: Round,
    pub(crate) score: f64,
    pub(crate) weight: f64,
    /// Paid in the last pay-out before it was said, which need not be the round's own.
    pub(crate) emission: Rao,
    pub(crate) balance: Rao,
}

/// Books, energy and receipts.
#[derive(Debug, Default)]
pub(crate) struct Money {
    books: Books,
    receipts: ReceiptsView,
    csv_saved: Option<String>,
}

/// The book that rehearsals share.
pub(crate) const REHEARSAL_BOOK: &str = "rehearsal";

impl Money {
    pub(crate) fn restored(mut books: Books) -> Self {
        while books.by_run.len() > MAX_BOOKS {
            books.by_run.pop_first();
        }
        for book in books.by_run.values_mut() {
            drop_oldest(&mut book.days, MAX_DAYS);
            drop_oldest(&mut book.rounds, MAX_ROUNDS);
        }
        Self { books, ..Self::default() }
    }

    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    /// Work begins: its rounds begin anew, and a rehearsal's ledger too.
    pub(crate) fn begin(&mut self, book: &str) {
        if let Some(known) = self.books.by_run.get_mut(book) {
            known.rounds.clear();
            if book == REHEARSAL_BOOK {
                known.balance = None;
            }
        }
        self.receipts = ReceiptsView::default();
    }

    /// Somebody said how a round was scored and what the balance is now. Several say it of the same round, the validator before
    /// the pay-out and the peer after it: what the balance grew by is the pay. Gives that.
    pub(crate) fn paid(&mut self, book: &str, pay: Pay, now_ms: u64, zone: &TimeZone) -> Rao {
        if !self.books.by_run.contains_key(book) && self.books.by_run.len() >= MAX_BOOKS {
            return Rao(0);
        }
        let rehearsal = book == REHEARSAL_BOOK;
        let book = self.books.by_run.entry(book.to_owned()).or_default();
        // A rehearsal's ledger begins with nothing; of a run's balance only the last pay-out is known to be news.
        let before = book.balance.unwrap_or(if rehearsal { 0 } else { pay.balance.0.saturating_sub(pay.emission.0) });
        let grown = pay.balance.0.saturating_sub(before);
        book.balance = Some(pay.balance.0);
        let row = match book.rounds.iter().position(|row| row.round == pay.round) {
            Some(known) => known,
            None => {
                let mark = Mark::OnChain;
                let (round, reward) = (pay.round, Rao(0));
                book.rounds.push(RoundPay { round, score: None, weight: None, reward, block: None, mark });
                drop_oldest(&mut book.rounds, MAX_ROUNDS);
                book.rounds.len() - 1
            }
        };
        if let Some(row) = book.rounds.get_mut(row) {
            row.score = pay.score.is_finite().then_some(pay.score);
            row.weight = pay.weight.is_finite().then_some(pay.weight.clamp(0.0, 1.0));
            row.reward = Rao(row.reward.0.saturating_add(grown));
        }
        if grown > 0 {
            book.total = book.total.saturating_add(grown);
            let day = day_of(now_ms, zone);
            match book.days.last_mut() {
                Some((last, sum)) if *last == day => *sum = sum.saturating_add(grown),
                _ => book.days.push((day, grown)),
            }
            drop_oldest(&mut book.days, MAX_DAYS);
        }
        Rao(grown)
    }

    /// Energy that the cards drew.
    pub(crate) fn drew(&mut self, slice: &gpu::EnergySlice, prices: &EnergySettings, zone: &TimeZone) {
        let day = day_of(slice.to_ms, zone);
        let energy = &mut self.books.energy;
        if energy.day != day {
            *energy = Energy { day, ..Energy::default() };
        }
        energy.millijoules = energy.millijoules.saturating_add(slice.millijoules);
        energy.estimated |= slice.source == gpu::EnergySource::PowerTime;
        if let Some(micros) = price_micros(prices, slice.to_ms, zone) {
            energy.cost_micros += micros as f64 * slice.millijoules as f64 / MILLIJOULES_PER_KWH;
        }
    }

    /// A receipt was written.
    pub(crate) fn receipt(&mut self, round: Round, sequence: u64, hash: types::Hash32) {
        self.receipts.count = self.receipts.count.max(sequence);
        self.receipts.newest = Some(format!("{round} · {hash}"));
        self.receipts.verified = None;
    }

    /// What a check of the receipts found.
    pub(crate) fn verified(&mut self, verified: Verified) {
        if let Verified::Good { receipts } = &verified {
            self.receipts.count = self.receipts.count.max(*receipts);
        }
        self.receipts.verified = Some(verified);
    }

    /// Where the CSV is.
    pub(crate) fn csv_saved(&mut self, path: String) {
        self.csv_saved = Some(path);
    }

    /// The rounds of a book as CSV, oldest first.
    pub(crate) fn csv(&self, book: &str) -> String {
        let mut text = "round,score,weight,reward_rao,block,mark\n".to_owned();
        let known = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        for pay in self.books.by_run.get(book).map(|book| book.rounds.as_slice()).unwrap_or_default() {
            let block = pay.block.map(|block| block.to_string()).unwrap_or_default();
            let mark = match pay.mark {
                Mark::Measured => "measured",
                Mark::Reported => "reported",
                Mark::OnChain => "on_chain",
                Mark::Estimate => "estimate",
            };
            let line = [pay.round.to_string(), known(pay.score), known(pay.weight), pay.reward.0.to_string(), block];
            text.push_str(&line.join(","));
            text.push_str(&format!(",{mark}\n"));
        }
        text
    }

    /// For the window.
    pub(crate) fn view(
        &self,
        book: &str,
        kind: RunKind,
        prices: &EnergySettings,
        now_ms: u64,
        zone: &TimeZone,
    ) -> EarningsView {
        let empty = Book::default();
        let book = self.books.by_run.get(book).unwrap_or(&empty);
        let days = days_until(now_ms, zone, 7).unwrap_or_default();
        let of = |day: &str| book.days.iter().find(|(known, _)| known == day).map_or(0, |(_, sum)| *sum);
        let today = day_of(now_ms, zone);
        let total = Some(Rao(book.total));
        EarningsView {
            unit: Unit::Credits,
            banner: (kind == RunKind::Rehearsal).then(|| Told::new("earnings-banner-rehearsal")),
            today: Some(Rao(of(&today))),
            week: Some(Rao(days.iter().fold(0, |sum: u64, day| sum.saturating_add(of(&day.date))))),
            total,
            // A ledger's pay is final when it is said.
            pending: Some(Rao(0)),
            confirmed: total,
            pending_until: None,
            days: book
                .days
                .iter()
                .map(|(day, sum)| DayBar { day: day.clone(), paid: Rao(*sum), expected: None })
                .collect(),
            rounds: book.rounds.iter().rev().cloned().collect(),
            energy: self.energy(prices, &today, now_ms, zone),
            receipts: self.receipts.clone(),
            csv_saved: self.csv_saved.clone(),
        }
    }

    fn energy(&self, prices: &EnergySettings, today: &str, now_ms: u64, zone: &TimeZone) -> EnergyView {
        let energy = Some(&self.books.energy).filter(|energy| energy.day == today && energy.millijoules > 0);
        let currency = prices.currency.as_deref().filter(|code| code.len() == 3).unwrap_or_default();
        let money = |micros: f64| format!("{:.2} {currency}", micros / MICROS as f64).trim_end().to_owned();
        let micros = price_micros(prices, now_ms, zone);
        EnergyView {
            kwh_today: energy.map(|energy| energy.millijoules as f64 / MILLIJOULES_PER_KWH),
            by_counter: energy.map(|energy| !energy.estimated),
            // No event says how many tokens an accepted round had.
            joules_per_token: None,
            price: micros.map(|micros| money(micros as f64)),
            cost_today: energy.filter(|_| micros.is_some()).map(|energy| money(energy.cost_micros)),
            // Credits have no price, and a token's price is nobody's word here.
            net_today: None,
        }
    }
}

/// The price of a kWh at a moment, in millionths.
fn price_micros(prices: &EnergySettings, at_ms: u64, zone: &TimeZone) -> Option<u64> {
    let second = prices.second.as_ref().filter(|(_, hours)| is_week(hours));
    let hour = hour_of_week(at_ms, zone).ok()?;
    match second {
        Some((price, hours)) if hours.as_bytes().get(hour) == Some(&b'1') => decimal_micros(price),
        _ => decimal_micros(prices.price.as_deref()?),
    }
}

/// `0.3125` as 312,500; at most six decimals, at most 1,000.
fn decimal_micros(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if whole.is_empty() || part.len() > 6 || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: u64 = format!("{part:0<6}").parse().ok()?;
    let whole: u64 = whole.parse().ok().filter(|whole| *whole <= 1000)?;
    Some(whole * MICROS + micros)
}

/// The local day of a moment, `2026-11-25`.
pub(crate) fn day_of(now_ms: u64, zone: &TimeZone) -> String {
    let date = |ms: u64| jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok();
    date(now_ms).map_or_else(String::new, |at| zone.to_datetime(at).date().to_string())
}

#[cfg(test)]
mod tests;
