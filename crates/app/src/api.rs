//! What the shell gives the app and gets back.

use crate::ctl::{CtlReply, CtlRequest};
use keychain::Keychain;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use view_model::{Intent, Screen, ToWindow, Tone};

/// What the app is told once.
#[derive(Clone)]
pub struct Config {
    /// The peer's program.
    pub peer_program: PathBuf,
    /// The program that probes cards when it is run as `PROGRAM --gpu-probe …`.
    pub probe_program: PathBuf,
    /// Folder of settings, session, runs, rehearsals and reports; made if it is not there.
    pub data_dir: PathBuf,
    /// Folder of wallets (`signer::wallet_folder`); need not be there.
    pub wallet_dir: PathBuf,
    /// Version of this program.
    pub version: String,
    /// BCP 47 tag of the system's language.
    pub system_language: String,
    /// The OS keychain.
    pub keychain: Arc<dyn Keychain>,
    /// How long things may take.
    pub times: Times,
    /// Where new versions and engines come from.
    pub release: crate::release::Release,
}

/// How long things may take. Tests make them short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Least time between two snapshots to the window.
    pub frame: Duration,
    /// From the start of the peer to its first word.
    pub hello: Duration,
    /// Silence of a peer at work before it is asked whether it is there.
    pub quiet: Duration,
    /// From that question to its end as hung. Doubled twice while it starts.
    pub hang: Duration,
    /// From a command to its answer.
    pub answer: Duration,
    /// From the command to pause or resume to its effect.
    pub effect: Duration,
    /// From the command to stop at once to the kill.
    pub stop: Duration,
    /// From the command to stop after the round to the command to stop at once.
    pub stop_round: Duration,
    /// First wait before a restart; doubled each time up to 300 of it.
    pub again: Duration,
    /// Work without a fault after which the next fault counts as the first.
    pub well: Duration,
    /// Whether the machine is asked at all (cards, battery, desktop).
    pub sense: bool,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            frame: Duration::from_millis(250),
            // libtorch with CUDA is gigabytes, on a disk that may turn.
            hello: Duration::from_secs(120),
            quiet: Duration::from_secs(15),
            hang: Duration::from_secs(30),
            answer: Duration::from_secs(10),
            effect: Duration::from_secs(20),
            // A rehearsal gives its own children twenty seconds.
            stop: Duration::from_secs(30),
            stop_round: Duration::from_secs(15 * 60),
            again: Duration::from_secs(1),
            well: Duration::from_secs(10 * 60),
            sense: true,
        }
    }
}

/// What the shell tells the app.
#[derive(Debug)]
pub enum FromShell {
    /// A press in window or tray.
    Intent(Intent),
    /// A window is there and reads.
    WindowOpened,
    /// It is gone.
    WindowClosed {
        /// By itself, without being asked.
        crashed: bool,
    },
    /// Its first frame is on screen.
    Painted {
        /// Milliseconds since the window process began.
        after_ms: u64,
        /// The adapter that drew it.
        adapter: String,
    },
    /// The session ends: seconds are left.
    SessionEnding,
    /// `covey://…` or a file's path.
    Link(String),
    /// A request of the headless twin.
    Ctl {
        /// What is asked.
        request: CtlRequest,
        /// Where the answer goes.
        reply: oneshot::Sender<CtlReply>,
    },
}

/// What the app tells the shell.
#[expect(clippy::large_enum_variant, reason = "a few a second, each consumed at once")]
#[derive(Debug, PartialEq)]
pub enum ToShell {
    /// How the tray looks.
    Tray(TrayView),
    /// A line for the window.
    Window(ToWindow),
    /// Open the window at this screen, or bring it to the front.
    OpenWindow(Screen),
    /// Show a notification.
    Notify {
        /// What kind.
        kind: NoticeKind,
        /// First line.
        title: String,
        /// Second line.
        body: String,
    },
    /// Start with the session from now on, or no more.
    Autostart(bool),
    /// Keep the computer awake from now on, or no more.
    KeepAwake(bool),
    /// Clear the clipboard.
    ClearClipboard,
    /// Show a file or folder in the file manager.
    OpenPath(PathBuf),
    /// Open a page in the browser.
    OpenUrl(&'static str),
    /// Comes before [`ToShell::Quit`]: what to do when everything has ended.
    Restart(crate::state::Then),
    /// Everything is saved and the peer is gone: end.
    Quit,
}

/// Kinds of notifications, each with a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The first accepted round of a run.
    Accepted,
    /// Something needs somebody.
    Problem,
    /// An update is there.
    Update,
    /// Pay came in.
    Payout,
    /// The window is gone and work goes on: said once, without a switch.
    Tray,
}

/// The tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayView {
    /// The one sentence.
    pub sentence: String,
    /// Its meaning: the icon's.
    pub tone: Tone,
    /// Start works.
    pub can_start: bool,
    /// Stop and Pause work.
    pub can_stop: bool,
    /// It stands still: Resume works.
    pub paused: bool,
    /// Every text of the menu.
    pub labels: TrayLabels,
    /// What quitting costs now.
    pub quit_price: String,
}

/// The menu's texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrayLabels {
    /// Start.
    pub start: String,
    /// Stop at once.
    pub stop: String,
    /// Stop after the round.
    pub stop_round: String,
    /// The sub-menu of pauses.
    pub pause_for: String,
    /// 15 minutes.
    pub pause_quarter: String,
    /// An hour.
    pub pause_hour: String,
    /// Four hours.
    pub pause_four: String,
    /// Until tomorrow.
    pub pause_tomorrow: String,
    /// While on battery.
    pub pause_battery: String,
    /// Until resumed.
    pub pause_open: String,
    /// Resume.
    pub resume: String,
    /// Open the window.
    pub open: String,
    /// Quit.
    pub quit: String,
}

/// Why the app cannot run at all. Everything else is a problem on screen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The data folder cannot be made or written.
    #[error("cannot use the folder `{path}`: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A thread cannot be had.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
