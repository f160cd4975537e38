//! Earnings as lines of text.
//!
//! In: a summary. Out: lines for a terminal or a log, plain text without control characters. Every figure says what kind of number
//! it is; what is unknown is left out, never shown as 0.

use std::fmt::Write as _;

use types::Rao;

use crate::amount::{Labelled, decimal};
use crate::totals::{DayPay, Split, Summary};

/// A summary, to be shown with `{}`.
#[derive(Debug, Clone, Copy)]
pub struct EarningsText<'a>(pub &'a Summary);

impl std::fmt::Display for EarningsText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text(self.0))
    }
}

fn text(summary: &Summary) -> String {
    let unit = plain(&summary.network.symbol);
    let decimals = summary.network.decimals;
    let amount = |rao: Rao| format!("{} {unit}", decimal(rao.0, decimals));
    let mut out = String::new();
    // Writing to a string does not fail.
    let mut line = |text: &str| _ = writeln!(out, "{text}");
    line(&format!("{} on {}", summary.hotkey, plain(&summary.network.name)));
    for state in &summary.states {
        line(&format!("  {}.", state.sentence()));
    }
    for (name, split) in [("today", &summary.today), ("7 days", &summary.week), ("total", &summary.total)] {
        line(&split_line(name, split, &amount));
    }
    if let Some(Labelled { value, mark }) = summary.forecast {
        let band = value.band.map(|(low, high)| format!(", between {} and {}", amount(low), amount(high)));
        line(&format!(
            "{:<8} {} per day{} ({mark}: {})",
            "ahead",
            amount(value.per_day),
            band.unwrap_or_default(),
            value.basis()
        ));
    }
    for pay in &summary.pending {
        let when = pay.confirms_at.map(|at| format!("; confirms around block {} ({})", at.value, at.mark));
        line(&format!(
            "{:<8} {} from block {}{}",
            "pending",
            amount(pay.amount.value),
            pay.block,
            when.unwrap_or_default()
        ));
    }
    for bar in &summary.days {
        if let Some(text) = day_line(bar, summary, &amount) {
            line(&text);
        }
    }
    let missing: u64 = summary.missing.iter().map(crate::coverage::BlockRange::blocks).sum();
    if missing > 0 {
        let from = summary.missing.first().map_or(0, |range| range.from.0);
        line(&format!("{missing} blocks are not read or not final yet, the first is {from}: the sums may grow."));
    }
    out
}

fn split_line(name: &str, split: &Split, amount: &dyn Fn(Rao) -> String) -> String {
    let mut line = format!("{name:<8} {} confirmed ({})", amount(split.confirmed.value), split.confirmed.mark);
    if split.pending.value.0 > 0 {
        _ = write!(line, ", {} pending", amount(split.pending.value));
    }
    if let Some(value) = split.value.filter(|value| value.value.0 > 0) {
        _ = write!(line, ", worth {} TAO at the time ({})", decimal(value.value.0, 9), value.mark);
    }
    line
}

/// A day on which nothing happened has no line.
fn day_line(bar: &DayPay, summary: &Summary, amount: &dyn Fn(Rao) -> String) -> Option<String> {
    if bar.pay.epochs == 0 && bar.energy.is_none() {
        return None;
    }
    let mut line = format!("{}  {}", bar.day.date, amount(bar.pay.all()));
    if let Some(expected) = bar.expected {
        _ = write!(line, ", expected {} ({})", amount(expected.value.per_day), expected.mark);
    }
    if let Some(energy) = bar.energy {
        _ = write!(line, ", {} kWh ({})", energy.value.kwh(), energy.mark);
    }
    if let Some(currency) = &summary.currency {
        let money = |fiat: crate::Fiat| format!("{} {}", fiat.rounded(currency.digits), plain(&currency.code));
        if let Some(cost) = bar.cost {
            _ = write!(line, ", power {}", money(cost.value));
        }
        if let Some(net) = bar.net {
            _ = write!(line, ", net {} ({})", money(net.value), net.mark);
        }
    }
    Some(line)
}

/// Text of others without what a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
