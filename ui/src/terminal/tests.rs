//! What a user sees, and what a hostile name must not do to it.

use super::{MIN_WIDTH, fit, screen, sparkline};
use locale::Locale;
use proptest::prelude::*;
use types::{Problem, Rao, RejectReason, Round, Uid, Verdict};
use view_model::{
    Activity, EvalLoss, Lamp, LampState, PeerRow, Phase, ProblemRow, RunFacts, RunKind, RunSnapshot, Step, VerdictRow,
    status_sentence, stop_price_sentence,
};

fn peer(name: &str, phase: Option<Phase>, verdict: Option<Verdict>) -> PeerRow {
    PeerRow {
        name: name.to_owned(),
        uid: Some(Uid(1)),
        phase,
        step: Some(Step { done: 7, of: 15 }),
        loss: Some(3.25),
        tokens_per_sec: Some(1234.0),
        verdict: verdict.map(|verdict| VerdictRow { round: Round(1), verdict }),
        credits: Rao(2_500_000_000),
    }
}

fn run() -> RunSnapshot {
    RunSnapshot {
        activity: Activity::Running,
        run: Some(RunFacts {
            kind: RunKind::Rehearsal,
            name: "rehearsal".to_owned(),
            model_params: 919_000,
            text: "gcide.dict.dz, 40.0 MB of text".to_owned(),
            rounds: Some(12),
        }),
        round: Some(Round(2)),
        deadline_in_secs: None,
        peers: vec![
            peer("peer-1", Some(Phase::Inner), Some(Verdict::Accepted)),
            peer("cheater-1", None, Some(Verdict::Rejected(RejectReason::Copied))),
        ],
        eval_losses: [5.5, 4.5, 3.25]
            .iter()
            .zip(0..)
            .map(|(loss, round)| EvalLoss { round: Round(round), loss: *loss })
            .collect(),
        lamps: Vec::new(),
        waiting: None,
        problems: Vec::new(),
        elapsed_secs: 61,
    }
}

#[test]
fn a_rehearsal_reads_like_this() {
    let expected = "\
rehearsal on this computer · 919 k parameters · gcide.dict.dz, 40.0 MB of text · 1:01
held-out loss 5.500 → 3.250  █▅▁

peer          doing                     newest verdict                      credits     loss     speed
peer-1        training, 7 of 15 steps   round 1: accepted                   2.500       3.250    1,230 tok/s
cheater-1     not there                 round 1: rejected: the same updat…  2.500       3.250    1,230 tok/s
5.000 credits (no value)
";
    let lines = screen(&run(), 120);
    let (first, last) = (&lines[0], lines.last().unwrap());
    assert_eq!(lines[1..lines.len() - 1].join("\n"), expected);
    // The first and the last line are the sentences that every other surface shows too.
    assert_eq!(
        (first, last),
        (&status_sentence(&run(), &Locale::english()), &stop_price_sentence(&run(), &Locale::english()))
    );
}

#[test]
fn a_narrow_screen_loses_the_last_columns_first() {
    let lines = screen(&run(), 50);
    let heading = lines.iter().find(|line| line.starts_with("peer ")).unwrap();
    assert!(heading.contains("doing") && !heading.contains("verdict"), "{heading}");
    assert!(screen(&run(), 0).iter().all(|line| line.chars().count() <= MIN_WIDTH));
}

#[test]
fn nothing_running_is_one_line() {
    assert_eq!(screen(&RunSnapshot::default(), 80), ["Not running"]);
}

#[test]
fn a_doubtful_lamp_says_why_and_a_good_one_does_not() {
    let mut run = run();
    let lamp = |name: &str, state, why: &str| Lamp { name: name.to_owned(), state, why: why.to_owned() };
    run.lamps = vec![lamp("format", LampState::Pass, "decodes"), lamp("norm", LampState::Warn, "1.9 of 2.0 medians")];
    let text = screen(&run, 120).join("\n");
    assert!(text.contains("format good · norm close") && text.contains("norm: 1.9 of 2.0 medians"));
    assert!(!text.contains("decodes"));
}

#[test]
fn the_newest_problems_are_shown_with_what_to_try() {
    let mut run = run();
    for n in 0..5 {
        let problem = Problem::new("disk_full", format!("Disk {n} is full"), "Free 2 GB");
        run.problems.push(ProblemRow { problem, fatal: false });
    }
    let text = screen(&run, 120).join("\n");
    assert!(!text.contains("Disk 1") && text.contains("Disk 2") && text.contains("Disk 4"), "{text}");
}

#[test]
fn curves() {
    assert_eq!(sparkline(&[], 5), "");
    assert_eq!(sparkline(&[1.0], 5), "▅");
    assert_eq!(sparkline(&[3.0, 2.0, 1.0], 2), "█▁");
    assert_eq!(sparkline(&[0.0, f64::NAN, 7.0], 5), "▁ █");
    assert_eq!(sparkline(&[f64::MIN, f64::MAX], 5).chars().count(), 2);
}

#[test]
fn a_line_is_cut_at_the_width_and_marked() {
    assert_eq!(fit("abcdef", 6), "abcdef");
    assert_eq!(fit("abcdef", 5), "abcd…");
    assert_eq!(fit("abc", 0), "");
    assert_eq!(fit("\u{1b}[2J\u{202e}x", 9), "?[2J?x");
}

proptest! {
    #[test]
    fn no_name_or_message_breaks_the_screen(
        name in "\\PC{0,40}|[\u{0}-\u{20}]{1,10}|\u{1b}\\[[0-9]{1,3}[A-Z]",
        text in any::<String>(),
        width in 0usize..200,
        losses in proptest::collection::vec(any::<f64>(), 0..60),
    ) {
        let mut run = run();
        run.peers[0].name.clone_from(&name);
        run.peers[0].loss = losses.first().copied();
        run.peers[0].tokens_per_sec = losses.last().copied();
        run.activity = Activity::Paused { reason: text.clone(), for_secs: u64::MAX, resumes_in_secs: Some(0) };
        if let Some(facts) = &mut run.run { facts.text = text; }
        run.eval_losses = losses.iter().zip(0..).map(|(loss, n)| EvalLoss { round: Round(n), loss: *loss }).collect();
        for line in screen(&run, width) {
            prop_assert!(line.chars().count() <= width.max(MIN_WIDTH));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
