//! The whole screen of one run.

use super::columns::table;
use super::line::{MIN_WIDTH, fit};
use super::sparkline::sparkline;
use locale::Locale;
use view_model::{
    Activity, LampState, RunKind, RunSnapshot, credits_sentence, loss_sentence, problem_sentence, status_sentence,
    stop_price_sentence, units,
};

/// Points of the loss curve: one per round, as many as are still told apart at a glance.
const CURVE_POINTS: usize = 40;
/// Problems that are shown; the newest, since older ones scroll away in the log.
const PROBLEMS: usize = 3;

/// `run` as lines of at most `width` characters each, control characters removed. The first line is the status
/// sentence, the same that a tray or a notification shows.
pub fn screen(run: &RunSnapshot, width: usize) -> Vec<String> {
    let width = width.max(MIN_WIDTH);
    let mut lines = vec![status_sentence(run, &Locale::english())];
    lines.extend(about(run));
    lines.extend(loss_curve(run));
    if !run.peers.is_empty() {
        lines.push(String::new());
        lines.extend(table(&run.peers, width));
        lines.push(credits_sentence(run, &Locale::english()));
    }
    lines.extend(lamps(run));
    let problems = run.problems.iter().rev().take(PROBLEMS).rev();
    lines.extend(problems.map(|row| format!("! {}", problem_sentence(row, &Locale::english()))));
    if matches!(run.activity, Activity::Running | Activity::Paused { .. }) {
        lines.push(String::new());
        lines.push(stop_price_sentence(run, &Locale::english()));
    }
    lines.iter().map(|line| fit(line, width)).collect()
}

fn about(run: &RunSnapshot) -> Option<String> {
    let facts = run.run.as_ref()?;
    let kind = match facts.kind {
        RunKind::Rehearsal => "rehearsal on this computer",
        RunKind::Shared => "shared run",
    };
    let elapsed = units::duration(run.elapsed_secs);
    Some(format!("{kind} · {} parameters · {} · {elapsed}", units::parameters(facts.model_params), facts.text))
}

fn loss_curve(run: &RunSnapshot) -> Option<String> {
    let sentence = loss_sentence(run, &Locale::english())?;
    let losses: Vec<f64> = run.eval_losses.iter().map(|point| point.loss).collect();
    Some(format!("{sentence}  {}", sparkline(&losses, CURVE_POINTS)))
}

/// The checks of the own submission in one line, the reasons of those that are not good below it.
fn lamps(run: &RunSnapshot) -> Vec<String> {
    if run.lamps.is_empty() {
        return Vec::new();
    }
    let all: Vec<String> = run.lamps.iter().map(|lamp| format!("{} {}", lamp.name, lamp.state.words())).collect();
    let mut lines = vec![format!("own check before sending: {}", all.join(" · "))];
    let doubtful = run.lamps.iter().filter(|lamp| !matches!(lamp.state, LampState::Pass));
    lines.extend(doubtful.map(|lamp| format!("  {}: {}", lamp.name, lamp.why)));
    lines
}
