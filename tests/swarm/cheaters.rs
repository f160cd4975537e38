//! Dishonest peers are caught for what they do. All kinds with their effect on the loss: `cargo xtask campaign cheaters`.

use crate::program::{Rehearsal, rehearse};

/// The cheater's verdicts name `reason`, and it earns at most a twentieth of an honest peer.
fn caught(kind: &str, reason: &str) -> Rehearsal {
    let r = rehearse(&["--peers", "3", "--rounds", "5", "--cheater", kind]);
    r.assert_sound();
    let verdicts = r.verdicts("cheater-1");
    assert!(verdicts.iter().any(|(_, verdict)| verdict == reason), "{kind} is caught as {reason}: {verdicts:?}");
    assert!(r.number("cheaters_paid") <= 0.05, "{kind} is paid {}: {verdicts:?}", r.summary["cheaters_paid"]);
    r
}

#[test]
fn nan_is_a_format_error_every_round() {
    let r = caught("nan", "format");
    assert!(r.verdicts("cheater-1").iter().all(|(_, verdict)| verdict == "format"));
    assert_eq!(r.credits("cheater-1"), 0);
}

#[test]
fn a_norm_bomb_is_an_outlier_every_round() {
    let r = caught("norm-bomb", "norm_outlier");
    assert!(r.verdicts("cheater-1").iter().all(|(_, verdict)| verdict == "norm_outlier"));
}

#[test]
fn noise_does_not_improve_the_loss() {
    caught("noise", "no_improvement");
}

#[test]
fn a_copycat_is_blamed_and_its_victim_is_not() {
    let r = caught("copycat", "copied");
    let victim = r.verdicts("peer-1");
    assert!(victim.iter().all(|(_, verdict)| verdict != "copied"), "the first committer is blameless: {victim:?}");
}

#[test]
fn a_resent_update_is_stale() {
    caught("stale", "stale");
}
