//! The Wallet and Help screens beside the settings: wallets as the window may know them, checks, report, uptime.

use crate::app_snapshot::Told;
use serde::{Deserialize, Serialize};
use types::Problem;

/// The wallet as the window may know it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WalletView {
    /// Wallets on this computer, the one in use first.
    pub wallets: Vec<WalletRow>,
    /// Folder where they are.
    pub folder: String,
    /// What the keychain says.
    pub keychain: KeychainState,
    /// A wallet operation that runs; its key.
    pub busy: Option<Told>,
    /// The last operation's fault.
    pub problem: Option<Problem>,
}

/// A wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletRow {
    /// Its name.
    pub name: String,
    /// The hotkey's address (SS58).
    pub hotkey: String,
    /// Where pay goes, if it was named (SS58, watch-only).
    pub payout: Option<String>,
    /// Whether the words were written down and asked back.
    pub backed_up: bool,
    /// Whether there are recovery words (a wallet from a seed has none).
    pub has_words: bool,
    /// Opened by the OS keychain; else by a passphrase.
    pub keychain: bool,
    /// Unlocked for this session.
    pub unlocked: bool,
}

/// What the OS keychain says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "keychain", rename_all = "snake_case")]
pub enum KeychainState {
    /// Not asked yet.
    #[default]
    Unknown,
    /// Wrote, read and deleted a probe.
    Ready,
    /// Not usable, and why.
    Unusable(Problem),
}

/// The Help screen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HelpView {
    /// Checks, worst first.
    pub checks: Vec<DoctorCheck>,
    /// A check runs.
    pub checking: bool,
    /// The report that would be saved.
    pub report: Option<ReportPreview>,
    /// Where the last one was saved.
    pub report_saved: Option<String>,
    /// What this computer did in the last 30 days, oldest first, at most 2000.
    pub uptime: Vec<UptimeSpan>,
    /// Folder of data, settings and logs.
    pub data_folder: String,
}

/// One check of the doctor; its name is `check-<code>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorCheck {
    /// `gpu`, `driver`, `disk`, `clock`, `network`, `keychain`, `memory`, `peer`, `tray`.
    pub code: String,
    /// How it stands.
    pub state: CheckState,
    /// What was found, in a sentence.
    pub found: Told,
    /// What to do about it.
    pub problem: Option<Problem>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Does not work.
    Bad,
    /// Works, with less.
    Limited,
    /// Could not be checked.
    NotRun,
    /// Fine.
    Good,
}

/// A redacted report before it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPreview {
    /// Its id.
    pub id: String,
    /// Every file as it would be saved.
    pub files: Vec<ReportFile>,
    /// How many things were blacked out.
    pub redactions: u32,
}

/// A file of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// Its name.
    pub name: String,
    /// Its text, as saved.
    pub text: String,
}

/// What this computer did for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UptimeSpan {
    /// From.
    pub from_ms: u64,
    /// Until.
    pub to_ms: u64,
    /// What.
    pub what: Uptime,
}

/// What the computer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uptime {
    /// Trained.
    Training,
    /// Waited for a reason.
    Paused,
    /// Was in trouble.
    Down,
    /// Updated itself.
    Updating,
}
