//! Role `validate`: follows the run, judges every round, and sets weights.
//!
//! In: a run folder, a host. Out: one report per round, in order, each with one verdict per peer; weights; checkpoints for
//! those who join late. It trains nothing. A validator that was killed judges the rounds it missed before it goes on.

mod judge;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chain::{ChainBackend, ChainError, Head};
use gauntlet::State;
use ipc::{Command, CommandLine, Event as Said, LogLevel, PeerPhase};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use types::manifest::Phase;
use types::{BlockNumber, Problem, Record, Round, Uid};

use crate::gather::GatherError;
use crate::lossy::Loss;
use crate::network::PeerNetwork;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::replica::{Compute, Replica, ReplicaInput, ReplicaParts, blocking};
use crate::report::Report;
use crate::signing::{Host, Knows};

/// Held-out loss is shown, not scored: 64 sequences are enough to see it fall.
const HELD_OUT_SEQUENCES: usize = 64;
/// Time to fetch the payloads of a round that is over.
const PAST_ROUND_TIME: Duration = Duration::from_secs(5);
/// A state of 256 peers with their histories is well below this.
const MAX_STATE_BYTES: u64 = 16 * 1024 * 1024;

/// What the role is started with.
pub struct ValidateInput {
    /// The run.
    pub run: RunFolder,
    /// The validator's name.
    pub name: String,
    /// How it computes.
    pub compute: Compute,
    /// A rehearsal's bad line.
    pub loss: Option<Loss>,
    /// The way to the others, if they are not all on this machine.
    pub network: Option<PeerNetwork>,
    /// Events, signer, commands.
    pub host: Host,
}

/// What a validator must not forget: its ratings, and a report that may not have reached the chain.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Memory {
    state: State,
    pending: Option<Pending>,
}

/// A report on its way to the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    report: Report,
    weights: Vec<(Uid, u16)>,
}

/// Validates until told to stop.
///
/// # Errors
/// [`PeerError`] if the role cannot start or go on; what was saved stands.
pub async fn run(input: ValidateInput, chain: Arc<dyn ChainBackend>, stop: CancellationToken) -> Result<(), PeerError> {
    let ValidateInput { run, name, compute, loss, network, host } = input;
    let Host { events, signer, commands, child: _signer_process } = host;
    let replica_input =
        ReplicaInput { run, name: name.clone(), compute, events: events.clone(), signer, cheat: None, loss, network };
    let (replica, ReplicaParts { thread, .. }) = Replica::start(replica_input, chain, stop.clone()).await?;
    let role = ipc::Role::Validate;
    events.say(Said::PeerStarted { name, uid: Some(replica.uid), pid: std::process::id(), role }).await;
    let (heads, changes) = watch::channel(replica.chain.head().await?);
    let mut tasks = JoinSet::new();
    tasks.spawn(crate::head::follow(Arc::clone(&replica.chain), heads, events.clone(), stop.clone()));
    tasks.spawn(obey(commands, events.clone(), stop.clone()));
    let memory_path = replica.state_dir.join("validator.json");
    let memory = load(&memory_path).await?;
    let mut validator = Validator { replica: Arc::clone(&replica), memory, memory_path, heads: changes };
    let result = validator.work().await;
    stop.cancel();
    tasks.shutdown().await;
    drop(validator);
    drop(replica);
    if !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(()))) {
        tracing::error!("the trainer thread ended badly");
    }
    match result {
        Err(PeerError::Gather(GatherError::Cancelled)) => Ok(()),
        other => other,
    }
}

/// A validator knows one command: to stop. Whoever started it going away, or speaking other words, means the same.
async fn obey(mut commands: mpsc::Receiver<CommandLine>, events: crate::events::Events, stop: CancellationToken) {
    while let Some(line) = commands.recv().await {
        let understood = crate::signing::answer(&events, &line, Knows::Basics).await;
        if let Err(error) = &understood {
            events.log(LogLevel::Error, error.to_string()).await;
        }
        if understood.is_err() || matches!(line.command, Command::Stop { .. } | Command::Shutdown { .. }) {
            break;
        }
    }
    stop.cancel();
}

async fn load(path: &Path) -> Result<Memory, PeerError> {
    if !path.exists() {
        return Ok(Memory { state: State::new(), pending: None });
    }
    let bytes = crate::places::read_bounded(path, MAX_STATE_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        PeerError::Places(crate::places::PlacesError::Syntax { path: path.to_owned(), why: e.to_string() })
    })
}

struct Validator {
    replica: Arc<Replica>,
    memory: Memory,
    memory_path: PathBuf,
    heads: watch::Receiver<Head>,
}

impl Validator {
    async fn work(&mut self) -> Result<(), PeerError> {
        self.publish_pending().await?;
        let (round, _) = self.replica.standing();
        self.say_held_out(round).await?;
        while !self.replica.stop.is_cancelled() {
            match self.round().await {
                Ok(()) => {}
                Err(PeerError::Gather(GatherError::Desynced { round, ours, theirs })) => {
                    let title = format!("Parameters differ from the peers' in round {round}");
                    let hint = format!(
                        "Ours are {}, theirs {}. Starting again from a checkpoint",
                        ours.short(),
                        theirs.short()
                    );
                    let problem = Problem::new("desynced", title, hint);
                    self.replica.events.say(Said::Problem { problem, fatal: false }).await;
                    self.replica.catch_up(true).await?;
                }
                Err(error) => return Err(error),
            }
        }
        self.replica.trainer.save().await?;
        Ok(())
    }

    /// One round from the reveal to the outer step.
    async fn round(&mut self) -> Result<(), PeerError> {
        let (round, theta) = self.replica.standing();
        let rounds = self.replica.manifest.rounds;
        self.say_phase(PeerPhase::Settle, round).await;
        self.until(rounds.commit_deadline(round)).await?;
        self.say_phase(PeerPhase::Gather, round).await;
        // Payloads of a round that is over are there at once, or will not come; but they must still be read.
        let live = self.at() < rounds.attest_deadline(round);
        let patience = if live { self.replica.gather_time() } else { PAST_ROUND_TIME };
        let checked = self.replica.gatherer.gather(round, theta, tokio::time::Instant::now() + patience).await?;
        if self.at() < rounds.attest_deadline(round) {
            self.replica.attest(round).await?;
        }
        self.until(rounds.attest_deadline(round)).await?;
        let fixed = self.replica.gatherer.fix_set(round, theta).await?;
        if self.memory.state.last_round().is_none_or(|last| last < round) {
            self.say_phase(PeerPhase::Evaluate, round).await;
            let pending = judge::judge(&self.replica, &mut self.memory.state, round, &checked, &fixed).await?;
            self.memory.pending = Some(pending);
            self.remember().await?;
            self.publish_pending().await?;
        }
        self.say_phase(PeerPhase::Outer, round).await;
        let next = self.replica.apply(round, &fixed).await?.round;
        self.replica.forget_old_blobs(round).await?;
        if next.0.is_multiple_of(rounds.checkpoint_every) {
            self.replica.publish_checkpoint().await?;
            self.replica.trainer.save().await?;
        }
        self.say_held_out(next).await
    }

    /// Puts a report and its weights on chain, again if need be: both are idempotent.
    async fn publish_pending(&mut self) -> Result<(), PeerError> {
        let Some(Pending { report, weights }) = self.memory.pending.clone() else { return Ok(()) };
        let body = report.to_bytes();
        let store = Arc::clone(&self.replica.store);
        let id = blocking(move || store.put(&body)).await??;
        let record =
            Record::Report { round: report.round, root: id.root, bytes: id.bytes, gather: report.gather.clone() };
        loop {
            let published = match self.replica.chain.publish(&record, self.replica.signer.as_ref()).await {
                Ok(_) | Err(ChainError::Duplicate { .. }) => {
                    self.replica.chain.set_weights(&weights, self.replica.signer.as_ref()).await.map(|_| ())
                }
                Err(error) => Err(error),
            };
            match published {
                Ok(()) => break,
                Err(error) if error.is_retryable() && !self.replica.stop.is_cancelled() => {
                    self.replica
                        .events
                        .log(LogLevel::Warn, format!("report on round {}: {error}; trying again", report.round))
                        .await;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        judge::say(&self.replica, &report).await;
        self.memory.pending = None;
        self.remember().await
    }

    /// Saves the memory beside the old one, then in its place.
    async fn remember(&self) -> Result<(), PeerError> {
        let path = self.memory_path.clone();
        let io = |source| PeerError::Io { path: self.memory_path.clone(), source };
        let bytes = serde_json::to_vec(&self.memory).map_err(|e| io(std::io::Error::other(e)))?;
        let written = blocking(move || -> std::io::Result<()> {
            let temporary = path.with_extension("tmp");
            let mut file = std::fs::File::create(&temporary)?;
            std::io::Write::write_all(&mut file, &bytes)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        });
        written.await?.map_err(io)
    }

    fn at(&self) -> BlockNumber {
        self.heads.borrow().number
    }

    async fn until(&mut self, block: BlockNumber) -> Result<(), PeerError> {
        let stop = self.replica.stop.clone();
        tokio::select! {
            reached = self.heads.wait_for(|head| head.number >= block) => match reached {
                Ok(_) => Ok(()),
                Err(_) => Err(GatherError::Cancelled.into()),
            },
            () = stop.cancelled() => Err(GatherError::Cancelled.into()),
        }
    }

    async fn say_phase(&self, phase: PeerPhase, round: Round) {
        let rounds = &self.replica.manifest.rounds;
        let deadline_block = match (phase, rounds.phase_of(self.at())) {
            (PeerPhase::Settle, Phase::Compute) => rounds.commit_deadline(round),
            (PeerPhase::Gather, _) => rounds.attest_deadline(round),
            _ => rounds.start(round.next()),
        };
        self.replica.events.say(Said::PhaseChanged { round, phase, deadline_block }).await;
    }

    async fn say_held_out(&self, round: Round) -> Result<(), PeerError> {
        let loss = self.replica.trainer.held_out(HELD_OUT_SEQUENCES).await?;
        self.replica.events.say(Said::Evaluated { round, loss }).await;
        Ok(())
    }
}
