//! The main job: a swarm that trains, is judged and paid.

use crate::program::rehearse;

#[test]
fn a_swarm_learns_stays_in_step_and_its_credits_add_up() {
    let r = rehearse(&["--peers", "3", "--rounds", "5"]);
    r.assert_sound();
    assert_eq!(r.summary["rounds"], 5);
    assert_eq!(r.summary["peers"], 3);
    assert!(r.number("accepted") >= 8.0, "most submissions count: {}", r.summary);
    // A nano model is mostly one-dimensional tensors and headers; the figure of the goal is measured at 64M.
    assert!(r.number("wire_bytes_per_param") < 0.1, "{}", r.summary);
    for name in ["peer-1", "peer-2", "peer-3"] {
        let rounds: Vec<u64> = r.verdicts(name).into_iter().map(|(round, _)| round).collect();
        assert_eq!(rounds, [0, 1, 2, 3, 4], "{name}: one verdict per round");
    }
}

#[test]
fn a_late_joiner_catches_up_and_a_leaver_leaves_no_hole() {
    let r = rehearse(&["--peers", "2", "--rounds", "12", "--join-at", "5", "--leave-at", "6", "--phase-secs", "10"]);
    r.assert_sound();
    let joined = r.verdicts("peer-3");
    assert!(joined.iter().any(|(_, verdict)| verdict == "accepted"), "the joiner counts: {joined:?}");
    assert!(joined.iter().all(|(round, _)| *round >= 5), "no verdict before it joined: {joined:?}");
}

#[test]
fn two_validators_pay_and_agree() {
    let r = rehearse(&["--peers", "2", "--validators", "2", "--rounds", "3"]);
    r.assert_sound();
}
