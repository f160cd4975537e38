//! What a peer said, folded: parameters after each round, time per part, bytes, paths, losses.
//!
//! In: the JSON lines that `covey-peer` prints. Out: an account per peer, and whether two peers ever differ. A line that is
//! no event is passed over: logs may stand between.

use std::collections::{BTreeMap, BTreeSet};

use ipc::{Event, EventLine, PeerPath, Reach, RoundParts};
use types::Hash32;

/// One peer's account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Parameters after each round's outer step. A peer that says two different ones for a round keeps both.
    pub thetas: BTreeMap<u64, BTreeSet<Hash32>>,
    /// Time line of each round.
    pub parts: BTreeMap<u64, RoundParts>,
    /// Held-out loss after each round, where this peer measures it.
    pub losses: BTreeMap<u64, f64>,
    /// Rounds in which it sent a submission, with its size.
    pub sent: BTreeMap<u64, u64>,
    /// Verdicts over its uid or anybody's: accepted and refused.
    pub verdicts: (u64, u64),
    /// How it reached others, and how often at its last word.
    pub paths: BTreeMap<&'static str, usize>,
    /// Whether others reach it, by its last word.
    pub reach: Option<Reach>,
    /// Bytes up and down, by the last word of each of its processes.
    pub up: u64,
    /// See `up`.
    pub down: u64,
    /// Sentences of its problems.
    pub problems: Vec<String>,
    before: (u64, u64),
}

impl Account {
    /// Takes a line in.
    pub fn take(&mut self, line: &str) {
        let Ok(line) = serde_json::from_str::<EventLine>(line) else { return };
        if line.seq == 0 {
            // A process that was started again counts its bytes anew.
            self.before = (self.up, self.down);
        }
        match line.event {
            Event::OuterStepApplied { round, theta, .. } => {
                self.thetas.entry(round.0).or_default().insert(theta);
            }
            Event::RoundTimed { round, parts } => drop(self.parts.insert(round.0, parts)),
            Event::Evaluated { round, loss } if loss.is_finite() => drop(self.losses.insert(round.0, loss)),
            Event::Submitted { round, bytes, .. } => drop(self.sent.insert(round.0, bytes.0)),
            Event::VerdictReceived { verdict: types::Verdict::Accepted, .. } => self.verdicts.0 += 1,
            Event::VerdictReceived { .. } => self.verdicts.1 += 1,
            Event::Problem { problem, .. } => self.problems.push(problem.title),
            Event::Network(status) => {
                self.reach = Some(status.reach);
                (self.up, self.down) = (self.before.0 + status.up_total.0, self.before.1 + status.down_total.0);
                self.paths.clear();
                for peer in &status.peers {
                    *self.paths.entry(word(peer.path)).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    /// The last round whose outer step it took.
    pub fn last_round(&self) -> Option<u64> {
        self.thetas.keys().next_back().copied()
    }

    /// Share of its time line spent on inner steps, over rounds that have both ends; `None` without any.
    pub fn utilisation(&self) -> Option<f64> {
        let whole = |parts: &RoundParts| {
            parts.compute + parts.compress + parts.commit + parts.upload + parts.gather + parts.outer + parts.idle
        };
        let computed = self.parts.values().filter(|parts| parts.compute > 0);
        let (compute, all) =
            computed.fold((0, 0), |(compute, all), parts| (compute + parts.compute, all + whole(parts)));
        (all > 0).then(|| compute as f64 / all as f64)
    }

    /// `3 direct, 2 relayed`.
    pub fn path_words(&self) -> String {
        let words: Vec<String> = self.paths.iter().map(|(path, count)| format!("{count} {path}")).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    }
}

fn word(path: PeerPath) -> &'static str {
    match path {
        PeerPath::Lan => "on the same network",
        PeerPath::Direct => "direct",
        PeerPath::Punched => "punched",
        PeerPath::Relayed => "relayed",
    }
}

/// Rounds after which some two of them differ; and rounds that at least two of them took.
pub fn compare<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> (Vec<u64>, Vec<u64>) {
    let mut rounds: BTreeMap<u64, (usize, BTreeSet<Hash32>)> = BTreeMap::new();
    for account in accounts {
        for (round, thetas) in &account.thetas {
            let (peers, all) = rounds.entry(*round).or_default();
            *peers += 1;
            all.extend(thetas);
        }
    }
    let differ = rounds.iter().filter(|(_, (_, all))| all.len() > 1).map(|(round, _)| *round).collect();
    let compared = rounds.iter().filter(|(_, (peers, _))| *peers > 1).map(|(round, _)| *round).collect();
    (differ, compared)
}

#[cfg(test)]
mod tests;
