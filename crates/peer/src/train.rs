//! Role `train`: performs the round machine's effects.
//!
//! In: a run folder, a host (events, signer, commands). Out: payloads, chain records, events; an exit code when the machine
//! says so. One loop owns the machine; every effect that takes time is a task whose end comes back as an event.

mod effects;
mod reports;
mod steer;
mod told;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use chain::Head;
use ipc::{CommandLine, Event as Said, PeerPhase};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use types::{Problem, Round};

use crate::chains::RunChain;
use crate::cheat::{Cheat, CheatKind};
use crate::gather::GatherError;
use crate::journal::Journal;
use crate::lossy::Loss;
use crate::network::PeerNetwork;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::replica::{Compute, Replica, ReplicaInput, ReplicaParts};
use crate::round::{Effect, Event, Machine, Progress, StopWhen};
use crate::sampling::Sampler;
use crate::signing::Host;
use crate::timeline::RoundClock;
use crate::trainer::{InnerStep, SampleWish};

/// Folder of payloads that are signed but not yet public, inside the peer's state folder.
pub const OUTBOX: &str = "outbox";

/// What the role is started with.
pub struct TrainInput {
    /// The run.
    pub run: RunFolder,
    /// The peer's name: its sub-folder under `peers` and `share`.
    pub name: String,
    /// How it computes.
    pub compute: Compute,
    /// A rehearsal's dishonest peer: kind, seed, and the victim's state folder for a copycat.
    pub cheat: Option<(CheatKind, u64, Option<PathBuf>)>,
    /// A rehearsal's bad line.
    pub loss: Option<Loss>,
    /// Text is sampled from the model in every so many rounds; 0 for never.
    pub sample_every: u64,
    /// The way to the others, if they are not all on this machine.
    pub network: Option<PeerNetwork>,
    /// Events, signer, commands.
    pub host: Host,
}

/// What a finished effect says: an event for the machine, or nothing.
type EffectEnd = Result<Option<Event>, PeerError>;

/// Trains until told to stop.
///
/// # Errors
/// [`PeerError`] if the role cannot start or go on; what was saved stands.
pub async fn run(input: TrainInput, chain: RunChain, stop: CancellationToken) -> Result<(), PeerError> {
    let TrainInput { run, name, compute, cheat, loss, sample_every, network, host } = input;
    let Host { events, signer, mut commands, child: _signer_process } = host;
    let cheat = cheat.map(|(kind, seed, victim)| Cheat::new(kind, seed, victim.map(|v| v.join(OUTBOX))));
    let cheats = cheat.is_some();
    let own = run.clone();
    let replica_input =
        ReplicaInput { run, name: name.clone(), compute, events: events.clone(), signer, cheat, loss, network };
    let (replica, parts) = Replica::start(replica_input, Arc::clone(&chain.backend), stop.clone()).await?;
    let me = (replica.uid, replica.hotkey());
    let journal = Journal::open(own, chain, me, replica.state_dir.clone(), events.clone()).await;
    let sampler = Sampler::new(replica.state_dir.clone(), sample_every);
    let ReplicaParts { mut steps, thread, standing: _ } = parts;
    let role = ipc::Role::Train;
    events.say(Said::PeerStarted { name, uid: Some(replica.uid), pid: std::process::id(), role }).await;
    // A run that has not begun has no head yet.
    let head = tokio::select! {
        head = replica.chain.head() => head?,
        () = stop.cancelled() => return Ok(()),
    };
    let (heads, mut head_changes) = watch::channel(head);
    let machine = Machine::new(replica.manifest.rounds, replica.manifest.chain.clock);
    let mut driver = Driver {
        replica: Arc::clone(&replica),
        work: Arc::new(Work::new(&replica, journal, cheats, sampler)),
        machine,
        steering: steer::Steering::new(&replica),
        tasks: JoinSet::new(),
        said: None,
        pause: None,
        wishes: Vec::new(),
        exit: false,
    };
    driver.tasks.spawn({
        let follow = crate::head::follow(Arc::clone(&replica.chain), heads, events.clone(), stop.clone());
        async move {
            follow.await;
            Ok(None)
        }
    });
    driver.machine.on(Event::Head(head.number));
    let first = driver.machine.start();
    driver.perform(first).await;
    let result = driver.turn(&mut head_changes, &mut commands, &mut steps, &stop).await;
    stop.cancel();
    replica.trainer.halt();
    driver.tasks.shutdown().await;
    drop(driver);
    drop(replica);
    // The thread ends with the last handle; waiting for it means that the device memory is free when we exit.
    let joined = tokio::task::spawn_blocking(move || thread.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        tracing::error!("the trainer thread ended badly");
    }
    result
}

/// What effects work with.
struct Work {
    replica: Arc<Replica>,
    journal: Journal,
    cheats: bool,
    /// Coordinates sent since this process began.
    moved: AtomicU64,
    sampler: Sampler,
    /// Where the running round's time goes.
    clock: Arc<RoundClock>,
    /// Bytes of the running round's payload, once it is sealed.
    payload: AtomicU64,
    /// Why nothing should be submitted, by this machine's clock.
    held_by_clock: Mutex<Option<String>>,
}

impl Work {
    fn new(replica: &Arc<Replica>, journal: Journal, cheats: bool, sampler: Sampler) -> Self {
        Self {
            replica: Arc::clone(replica),
            journal,
            cheats,
            moved: AtomicU64::new(0),
            sampler,
            clock: RoundClock::start(),
            payload: AtomicU64::new(0),
            held_by_clock: Mutex::new(None),
        }
    }
}

struct Driver {
    replica: Arc<Replica>,
    work: Arc<Work>,
    machine: Machine,
    steering: steer::Steering,
    tasks: JoinSet<EffectEnd>,
    /// Phase and round last said.
    said: Option<(PeerPhase, Round)>,
    /// The pause that was asked for, and whether the device is free already.
    pause: Option<(told::Pause, bool)>,
    /// Samples asked for that wait for the end of the inner steps.
    wishes: Vec<SampleWish>,
    exit: bool,
}

/// Everything that can wake the loop.
enum Wake {
    Head(Head),
    Ended(EffectEnd),
    Told(Option<CommandLine>),
    Step(InnerStep),
    Stop,
}

impl Driver {
    async fn turn(
        &mut self,
        heads: &mut watch::Receiver<Head>,
        commands: &mut mpsc::Receiver<CommandLine>,
        steps: &mut mpsc::Receiver<InnerStep>,
        stop: &CancellationToken,
    ) -> Result<(), PeerError> {
        let (mut told, mut stopping) = (true, false);
        while !self.exit {
            let wake = tokio::select! {
                changed = heads.changed() => match changed {
                    Ok(()) => Wake::Head(*heads.borrow_and_update()),
                    Err(_) => Wake::Stop,
                },
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(end) => Wake::Ended(end),
                    Err(error) => Wake::Ended(Err(task_failed(error))),
                },
                command = commands.recv(), if told => Wake::Told(command),
                Some(step) = steps.recv() => Wake::Step(step),
                () = stop.cancelled(), if !stopping => Wake::Stop,
            };
            let event = match wake {
                Wake::Head(head) => {
                    self.heed_clock(&head).await;
                    Some(Event::Head(head.number))
                }
                Wake::Ended(Ok(event)) => event,
                Wake::Ended(Err(error)) => self.recover(error).await?,
                Wake::Told(None) => {
                    // Whoever started us has gone.
                    told = false;
                    Some(Event::Stop(StopWhen::Now))
                }
                Wake::Told(Some(line)) => self.told(line).await?,
                Wake::Step(step) => {
                    self.note_step(step.secs);
                    self.say_step(step);
                    None
                }
                Wake::Stop => {
                    stopping = true;
                    Some(Event::Stop(StopWhen::Now))
                }
            };
            if let Some(event) = event {
                match event {
                    Event::OuterDone => self.round_over().await,
                    // What it took to get here belongs to no round.
                    Event::Synced { .. } => self.work.clock.restart(),
                    _ => {}
                }
                let effects = self.machine.on(event);
                self.perform(effects).await;
                self.sample_if_due(event);
            }
            self.grant_wishes();
        }
        Ok(())
    }

    /// What can be mended without a restart is; the rest ends the role.
    async fn recover(&mut self, error: PeerError) -> Result<Option<Event>, PeerError> {
        match error {
            PeerError::Gather(GatherError::Desynced { round, ours, theirs }) => {
                let title = format!("Parameters differ from the other peers' in round {round}");
                let hint =
                    format!("Ours are {}, theirs {}. Starting again from a checkpoint", ours.short(), theirs.short());
                let problem = Problem::new("desynced", title, hint);
                self.replica.events.say(Said::Problem { problem, fatal: false }).await;
                Ok(Some(Event::Desynced))
            }
            // Only a stop cancels, and the machine would wait for the end of what was cancelled.
            PeerError::Gather(GatherError::Cancelled) => {
                self.perform(vec![Effect::Save, Effect::Exit]).await;
                Ok(None)
            }
            error => Err(error),
        }
    }

    fn say_step(&self, step: InnerStep) {
        self.replica.events.progress(Said::InnerStepDone {
            round: step.round,
            step: step.step,
            of: self.replica.manifest.inner.steps,
            loss: step.loss,
            tokens_per_sec: step.tokens_per_sec,
            lr: step.lr,
            grad_norm: step.grad_norm,
        });
    }

    /// Starts effects; those that take time become tasks.
    async fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.say_phase(effect).await;
            let (replica, work) = (Arc::clone(&self.replica), Arc::clone(&self.work));
            if let Effect::RunInner(round) = effect {
                replica.trainer.arm();
                work.journal.round_begins(round);
            }
            match effect {
                Effect::HaltInner => replica.trainer.halt(),
                Effect::Exit => self.exit = true,
                // Saving before the exit must be over before the loop ends.
                Effect::Save => {
                    if let Err(error) = effects::save(&replica).await {
                        tracing::error!("{error}");
                        let problem = error.problem();
                        replica.events.say(Said::Problem { problem, fatal: false }).await;
                    }
                }
                // In order and at once: a release that overtook an acquire would leave the peer without its device.
                Effect::Release | Effect::Acquire => {
                    let ended = effects::perform(&work, effect).await;
                    if ended.is_err() {
                        self.tasks.spawn(async move { ended });
                    } else if effect == Effect::Release {
                        self.say_paused().await;
                    }
                }
                effect => {
                    self.tasks.spawn(async move { effects::perform(&work, effect).await });
                }
            }
        }
    }

    async fn say_phase(&mut self, effect: Effect) {
        let rounds = &self.replica.manifest.rounds;
        let (phase, round) = match effect {
            Effect::CatchUp { .. } => (PeerPhase::Sync, self.machine.round()),
            Effect::RunInner(round) => (PeerPhase::Inner, round),
            Effect::Seal(round) => (PeerPhase::Compress, round),
            Effect::Commit(round) => (PeerPhase::Submit, round),
            Effect::Gather(round) => (PeerPhase::Gather, round),
            Effect::Outer(round) => (PeerPhase::Outer, round),
            _ => return,
        };
        if self.said.replace((phase, round)) == Some((phase, round)) {
            return;
        }
        let deadline_block = match phase {
            PeerPhase::Inner | PeerPhase::Compress | PeerPhase::Submit => rounds.commit_deadline(round),
            PeerPhase::Gather => rounds.attest_deadline(round),
            _ => rounds.start(round.next()),
        };
        self.replica.events.say(Said::PhaseChanged { round, phase, deadline_block }).await;
    }
}

fn task_failed(error: tokio::task::JoinError) -> PeerError {
    PeerError::Io { path: PathBuf::new(), source: std::io::Error::other(error) }
}

/// How far the peer had come in the round it stands at, by its disk and the chain.
async fn progress(replica: &Replica, round: Round) -> Result<Progress, PeerError> {
    let Some(sealed) = replica.trainer.sealed_bytes().await? else { return Ok(Progress::Open) };
    let root = types::Hash32::of(&sealed);
    let deadline = replica.manifest.rounds.commit_deadline(round);
    let records = replica.gatherer.records(round, deadline).await?;
    let commits = crate::settlement::RoundRecords::of(round, &records).commits;
    Ok(match commits.get(&replica.uid) {
        Some(commitment) if commitment.root == root => Progress::Committed,
        _ => Progress::Sealed,
    })
}
