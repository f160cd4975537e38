//! What was earned, folded from what the peer says.

use super::*;

fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn ms(text: &str) -> u64 {
    u64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap()
}

fn pay(round: u64, balance: u64) -> Pay {
    Pay { round: Round(round), score: 1.0, weight: 0.5, emission: Rao(3), balance: Rao(balance) }
}

fn view(money: &Money, at: &str) -> EarningsView {
    money.view(REHEARSAL_BOOK, RunKind::Rehearsal, &EnergySettings::default(), ms(at), &berlin())
}

#[test]
fn a_days_pay_is_by_the_local_midnight() {
    let mut money = Money::default();
    // Half past eleven at night, and half past twelve, by the clock on the wall.
    assert_eq!(money.paid(REHEARSAL_BOOK, pay(1, 5), ms("2026-11-24T22:30:00Z"), &berlin()), Rao(5));
    assert_eq!(money.paid(REHEARSAL_BOOK, pay(2, 12), ms("2026-11-24T23:30:00Z"), &berlin()), Rao(7));
    assert_eq!(
        money.paid(REHEARSAL_BOOK, pay(2, 12), ms("2026-11-24T23:31:00Z"), &berlin()),
        Rao(0),
        "a round is paid once"
    );
    let seen = view(&money, "2026-11-25T08:00:00Z");
    assert_eq!((seen.today, seen.week, seen.total), (Some(Rao(7)), Some(Rao(12)), Some(Rao(12))));
    assert_eq!(seen.days.iter().map(|day| day.day.as_str()).collect::<Vec<_>>(), ["2026-11-24", "2026-11-25"]);
    assert_eq!(seen.rounds.iter().map(|row| row.round.0).collect::<Vec<_>>(), [2, 1], "newest first");
    assert_eq!(view(&money, "2026-12-20T08:00:00Z").week, Some(Rao(0)));
}

#[test]
fn another_rehearsal_begins_its_rounds_anew_and_keeps_the_days() {
    let mut money = Money::default();
    money.paid(REHEARSAL_BOOK, pay(1, 5), 0, &TimeZone::UTC);
    money.begin(REHEARSAL_BOOK);
    assert_eq!(money.paid(REHEARSAL_BOOK, pay(1, 6), 0, &TimeZone::UTC), Rao(6));
    let kept = serde_json::to_vec(money.books()).unwrap();
    let money = Money::restored(serde_json::from_slice(&kept).unwrap());
    let seen = money.view(REHEARSAL_BOOK, RunKind::Rehearsal, &EnergySettings::default(), 0, &TimeZone::UTC);
    assert_eq!((seen.total, seen.rounds.len()), (Some(Rao(11)), 1));
}

#[test]
fn electricity_costs_what_the_hour_costs_and_unknown_is_no_zero() {
    let mut money = Money::default();
    let mut prices =
        EnergySettings { currency: Some("EUR".into()), price: Some("0.40".into()), ..EnergySettings::default() };
    assert_eq!(view(&money, "2026-11-25T10:00:00Z").energy, EnergyView::default(), "nothing is known");
    let slice = |at: &str, source| gpu::EnergySlice { from_ms: 0, to_ms: ms(at), millijoules: 3_600_000_000, source };
    money.drew(&slice("2026-11-25T10:00:00Z", gpu::EnergySource::Counter), &prices, &berlin());
    // Wednesday at noon costs something else.
    let mut hours = "0".repeat(168);
    hours.replace_range(60..61, "1");
    prices.second = Some(("0.10".into(), hours));
    money.drew(&slice("2026-11-25T11:30:00Z", gpu::EnergySource::PowerTime), &prices, &berlin());
    let energy = money.view("x", RunKind::Shared, &prices, ms("2026-11-25T13:00:00Z"), &berlin()).energy;
    assert_eq!((energy.kwh_today, energy.by_counter), (Some(2.0), Some(false)));
    assert_eq!((energy.price.as_deref(), energy.cost_today.as_deref()), (Some("0.40 EUR"), Some("0.50 EUR")));
    assert_eq!(energy.net_today, None);
}

#[test]
fn a_price_is_a_plain_decimal() {
    for (text, micros) in [("0.3125", Some(312_500)), ("12", Some(12_000_000)), (" 0,3 ", Some(300_000))] {
        assert_eq!(decimal_micros(text), micros);
    }
    for bad in ["", ".", "-1", "1e9", "1.2345678", "9999", "0x3", "1.2.3", "∞"] {
        assert_eq!(decimal_micros(bad), None, "{bad}");
    }
}

#[test]
fn the_csv_has_a_row_for_each_round() {
    let mut money = Money::default();
    money.paid("run", Pay { score: f64::NAN, ..pay(3, 9) }, 0, &TimeZone::UTC);
    assert_eq!(money.csv("run"), "round,score,weight,reward_rao,block,mark\n3,,0.5,3,,on_chain\n");
}

#[test]
fn a_validator_that_speaks_before_the_pay_out_takes_nothing_away() {
    // As a rehearsal says it: the validator first, then the peer once its balance has grown.
    let mut money = Money::default();
    let said = [(1, 0), (1, 5_095), (2, 5_095), (2, 10_191), (3, 10_191), (2, 10_191)];
    for (round, balance) in said {
        money.paid(REHEARSAL_BOOK, pay(round, balance), 0, &TimeZone::UTC);
    }
    let seen = money.view(REHEARSAL_BOOK, RunKind::Rehearsal, &EnergySettings::default(), 0, &TimeZone::UTC);
    let rows: Vec<_> = seen.rounds.iter().map(|row| (row.round.0, row.reward.0)).collect();
    assert_eq!((rows, seen.total), (vec![(3, 0), (2, 5_096), (1, 5_095)], Some(Rao(10_191))));
}

#[test]
fn a_balance_from_before_is_no_pay() {
    let mut money = Money::default();
    assert_eq!(money.paid("run", pay(7, 1_000), 0, &TimeZone::UTC), Rao(3), "the last pay-out");
    assert_eq!(money.paid("run", pay(8, 900), 0, &TimeZone::UTC), Rao(0), "something was taken out");
    money.begin("run");
    assert_eq!(money.paid("run", pay(9, 950), 0, &TimeZone::UTC), Rao(50));
}
