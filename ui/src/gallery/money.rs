//! Sample earnings.

use types::{Rao, Round};
use view_model::{DayBar, EarningsView, EnergyView, Mark, ReceiptsView, RoundPay, Told, Unit, Verified};

/// A rehearsal's credits.
pub(super) fn credits() -> EarningsView {
    let credit = Rao::PER_CREDIT;
    EarningsView {
        unit: Unit::Credits,
        today: Some(Rao(credit * 5 / 2)),
        week: Some(Rao(credit * 41 / 4)),
        total: Some(Rao(credit * 41 / 4)),
        pending: Some(Rao(0)),
        confirmed: Some(Rao(credit * 41 / 4)),
        receipts: ReceiptsView {
            count: 2,
            newest: Some("round 1 · accepted · 1.250 credits".to_owned()),
            verified: Some(Verified::Good { receipts: 2 }),
        },
        ..EarningsView::default()
    }
}

/// A chain's token with sixty days.
pub fn token() -> EarningsView {
    EarningsView {
        unit: Unit::Token { symbol: "TAO".to_owned() },
        today: Some(Rao(21_400_000)),
        week: Some(Rao(171_000_000)),
        total: Some(Rao(1_204_555_000)),
        pending: Some(Rao(4_100_000)),
        confirmed: Some(Rao(1_200_455_000)),
        pending_until: Some(Told::new("status-sync-in").with("in", "0:42")),
        days: sixty_days(),
        rounds: (0..120).map(pay).collect(),
        energy: EnergyView {
            kwh_today: Some(4.31),
            by_counter: Some(true),
            joules_per_token: Some(0.084),
            price: Some("0.29 EUR".to_owned()),
            cost_today: Some("1.25 EUR".to_owned()),
            net_today: Some("3.80 EUR".to_owned()),
        },
        receipts: ReceiptsView {
            count: 127,
            newest: Some("round 127 · accepted · 0.0002 TAO".to_owned()),
            verified: None,
        },
        ..EarningsView::default()
    }
}

/// Sixty days with their expectations, some without either.
pub fn sixty_days() -> Vec<DayBar> {
    let day = |n: u64| {
        let (month, day) = if n < 5 {
            (9, 26 + n)
        } else if n < 36 {
            (10, n - 4)
        } else {
            (11, n - 35)
        };
        let expected = 20_000_000 + n * 40_000;
        let paid = if n % 11 == 7 { 0 } else { expected * (80 + n * 7 % 41) / 100 };
        DayBar {
            day: format!("2026-{month:02}-{day:02}"),
            paid: Rao(paid),
            expected: (n > 3).then_some((Rao(expected * 7 / 10), Rao(expected), Rao(expected * 13 / 10))),
        }
    };
    (0..60).map(day).collect()
}

fn pay(n: u64) -> RoundPay {
    let round = 127 - n;
    let refused = round % 17 == 4;
    RoundPay {
        round: Round(round),
        score: (!round.is_multiple_of(9)).then_some(0.4 + (round % 7) as f64 * 0.05),
        weight: Some(if refused { 0.0 } else { 0.018 }),
        reward: Rao(if refused { 0 } else { 180_000 + round * 311 }),
        block: (n > 0).then_some(4_812_000 + round * 50),
        mark: if n == 0 { Mark::Estimate } else { Mark::OnChain },
    }
}
