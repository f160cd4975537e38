//! The wizard: where it is, and what it may be told. Nothing starts and nothing is sent without a press.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use types::Problem;

/// The wizard on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WizardView {
    /// The step.
    pub step: WizardStep,
    /// Steps done and steps in all on the way that was chosen, for the bar.
    pub progress: (u32, u32),
    /// Whether there is a way back.
    pub can_go_back: bool,
    /// Whether Next works now.
    pub can_go_on: bool,
    /// Something runs (a key is being derived, the keychain is asked).
    pub busy: bool,
    /// Why the last press did not work.
    pub problem: Option<Problem>,
}

/// A step of the wizard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum WizardStep {
    /// Welcome and language.
    Welcome,
    /// What this computer is and can do.
    Computer,
    /// Rehearse or join a run.
    Choose,
    /// A run's file or link.
    Join,
    /// Create, import, watch-only, later.
    Wallet,
    /// Name and lock of a new wallet.
    Create,
    /// Words, folder, key file.
    Import,
    /// Where pay goes.
    Payout,
    /// The words are shown; they come beside the snapshot, once.
    Words,
    /// Three words are asked back, by their numbers from 1.
    Quiz {
        /// Which words.
        numbers: Vec<u32>,
    },
    /// When to stand still, limits, autostart.
    Courtesy,
    /// One sentence that says it all, and Start.
    Summary {
        /// The address that will earn, if there is one.
        hotkey: Option<String>,
        /// Whether it is a rehearsal.
        rehearsal: bool,
    },
}

/// A press in the wizard.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "press", rename_all = "snake_case")]
pub enum WizardIntent {
    /// The next step.
    Next,
    /// The step before.
    Back,
    /// Leave; what was done stays.
    Close,
    /// Open it again from the start.
    Open,
    /// Open it at the wallet.
    OpenWallet,
    /// *Try it now*: starts the rehearsal and closes the wizard.
    TryNow,
    /// *Join a run*.
    Join,
    /// The run's file or link.
    Run {
        /// A path or a link.
        source: String,
    },
    /// Make a new wallet.
    Create,
    /// A new wallet's name, its count of words and its passphrase; none: the OS keychain holds the key.
    Make {
        /// Name.
        name: String,
        /// 12 or 24.
        words: u32,
        /// Passphrase.
        passphrase: Option<Secret>,
    },
    /// Bring one.
    Import,
    /// What to bring.
    Bring {
        /// Name here.
        name: String,
        /// What.
        from: ImportFrom,
        /// Passphrase of the vault here; none: the OS keychain.
        passphrase: Option<Secret>,
    },
    /// Only watch an address.
    Payout,
    /// The address, SS58.
    PayoutTo {
        /// Address.
        address: String,
    },
    /// No wallet for now.
    Later,
    /// The three words, in the order of their numbers.
    Quiz {
        /// What was typed.
        words: Vec<Secret>,
    },
    /// Skip the quiz; a reminder stays.
    QuizLater,
    /// The words are not to be seen any more (the window lost focus).
    HideWords,
    /// They are to be seen again.
    ShowWords,
    /// Start what the summary says.
    Start,
}

/// What a wallet is brought from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ImportFrom {
    /// Recovery words and a derivation path.
    Words {
        /// Words.
        words: Secret,
        /// `//hard/soft`, or nothing.
        path: String,
    },
    /// A hex seed.
    Seed {
        /// 64 hex digits.
        hex: Secret,
    },
    /// A btcli wallet's folder and the hotkey in it.
    Btcli {
        /// Folder.
        folder: String,
        /// Hotkey's name.
        hotkey: String,
        /// Password of the key file, if it has one.
        password: Option<Secret>,
    },
    /// A key file.
    KeyFile {
        /// Path.
        path: String,
        /// Password, if it has one.
        password: Option<Secret>,
    },
}
