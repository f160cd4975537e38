//! What a person sees of a rehearsal in a terminal: a quiet live table, and a line per round that stays.
//!
//! In: facts. Out: text. On something that is no terminal, only the lines that stay. It computes nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ipc::{Event, PeerPhase, Role, Summary};
use types::{Rao, Round, Verdict};

use super::facts::{Facts, ProcessFacts, role_of};
use super::plan::Plan;
use super::setting::{Disturb, Disturbance};
use super::swarm::Show;

/// Redraws per second: enough to see it live, little enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(250);

/// The terminal.
pub(super) struct View {
    bar: Option<ProgressBar>,
    rounds: u64,
    drawn: Instant,
    said: Option<Round>,
}

impl View {
    pub(super) fn new(plan: &Plan, show: Show) -> Self {
        let bar = (show == Show::View).then(|| {
            let bar = ProgressBar::with_draw_target(Some(plan.input.rounds), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg}\n[{bar:40}] round {pos} of {len}, {elapsed}") {
                bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
            }
            bar
        });
        Self { bar, rounds: plan.input.rounds, drawn: Instant::now(), said: None }
    }

    /// What is about to happen.
    pub(super) fn begin(&mut self, facts: &Event, dir: &Path) {
        if let Event::RunFacts { model_params, text, peers, rounds, seed, .. } = facts {
            self.line(&format!(
                "Rehearsal: {peers} peers, validator and chain, each its own process, train {:.2} M parameters for {rounds} rounds (seed {seed})",
                *model_params as f64 / 1e6
            ));
            self.line(&format!("Text: {text}"));
            self.line(&format!("Files: {}", dir.display()));
        }
    }

    /// Something befell the node.
    pub(super) fn disturbed(&mut self, disturb: &Disturb) {
        let what = match disturb.what {
            Disturbance::Outage => "drops all connections",
            Disturbance::Reorg => "goes over to another fork",
            Disturbance::Stall => "shows no new blocks",
            Disturbance::Upgrade => "upgrades its runtime",
        };
        self.line(&format!("  round {}: the node {what}", disturb.round));
    }

    /// A fact that is worth a line.
    pub(super) fn event(&mut self, name: &str, event: &Event, facts: &Facts) {
        match event {
            Event::Evaluated { round, loss } if role_of(name) == Role::Validate => {
                self.round_line(*round, *loss, facts);
            }
            Event::VerdictReceived { round, uid, verdict: verdict @ Verdict::Rejected(_), .. }
                if role_of(name) == Role::Validate =>
            {
                let who = who(facts, *uid);
                self.line(&format!("  round {round}: {who} {verdict}"));
            }
            Event::PeerExited { restarting, .. } if *restarting => {
                self.line(&format!("  {name} ended and is started again"));
            }
            Event::Problem { problem, .. } => self.line(&format!("  {name}: {problem}")),
            _ => {}
        }
    }

    fn round_line(&mut self, round: Round, loss: f64, facts: &Facts) {
        if self.said.is_some_and(|said| said >= round) {
            return;
        }
        self.said = Some(round);
        let equal = if facts.thetas_equal() { "parameters equal everywhere" } else { "PARAMETERS DIFFER" };
        match round.previous() {
            None => self.line(&format!("round 0: held-out loss {loss:.4} nats per byte before training")),
            Some(done) => self.line(&format!("round {done} done: held-out loss {loss:.4}; {equal}")),
        }
        if let Some(bar) = &self.bar {
            bar.set_position(round.0.min(self.rounds));
        }
    }

    /// Redraws the table if it is time.
    pub(super) fn tick(&mut self, facts: &Facts, _elapsed: Duration) {
        if self.drawn.elapsed() < REDRAW {
            return;
        }
        self.drawn = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_message(table(facts));
        }
    }

    /// The account.
    pub(super) fn finish(&mut self, s: &Summary) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.line(&format!(
            "Held-out loss {:.4} → {:.4} nats per byte over {} rounds",
            s.eval_loss_first, s.eval_loss_last, s.rounds
        ));
        let refused: Vec<String> =
            s.rejected.iter().map(|(reason, n)| format!("{n} {}", reason.replace('_', " "))).collect();
        let refused = if refused.is_empty() { "nothing else".to_owned() } else { refused.join(", ") };
        self.line(&format!("Submissions: {} accepted; {refused}", s.accepted));
        for (name, rao) in &s.credits_by_peer {
            self.line(&format!("  {name:<12} {:>12.4} credits", rao.credits()));
        }
        let others = Rao(s.credits_validators.0 + s.credits_owner.0 + s.credits_burned.0);
        let peers: u64 = s.credits_by_peer.values().map(|r| r.0).sum();
        let sums = if peers + others.0 == s.emitted.0 { "adds up exactly" } else { "DOES NOT ADD UP" };
        self.line(&format!(
            "Ledger: {:.4} credits emitted = peers {:.4} + validators {:.4} + owner {:.4} + burned {:.4} ({sums}; test credits, worth nothing)",
            s.emitted.credits(),
            Rao(peers).credits(),
            s.credits_validators.credits(),
            s.credits_owner.credits(),
            s.credits_burned.credits()
        ));
        self.line(&format!(
            "{:.4} bytes per parameter on the wire; {:.0} % of the time in inner steps; {:.0} s",
            s.wire_bytes_per_param,
            100.0 * s.utilisation,
            s.wall_s
        ));
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) if !bar.is_hidden() => bar.println(text),
            Some(_) => eprintln!("{text}"),
            None => {}
        }
    }
}

fn who(facts: &Facts, uid: types::Uid) -> String {
    let named = facts.processes.iter().find(|(_, p)| p.uid == Some(uid)).map(|(name, _)| name.clone());
    named.unwrap_or_else(|| format!("uid {uid}"))
}

fn table(facts: &Facts) -> String {
    let mut lines: Vec<String> = facts
        .processes
        .iter()
        .filter(|(name, _)| role_of(name) != Role::Ledger)
        .map(|(name, p)| format!("{name:<12} {}", row(p)))
        .collect();
    if let Some(waiting) = &facts.waiting {
        lines.push(format!("waiting for {waiting}"));
    }
    lines.join("\n")
}

fn row(p: &ProcessFacts) -> String {
    if !p.running {
        return "not running".into();
    }
    let doing = match p.phase {
        None => "starting".to_owned(),
        Some((round, PeerPhase::Inner)) => format!("round {round}: step {} of {}", p.step.0, p.step.1),
        Some((round, phase)) => format!("round {round}: {}", words(phase)),
    };
    let loss = p.loss.map_or_else(String::new, |loss| format!("loss {loss:.3}"));
    let verdict = p.verdict.map_or_else(String::new, |(round, verdict)| format!("round {round} {verdict}"));
    format!("{doing:<28} {loss:<12} {verdict}")
}

fn words(phase: PeerPhase) -> &'static str {
    match phase {
        PeerPhase::Sync => "catching up",
        PeerPhase::Inner => "training",
        PeerPhase::Compress => "compressing",
        PeerPhase::Submit => "submitting",
        PeerPhase::Gather => "gathering",
        PeerPhase::Evaluate => "judging",
        PeerPhase::Outer => "outer step",
        _ => "waiting",
    }
}
