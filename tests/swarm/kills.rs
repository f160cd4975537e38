//! kill -9: the run goes on, the process comes back, nothing is lost beyond its running round.

use crate::program::{Rehearsal, rehearse};

fn killed(who: &str) -> Rehearsal {
    let r = rehearse(&["--peers", "3", "--rounds", "6", "--kill-at", "2", "--kill", who]);
    r.assert_sound();
    assert_eq!(r.summary["restarts"], 1, "it was started again: {}", r.summary);
    let exits: Vec<_> = r.events.iter().filter(|e| e["event"] == "peer_exited" && e["restarting"] == true).collect();
    assert_eq!(exits.len(), 1, "{exits:?}");
    assert_eq!((exits[0]["name"].as_str(), exits[0]["signal"].as_i64()), (Some(who), Some(9)), "{exits:?}");
    r
}

#[test]
fn a_killed_peer_rejoins_and_counts_again() {
    let r = killed("peer-2");
    let verdicts = r.verdicts("peer-2");
    let lost = verdicts.iter().filter(|(_, verdict)| verdict == "missed").count();
    assert!(lost <= 1, "at most its running round is lost: {verdicts:?}");
    assert_eq!(verdicts.last().map(|(_, v)| v.as_str()), Some("accepted"), "{verdicts:?}");
}

#[test]
fn a_killed_validator_judges_the_rounds_it_missed() {
    let r = killed("validator-1");
    assert!(r.number("accepted") >= 6.0, "{}", r.summary);
}

#[test]
fn a_killed_ledger_goes_on_behind_its_last_block() {
    let r = killed("ledger");
    assert!(r.number("accepted") >= 6.0, "{}", r.summary);
}
