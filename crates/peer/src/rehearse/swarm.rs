//! The rehearsal's loop: starts processes, signs for them, plays the plan's joins, leaves and kills, and ends.
//!
//! In: a prepared run and a plan. Out: tagged event lines or a live view while it runs; a summary at the end. One loop owns
//! everything; children talk to it over one bounded queue.

mod app;
mod children;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chain::ChainBackend as _;
use chain::ledger::LedgerClient;
use ipc::{Command, Event, EventLine, ExitClass, ExitCode, HandshakeError, StopWhen, Summary};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Problem, Round, Signer as _};

pub use self::app::App;
use self::app::{NOW_GRACE, Wanted};
use self::children::Slot;
use super::facts::Facts;
use super::node::NodeError;
use super::plan::Plan;
use super::prepare::Prepared;
use super::process::{FromChild, Message};
use super::setting::ChainKind;
use super::summary::{self, SummaryError};
use super::view::View;
use crate::events::now_ms;
use crate::latest::Latest;
use crate::metrics::Figures;

/// Messages of all children that may wait for the loop.
const MESSAGE_QUEUE: usize = 4096;
/// The loop looks at timers this often.
const TICK: Duration = Duration::from_millis(100);
/// A child that was told to stop gets this long before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// Phases without any progress after which a rehearsal is given up.
const PATIENCE_PHASES: u32 = 4;

/// Why a rehearsal ended without a summary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearseError {
    /// A process could not be started.
    #[error("cannot start `{name}`: {source}")]
    Start {
        /// Its name.
        name: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A process ended in a way that a restart cannot mend.
    #[error("`{name}` ended with {exit}{}; its log is `{log}`", said(.problem.as_deref()))]
    Child {
        /// Its name.
        name: String,
        /// Exit code or signal in words.
        exit: String,
        /// Its standard error.
        log: PathBuf,
        /// What it said was wrong.
        problem: Option<Box<Problem>>,
        /// Why it ended, if that can be told.
        reason: Option<ExitCode>,
    },
    /// The app speaks other words.
    #[error(transparent)]
    Protocol(#[from] HandshakeError),
    /// Nothing moved for a long time.
    #[error("no progress for {secs} s; waiting for {waiting}")]
    Stuck {
        /// Seconds.
        secs: u64,
        /// What for.
        waiting: String,
    },
    /// The Subtensor node did not do as told.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The user stopped it.
    #[error("stopped before it was finished")]
    Interrupted,
    /// The ledger's account could not be read.
    #[error(transparent)]
    Summary(#[from] SummaryError),
}

fn said(problem: Option<&Problem>) -> String {
    problem.map_or_else(String::new, |problem| format!(" ({problem})"))
}

/// How the rehearsal shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// JSON lines on standard output.
    Json,
    /// A live view on the terminal.
    View,
}

/// An event line with its speaker.
#[derive(Serialize)]
struct Tagged<'a> {
    /// `who` and not `name`: events have names of their own.
    who: &'a str,
    #[serde(flatten)]
    line: &'a EventLine,
}

pub(super) struct Swarm<'a> {
    plan: &'a Plan,
    prepared: &'a Prepared,
    facts: Facts,
    slots: BTreeMap<String, Slot>,
    to: mpsc::Sender<Message>,
    tasks: TaskTracker,
    show: Show,
    view: View,
    began: Instant,
    progressed: Instant,
    /// One-time actions of the plan that were done.
    joined: bool,
    left: bool,
    killed: bool,
    /// Disturbances of the plan that have begun.
    disturbed: usize,
    /// When a standstill of the node ends.
    mend_at: Option<Instant>,
    /// What the app asked for.
    wanted: Wanted,
    /// Processes that stand still.
    paused: BTreeSet<String>,
    /// What still holds of what each has said.
    latest: BTreeMap<String, Latest>,
    /// Figures of all processes, if they were asked for, and the tokens of an inner step.
    figures: (Figures, u64),
    seq: u64,
}

/// Runs the whole rehearsal, `app` listening and telling if it is there. `None`: the app ended it, or went away.
///
/// # Errors
/// [`RehearseError`]; children are gone in every case.
pub async fn rehearse(
    plan: &Plan,
    prepared: &Prepared,
    show: Show,
    app: Option<App>,
    figures: Figures,
    stop: CancellationToken,
) -> Result<Option<Summary>, RehearseError> {
    let tokens = u64::from(plan.input.batch) * u64::from(plan.input.sequence);
    let (to, mut from) = mpsc::channel(MESSAGE_QUEUE);
    let mut swarm = Swarm {
        plan,
        prepared,
        facts: Facts::default(),
        slots: BTreeMap::new(),
        to,
        tasks: TaskTracker::new(),
        show,
        view: View::new(plan, show),
        began: Instant::now(),
        progressed: Instant::now(),
        joined: false,
        left: false,
        killed: false,
        disturbed: 0,
        mend_at: None,
        wanted: Wanted::nothing(),
        paused: BTreeSet::new(),
        latest: BTreeMap::new(),
        figures: (figures, tokens),
        seq: app.as_ref().map_or(0, App::said),
    };
    let result = swarm.run(&mut from, app, &stop).await;
    swarm.end_all(&mut from).await;
    if let Some(socket) = &prepared.run.places.ledger {
        let _ = std::fs::remove_file(socket);
    }
    if let Ok(Some(summary)) = &result {
        swarm.say("rehearsal", &Event::Summary(Box::new(summary.clone())));
        swarm.view.finish(summary);
    }
    result
}

impl Swarm<'_> {
    async fn run(
        &mut self,
        from: &mut mpsc::Receiver<Message>,
        mut app: Option<App>,
        stop: &CancellationToken,
    ) -> Result<Option<Summary>, RehearseError> {
        self.say_run_facts();
        if self.plan.input.chain == ChainKind::Ledger {
            self.start("ledger").await?;
            self.register_in_order(from).await?;
        }
        for name in self.plan.processes().into_iter().filter(|name| name != "ledger") {
            if self.plan.joiner().as_ref() != Some(&name) {
                self.start(&name).await?;
            }
        }
        let mut tick = tokio::time::interval(TICK);
        while !self.finished() {
            tokio::select! {
                Some(message) = from.recv() => self.take(message).await?,
                _ = tick.tick() => self.on_tick().await?,
                line = next(&mut app) => self.told(line)?,
                () = stop.cancelled() => return Err(RehearseError::Interrupted),
            }
            if self.wanted.ends {
                return Ok(None);
            }
            self.say_if_paused();
        }
        self.stop_trainers(from).await;
        let chain = crate::chains::connect(&self.prepared.run, None).await.map_err(SummaryError::from)?;
        let (rounds, wall) = (self.rounds(), self.began.elapsed());
        Ok(Some(summary::of(self.plan, self.prepared, &self.facts, rounds, wall, &chain).await?))
    }

    /// Rounds to run: the plan's, or as many as the app lets it finish.
    fn rounds(&self) -> u64 {
        self.wanted.last.map_or(self.plan.input.rounds, |last| self.plan.input.rounds.min(last.0 + 1))
    }

    /// Registers the first peers one after the other, so that the same seed gives everybody the same slot, hence the same
    /// text, in every rehearsal. The ledger asks for signatures meanwhile.
    async fn register_in_order(&mut self, from: &mut mpsc::Receiver<Message>) -> Result<(), RehearseError> {
        let (places, run) = (self.prepared.run.places.clone(), self.prepared.id());
        let signers: Vec<_> = self.plan.first_names().iter().map(|name| self.prepared.signer(name)).collect();
        let registering = async move {
            let socket = places
                .ledger
                .ok_or_else(|| chain::ChainError::Invalid { why: "the rehearsal has no ledger".into() })?;
            let client = LedgerClient::connect(&socket, run, crate::LEDGER_RETRY).await?;
            for signer in &signers {
                client.register(signer).await?;
            }
            Ok::<(), chain::ChainError>(())
        };
        tokio::pin!(registering);
        loop {
            tokio::select! {
                registered = &mut registering => return registered.map_err(|e| SummaryError::from(e).into()),
                Some(message) = from.recv() => self.take(message).await?,
            }
        }
    }

    /// Every round of the plan has its outer step, and the validators have reported on it.
    fn finished(&self) -> bool {
        self.facts.held_out.contains_key(&Round(self.rounds()))
    }

    async fn take(&mut self, message: Message) -> Result<(), RehearseError> {
        let Message { name, generation, what } = message;
        if self.slots.get(&name).and_then(Slot::generation) != Some(generation) {
            return Ok(());
        }
        match what {
            FromChild::Said(line) => self.hear(&name, &line).await?,
            FromChild::Garbled(error) => tracing::warn!("`{name}` said something that is no event: {error}"),
            FromChild::Exited(status) => self.on_exit(&name, status)?,
        }
        Ok(())
    }

    async fn hear(&mut self, name: &str, line: &EventLine) -> Result<(), RehearseError> {
        if let Event::SignRequest { id, payload } = &line.event {
            if let Some(slot) = self.slots.get_mut(name) {
                slot.sign(*id, payload).await;
            }
            return Ok(());
        }
        if !matches!(line.event, Event::Waiting { .. } | Event::Log { .. }) {
            self.progressed = Instant::now();
        }
        self.figures.0.take(name, self.figures.1, &line.event);
        self.facts.take(name, line, self.began.elapsed().as_secs_f64());
        if self.note(name, &line.event) && self.show == Show::Json {
            print_line(name, line);
        }
        self.view.event(name, &line.event, &self.facts);
        self.follow_plan().await
    }

    /// Joins, leaves and kills whose moment has come.
    async fn follow_plan(&mut self) -> Result<(), RehearseError> {
        let Some(round) = self.facts.training_round() else { return Ok(()) };
        let input = &self.plan.input;
        if !self.joined && input.join_at.is_some_and(|at| round >= Round(at)) {
            self.joined = true;
            if let Some(name) = self.plan.joiner() {
                if let Some(node) = &self.prepared.node {
                    node.register(self.prepared.signer(&name).hotkey()).await?;
                }
                self.start(&name).await?;
            }
        }
        if !self.left && input.leave_at.is_some_and(|at| round >= Round(at)) {
            self.left = true;
            let name = format!("peer-{}", input.peers);
            if let Some(slot) = self.slots.get_mut(&name) {
                slot.leave();
            }
        }
        let victim = &input.kill;
        // In the middle of inner steps where there are any: that is where the most could be lost.
        let moment =
            |at: u64| self.facts.in_the_middle_of(victim, Round(at)) || round > Round(at) || !victim.contains("peer");
        if !self.killed && input.kill_at.is_some_and(|at| round >= Round(at) && moment(at)) {
            self.killed = true;
            if let Some(slot) = self.slots.get(victim) {
                slot.kill();
            }
        }
        self.disturb(round).await
    }

    /// What befalls the node in this round.
    async fn disturb(&mut self, round: Round) -> Result<(), RehearseError> {
        let Some(node) = &self.prepared.node else { return Ok(()) };
        while let Some(next) = self.plan.input.disturb.get(self.disturbed).filter(|next| round >= Round(next.round)) {
            self.disturbed += 1;
            let lasts = node.disturb(next.what).await?;
            self.mend_at = lasts.map(|lasts| Instant::now() + lasts).or(self.mend_at);
            self.view.disturbed(next);
        }
        Ok(())
    }

    async fn on_tick(&mut self) -> Result<(), RehearseError> {
        if let (Some(node), true) = (&self.prepared.node, self.mend_at.is_some_and(|at| at <= Instant::now())) {
            self.mend_at = None;
            node.mend().await?;
        }
        let due: Vec<String> =
            self.slots.iter().filter(|(_, slot)| slot.is_due()).map(|(name, _)| name.clone()).collect();
        for name in due {
            self.facts.restarts += 1;
            self.start(&name).await?;
        }
        self.view.tick(&self.facts, self.began.elapsed());
        if self.wanted.pause.is_some() {
            self.progressed = Instant::now();
        }
        let patience = Duration::from_secs(self.plan.input.phase_secs) * PATIENCE_PHASES + Duration::from_secs(60);
        if self.progressed.elapsed() > patience {
            let waiting = self.facts.waiting.clone().unwrap_or_else(|| "nobody knows whom".into());
            return Err(RehearseError::Stuck { secs: patience.as_secs(), waiting });
        }
        Ok(())
    }

    fn on_exit(&mut self, name: &str, status: Option<std::process::ExitStatus>) -> Result<(), RehearseError> {
        self.facts.exited(name);
        let Some(slot) = self.slots.get_mut(name) else { return Ok(()) };
        let code = status.and_then(|s| s.code());
        let reason = slot.reason(code);
        let restarting = slot.ended(reason);
        self.paused.remove(name);
        let uid = self.facts.processes.get(name).and_then(|p| p.uid);
        let exited = Event::PeerExited { name: name.into(), uid, code, signal: signal_of(status), restarting };
        let hopeless = !restarting && !self.slots[name].may_go();
        self.say(name, &exited);
        if hopeless {
            let exit = status.map_or_else(|| "an unknown status".into(), |s| s.to_string());
            let log = self.slots[name].log();
            return Err(RehearseError::Child {
                name: name.into(),
                exit,
                log,
                problem: self.facts.problem.clone().map(Box::new),
                reason,
            });
        }
        Ok(())
    }

    /// Lets peers and validators save and end; the ledger stays for the account.
    async fn stop_trainers(&mut self, from: &mut mpsc::Receiver<Message>) {
        let names: Vec<String> = self.slots.keys().filter(|name| *name != "ledger").cloned().collect();
        self.stop(&names, from).await;
    }

    async fn end_all(&mut self, from: &mut mpsc::Receiver<Message>) {
        self.stop_trainers(from).await;
        self.stop(&["ledger".to_owned()], from).await;
        self.tasks.close();
        from.close();
        while from.recv().await.is_some() {}
        self.tasks.wait().await;
    }

    async fn stop(&mut self, names: &[String], from: &mut mpsc::Receiver<Message>) {
        for name in names {
            if let Some(slot) = self.slots.get_mut(name) {
                slot.tell_to_stop(Command::Stop { when: StopWhen::Now });
            }
        }
        let grace = if self.wanted.ends { NOW_GRACE } else { STOP_GRACE };
        let deadline = tokio::time::Instant::now() + grace;
        while names.iter().any(|name| self.slots.get(name).is_some_and(Slot::runs)) {
            match tokio::time::timeout_at(deadline, from.recv()).await {
                // What they still say while ending is answered, what goes wrong now no longer matters.
                Ok(Some(message)) => drop(self.take(message).await),
                Ok(None) => break,
                Err(_) => {
                    names.iter().filter_map(|name| self.slots.get(name)).for_each(Slot::kill);
                    break;
                }
            }
        }
    }

    fn say_run_facts(&mut self) {
        let manifest = self.prepared.run.manifest();
        let facts = Event::RunFacts {
            run: self.prepared.id(),
            name: manifest.name.clone(),
            model_params: manifest.model.parameter_count(),
            text: self.prepared.text.clone(),
            peers: self.plan.first_peers(),
            rounds: self.plan.input.rounds,
            seed: manifest.seed,
        };
        self.view.begin(&facts, &self.prepared.run.dir);
        self.say("rehearsal", &facts);
    }

    /// A line of the rehearsal itself.
    fn say(&mut self, name: &str, event: &Event) {
        self.latest.entry(name.to_owned()).or_default().take(event);
        if self.show == Show::Json {
            print(name, self.seq, event.clone());
            self.seq += 1;
        }
    }
}

/// A line of the rehearsal itself.
fn print(name: &str, seq: u64, event: Event) {
    print_line(name, &EventLine { seq, at_ms: now_ms(), event });
}

fn print_line(name: &str, line: &EventLine) {
    if let Ok(text) = serde_json::to_string(&Tagged { who: name, line }) {
        // A reader that has gone is noticed elsewhere: by a signal, or by the end of its commands.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// The app's next command; without an app there never is one.
async fn next(app: &mut Option<App>) -> Option<ipc::CommandLine> {
    match app {
        Some(app) => app.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(unix)]
fn signal_of(status: Option<std::process::ExitStatus>) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt as _;
    status.and_then(|s| s.signal())
}

#[cfg(not(unix))]
fn signal_of(_: Option<std::process::ExitStatus>) -> Option<i32> {
    None
}

/// Whether a process with this exit is started again.
fn restarts(reason: Option<ExitCode>) -> bool {
    reason.map_or(ExitClass::Restart, ExitCode::class) == ExitClass::Restart
}
