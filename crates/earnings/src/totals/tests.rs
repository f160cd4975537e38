//! Local days of 23 and 25 hours, pending pay, money; what is unknown stays unknown.

use types::{BlockNumber, Rao};

use super::*;
use crate::book::tests::{fact, id, place, reading};
use crate::energy::power_sample;
use crate::reward::{BlockTime, EpochFact};
use crate::tariff::Currency;

const HOUR: u64 = 3_600_000;

fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn ms(text: &str) -> u64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond() as u64
}

fn paid(block: u64, mine: u64, at_ms: u64) -> EpochFact {
    EpochFact { time: BlockTime { ms: at_ms, exact: true }, ..fact(block, mine, 1) }
}

fn input<'a>(now_ms: u64, zone: &'a TimeZone, head: u64) -> SummaryInput<'a> {
    SummaryInput {
        now_ms,
        zone,
        days: 7,
        head: BlockNumber(head),
        pace: Pace { tempo_blocks: 10, block_ms: 12_000 },
        finality_blocks: Some(3),
        standing: Standing::Registered { place: place(7, 5).unwrap() },
        since: BlockNumber(5),
        tariff: None,
        rates: &[],
    }
}

#[test]
fn today_begins_at_local_midnight_also_on_a_day_of_23_hours() {
    let zone = berlin();
    let book = Book::in_memory(&id(9)).unwrap();
    // The last moment of Saturday, the first of Sunday, the last of Sunday (23 h later), the first of Monday.
    let sunday = ms("2026-03-28T23:00:00Z");
    let epochs = vec![
        paid(10, 1, sunday - 1),
        paid(20, 20, sunday),
        paid(30, 300, sunday + 23 * HOUR - 1),
        paid(40, 400, sunday + 23 * HOUR),
    ];
    book.take(&reading(5, 41, 40, epochs)).unwrap();
    let found = summary(&book, &input(sunday + 22 * HOUR, &zone, 40)).unwrap();
    assert_eq!(found.days.last().map(|bar| (bar.day.date.clone(), bar.day.hours())), Some(("2026-03-29".into(), 23)));
    assert_eq!((found.today.all(), found.week.all(), found.total.all()), (Rao(320), Rao(321), Rao(721)));
    assert_eq!(found.missing, []);
}

#[test]
fn a_day_of_25_hours_holds_all_its_pay() {
    let zone = berlin();
    let book = Book::in_memory(&id(9)).unwrap();
    let sunday = ms("2026-10-24T22:00:00Z");
    let epochs = (0..25).map(|hour| paid(10 * (hour + 1), 1, sunday + hour * HOUR)).collect();
    book.take(&reading(5, 260, 260, epochs)).unwrap();
    let found = summary(&book, &input(sunday + 25 * HOUR - 1, &zone, 260)).unwrap();
    assert_eq!((found.today.all(), found.today.epochs), (Rao(25), 25));
}

#[test]
fn pending_pay_is_told_apart_and_says_when_it_confirms() {
    let zone = TimeZone::UTC;
    let book = Book::in_memory(&id(9)).unwrap();
    let now = ms("2026-11-24T12:00:00Z");
    book.take(&reading(5, 31, 25, vec![paid(10, 5, now - 3), paid(20, 6, now - 2), paid(30, 7, now - 1)])).unwrap();
    let found = summary(&book, &input(now, &zone, 31)).unwrap();
    assert_eq!((found.today.confirmed.value, found.today.pending.value), (Rao(11), Rao(7)));
    assert_eq!(found.today.confirmed.mark, Mark::OnChain);
    let pending: Vec<_> = found.pending.iter().map(|p| (p.block.0, p.amount.value.0, p.confirms_at.unwrap())).collect();
    assert_eq!(pending, [(30, 7, Labelled::new(BlockNumber(33), Mark::Estimate))]);
    assert_eq!(found.missing, [BlockRange::new(26, 32)]);
    assert!(matches!(found.states[0], PayState::Pays { amount: Rao(7), .. }));
    assert_eq!(found.forecast.map(|f| f.mark), Some(Mark::Estimate));
}

#[test]
fn one_missing_price_makes_the_worth_unknown_and_not_smaller() {
    let zone = TimeZone::UTC;
    let book = Book::in_memory(&id(9)).unwrap();
    let now = ms("2026-11-24T12:00:00Z");
    let priced = paid(10, 400, now - 24 * HOUR);
    let unpriced = EpochFact { price: None, ..paid(20, 40, now) };
    book.take(&reading(5, 21, 20, vec![priced, unpriced])).unwrap();
    let found = summary(&book, &input(now, &zone, 20)).unwrap();
    assert_eq!(found.today.value, None);
    assert_eq!(found.total.value, None);
    let yesterday = &found.days[found.days.len() - 2];
    assert_eq!(yesterday.pay.value, Some(Labelled::new(Rao(10), Mark::OnChain)));
    assert!(found.states.contains(&PayState::PriceUnknown));
}

#[test]
fn expected_and_paid_stand_on_the_same_day() {
    let zone = TimeZone::UTC;
    let book = Book::in_memory(&id(9)).unwrap();
    let midnight = ms("2026-11-24T00:00:00Z");
    let epochs = vec![
        paid(10, 4, midnight - 360_000),
        paid(20, 8, midnight - 240_000),
        paid(30, 6, midnight - 120_000),
        paid(40, 9, midnight + 5),
    ];
    book.take(&reading(5, 41, 40, epochs)).unwrap();
    let found = summary(&book, &input(midnight + 10, &zone, 40)).unwrap();
    let expected = found.days.last().and_then(|bar| bar.expected).unwrap();
    // 720 epochs of 120 s a day, from the last epoch before midnight; the band from all three.
    assert_eq!((expected.value.per_day, expected.value.band), (Rao(4320), Some((Rao(2880), Rao(5760)))));
    assert_eq!(found.days[0].expected, None);
}

#[test]
fn energy_and_money_give_a_net_only_where_both_are_known() {
    let zone = TimeZone::UTC;
    let book = Book::in_memory(&id(9)).unwrap();
    let now = ms("2026-11-24T12:00:00Z");
    let noon_before = now - 24 * HOUR;
    // 0.5 kWh yesterday, 1 kWh today.
    book.add_energy(&power_sample(noon_before, noon_before + HOUR, 500_000).unwrap()).unwrap();
    book.add_energy(&power_sample(now - 2 * HOUR, now, 500_000).unwrap()).unwrap();
    let large = |block, at| {
        let mut fact = paid(block, 600, at);
        let (million, reward) = (1_000_000_000, &mut fact.reward);
        for rao in [&mut reward.minted, &mut reward.owner, &mut reward.burned] {
            rao.0 *= million;
        }
        reward.miner.iter_mut().for_each(|(_, rao)| rao.0 *= million);
        fact
    };
    book.take(&reading(5, 21, 20, vec![large(10, noon_before), large(20, now)])).unwrap();
    let tariff = Tariff::flat(Currency { code: "EUR".into(), digits: 2 }, 300_000);
    let rate =
        FiatRate { currency: "EUR".into(), micros_per_unit: 250_000_000, source: "feed".into(), at_ms: now - HOUR };
    let other = FiatRate { currency: "USD".into(), at_ms: noon_before, ..rate.clone() };
    let rates = [rate, other];
    let found =
        summary(&book, &SummaryInput { tariff: Some(&tariff), rates: &rates, ..input(now, &zone, 20) }).unwrap();
    let [.., yesterday, today] = &found.days[..] else { panic!("seven days") };
    // 600 alpha × 0.025 TAO × 250 EUR = 3,750 EUR, less 1 kWh at 30 ct.
    assert_eq!(today.worth.map(|w| w.value), Some(Fiat(3_750_000_000)));
    assert_eq!(today.cost.map(|c| c.value), Some(Fiat(300_000)));
    assert_eq!(today.net.map(|n| n.value), Some(Fiat(3_749_700_000)));
    // Yesterday has no rate in euros: a dollar rate is not taken for one.
    assert_eq!((yesterday.cost.map(|c| c.value), yesterday.worth, yesterday.net), (Some(Fiat(150_000)), None, None));
    assert_eq!(found.days[0].energy, None);
    let text = crate::EarningsText(&found).to_string();
    assert!(
        text.contains("2026-11-24  600 alpha") && text.contains("power 0.30 EUR, net 3749.70 EUR (reported)"),
        "{text}"
    );
}

#[test]
fn a_sleeping_run_has_no_forecast_and_says_so() {
    let zone = TimeZone::UTC;
    let book = Book::in_memory(&id(9)).unwrap();
    let now = ms("2026-11-24T12:00:00Z");
    book.take(&reading(5, 901, 900, vec![paid(10, 5, now - 40 * HOUR)])).unwrap();
    let found = summary(&book, &input(now, &zone, 900)).unwrap();
    assert_eq!(found.states[0], PayState::Dormant { last: Some(BlockNumber(10)), missed: 89 });
    assert_eq!(found.forecast, None);
    let text = crate::EarningsText(&found).to_string();
    assert!(
        text.contains("The run sleeps")
            && !text.contains("per day")
            && text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text}"
    );
}
