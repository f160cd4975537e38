//! The one thread that owns tensors and the flat parameter buffers.
//!
//! In: bounded commands, each with a `oneshot` for its answer. Out: those answers, and an event per inner step. It knows
//! no chain, no peers and no files but the peer's own state folder. Everybody else sees hashes, submissions and numbers.

mod handle;
mod inner;
mod pace;
mod text;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use engine::{Engine, EngineError};
use sparseloco::{CompressError, DecodeError, Layout, LayoutError, Submission};
use tokio::sync::oneshot;
use types::manifest::RunManifest;
use types::{Hash32, Round, Uid};

use crate::cheat::Cheat;
use crate::checkpoint::{CheckpointError, InnerProgress, State, StateFolder};

use self::pace::Pace;

pub use text::{SampleWish, Sampled};
pub use work::{Evaluation, OuterResult, OwnCheck, SealInput, Sealed};

/// Commands queued at most: the driver sends one and waits for it.
const QUEUE: usize = 8;

/// Why the trainer could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The model cannot be cut into chunks.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The pseudo-gradient could not be compressed.
    #[error(transparent)]
    Compress(#[from] CompressError),
    /// A submission does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// State could not be saved or loaded.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The outer step was refused.
    #[error(transparent)]
    Outer(#[from] sparseloco::OuterError),
    /// The data set does not give what the round needs.
    #[error(transparent)]
    Data(#[from] dataset::ReadError),
    /// The run's tokenizer cannot be had.
    #[error(transparent)]
    Tokenizer(#[from] dataset::OpenError),
    /// A prompt does not become tokens.
    #[error(transparent)]
    Prompt(#[from] dataset::TokenizerError),
    /// Asked for a round the parameters do not stand at.
    #[error("the trainer stands at round {have}, not {wanted}")]
    WrongRound {
        /// Where it stands.
        have: Round,
        /// What was asked for.
        wanted: Round,
    },
    /// The trainer thread has ended.
    #[error("the trainer thread has ended")]
    Gone,
}

/// What the trainer needs besides the engine.
pub struct TrainerInput {
    /// The run's parameters.
    pub manifest: Arc<RunManifest>,
    /// The text.
    pub dataset: Arc<dataset::Dataset>,
    /// Where the peer's state is kept.
    pub folder: StateFolder,
    /// The rehearsal's dishonest peers; `None` for everybody else.
    pub cheat: Option<Cheat>,
}

/// An inner step was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InnerStep {
    /// The round.
    pub round: Round,
    /// 1-based step.
    pub step: u32,
    /// Mean loss, nats per token.
    pub loss: f64,
    /// Learning rate used.
    pub lr: f64,
    /// Tokens per second of this step.
    pub tokens_per_sec: f64,
    /// Norm of the gradient before clipping.
    pub grad_norm: Option<f64>,
    /// Seconds this step took.
    pub secs: f64,
}

/// How inner work ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InnerEnd {
    /// Work done in the round.
    pub progress: InnerProgress,
    /// Whether it was halted before the last step.
    pub halted: bool,
}

type Reply<T> = oneshot::Sender<Result<T, TrainerError>>;

enum Command {
    Inner { round: Round, uid: Uid, reply: Reply<InnerEnd> },
    Progress { reply: Reply<InnerEnd> },
    Draft { input: SealInput, reply: Reply<sparseloco::Draft> },
    Check { bytes: Vec<u8>, input: SealInput, reply: Reply<OwnCheck> },
    Seal { bytes: Vec<u8>, reply: Reply<Sealed> },
    Corrupt { bytes: Vec<u8>, reply: Reply<Vec<u8>> },
    SealedBytes { reply: Reply<Option<Vec<u8>>> },
    Discard { bytes: Vec<u8>, input: SealInput, reply: Reply<()> },
    Outer { round: Round, set: Vec<(Uid, Arc<Submission>)>, own: SealInput, reply: Reply<OuterResult> },
    Evaluate { batches: Vec<Evaluation>, reply: Reply<Vec<f64>> },
    HeldOut { sequences: usize, reply: Reply<f64> },
    Theta { reply: Reply<(Round, Vec<f32>)> },
    Replace { round: Round, theta: Vec<f32>, reply: Reply<Hash32> },
    Save { reply: Reply<u64> },
    Release { reply: Reply<()> },
    Acquire { reply: Reply<()> },
    Sample { wish: SampleWish, reply: Reply<Sampled> },
}

/// A cheap handle on the trainer thread. Dropping every handle ends the thread.
#[derive(Clone)]
pub struct TrainerHandle {
    commands: SyncSender<Command>,
    halt: Arc<AtomicBool>,
    pace: Arc<Pace>,
    layout: Arc<Layout>,
}

/// Where a freshly started trainer stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Round that starts from the parameters.
    pub round: Round,
    /// Whether the round's submission is sealed on disk.
    pub sealed: bool,
    /// Whether a saved state was found.
    pub resumed: bool,
    /// Hash of the parameters.
    pub theta: Hash32,
}

/// The thread and where it stands.
pub struct Started {
    /// For commands.
    pub handle: TrainerHandle,
    /// Ends when every handle is gone.
    pub thread: JoinHandle<()>,
    /// Where it stands.
    pub standing: Standing,
    /// One event per inner step.
    pub steps: tokio::sync::mpsc::Receiver<InnerStep>,
}

/// Loads the saved state (or the initial parameters) and starts the thread. The engine is built on that thread, because
/// tensors must not wander.
///
/// # Errors
/// [`TrainerError`] if the engine cannot be built or the saved state cannot be used.
pub async fn start<F>(input: TrainerInput, build: F) -> Result<Started, TrainerError>
where
    F: FnOnce() -> Result<Box<dyn Engine>, EngineError> + Send + 'static,
{
    let layout = Arc::new(Layout::new(&input.manifest.model.tensors(), &input.manifest.sparseloco)?);
    let (commands, inbox) = sync_channel(QUEUE);
    let (events, steps) = tokio::sync::mpsc::channel(256);
    let halt = Arc::new(AtomicBool::new(false));
    let (ready, standing) = oneshot::channel();
    let pace = Arc::new(Pace::full());
    let (thread_layout, thread_halt, thread_pace) = (Arc::clone(&layout), Arc::clone(&halt), Arc::clone(&pace));
    let body = move || match build()
        .map_err(TrainerError::from)
        .and_then(|engine| Trainer::open(input, engine, thread_layout, (thread_halt, thread_pace), events))
    {
        Ok((mut trainer, standing)) => {
            if ready.send(Ok(standing)).is_ok() {
                trainer.run(&inbox);
            }
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    };
    let thread = std::thread::Builder::new().name("trainer".into()).spawn(body).map_err(|_| TrainerError::Gone)?;
    let standing = standing.await.map_err(|_| TrainerError::Gone)??;
    Ok(Started { handle: TrainerHandle { commands, halt, pace, layout }, thread, standing, steps })
}

/// The thread's state.
struct Trainer {
    manifest: Arc<RunManifest>,
    dataset: Arc<dataset::Dataset>,
    folder: StateFolder,
    cheat: Option<Cheat>,
    engine: Box<dyn Engine>,
    layout: Arc<Layout>,
    tokenizer: Option<dataset::Tokenizer>,
    halt: Arc<AtomicBool>,
    pace: Arc<Pace>,
    steps: tokio::sync::mpsc::Sender<InnerStep>,
    round: Round,
    anchor: Vec<f32>,
    theta: Hash32,
    error_feedback: Vec<f32>,
    inner: InnerProgress,
    /// θ as the inner steps left it; kept on the host from a pause or draft until the outer step.
    local: Option<Vec<f32>>,
    sealed: Option<Vec<u8>>,
    /// Whether the device memory was given back: state can still be read and written, losses cannot be measured.
    released: bool,
}

impl Trainer {
    fn open(
        input: TrainerInput,
        mut engine: Box<dyn Engine>,
        layout: Arc<Layout>,
        (halt, pace): (Arc<AtomicBool>, Arc<Pace>),
        steps: tokio::sync::mpsc::Sender<InnerStep>,
    ) -> Result<(Self, Standing), TrainerError> {
        let TrainerInput { manifest, dataset, folder, cheat } = input;
        let saved = folder.load(manifest.id(), layout.parameter_count())?;
        let resumed = saved.is_some();
        let state = match saved {
            Some(state) => state,
            None => fresh_state(&manifest, layout.parameter_count()),
        };
        let optimizer = engine::OptimizerState {
            step: state.optimizer_steps,
            first: state.first_moment,
            second: state.second_moment,
        };
        engine.halt_when(Arc::clone(&halt));
        engine.write_theta(&state.local)?;
        engine.load_optimizer_state(&optimizer)?;
        let theta = sparseloco::theta_hash(&state.anchor);
        let standing = Standing { round: state.round, sealed: state.sealed.is_some(), resumed, theta };
        let local = Some(state.local).filter(|_| state.inner.steps > 0 && state.sealed.is_none());
        let trainer = Self {
            manifest,
            dataset,
            folder,
            cheat,
            engine,
            layout,
            tokenizer: None,
            halt,
            pace,
            steps,
            round: state.round,
            anchor: state.anchor,
            theta,
            error_feedback: state.error_feedback,
            inner: state.inner,
            local,
            sealed: state.sealed,
            released: false,
        };
        Ok((trainer, standing))
    }

    fn run(&mut self, inbox: &Receiver<Command>) {
        while let Ok(command) = inbox.recv() {
            self.dispatch(command);
        }
    }

    /// Answers nobody listens to any more are dropped: the asker has gone.
    fn dispatch(&mut self, command: Command) {
        match command {
            Command::Inner { round, uid, reply } => drop(reply.send(self.inner(round, uid))),
            Command::Progress { reply } => drop(reply.send(Ok(InnerEnd { progress: self.inner, halted: true }))),
            Command::Draft { input, reply } => drop(reply.send(self.draft(&input))),
            Command::Check { bytes, input, reply } => drop(reply.send(self.check(&bytes, &input))),
            Command::Seal { bytes, reply } => drop(reply.send(self.seal(bytes))),
            Command::Corrupt { mut bytes, reply } => {
                if let Some(cheat) = &self.cheat {
                    cheat.corrupt(&mut bytes);
                }
                drop(reply.send(Ok(bytes)));
            }
            Command::SealedBytes { reply } => drop(reply.send(Ok(self.sealed.clone()))),
            Command::Discard { bytes, input, reply } => drop(reply.send(self.discard(&bytes, &input))),
            Command::Outer { round, set, own, reply } => drop(reply.send(self.outer(round, &set, &own))),
            Command::Evaluate { batches, reply } => drop(reply.send(self.evaluate(&batches))),
            Command::HeldOut { sequences, reply } => drop(reply.send(self.held_out(sequences))),
            Command::Theta { reply } => drop(reply.send(Ok((self.round, self.anchor.clone())))),
            Command::Replace { round, theta, reply } => drop(reply.send(self.replace(round, theta))),
            Command::Save { reply } => drop(reply.send(self.save())),
            Command::Release { reply } => drop(reply.send(self.release())),
            Command::Acquire { reply } => drop(reply.send(self.acquire())),
            Command::Sample { wish, reply } => drop(reply.send(self.sample(&wish))),
        }
    }

    fn release(&mut self) -> Result<(), TrainerError> {
        self.engine.release()?;
        self.released = true;
        Ok(())
    }

    fn acquire(&mut self) -> Result<(), TrainerError> {
        self.engine.acquire()?;
        self.released = false;
        Ok(())
    }

    /// Saves everything.
    fn save(&mut self) -> Result<u64, TrainerError> {
        let mut local = vec![0.0; self.layout.parameter_count()];
        self.engine.read_theta(&mut local)?;
        let optimizer = self.engine.optimizer_state()?;
        let state = State {
            run: self.manifest.id(),
            round: self.round,
            inner: self.inner,
            optimizer_steps: optimizer.step,
            anchor: self.anchor.clone(),
            local,
            error_feedback: self.error_feedback.clone(),
            first_moment: optimizer.first,
            second_moment: optimizer.second,
            sealed: self.sealed.clone(),
        };
        Ok(self.folder.save(&state)?)
    }
}

fn fresh_state(manifest: &RunManifest, parameters: usize) -> State {
    let theta = engine::initial_theta(&manifest.model, manifest.seed);
    let zeros = || vec![0.0; parameters];
    State {
        run: manifest.id(),
        round: Round(0),
        inner: InnerProgress::default(),
        optimizer_steps: 0,
        local: theta.clone(),
        anchor: theta,
        error_feedback: zeros(),
        first_moment: zeros(),
        second_moment: zeros(),
        sealed: None,
    }
}
