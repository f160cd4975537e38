//! What happens to the state, and what it wants done.

use crate::api::ToShell;
use crate::crash::End;
use crate::engine::EngineEvent;
use crate::look::Looked;
use crate::runs::About;
use crate::updates::{Happened, UpdateEvent};
use courtesy::Signals;
use custody::{DeskEvent, DeskOrder};
use gpu::{CardId, GpuEvent};
use ipc::EventLine;
use pack::Machine;
use std::path::PathBuf;
use types::{ByteCount, Problem, SignPayload};
use update::manifest::Channel;
use view_model::{Appearance, DoctorCheck, Intent, ReportPreview, RunCard, Settings, Verified};

pub(crate) use super::work::Act;
use crate::session::Session;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A second has passed, or something is due.
    Tick,
    /// A press.
    Intent(Intent),
    /// A peer process runs.
    Spawned {
        /// Which start of it.
        generation: u64,
        /// Its process id.
        pid: u32,
    },
    /// It speaks our words.
    Hello {
        /// Which start of it.
        generation: u64,
    },
    /// It said something.
    Said {
        /// Which start of it.
        generation: u64,
        /// The process of the swarm that said it.
        speaker: String,
        /// What.
        line: Box<EventLine>,
    },
    /// A line of its standard error, or one that is no word.
    Noise {
        /// Which start of it.
        generation: u64,
        /// The line.
        text: String,
    },
    /// It ended.
    Ended {
        /// Which start of it.
        generation: u64,
        /// How.
        end: End,
    },
    /// The cards.
    Gpu(GpuEvent),
    /// What the machine says.
    Reading(Box<Reading>),
    /// How the desktop looks.
    Appearance(Appearance),
    /// The computer is about to sleep.
    Sleep,
    /// The app begins.
    Began,
    /// The desk told something of wallets.
    Desk(Box<DeskEvent>),
    /// The engine's worker.
    Engine(EngineEvent),
    /// The worker for new versions.
    Update(UpdateEvent),
    /// The runs that are known.
    Runs(Vec<KnownRun>),
    /// A link or file was given to the program from outside.
    Given(String),
    /// A run was looked at, or could not be.
    Looked {
        /// Which look it was.
        look: u64,
        /// What came of it.
        result: Box<Result<Looked, Problem>>,
    },
    /// A worker met a problem.
    Found(Problem),
    /// The doctor is done.
    Checks(Vec<DoctorCheck>),
    /// A report is put together.
    Report(Box<ReportPreview>),
    /// It is saved there.
    ReportSaved(String),
    /// Earnings are written there.
    CsvSaved(String),
    /// Receipts were checked.
    Verified(Verified),
    /// The window is gone.
    WindowClosed {
        /// By itself.
        crashed: bool,
    },
    /// The window's first frame.
    Painted {
        /// Milliseconds since its process began.
        after_ms: u64,
        /// What drew it.
        adapter: String,
    },
    /// The session ends.
    SessionEnding,
    /// The computer slept, or its clock was set.
    Woke,
}

/// What the machine says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// For the pause rules; cards are taken from elsewhere.
    pub(crate) signals: Signals,
    /// The computer's memory.
    pub(crate) memory: Option<ByteCount>,
    /// How the desktop looks.
    pub(crate) appearance: Appearance,
}

/// A run of the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownRun {
    /// As the window shows it.
    pub(crate) card: RunCard,
    /// What its manifest says beside that.
    pub(crate) about: About,
    /// Whether its file says where its chain, text and payloads are, so that it can be started.
    pub(crate) has_places: bool,
}

/// The power limit that cards are to have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PowerWish {
    /// The cards that work.
    pub(crate) cards: Vec<CardId>,
    /// Watts; none: every card's own limit.
    pub(crate) watts: Option<u32>,
}

/// Something to be done.
#[expect(clippy::large_enum_variant, reason = "a few a second, each consumed at once")]
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// For the supervisor.
    Act(Act),
    /// The peer wants this signed.
    Sign {
        /// Which start of the peer.
        generation: u64,
        /// The request's id.
        id: u64,
        /// What.
        payload: Box<SignPayload>,
    },
    /// For the shell.
    Shell(ToShell),
    /// Write the settings.
    SaveSettings(Box<Settings>),
    /// Write the session.
    SaveSession(Box<Session>),
    /// Give the cards this power limit.
    Power(PowerWish),
    /// Look for cards again.
    RescanGpus,
    /// Check everything.
    RunDoctor,
    /// Put a report together.
    PreviewReport,
    /// Save it.
    SaveReport,
    /// Write this.
    WriteCsv(String),
    /// Check the receipts of that job's newest work; none: of the rehearsal.
    VerifyReceipts(Option<String>),
    /// Look at a run and put it on the list.
    LookAtRun {
        /// Which look it is.
        look: u64,
        /// Link or path.
        source: String,
        /// Memory of the largest card.
        vram: Option<ByteCount>,
    },
    /// Forget a run.
    ForgetRun(String),
    /// Read the list of runs.
    ListRuns,
    /// An order for the desk of wallets.
    Ask(DeskOrder),
    /// Look whether the engine is there.
    LookForEngine {
        /// What the cards can do.
        machine: Machine,
    },
    /// Fetch it.
    GetEngine {
        /// What the cards can do.
        machine: Machine,
        /// A folder with archives.
        local: Option<PathBuf>,
    },
    /// Hold that; what came is kept.
    HoldEngine,
    /// Look for a new version.
    LookForUpdate {
        /// Which are wanted.
        channel: Channel,
        /// By a press.
        pressed: bool,
    },
    /// Fetch and stage it.
    GetUpdate {
        /// Which are wanted.
        channel: Channel,
        /// By a press.
        pressed: bool,
    },
    /// Hold that; what came is kept.
    HoldUpdate,
    /// Something happened to a version that may be on probation.
    UpdateHappened(Happened),
    /// Show a folder.
    OpenFolder(Option<PathBuf>),
    /// Everything of ours is gone: the app may end.
    Gone,
}
