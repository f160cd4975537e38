//! What the terminal shows of a rehearsal: the app's fold of the peer's events, what the run does, and its problems.
//!
//! In: one event line after the other, with the speaker's name. Out: a [`RunSnapshot`] for a given moment. It reads no
//! clock and performs nothing.

use app::RunState;
use ipc::{Event, EventLine};
use view_model::{Activity, ProblemRow, RunKind, RunSnapshot};

/// Problems that are kept.
const MAX_PROBLEMS: usize = 16;

/// Everything the terminal knows.
#[derive(Debug)]
pub(crate) struct Shown {
    run: RunState,
    activity: Now,
    problems: Vec<ProblemRow>,
}

/// [`Activity`] with moments instead of durations.
#[derive(Debug)]
enum Now {
    Starting,
    Running,
    Paused { reason: String, since_ms: u64, until_ms: Option<u64> },
    Stopping { by_ms: u64 },
    Finished,
}

impl Shown {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self { run: RunState::new(RunKind::Rehearsal), activity: Now::Starting, problems: Vec::new() }
    }

    /// Takes one line; `speaker` is the process that said it.
    pub(crate) fn take(&mut self, speaker: &str, line: &EventLine) {
        self.run.take(speaker, line);
        match &line.event {
            Event::Summary(_) => {
                self.activity = Now::Finished;
                self.run.end(line.at_ms);
            }
            Event::Paused { reason, since_ms, until } => {
                self.activity = Now::Paused { reason: reason.clone(), since_ms: *since_ms, until_ms: *until };
            }
            Event::Resumed => self.activity = Now::Running,
            Event::Problem { problem, fatal } => {
                // A process that restarts says the same thing again.
                self.problems.retain(|row| row.problem != *problem);
                self.problems.push(ProblemRow { problem: problem.clone(), fatal: *fatal });
                let surplus = self.problems.len().saturating_sub(MAX_PROBLEMS);
                self.problems.drain(..surplus);
            }
            Event::PhaseChanged { .. } => {
                // Fatal is meant for one process. If rounds go on, the run did not end with it.
                self.problems.iter_mut().for_each(|row| row.fatal = false);
                if matches!(self.activity, Now::Starting) {
                    self.activity = Now::Running;
                }
            }
            _ => {}
        }
    }

    /// The app asked the peer to end; the peer's own word may come later or never.
    pub(crate) fn stopping(&mut self, by_ms: u64) {
        self.activity = Now::Stopping { by_ms };
    }

    /// Whether the summary has come.
    pub(crate) fn finished(&self) -> bool {
        matches!(self.activity, Now::Finished)
    }

    /// What a view shows at `now_ms`, by the clock that the peer uses too.
    pub(crate) fn snapshot(&self, now_ms: u64) -> RunSnapshot {
        let since = |ms: u64| now_ms.saturating_sub(ms) / 1000;
        let until = |ms: u64| ms.saturating_sub(now_ms) / 1000;
        let activity = match &self.activity {
            Now::Starting => Activity::Starting,
            Now::Running => Activity::Running,
            Now::Paused { reason, since_ms, until_ms } => Activity::Paused {
                reason: reason.clone(),
                for_secs: since(*since_ms),
                resumes_in_secs: until_ms.map(until),
            },
            Now::Stopping { by_ms } => Activity::Stopping { within_secs: until(*by_ms) },
            Now::Finished => Activity::Finished,
        };
        RunSnapshot { activity, problems: self.problems.clone(), ..self.run.snapshot(now_ms) }
    }
}

#[cfg(test)]
mod tests;
