//! Judging accounts: what holds, what does not, and what a lying or broken line comes to.

use super::report::{Row, markdown};
use super::*;

fn line(change: &str, to: &str) -> String {
    let line = r#"{"seq":1,"at_ms":1,"event":"summary","rounds":12,"peers":5,"text":"gcide","eval_loss_first":5.5,"eval_loss_last":3.25,
        "accepted":44,"rejected":{"copied":11},"theta_hash_equal":true,"verdicts_per_peer_round_ok":true,
        "credits_by_peer":{"peer-1":70,"cheater-1":1},"credits_validators":20,"credits_owner":9,"credits_burned":0,"emitted":100,"books_match":true,
        "cheaters_paid":0.014,"restarts":0,"wire_bytes_per_param":0.0195,"wall_s":95.5}"#;
    assert!(change.is_empty() || line.contains(change), "{change}");
    line.replace(change, to)
}

fn failures(variant: &Variant, change: &str, to: &str) -> Vec<&'static str> {
    let clean = Account::read(&line("", "")).unwrap();
    Row::new(variant, Account::read(&line(change, to)).unwrap(), &clean).failures
}

const CHEATER: Variant = cheater("copycat", &["--cheater", "copycat"]);
const KILL: Variant = kill("ledger", &["--kill", "ledger"]);

#[test]
fn a_good_account_holds() {
    assert_eq!(failures(&CLEAN, "", ""), [""; 0]);
    assert_eq!(failures(&CHEATER, "", ""), [""; 0]);
    assert_eq!(failures(&KILL, r#""restarts":0"#, r#""restarts":1"#), [""; 0]);
}

#[test]
fn each_thing_that_must_hold_is_missed_when_it_does_not() {
    let check = |variant: &Variant, change: &str, to: &str, expected: &str| {
        assert_eq!(failures(variant, change, to), [expected], "{change} → {to}");
    };
    check(&CLEAN, r#""theta_hash_equal":true"#, r#""theta_hash_equal":false"#, "parameters differ");
    check(&CLEAN, r#""theta_hash_equal":true,"#, "", "parameters differ");
    check(&CLEAN, r#","books_match":true"#, "", "a peer's book is not what it was paid");
    check(&CLEAN, r#""emitted":100"#, r#""emitted":101"#, "credits do not add up");
    check(&CLEAN, r#""peer-1":70"#, r#""peer-1":18446744073709551615"#, "credits do not add up");
    check(&CLEAN, r#""eval_loss_first":5.5"#, r#""eval_loss_first":3.25"#, "loss did not fall");
    check(&CLEAN, r#""eval_loss_last":3.25"#, r#""eval_loss_last":null"#, "loss did not fall");
    check(&CHEATER, r#""cheaters_paid":0.014"#, r#""cheaters_paid":0.051"#, "the cheater was paid");
    check(&CHEATER, r#"{"copied":11}"#, "{}", "nothing was refused");
    check(&CHEATER, r#"{"copied":11}"#, r#"{"on_probation":5,"missed":1,"copied":0}"#, "nothing was refused");
    let shifted = "the loss is more than 1 % worse than the clean run's";
    check(&CHEATER, r#""eval_loss_last":3.25"#, r#""eval_loss_last":3.29"#, shifted);
    check(&KILL, "", "", "nothing was killed");
}

#[test]
fn only_the_summary_is_an_account() {
    for line in ["", "{", "7", r#"{"event":"evaluated","loss":1}"#, r#"{"event":"summary"}"#] {
        assert_eq!(Account::read(line), None, "{line}");
    }
}

#[test]
fn the_page_names_what_does_not_hold() {
    let clean = Account::read(&line("", "")).unwrap();
    let paid = Account::read(&line(r#""cheaters_paid":0.014"#, r#""cheaters_paid":0.5"#)).unwrap();
    let rows = [Row::new(&CLEAN, clean.clone(), &clean), Row::new(&CHEATER, paid, &clean)];
    let circumstances =
        Circumstances { date: "2026-11-22".to_owned(), commit: "abc".to_owned(), machine: "2 cores".to_owned() };
    let page = markdown(&CAMPAIGNS[0], &rows, &circumstances);
    assert!(page.contains("**1 of 2 hold.**") && page.contains("**no**: the cheater was paid"), "{page}");
    let widths: Vec<usize> =
        page.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
}

#[test]
fn campaigns_have_names_of_their_own() {
    for (at, campaign) in CAMPAIGNS.iter().enumerate() {
        assert!(CAMPAIGNS[at + 1..].iter().all(|other| other.name != campaign.name));
        assert!(campaign.variants.iter().all(|variant| !variant.args.is_empty()));
    }
}
