//! A process that follows the run: its θ moves in step with everybody's. Trainer and validator are both built on it.
//!
//! In: a run folder, a signer, an engine. Out: θ at the start of every round, bit-identical to the others'; checkpoints for
//! late joiners. It takes no inner step, commits nothing and judges nobody.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chain::{ChainBackend, ChainError};
use engine::{DeviceChoice, Engine, EngineOptions, Precision, TorchEngine};
use exchange::{BlobStore, FolderSource, StoreLimits};
use ipc::{Event, LogLevel, Rejection};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::manifest::{RunId, RunManifest};
use types::{BlockNumber, Hash32, Hotkey, Record, Round, Signer, Uid};

mod checkpoints;

use crate::cheat::Cheat;
use crate::checkpoint::StateFolder;
use crate::events::Events;
use crate::gather::{FixedSet, GatherError, Gatherer};
use crate::lossy::Loss;
use crate::network::PeerNetwork;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::supply::Supply;
use crate::trainer::{InnerStep, OuterResult, SealInput, Standing, TrainerHandle, TrainerInput};

/// Below this, activations of a whole micro-batch are small beside the state.
const SMALL_MODEL_PARAMETERS: u64 = 20_000_000;
/// Checkpoints kept by whoever serves them: a joiner that found one on chain must still be able to fetch it.
const CHECKPOINTS_KEPT: u64 = 3;
/// Hashes of earlier parameters a validator compares a desynced peer's with; the sync score ends at three steps.
const THETAS_KEPT: usize = 8;
/// Rounds of own payloads kept beyond the last checkpoint, for those who replay.
const PAYLOAD_ROUNDS_KEPT: u64 = 8;

/// How a process computes.
#[derive(Debug, Clone, Copy)]
pub struct Compute {
    /// Where tensors live.
    pub device: DeviceChoice,
    /// Working precision.
    pub precision: Precision,
    /// CPU threads.
    pub threads: usize,
}

/// What a replica is started from.
pub struct ReplicaInput {
    /// The run.
    pub run: RunFolder,
    /// The process's name: its sub-folder under `peers` and `share`.
    pub name: String,
    /// How it computes.
    pub compute: Compute,
    /// For saying things.
    pub events: Events,
    /// For signatures.
    pub signer: Arc<dyn Signer>,
    /// A rehearsal's dishonest peer.
    pub cheat: Option<Cheat>,
    /// A rehearsal's bad line.
    pub loss: Option<Loss>,
    /// The way to the others, if they are not all on this machine.
    pub network: Option<PeerNetwork>,
}

/// A replica at work.
pub struct Replica {
    /// The run's parameters.
    pub manifest: Arc<RunManifest>,
    /// The run.
    pub run: RunId,
    /// Its chain.
    pub chain: Arc<dyn ChainBackend>,
    /// The tensor thread.
    pub trainer: TrainerHandle,
    /// Payloads.
    pub gatherer: Arc<Gatherer>,
    /// Where this process publishes.
    pub store: Arc<BlobStore>,
    /// Where it fetches.
    pub supply: Arc<Supply>,
    /// The way to the others, if they are not all on this machine.
    pub network: Option<PeerNetwork>,
    /// For saying things.
    pub events: Events,
    /// For signatures.
    pub signer: Arc<dyn Signer>,
    /// This process's slot.
    pub uid: Uid,
    /// Where it keeps its own files.
    pub state_dir: PathBuf,
    /// Ends everything.
    pub stop: CancellationToken,
    standing: Mutex<(Round, Hash32)>,
    /// Training sequences in the data set.
    sequences: u64,
    /// Parameters the last rounds started from, newest last.
    thetas: Mutex<Vec<(Round, Hash32)>>,
    /// Lower median of the norms in the last set; what the own next norm is held against.
    median_norm: Mutex<Option<f32>>,
}

/// The parts of a started replica that only one owner may hold.
pub struct ReplicaParts {
    /// Progress of inner steps.
    pub steps: mpsc::Receiver<InnerStep>,
    /// The tensor thread.
    pub thread: JoinHandle<()>,
    /// Where it stood when it started.
    pub standing: Standing,
}

impl Replica {
    /// Connects, registers (idempotent), opens data and state, builds the engine.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn start(
        input: ReplicaInput,
        chain: Arc<dyn ChainBackend>,
        stop: CancellationToken,
    ) -> Result<(Arc<Self>, ReplicaParts), PeerError> {
        let ReplicaInput { run, name, compute, events, signer, cheat, loss, network } = input;
        let manifest = Arc::new(run.manifest().clone());
        let dataset = dataset::Dataset::open(&run.places.dataset)?;
        dataset.check(&manifest.data)?;
        let sequences = dataset.sequences();
        let data_files = crate::data_files::of(&dataset);
        let uid = chain.register(signer.as_ref()).await?.uid;
        let state_dir = run.state_of(&name);
        let folder = StateFolder::open(&state_dir)?;
        let (model, inner, seed) = (manifest.model.clone(), manifest.inner.clone(), manifest.seed);
        let options = engine_options(compute, &manifest);
        let build = move || -> Result<Box<dyn Engine>, engine::EngineError> {
            // Before anything asks for CUDA: asking first would keep it dead for the whole process.
            crate::cuda_pack::load_for(options.device)?;
            Ok(Box::new(TorchEngine::new(&model, &inner, options, seed)?))
        };
        let trainer_input = TrainerInput { manifest: Arc::clone(&manifest), dataset: Arc::new(dataset), folder, cheat };
        let started = crate::trainer::start(trainer_input, build).await?;
        let trainer = started.handle;
        let payload_limit = trainer.layout().max_submission_bytes() as u64;
        let checkpoint_bytes = 4 * trainer.layout().parameter_count() as u64;
        let largest = payload_limit.max(checkpoint_bytes);
        let limits = StoreLimits { max_bytes: largest.saturating_mul(64), max_blob_bytes: largest };
        let store = Arc::new(BlobStore::open(run.share_of(&name), limits)?);
        let supply = match &network {
            Some(network) => {
                network.take_part(&chain, &signer, &store).await?;
                for (id, path) in data_files {
                    network.library().add_file(id, path);
                }
                Supply::network(network.clone(), largest)
            }
            None => Supply::folders(Arc::new(FolderSource::parent(&run.places.share)), largest),
        };
        let supply = Arc::new(supply.with_loss(loss));
        let gatherer = Arc::new(Gatherer::new(
            Arc::clone(&manifest),
            Arc::clone(&chain),
            Arc::clone(&supply),
            Arc::clone(trainer.layout()),
            events.clone(),
            stop.clone(),
        ));
        let standing = Mutex::new((started.standing.round, started.standing.theta));
        let run = manifest.id();
        let replica = Self {
            manifest,
            run,
            chain,
            trainer,
            gatherer,
            store,
            supply,
            network,
            events,
            signer,
            uid,
            state_dir,
            stop,
            standing,
            sequences,
            thetas: Mutex::new(vec![(started.standing.round, started.standing.theta)]),
            median_norm: Mutex::new(None),
        };
        let parts = ReplicaParts { steps: started.steps, thread: started.thread, standing: started.standing };
        Ok((Arc::new(replica), parts))
    }

    /// The round that starts from θ, and θ's hash.
    pub fn standing(&self) -> (Round, Hash32) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand(&self, round: Round, theta: Hash32) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = (round, theta);
        let mut thetas = self.thetas.lock().unwrap_or_else(PoisonError::into_inner);
        thetas.retain(|(earlier, _)| *earlier < round);
        thetas.push((round, theta));
        let forgotten = thetas.len().saturating_sub(THETAS_KEPT);
        thetas.drain(..forgotten);
    }

    /// Parameters the last rounds started from, the newest last.
    pub fn recent_thetas(&self) -> Vec<(Round, Hash32)> {
        self.thetas.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Training sequences assigned to a uid in a round.
    pub fn pool(&self, uid: Uid, round: Round) -> Vec<u64> {
        dataset::assignment(uid, round, self.sequences, self.manifest.data.pool_sequences as usize)
    }

    /// This process's key.
    pub fn hotkey(&self) -> Hotkey {
        self.signer.hotkey()
    }

    /// Who submits what in a round.
    pub fn seal_input(&self, round: Round) -> SealInput {
        SealInput { run: self.run, round, uid: self.uid, hotkey: self.hotkey() }
    }

    /// Lower median of the norms in the last round's set, if there was one.
    pub fn median_norm(&self) -> Option<f32> {
        *self.median_norm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the set's norms for the next own check.
    pub fn remember_norms(&self, fixed: &FixedSet) {
        let mut norms: Vec<f32> = fixed.set.iter().map(|(_, s)| s.global_norm() as f32).collect();
        norms.sort_by(f32::total_cmp);
        if let Some(median) = norms.get(norms.len().saturating_sub(1) / 2) {
            *self.median_norm.lock().unwrap_or_else(PoisonError::into_inner) = Some(*median);
        }
    }

    /// Says on chain which of the round's payloads this process holds and found good. Too late is not an error: the
    /// round's set is then fixed without this word.
    ///
    /// # Errors
    /// [`PeerError`] if the chain refuses for another reason.
    pub async fn attest(&self, round: Round) -> Result<(), PeerError> {
        let have = self.gatherer.good(round);
        let record = Record::Attest { round, have };
        match self.chain.publish(&record, self.signer.as_ref()).await {
            Ok(_) | Err(ChainError::Late { .. } | ChainError::Duplicate { .. }) => Ok(()),
            Err(error) if error.is_retryable() => {
                self.events.log(LogLevel::Warn, format!("round {round}: attestation: {error}")).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Fixes the round's set and takes its outer step.
    ///
    /// # Errors
    /// [`PeerError`]; `Gather(Desynced)` leaves θ as it was.
    pub async fn outer(&self, round: Round) -> Result<(FixedSet, OuterResult), PeerError> {
        let (_, theta) = self.standing();
        let fixed = self.gatherer.fix_set(round, theta).await?;
        let result = self.apply(round, &fixed).await?;
        Ok((fixed, result))
    }

    /// Takes the outer step of a set that is already fixed.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn apply(&self, round: Round, fixed: &FixedSet) -> Result<OuterResult, PeerError> {
        let rejected = fixed.filtered.iter().map(|(uid, reason)| Rejection { uid: *uid, reason: *reason }).collect();
        let accepted = fixed.set.iter().map(|(uid, _)| *uid).collect();
        self.events.say(Event::Gathered { round, accepted, rejected }).await;
        let result = self.trainer.outer(round, fixed.set.clone(), self.seal_input(round)).await?;
        self.stand(result.round, result.theta);
        let peers = u32::try_from(fixed.set.len()).unwrap_or(u32::MAX);
        let alpha = f64::from(result.alpha);
        self.events.say(Event::OuterStepApplied { round, peers, alpha, theta: result.theta }).await;
        Ok(result)
    }

    /// Replays missed outer steps until θ stands at a round whose set is not yet fixed.
    ///
    /// # Errors
    /// [`PeerError`]; [`PeerError::Lost`] if θ differs from the run's and no checkpoint helps.
    pub async fn catch_up(&self, distrust_local: bool) -> Result<Round, PeerError> {
        let rounds = &self.manifest.rounds;
        let from = self.standing().0;
        let mut distrust = distrust_local;
        let mut restored = false;
        let mut done = 0;
        loop {
            let (round, _) = self.standing();
            let head = self.chain.head().await?.number;
            let behind = rounds.round_of(head).0.saturating_sub(round.0);
            if distrust || (!restored && behind > rounds.checkpoint_every) {
                restored |= self.restore(distrust, head).await?;
                distrust = false;
                continue;
            }
            if head < rounds.attest_deadline(round) {
                return Ok(round);
            }
            self.events.say(Event::CatchingUp { from, to: rounds.round_of(head), done }).await;
            match self.outer(round).await {
                Ok(_) => done += 1,
                Err(PeerError::Gather(GatherError::Desynced { .. })) if !restored => distrust = true,
                Err(PeerError::Gather(GatherError::Desynced { .. })) => return Err(PeerError::Lost),
                Err(error) => return Err(error),
            }
        }
    }

    /// Drops own blobs that nobody can need any more: everything but the roots this process put on chain lately.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn forget_old_blobs(&self, round: Round) -> Result<(), PeerError> {
        let every = self.manifest.rounds.checkpoint_every;
        let keep = Round(round.0.saturating_sub((CHECKPOINTS_KEPT * every).max(every + PAYLOAD_ROUNDS_KEPT)));
        if keep == Round(0) {
            return Ok(());
        }
        let start = self.manifest.rounds.start(keep);
        let records = self.chain.records(start, BlockNumber(u64::MAX)).await?;
        let roots: std::collections::BTreeSet<Hash32> = records
            .iter()
            .filter(|r| r.uid == self.uid)
            .filter_map(|r| match &r.record {
                Record::Commit { root, .. } | Record::Report { root, .. } | Record::Checkpoint { root, .. } => {
                    Some(*root)
                }
                Record::Attest { .. } | Record::Bucket { .. } => None,
            })
            .collect();
        let store = Arc::clone(&self.store);
        blocking(move || store.retain(|root| roots.contains(root))).await??;
        Ok(())
    }

    /// How long payloads of a round are worth waiting for before attesting without them.
    pub fn gather_time(&self) -> Duration {
        let rounds = &self.manifest.rounds;
        match self.manifest.chain.clock {
            // Two thirds of the phase: the attestation itself must still get into a block.
            types::manifest::Clock::Interval { block_ms } => {
                Duration::from_millis((rounds.attest_by - rounds.commit_by) * block_ms * 2 / 3)
            }
            // The clock waits for attestations, so one silent peer must not use up the whole phase.
            types::manifest::Clock::Paced { phase_ms, .. } => Duration::from_millis(phase_ms / 3),
        }
    }
}

fn engine_options(compute: Compute, manifest: &RunManifest) -> EngineOptions {
    let mut options = EngineOptions::new(manifest.data.sequence_tokens as usize);
    options.device = compute.device;
    options.precision = compute.precision;
    options.threads = Some(compute.threads);
    // A small model's activations fit; computing them twice would only cost time. The bits are the same.
    options.recompute = manifest.model.parameter_count() > SMALL_MODEL_PARAMETERS;
    options
}

/// Runs file work off the async threads.
///
/// # Errors
/// [`PeerError::Io`] if the task was torn down.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PeerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| PeerError::Io { path: PathBuf::new(), source: std::io::Error::other(e) })
}
