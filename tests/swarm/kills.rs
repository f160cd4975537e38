//! kill -9: the run goes on, the process comes back, nothing is lost beyond its running round.

use std::collections::HashMap;

use serde_json::Value;

use crate::program::{Rehearsal, rehearse, rehearse_watched};

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

/// Where in its round a peer is killed: what it says just before, and whether its commitment stands on chain by then.
const MOMENTS: [(&str, bool); 8] = [
    ("inner_step_done", false),
    ("phase_changed compress", false),
    ("phase_changed submit", false),
    ("submitted", true),
    ("phase_changed gather", true),
    ("gathered", true),
    ("phase_changed outer", true),
    ("outer_step_applied", true),
];

/// The words of [`MOMENTS`] for an event.
fn moment(event: &Value) -> String {
    let name = event["event"].as_str().unwrap_or_default();
    match (name, event["phase"].as_str()) {
        ("phase_changed", Some(phase)) => format!("{name} {phase}"),
        _ => name.to_owned(),
    }
}

#[test]
fn a_kill_in_any_phase_loses_no_committed_round() {
    // One kill a round, of one peer after the other, so that a quorum is always there.
    let plan: Vec<(String, u64, &str, bool)> = MOMENTS
        .iter()
        .zip(2u64..)
        .map(|((said, committed), round)| (format!("peer-{}", round % 4 + 1), round, *said, *committed))
        .collect();
    let mut left = plan.clone();
    let mut pids: HashMap<String, i32> = HashMap::new();
    let r = rehearse_watched(&["--peers", "4", "--rounds", "12"], |event| {
        if event["event"] == "peer_started" {
            pids.insert(event["name"].as_str().unwrap().into(), event["pid"].as_i64().unwrap().try_into().unwrap());
        }
        let (said, round, who) = (moment(event), event["round"].as_u64(), event["who"].as_str());
        let due = |(name, at, words, _): &(String, u64, &str, bool)| {
            (Some(&**name), Some(*at), *words) == (who, round, &*said)
        };
        if let Some(at) = left.iter().position(due) {
            let (name, ..) = left.remove(at);
            // SAFETY: kill has no memory effects; the process is a child of the rehearsal that this test started.
            let sent = unsafe { libc::kill(pids[&name], libc::SIGKILL) };
            assert_eq!(sent, 0, "{name} runs: {event}");
        }
    });
    r.assert_sound();
    assert!(left.is_empty(), "each moment came: {left:?}");
    assert_eq!(r.summary["restarts"], plan.len(), "each was started again: {}", r.summary);
    let mut kept = 0;
    for (name, round, said, committed) in &plan {
        let verdicts = r.verdicts(name);
        let killed_in = |at: &u64| plan.iter().any(|(n, r, _, c)| n == name && r == at && !c);
        let lost: Vec<u64> = verdicts.iter().filter(|(_, v)| v == "missed").map(|(at, _)| *at).collect();
        assert!(lost.iter().all(killed_in), "killed at `{said}` of round {round}: lost {lost:?} of {verdicts:?}");
        assert!(!*committed || !lost.contains(round), "{name} lost the round {round} that it had committed");
        assert_eq!(verdicts.last().map(|(_, v)| v.as_str()), Some("accepted"), "{name}: {verdicts:?}");
        kept += usize::from(!lost.contains(round));
    }
    println!("rounds kept: {kept} of {}, 5 of which were committed before the kill", plan.len());
}
