//! Sample runs: a rehearsal on this computer, and one with other people.

use super::series::NOW_MS;
use types::{ByteCount, Problem, ProblemAction, Rao, RejectReason, Round, Uid, Verdict};
use view_model::{
    Activity, AppSnapshot, CheckState, DoctorCheck, EvalLoss, HelpView, Lamp, LampState, LayerHeat, PeerRow, Phase,
    PhaseBar, ReportFile, ReportPreview, RoundTile, RunFacts, RunKind, RunSnapshot, Sample, Step, StepFigures,
    Timeline, Told, TrainingView, Uptime, UptimeSpan, VerdictRow,
};

fn peer(n: u16, phase: Phase, verdict: Verdict) -> PeerRow {
    PeerRow {
        name: if n == 5 { "cheater-1".to_owned() } else { format!("peer-{n}") },
        uid: Some(Uid(n)),
        phase: Some(phase),
        step: (phase == Phase::Inner).then_some(Step { done: 17, of: 30 }),
        loss: Some(3.1 + f64::from(n) * 0.02),
        tokens_per_sec: Some(8_990.0 - f64::from(n) * 240.0),
        verdict: Some(VerdictRow { round: Round(1), verdict }),
        credits: Rao(if n == 5 { 0 } else { 2_500_000_000 }),
    }
}

fn losses(count: u64) -> Vec<EvalLoss> {
    (0..count).map(|n| EvalLoss { round: Round(n), loss: 2.7 + 3.1 * (-(n as f64) / 22.0).exp() }).collect()
}

/// Six peers in their third round.
pub fn rehearsal() -> RunSnapshot {
    RunSnapshot {
        activity: Activity::Running,
        run: Some(RunFacts {
            kind: RunKind::Rehearsal,
            name: "rehearsal".to_owned(),
            model_params: 919_000,
            text: "the dictionary of this computer, 40.0 MB".to_owned(),
            rounds: Some(12),
        }),
        round: Some(Round(2)),
        deadline_in_secs: None,
        peers: vec![
            peer(0, Phase::Inner, Verdict::Accepted),
            peer(1, Phase::Inner, Verdict::Accepted),
            peer(2, Phase::Compress, Verdict::Accepted),
            peer(3, Phase::Submit, Verdict::OnProbation),
            peer(4, Phase::Inner, Verdict::Missed),
            peer(5, Phase::Inner, Verdict::Rejected(RejectReason::Copied)),
        ],
        eval_losses: losses(2),
        lamps: lamps(),
        elapsed_secs: 143,
        ..RunSnapshot::default()
    }
}

/// One peer of this computer in round 128.
pub fn shared() -> RunSnapshot {
    RunSnapshot {
        activity: Activity::Running,
        run: Some(RunFacts {
            kind: RunKind::Shared,
            name: "covey-1b".to_owned(),
            model_params: 1_240_000_000,
            text: "FineWeb-Edu, 1.3 T tokens".to_owned(),
            rounds: None,
        }),
        round: Some(Round(128)),
        deadline_in_secs: Some(192),
        peers: vec![PeerRow { name: "this computer".to_owned(), ..peer(17, Phase::Inner, Verdict::Accepted) }],
        eval_losses: losses(128),
        lamps: lamps(),
        elapsed_secs: 36_000,
        ..RunSnapshot::default()
    }
}

/// Five lamps, one of them near its limit.
pub fn lamps() -> Vec<Lamp> {
    let lamp = |name: &str, state, why: &str| Lamp { name: name.to_owned(), state, why: why.to_owned() };
    vec![
        lamp("format", LampState::Pass, "decodes, 41,288 coordinates of 919,552"),
        lamp("norm", LampState::Warn, "1.91 of at most 2.00 medians of the last round"),
        lamp("own data", LampState::Pass, "helps the assigned text by 0.031, random text by 0.012"),
        lamp("loss", LampState::Pass, "lowers the held-out loss by 0.024"),
        lamp("not a copy", LampState::Unknown, "no other submission is known yet"),
    ]
}

/// The running round.
pub(super) fn timeline(round: Round, deadline: Option<f64>) -> Timeline {
    let bar = |phase, from_secs, to_secs| PhaseBar { phase, from_secs, to_secs };
    Timeline {
        round,
        phases: vec![
            bar(Phase::Idle, 0.0, Some(4.0)),
            bar(Phase::Inner, 4.0, Some(372.0)),
            bar(Phase::Compress, 372.0, Some(381.0)),
            bar(Phase::Submit, 381.0, None),
        ],
        elapsed_secs: 402.0,
        deadline_secs: deadline,
        sizes: Some((ByteCount(48_200_000), ByteCount(330_000))),
        step: Some(Step { done: 17, of: 30 }),
    }
}

/// Up to fifty rounds, with every outcome among them.
pub fn tiles(now: u64) -> Vec<RoundTile> {
    let verdict = |n: u64| match n % 17 {
        4 => Some(Verdict::Rejected(RejectReason::NoImprovement)),
        9 => Some(Verdict::Missed),
        13 => Some(Verdict::OnProbation),
        _ if n == now => None,
        _ => Some(Verdict::Accepted),
    };
    let tile = |n: u64| RoundTile {
        round: Round(n),
        verdict: verdict(n),
        score: (n != now).then_some(0.4 + (n % 7) as f64 * 0.05),
        at_ms: NOW_MS - (now - n) * if now < 10 { 60_000 } else { 600_000 },
        moved: Some(41_288 + n * 13),
    };
    (now.saturating_sub(49)..=now).map(tile).collect()
}

/// Layers from the input to the output.
pub fn layers() -> Vec<LayerHeat> {
    let layer = |n: u64| LayerHeat {
        name: match n {
            0 => "embedding".to_owned(),
            25 => "head".to_owned(),
            n => format!("block {}", n - 1),
        },
        moved: 900 + (n * n * 37) % 2_400,
        of: 49_152,
        share: (n % 6 != 5).then_some(0.02 + 0.04 * ((n * 7 % 13) as f64 / 13.0)),
    };
    (0..26).map(layer).collect()
}

/// The Training screen.
pub(super) fn training(round: Round) -> TrainingView {
    let sample = |round, text: &str| Sample { round, prompt: "The river".to_owned(), text: text.to_owned() };
    TrainingView {
        now: StepFigures { loss: Some(2.613), tokens_per_sec: Some(8_990.0), lr: Some(5.93e-4), grad_norm: Some(0.91) },
        lamps: lamps(),
        lamps_round: Some(round),
        layers: layers(),
        layers_round: Some(round),
        moved_total: 5_284_864,
        sample_then: Some(sample(Round(0), "the the of zz a, in qu the er and")),
        sample_now: Some(sample(round, "runs down from the hills and turns the old mill before it meets the sea.")),
    }
}

/// A doctor's findings and thirty days.
pub fn help() -> HelpView {
    let check = |code: &str, state, key: &str| DoctorCheck {
        code: code.to_owned(),
        state,
        found: Told::new(key),
        problem: None,
    };
    let mut clock = check("clock", CheckState::Bad, "pause-clock");
    clock.found = clock.found.with("off", "0:04");
    clock.problem = Some(
        Problem::new("clock_off", "The clock is 4 s behind", "Switch automatic time on in the system's settings.")
            .with_action(ProblemAction::Command("sudo timedatectl set-ntp true".to_owned())),
    );
    let mut disk = check("disk", CheckState::Limited, "pause-disk");
    disk.found = disk.found.with("free", "6.20 GB").with("needed", "5.00 GB");
    HelpView {
        checks: vec![
            clock,
            disk,
            check("tray", CheckState::NotRun, ""),
            check("gpu", CheckState::Good, ""),
            check("driver", CheckState::Good, ""),
            check("memory", CheckState::Good, ""),
            check("network", CheckState::Good, ""),
            check("keychain", CheckState::Good, ""),
            check("peer", CheckState::Good, ""),
        ],
        uptime: uptime(),
        data_folder: "/data/ada/.local/share/covey".to_owned(),
        ..HelpView::default()
    }
}

fn uptime() -> Vec<UptimeSpan> {
    const HOUR: u64 = 3_600_000;
    let begin = NOW_MS - 30 * 24 * HOUR;
    let mut spans = Vec::new();
    let mut at = begin + 40 * HOUR;
    let mut n = 0u64;
    while at < NOW_MS {
        let (what, hours) = match n % 12 {
            3 | 8 => (Uptime::Paused, 3),
            5 => (Uptime::Down, 1),
            11 => (Uptime::Updating, 1),
            _ => (Uptime::Training, 7 + n % 5),
        };
        let to = (at + hours * HOUR).min(NOW_MS);
        spans.push(UptimeSpan { from_ms: at, to_ms: to, what });
        at = to + if n % 7 == 6 { 9 * HOUR } else { 0 };
        n += 1;
    }
    spans
}

/// With a report to look at.
pub(super) fn with_report(mut app: AppSnapshot) -> AppSnapshot {
    let file = |name: &str, text: &str| ReportFile { name: name.to_owned(), text: text.to_owned() };
    app.help.report = Some(ReportPreview {
        id: "cvy-7f3a-91".to_owned(),
        files: vec![
            file("about.txt", "covey 0.1.0\nlinux x86_64\ndriver 580.95.05, CUDA 13.0\n"),
            file("settings.toml", "[look]\ntheme = \"system\"\n[network]\nupload = 2000000\ndata = \"█████\"\n"),
            file("peer.log", "round 128 begins\npublished to ████████\nouter step taken\n"),
        ],
        redactions: 14,
    });
    app
}
