//! What the peer says and how it ends, taken into the state.

use super::{Crash, Effect, State, book, money::Pay, run::cut, run::drop_oldest};
use crate::api::NoticeKind;
use crate::crash::End;
use crate::session::MAX_CRASHES;
use crate::state::work::Ended;
use ipc::{Event as Said, EventLine};
use types::{Problem, Uid, Verdict};
use view_model::{CrashCause, LogLevel, RunKind, Series, Told, Tone};

/// Failures in a row from which on somebody should know.
const TELL_FROM: u32 = 3;

impl State {
    pub(super) fn said(
        &mut self,
        generation: u64,
        speaker: &str,
        line: &EventLine,
        now_ms: u64,
        out: &mut Vec<Effect>,
    ) {
        self.work.heard(now_ms);
        let Some(job) = self.work.process().map(|process| process.job.clone()) else { return };
        let me = job.is_me(speaker);
        match &line.event {
            Said::Ack { id } | Said::Snapshot { id, .. } => self.with_process(|process| process.answered(*id)),
            Said::Refused { id, problem } => self.refused(*id, problem, now_ms),
            Said::SignRequest { id, payload } => {
                out.push(Effect::Sign { generation, id: *id, payload: Box::new(payload.clone()) });
            }
            Said::Paused { reason, since_ms, .. } if me || speaker == REHEARSAL => {
                let paused = (*since_ms, cut(reason, 200));
                self.with_process(|process| process.paused = Some(paused));
            }
            Said::Resumed if me || speaker == REHEARSAL => self.with_process(|process| process.paused = None),
            Said::Problem { problem, fatal } => self.problem_said(speaker, problem, *fatal, now_ms),
            Said::Log { level, text } => self.log(shown_level(*level), speaker, text, now_ms),
            Said::Summary(_) => {
                self.with_process(|process| process.summed_up = true);
                self.run.take(speaker, line);
            }
            Said::Network(status) if me => {
                let (up, down) = self.network.status(status, now_ms, &self.zone);
                let x = line.at_ms.min(now_ms.saturating_add(60_000)) as f64;
                self.charts.point(Series::Upload, x, up as f64);
                self.charts.point(Series::Download, x, down as f64);
                self.limits_once(&job, now_ms, out);
            }
            Said::Fetching { what, done, total, sources } if me => {
                self.network.fetching(*what, (done.0, total.0), *sources, now_ms);
                self.limits_once(&job, now_ms, out);
            }
            Said::RoundTimed { round, parts } if me => self.network.timed(*round, parts),
            event => {
                if matches!(event, Said::RunFacts { .. } | Said::PeerStarted { .. } | Said::PhaseChanged { .. }) {
                    self.with_process(|process| process.ready = true);
                    self.limits_once(&job, now_ms, out);
                }
                if let Said::PeerStarted { pid, .. } = event {
                    self.gpus.also_ours(*pid);
                }
                if matches!(event, Said::PhaseChanged { .. }) {
                    self.problems.rounds_run();
                    self.network.rounds_run();
                    self.with_process(|process| process.works(now_ms));
                }
                self.run.take(speaker, line);
                self.own(&job, me, line, now_ms, out);
            }
        }
    }

    /// Events about this computer's own work.
    fn own(&mut self, job: &super::Job, me: bool, line: &EventLine, now_ms: u64, out: &mut Vec<Effect>) {
        // A clock that is wrong in the peer's line would put a point anywhere.
        let at_ms = line.at_ms.min(now_ms.saturating_add(60_000));
        let mine = |uid: Uid| job.kind() == RunKind::Shared || self.run.uid_of(job.peer_name()) == Some(uid);
        match &line.event {
            Said::VerdictReceived { round, uid, verdict, score, .. } if mine(*uid) => {
                let first = self.rounds.judged(*round, *verdict, *score, at_ms);
                if first {
                    self.round_for_update(true, out);
                }
                if first && *verdict == Verdict::Accepted {
                    self.accepted(&book(job), *round, now_ms, out);
                }
            }
            Said::ScoreUpdated { round, uid, score, incentive, emission, balance } if mine(*uid) => {
                let pay =
                    Pay { round: *round, score: *score, weight: *incentive, emission: *emission, balance: *balance };
                if self.money.paid(&book(job), pay, now_ms, &self.zone).0 > 0 {
                    self.urgent = true;
                    if job.kind() == RunKind::Shared {
                        self.notify(NoticeKind::Payout, None, "notice-payout", now_ms, out);
                    }
                }
            }
            Said::Evaluated { round, loss } => self.charts.point(Series::RunLoss, round.0 as f64, *loss),
            Said::Receipt { round, sequence, hash } if me => self.money.receipt(*round, *sequence, *hash),
            Said::InnerStepDone { loss, tokens_per_sec, lr, grad_norm, .. } if me => {
                let x = at_ms as f64;
                self.charts.point(Series::Loss, x, *loss);
                self.charts.point(Series::TokensPerSec, x, *tokens_per_sec);
                self.charts.point(Series::LearningRate, x, *lr);
                if let Some(norm) = grad_norm {
                    self.charts.point(Series::GradNorm, x, *norm);
                }
                self.rounds.take(&line.event, at_ms);
                self.training.take(&line.event);
            }
            event if me => {
                self.rounds.take(event, at_ms);
                self.training.take(event);
            }
            _ => {}
        }
    }

    fn accepted(&mut self, book: &str, round: types::Round, now_ms: u64, out: &mut Vec<Effect>) {
        let once = format!("accepted:{book}");
        if self.rounds.tiles().iter().filter(|tile| tile.verdict == Some(Verdict::Accepted)).count() == 1 {
            let told = Told::new("toast-accepted").with("round", round.to_string());
            self.notices.toast(Tone::Earned, told, now_ms);
        }
        self.notify(NoticeKind::Accepted, Some(&once), "notice-accepted", now_ms, out);
    }

    fn refused(&mut self, id: u64, problem: &Problem, now_ms: u64) {
        let asked = self.work.process_mut().and_then(|process| process.refused(id));
        // A question whether it is there is answered by a refusal as well.
        let Some(asked) = asked else { return };
        self.log(LogLevel::Warn, "peer", &format!("refused a command: {problem}"), now_ms);
        if asked.is_pressed() {
            self.problems.said(problem, false);
        }
    }

    fn problem_said(&mut self, speaker: &str, problem: &Problem, fatal: bool, now_ms: u64) {
        let level = if fatal { LogLevel::Error } else { LogLevel::Warn };
        self.log(level, speaker, &problem.to_string(), now_ms);
        self.problems.said(problem, fatal);
        self.with_process(|process| process.problem = Some(problem.clone()));
    }

    fn with_process(&mut self, what: impl FnOnce(&mut super::work::Process)) {
        if let Some(process) = self.work.process_mut() {
            what(process);
        }
    }

    pub(super) fn ended(&mut self, end: &End, now_ms: u64, out: &mut Vec<Effect>) {
        let ended = self.work.ended(end, now_ms);
        self.run.end(now_ms);
        self.rounds.end(now_ms);
        self.training.end();
        self.network.end();
        self.gpus.ours(Vec::new());
        self.urgent = true;
        match ended {
            Ended::Asked => {
                // Stopped on purpose: what was fatal on the way down is no state.
                self.problems.rounds_run();
                self.log(LogLevel::Info, "app", "the trainer has ended, as asked", now_ms);
            }
            Ended::Finished => {
                self.problems.rounds_run();
                self.notices.toast(Tone::Running, Told::new("toast-finished"), now_ms);
                self.log(LogLevel::Info, "app", "all rounds are done", now_ms);
            }
            Ended::Crashed(cause) => self.crashed(cause, end, now_ms, out),
        }
    }

    /// The program's own last words stand beside the cause, unless it said a problem in order.
    fn last_words(&mut self, cause: CrashCause, end: &End) {
        let said = self.problems.rows().iter().any(|row| row.fatal);
        let tells = matches!(
            cause,
            CrashCause::Problem
                | CrashCause::Unknown
                | CrashCause::Panic
                | CrashCause::WrongVersion
                | CrashCause::WrongLibtorch
                | CrashCause::NotInstalled
        );
        if let (false, true, Some(line)) = (said, tells, last_line(end)) {
            let problem = Problem::new("trainer_said", line, "These are the trainer's last words; the log has more.");
            self.problems.said(&problem, false);
        }
    }

    fn crashed(&mut self, cause: CrashCause, end: &End, now_ms: u64, out: &mut Vec<Effect>) {
        self.crashes.push(Crash { at_ms: now_ms, cause });
        drop_oldest(&mut self.crashes, MAX_CRASHES);
        let why = end.not_started.as_ref().or(end.other_version.as_ref());
        let line = format!(
            "the trainer ended by itself ({}): code {:?}, signal {:?}{}",
            cause.key(),
            end.code,
            end.signal,
            why.map(|why| format!(", {why}")).unwrap_or_default()
        );
        self.log(LogLevel::Error, "app", &line, now_ms);
        self.last_words(cause, end);
        self.round_for_update(false, out);
        if cause == CrashCause::WrongLibtorch {
            out.push(Effect::LookForEngine { machine: self.gpus.for_packs() });
        }
        if cause == CrashCause::WrongVersion {
            self.problems.said(&other_version(), false);
        }
        let recovery = self.work.recovery(false, now_ms);
        let hopeless = recovery.as_ref().is_some_and(|recovery| recovery.again_in_secs.is_none());
        if hopeless || recovery.is_some_and(|recovery| recovery.attempt == TELL_FROM) {
            self.notify(NoticeKind::Problem, None, "notice-problem", now_ms, out);
        }
    }
}

/// App and peer are released, installed and updated as a pair: one of them was replaced alone.
fn other_version() -> Problem {
    let hint = "They are only used as a pair: install Covey again, and both are of one version.";
    Problem::new("peer_other_version", "The app and the trainer are of different versions", hint)
}

/// What it said last before it ended.
fn last_line(end: &End) -> Option<String> {
    let why = end.not_started.as_deref().or(end.other_version.as_deref());
    let line = why.or_else(|| end.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()))?;
    Some(cut(line, 300)).filter(|line| !line.is_empty())
}

/// What the process that runs a rehearsal calls itself.
const REHEARSAL: &str = "rehearsal";

fn shown_level(level: ipc::LogLevel) -> LogLevel {
    match level {
        ipc::LogLevel::Debug => LogLevel::Debug,
        ipc::LogLevel::Info => LogLevel::Info,
        ipc::LogLevel::Warn => LogLevel::Warn,
        ipc::LogLevel::Error => LogLevel::Error,
    }
}
