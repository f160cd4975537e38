//! What a user may ask for. A view returns these and performs nothing.

use crate::secret::Secret;
use crate::settings::Settings;
use crate::wizard::{ImportFrom, WizardIntent};
use serde::{Deserialize, Serialize};

/// Something the user pressed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Intent {
    /// Start what is chosen: a run, or the rehearsal.
    Start,
    /// Try it out: a whole swarm on this machine, no account, no value.
    StartRehearsal(Rehearsal),
    /// End the work.
    Stop {
        /// At once or after the running round.
        when: StopWhen,
    },
    /// Free the GPU and wait.
    Pause {
        /// How long.
        for_how_long: PauseFor,
    },
    /// Go on after a pause. Over a rule that holds, too, until that rule ends once.
    Resume,
    /// End the work and the program.
    Quit,
    /// New settings, all of them.
    Set(Box<Settings>),
    /// A press in the wizard.
    Wizard(WizardIntent),
    /// A press on the wallet screen.
    Wallet(WalletIntent),
    /// Look at a run by its link, its file or folder, or a picture of its link: it comes on the list with its facts.
    AddRun {
        /// Path or link.
        source: String,
    },
    /// Look at the run that was given to the program from outside.
    LookAtGiven,
    /// Take the run that was looked at.
    JoinRun {
        /// Start it at once, too.
        start: bool,
    },
    /// Not the run that was looked at: what it brought is forgotten.
    LeaveJoin,
    /// The run that Start starts.
    ChooseRun {
        /// Its id, or `rehearsal`.
        id: String,
    },
    /// Take a run off the list.
    ForgetRun {
        /// Its id.
        id: String,
    },
    /// Look for cards again.
    RescanGpus,
    /// Check everything.
    RunDoctor,
    /// Put a report together and show it.
    PreviewReport,
    /// Save the report that is shown.
    SaveReport,
    /// Write earnings as CSV.
    ExportCsv,
    /// Check all receipts.
    VerifyReceipts,
    /// Text from the model.
    Sample {
        /// Its beginning.
        prompt: String,
    },
    /// The problem was read.
    DismissProblem {
        /// Its code.
        code: String,
    },
    /// The one button of a problem.
    ActOn {
        /// Its code.
        code: String,
    },
    /// The news was read.
    DismissToast {
        /// Its id.
        id: u64,
    },
    /// Something was copied that must not stay on the clipboard: clear it soon.
    CopiedSecret,
    /// Show the data folder in the file manager.
    OpenFolder,
    /// Fetch the engine, or go on with it.
    GetEngine,
    /// Take the engine from archives in a local folder; nothing is asked of any server.
    EngineFrom {
        /// The folder.
        folder: String,
    },
    /// Hold the engine's download; what came is kept.
    HoldEngine,
    /// Look for a new version now.
    LookForUpdate,
    /// Fetch the new version, or put it in once it is here.
    GetUpdate,
    /// Go back to the version before this one.
    GoBack,
    /// Open a page that a text names, in the browser; only pages of a fixed list are opened.
    OpenPage {
        /// Which page.
        page: String,
    },
}

/// A press on the wallet screen.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "press", rename_all = "snake_case")]
pub enum WalletIntent {
    /// Unlock a wallet that has a passphrase.
    Unlock {
        /// Wallet.
        name: String,
        /// Passphrase.
        passphrase: Option<Secret>,
    },
    /// Forget its key until it is unlocked again.
    Lock {
        /// Wallet.
        name: String,
    },
    /// Bring one more.
    Import {
        /// Name here.
        name: String,
        /// What.
        from: ImportFrom,
        /// Passphrase here; none: the OS keychain.
        passphrase: Option<Secret>,
    },
    /// Where pay goes.
    Payout {
        /// Wallet.
        name: String,
        /// SS58 address.
        address: String,
    },
    /// Show the words and ask three back.
    BackUp {
        /// Wallet.
        name: String,
        /// Passphrase, if it has one.
        passphrase: Option<Secret>,
    },
    /// Write a folder that btcli opens.
    ExportBtcli {
        /// Wallet.
        name: String,
        /// Vault's passphrase, if it has one.
        passphrase: Option<Secret>,
        /// Password of the new key file.
        password: Secret,
        /// Folder.
        folder: String,
    },
    /// One encrypted file with everything, for another computer.
    Migrate {
        /// Wallet.
        name: String,
        /// Vault's passphrase, if it has one.
        passphrase: Option<Secret>,
        /// Passphrase of the file.
        capsule: Secret,
        /// The file.
        path: String,
    },
    /// Remove it from this computer; the name is typed again.
    Remove {
        /// Wallet.
        name: String,
        /// The name, typed.
        typed: String,
    },
    /// Ask the keychain again.
    ProbeKeychain,
}

/// How long to pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "pause_for", rename_all = "snake_case")]
pub enum PauseFor {
    /// So many seconds.
    Secs {
        /// Seconds.
        secs: u64,
    },
    /// Until six in the morning of the next day.
    UntilTomorrow,
    /// As long as the battery feeds the computer.
    WhileOnBattery,
    /// Until somebody resumes.
    UntilResumed,
}

/// Size of a rehearsal; `None` leaves it to the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Peers that train.
    pub peers: Option<u32>,
    /// Rounds to run.
    pub rounds: Option<u64>,
    /// Inner steps per round.
    pub inner_steps: Option<u32>,
    /// Model preset.
    pub model: Option<String>,
    /// Seed of parameters, keys and assignment.
    pub seed: Option<u64>,
}

/// When a stop takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhen {
    /// Finish the running round first.
    EndOfRound,
    /// At once; costs what [`crate::stop_price_sentence`] says.
    Now,
}
