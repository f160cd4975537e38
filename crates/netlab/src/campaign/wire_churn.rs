//! `wire-churn`: half of the peers are disturbed in every round: killed, stopped for longer than a phase, cut off, gone and
//! back; and new ones come.
//!
//! Holds if nobody's parameters ever differ, the run goes on, and the last loss is within 1 % of the calm run's.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::founded::Founded;
use super::home_lines::{judge, per_peer, plan};
use super::{Bench, CampaignError};
use crate::report::{Report, Table};
use crate::{Lab, Line, Node};

/// Rounds to go.
const ROUNDS: u64 = 8;
/// The loss may be worse by so much than without disturbances.
const MAX_SHIFT: f64 = 0.01;
/// With somebody stopped, phases take their longest.
const PER_ROUND: Duration = Duration::from_secs(240);
/// Starting and fetching.
const TO_BEGIN: Duration = Duration::from_secs(300);
/// How long somebody is stopped or cut off: longer than a phase waits.
const AWAY: Duration = Duration::from_secs(45);
/// How long somebody who was killed is away.
const RESTART: Duration = Duration::from_secs(5);

/// As on the home lines, with phases that do not wait long for who is away.
const OPTIONS: &[&str] = &[
    "--model",
    "tiny",
    "--inner-steps",
    "4",
    "--batch",
    "2",
    "--sequence",
    "64",
    "--validators",
    "2",
    "--expected-peers",
    "8",
    "--phase-secs",
    "30",
    "--block-ms",
    "500",
    "--threads",
    "1",
    "--device",
    "cpu",
    "--alpha",
    "1.0",
];

/// What happens to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Kill,
    Stop,
    Leave,
    CutOff,
}

const TROUBLES: [Trouble; 4] = [Trouble::Kill, Trouble::Stop, Trouble::Leave, Trouble::CutOff];

/// Who is disturbed in a round, and how: half of the peers, the other half in the next one, each time differently.
fn troubles(round: u64, peers: usize) -> Vec<(usize, Trouble)> {
    let half = (0..peers).filter(|peer| (*peer as u64 + round).is_multiple_of(2));
    half.enumerate().map(|(nth, peer)| (peer, TROUBLES[(nth + round as usize / 2) % TROUBLES.len()])).collect()
}

/// What is to be undone, and when.
struct Undo {
    at: Instant,
    node: String,
    trouble: Trouble,
}

pub(super) fn run(bench: &Bench) -> Result<Report, CampaignError> {
    let rounds = bench.rounds.unwrap_or(ROUNDS);
    let calm = perform(bench, "calm", rounds, false)?;
    let churn = perform(bench, "churn", rounds, true)?;
    let mut report = Report::new([
        "The lines of `home-lines`, twice: once in peace, once with half of the peers disturbed in every round (kill -9 and \
         start again, SIGSTOP, leave and come back, cut off by a partition), and two newcomers."
            .to_owned(),
        format!(
            "Stopped and cut off for {} s, longer than a phase waits. `covey-peer found lab --stories {}`.",
            AWAY.as_secs(),
            OPTIONS.join(" ")
        ),
    ]);
    for part in [&calm, &churn] {
        report.goals.extend(part.goals.iter().cloned());
        report.tables.extend(part.tables.iter().cloned());
    }
    let last = |part: &Part| part.loss;
    let shift = last(&churn).zip(last(&calm)).map(|(churn, calm)| churn / calm - 1.0);
    let measured = match (last(&calm), last(&churn), shift) {
        (Some(calm), Some(churn), Some(shift)) => {
            format!("{calm:.4} calm, {churn:.4} disturbed: {:+.2} %", shift * 100.0)
        }
        _ => "unknown".to_owned(),
    };
    let what = format!("held-out loss after round {rounds} at most 1 % worse than in peace");
    report.goal(what, measured, shift.is_some_and(|shift| shift <= MAX_SHIFT));
    Ok(report)
}

/// One of the two runs.
struct Part {
    goals: Vec<crate::report::Goal>,
    tables: Vec<Table>,
    loss: Option<f64>,
}

fn perform(bench: &Bench, name: &str, rounds: u64, disturbed: bool) -> Result<Part, CampaignError> {
    let dir = bench.fresh(name)?;
    let mut plan = plan();
    let newcomers = ["new-1", "new-2"];
    plan.nodes.extend(newcomers.iter().map(|name| Node::home(*name, Line::SLOW.delayed(12.0))));
    let lab = Lab::build(&plan, &dir)?;
    let mut run = Founded::start(bench, lab, dir, OPTIONS)?;
    let homes: Vec<&Node> = plan.nodes.iter().filter(|node| node.name.starts_with("home")).collect();
    for home in &homes {
        run.join(&home.name)?;
    }
    let begun = Instant::now();
    let (mut seen, mut undo, mut log) =
        (None, Vec::new(), Table::new(format!("{name}: what happened"), &["round", "to whom"]));
    let patience = TO_BEGIN + PER_ROUND * u32::try_from(rounds).unwrap_or(u32::MAX);
    let done = bench.wait(patience, || {
        run.listen()?;
        let now = run.round();
        if now != seen && now < Some(rounds) {
            seen = now;
            let round = now.unwrap_or(0);
            println!("{name}: round {round} after {} s", begun.elapsed().as_secs());
            if disturbed {
                let words = disturb(bench, &mut run, &homes, round, &mut undo)?;
                log.row([round.to_string(), words]);
                if let Some(new) = newcomers.iter().zip([2, 4]).find(|(_, at)| *at == round).map(|(new, _)| *new) {
                    run.join(new)?;
                }
            }
        }
        undo_due(&mut run, &mut undo)?;
        let whole = |run: &Founded| run.members.values().filter(|m| m.account.last_round() >= Some(rounds)).count();
        Ok((run.losses().contains_key(&rounds) && whole(&run) * 2 > homes.len()).then_some(()))
    })?;
    let mut report = Report::new([""]);
    let each = if disturbed { 1 } else { rounds };
    judge(&mut report, &run, &homes, (rounds, each), begun.elapsed());
    report.goal("the run goes on", format!("round {:?} of {rounds}", run.round()), done.is_some());
    for goal in &mut report.goals {
        goal.what = format!("{name}: {}", goal.what);
    }
    let mut table = per_peer(&run, &homes)?;
    table.title = format!("{name}: per peer");
    let loss = run.losses().range(..=rounds).next_back().map(|(_, loss)| *loss);
    let tables = if disturbed { vec![log, table] } else { vec![table] };
    Ok(Part { goals: report.goals, tables, loss })
}

/// Makes a round's trouble; says whose.
fn disturb(
    bench: &Bench,
    run: &mut Founded,
    homes: &[&Node],
    round: u64,
    undo: &mut Vec<Undo>,
) -> Result<String, CampaignError> {
    let mut words = Vec::new();
    for (peer, trouble) in troubles(round, homes.len()) {
        let node = homes[peer].name.clone();
        if undo.iter().any(|undo| undo.node == node) {
            words.push(format!("{node} is still away"));
            continue;
        }
        let away = match trouble {
            Trouble::Kill => {
                run.kill(&node)?;
                RESTART
            }
            Trouble::Stop => {
                run.signal(&node, Signal::STOP)?;
                AWAY
            }
            Trouble::Leave => {
                run.leave(bench, &node)?;
                RESTART
            }
            Trouble::CutOff => {
                cut_off(run, &node)?;
                AWAY
            }
        };
        words.push(format!("{node}: {}", trouble.word()));
        undo.push(Undo { at: Instant::now() + away, node, trouble });
    }
    Ok(words.join(", "))
}

/// Splits a node from everybody else.
fn cut_off(run: &Founded, node: &str) -> Result<(), CampaignError> {
    let others: Vec<&str> = run.lab.names().filter(|name| *name != node).collect();
    Ok(run.lab.split(&[node], &others)?)
}

impl Trouble {
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "killed",
            Self::Stop => "stopped",
            Self::Leave => "left",
            Self::CutOff => "cut off",
        }
    }
}

/// Ends what is over.
fn undo_due(run: &mut Founded, undo: &mut Vec<Undo>) -> Result<(), CampaignError> {
    let now = Instant::now();
    for done in undo.extract_if(.., |undo| undo.at <= now).collect::<Vec<_>>() {
        match done.trouble {
            Trouble::Kill | Trouble::Leave => run.join(&done.node)?,
            Trouble::Stop => run.signal(&done.node, Signal::CONT)?,
            Trouble::CutOff => {
                run.lab.heal()?;
                for other in undo.iter().filter(|undo| undo.trouble == Trouble::CutOff) {
                    cut_off(run, &other.node)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn half_of_the_peers_are_disturbed_in_every_round_and_all_of_them_in_two() {
        for round in 0..12 {
            let now = troubles(round, 8);
            assert_eq!(now.len(), 4, "{now:?}");
            let all: BTreeSet<usize> = now.iter().chain(&troubles(round + 1, 8)).map(|(peer, _)| *peer).collect();
            assert_eq!(all.len(), 8);
            assert_eq!(now.iter().filter(|(_, trouble)| *trouble == Trouble::CutOff).count(), 1, "one cut at a time");
        }
    }

    #[test]
    fn a_peer_meets_every_trouble_within_eight_rounds() {
        for peer in 0..8 {
            let met = (0..8).flat_map(|round| troubles(round, 8)).filter(|(who, _)| *who == peer);
            assert_eq!(met.map(|(_, trouble)| trouble.word()).collect::<BTreeSet<_>>().len(), TROUBLES.len());
        }
    }
}
