//! Asks for the cards, once or again and again, and never waits for a driver longer than it said.
//!
//! In: the program that runs the probe. Out: surveys, samples and power limits through [`GpuProbe`]. Every question is
//! answered within its limit, whatever the driver does; the answer is then a survey whose verdict says so.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::child::{Probe, ProbeCommand};
use crate::watcher::{self, Ask};
use crate::{CardId, Fault, PowerError, ProbeEnd, ProbeLine, Refusal, Sample, Survey};

/// Events that wait for a slow reader: with one a second, samples older than this are of no use.
const EVENTS: usize = 16;

/// What a watcher reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GpuEvent {
    /// What is there; the first event, and again whenever it was looked at anew. Nothing is live of a card that it does
    /// not list, or lists as lost.
    Survey(Survey),
    /// How the cards do now, one sample for each card that answers.
    Samples(Vec<Sample>),
    /// Samples stopped coming: nothing shown is live any more. Once for each outage.
    Stale {
        /// When the last sample came: milliseconds since 1970.
        since_ms: u64,
        /// Why.
        why: Fault,
    },
}

/// Someone who knows the cards: [`Prober`], or [`crate::FixtureProbe`] in tests.
#[async_trait]
pub trait GpuProbe: Send + Sync {
    /// What is there now. It always answers; if the probe failed, the verdict says how.
    async fn survey(&self) -> Survey;

    /// Surveys and samples until `cancel`, the first survey at once. Must be called inside a tokio runtime.
    fn watch(&self, cancel: CancellationToken) -> mpsc::Receiver<GpuEvent>;

    /// Has every watcher look again now: someone asked, or hardware changed.
    fn rescan(&self);

    /// Like [`Self::rescan`], after the computer slept: drivers often lose the card then.
    fn resumed(&self);

    /// Sets a card's power limit; gives the limit that the card then reports, milliwatts. Use [`crate::PowerGuard`],
    /// which puts the old one back.
    ///
    /// # Errors
    /// [`PowerError`], nothing changed.
    async fn set_power_limit(&self, uuid: &CardId, limit_mw: u32) -> Result<u32, PowerError>;
}

/// How long things take. The defaults are what people get; tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeTimes {
    /// For one answer. A driver that starts up, or a virus scanner, takes seconds.
    pub answer: Duration,
    /// Between two samples.
    pub sample_every: Duration,
    /// Without a sample for so long, the watching child counts as hung.
    pub silence: Duration,
    /// Before the watching child is started again; doubles up to `backoff_max`.
    pub backoff_first: Duration,
    /// The longest such wait.
    pub backoff_max: Duration,
    /// Between two surveys while no card is healthy, for the time of `hunt_for`: drivers load late after boot.
    pub hunt_every: Duration,
    /// See `hunt_every`.
    pub hunt_for: Duration,
    /// Between two surveys otherwise.
    pub recheck_every: Duration,
}

impl Default for ProbeTimes {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(15),
            sample_every: Duration::from_secs(1),
            silence: Duration::from_secs(5),
            backoff_first: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            hunt_every: Duration::from_secs(10),
            hunt_for: Duration::from_secs(300),
            recheck_every: Duration::from_secs(300),
        }
    }
}

/// The real probe: a child process for every question, and one that lives on for the samples.
#[derive(Debug, Clone)]
pub struct Prober {
    shared: Arc<Shared>,
}

/// What a prober and its watchers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) command: ProbeCommand,
    pub(crate) times: ProbeTimes,
    /// The folder that holds `sys` and `proc`.
    pub(crate) root: PathBuf,
    /// One question at a time. Holds a child that could not be killed, until it is gone.
    turn: Mutex<Option<Probe>>,
    pub(crate) ask: watch::Sender<Ask>,
    tasks: TaskTracker,
}

impl Prober {
    /// A prober that runs `program first_args… MODE …`: the app's own program with `--gpu-probe`.
    pub fn new(program: impl Into<PathBuf>, first_args: impl IntoIterator<Item = OsString>) -> Self {
        let (program, first_args) = (program.into(), first_args.into_iter().collect());
        let command = ProbeCommand { program, first_args, options: Vec::new(), env: Vec::new() };
        Self::from_parts(command, ProbeTimes::default(), PathBuf::from("/"))
    }

    fn from_parts(command: ProbeCommand, times: ProbeTimes, root: PathBuf) -> Self {
        let (turn, ask) = (Mutex::new(None), watch::Sender::new(Ask::default()));
        Self { shared: Arc::new(Shared { command, times, root, turn, ask, tasks: TaskTracker::new() }) }
    }

    fn changed(&self, change: impl FnOnce(&mut ProbeCommand, &mut ProbeTimes, &mut PathBuf)) -> Self {
        let Shared { command, times, root, .. } = &*self.shared;
        let (mut command, mut times, mut root) = (command.clone(), *times, root.clone());
        change(&mut command, &mut times, &mut root);
        Self::from_parts(command, times, root)
    }

    /// The same with other times.
    #[must_use]
    pub fn with_times(self, times: ProbeTimes) -> Self {
        self.changed(|_, old, _| *old = times)
    }

    /// The same with NVML and CUDA taken from these files, for tests.
    #[must_use]
    pub fn with_libraries(self, nvml: impl AsRef<OsStr>, cuda: impl AsRef<OsStr>) -> Self {
        self.changed(|command, _, _| {
            command.options.extend(["--library".into(), nvml.as_ref().to_owned()]);
            command.options.extend(["--cuda-library".into(), cuda.as_ref().to_owned()]);
        })
    }

    /// The same with `sys` and `proc` read below another folder, for tests.
    #[must_use]
    pub fn with_root(self, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        self.changed(|command, _, root| {
            command.options.extend(["--root".into(), folder.clone().into()]);
            *root = folder;
        })
    }

    /// The same with a variable that only the probe's process gets, for tests.
    #[must_use]
    pub fn with_env(self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.changed(|command, _, _| command.env.push((name.as_ref().to_owned(), value.as_ref().to_owned())))
    }

    /// Waits until every watcher has ended; cancel them first.
    pub async fn stopped(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.tasks.reopen();
    }
}

#[async_trait]
impl GpuProbe for Prober {
    async fn survey(&self) -> Survey {
        self.shared.survey().await
    }

    fn watch(&self, cancel: CancellationToken) -> mpsc::Receiver<GpuEvent> {
        let (events, receiver) = mpsc::channel(EVENTS);
        self.shared.tasks.spawn(watcher::run(Arc::clone(&self.shared), events, cancel));
        receiver
    }

    fn rescan(&self) {
        self.shared.ask.send_modify(Ask::again);
    }

    fn resumed(&self) {
        self.shared.ask.send_modify(Ask::resumed);
    }

    async fn set_power_limit(&self, uuid: &CardId, limit_mw: u32) -> Result<u32, PowerError> {
        let mode = ["set-power".into(), uuid.as_str().into(), limit_mw.to_string().into()];
        match self.shared.answer(&mode).await {
            Ok(ProbeLine::PowerSet { limit_mw }) => Ok(limit_mw),
            Ok(ProbeLine::PowerRefused { refusal }) => Err(PowerError::Refused(refusal)),
            Ok(_) => {
                Err(PowerError::Refused(Refusal::NoDriver { fault: Fault::ProbeCrashed { end: ProbeEnd::Garbage } }))
            }
            Err(fault) => Err(PowerError::Refused(Refusal::NoDriver { fault })),
        }
    }
}

impl Shared {
    /// What is there now.
    pub(crate) async fn survey(&self) -> Survey {
        match self.answer(&["survey".into()]).await {
            Ok(ProbeLine::Survey(survey)) => survey,
            Ok(ProbeLine::Failed { fault }) | Err(fault) => Survey::failed(now_ms(), fault),
            Ok(_) => Survey::failed(now_ms(), Fault::ProbeCrashed { end: ProbeEnd::Garbage }),
        }
    }

    /// One question to a fresh child, which is gone afterwards.
    async fn answer(&self, mode: &[OsString]) -> Result<ProbeLine, Fault> {
        let mut stuck = self.turn.lock().await;
        if stuck.as_mut().is_some_and(Probe::is_there) {
            // Another one would hang at the same place: they would pile up.
            let after_ms = u64::try_from(self.times.answer.as_millis()).unwrap_or(u64::MAX);
            return Err(Fault::ProbeTimedOut { after_ms });
        }
        *stuck = None;
        let mut probe = self.command.start(mode)?;
        let answer = probe.next(self.times.answer).await;
        *stuck = probe.kill().await;
        answer
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
