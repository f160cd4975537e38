//! What the desk is asked, and what it tells.
//!
//! In: presses of the wallet screen and effects of the wizard. Out: orders, one at a time; events in the order in which
//! things happened. Secrets in both are wiped on drop and never printed.

use std::path::PathBuf;

use types::Problem;
use view_model::{ImportFrom, Secret, WalletIntent, WalletView};

use crate::Deed;

/// Something to do with wallets.
#[derive(Debug, PartialEq, Eq)]
pub enum DeskOrder {
    /// Look what is there and tell it.
    List,
    /// Ask the keychain: write, read, delete.
    ProbeKeychain,
    /// Make a wallet; its words are told once.
    Create {
        /// Name.
        name: String,
        /// 12 or 24.
        words: u32,
        /// Passphrase; none: the OS keychain.
        passphrase: Option<Secret>,
    },
    /// Bring a wallet.
    Import {
        /// Name here.
        name: String,
        /// What.
        from: ImportFrom,
        /// Passphrase here; none: the OS keychain.
        passphrase: Option<Secret>,
    },
    /// Tell a wallet's words, to ask three back.
    BackUp {
        /// Wallet.
        name: String,
        /// Passphrase, if it has one.
        passphrase: Option<Secret>,
    },
    /// Tell the words that are being backed up once more, and choose others to ask back.
    ShowWords,
    /// See whether these are the words asked for.
    CheckQuiz {
        /// What was typed.
        words: Vec<Secret>,
    },
    /// Forget the words that are being backed up.
    WipeWords,
    /// Say where pay goes.
    SetPayout {
        /// Wallet; none: there is no wallet yet.
        name: Option<String>,
        /// SS58 address.
        address: String,
    },
    /// Have a signer process open the wallet.
    Unlock {
        /// Wallet.
        name: String,
        /// Passphrase, if it has one.
        passphrase: Option<Secret>,
    },
    /// End its signer process.
    Lock {
        /// Wallet.
        name: String,
    },
    /// Write a folder that btcli opens.
    ExportBtcli {
        /// Wallet.
        name: String,
        /// Passphrase, if it has one.
        passphrase: Option<Secret>,
        /// Password of the new key file.
        password: Secret,
        /// Folder of wallets to write it into.
        folder: String,
    },
    /// Write a capsule for another computer.
    Migrate {
        /// Wallet.
        name: String,
        /// Passphrase, if it has one.
        passphrase: Option<Secret>,
        /// Passphrase of the capsule.
        capsule: Secret,
        /// The new file.
        path: String,
        /// What goes with the wallet: a part's name (see [`wallet::CapsuleParts`]) and its file. Missing files are left
        /// out.
        parts: Vec<(String, PathBuf)>,
    },
    /// Remove a wallet from this computer.
    Remove {
        /// Wallet.
        name: String,
        /// Its name, typed.
        typed: String,
    },
}

impl DeskOrder {
    /// What kind of operation this is.
    pub fn deed(&self) -> Deed {
        match self {
            Self::List | Self::WipeWords => Deed::List,
            Self::ProbeKeychain => Deed::Probe,
            Self::Create { .. } => Deed::Create,
            Self::Import { .. } => Deed::Import,
            Self::BackUp { .. } | Self::ShowWords => Deed::BackUp,
            Self::CheckQuiz { .. } => Deed::Quiz,
            Self::SetPayout { .. } => Deed::Payout,
            Self::Unlock { .. } => Deed::Unlock,
            Self::Lock { .. } => Deed::Lock,
            Self::ExportBtcli { .. } => Deed::Export,
            Self::Migrate { .. } => Deed::Migrate,
            Self::Remove { .. } => Deed::Remove,
        }
    }
}

/// The order behind a press of the wallet screen. A backup opens the wizard: give it to
/// [`crate::Wizard::back_up`] instead. A migration takes no other parts with it until the app names them.
impl From<WalletIntent> for DeskOrder {
    fn from(intent: WalletIntent) -> Self {
        match intent {
            WalletIntent::Unlock { name, passphrase } => Self::Unlock { name, passphrase },
            WalletIntent::Lock { name } => Self::Lock { name },
            WalletIntent::Import { name, from, passphrase } => Self::Import { name, from, passphrase },
            WalletIntent::Payout { name, address } => Self::SetPayout { name: Some(name), address },
            WalletIntent::BackUp { name, passphrase } => Self::BackUp { name, passphrase },
            WalletIntent::ExportBtcli { name, passphrase, password, folder } => {
                Self::ExportBtcli { name, passphrase, password, folder }
            }
            WalletIntent::Migrate { name, passphrase, capsule, path } => {
                Self::Migrate { name, passphrase, capsule, path, parts: Vec::new() }
            }
            WalletIntent::Remove { name, typed } => Self::Remove { name, typed },
            WalletIntent::ProbeKeychain => Self::ProbeKeychain,
        }
    }
}

/// What the desk tells.
#[derive(Debug, PartialEq, Eq)]
pub enum DeskEvent {
    /// How the wallets stand now; after everything that changed it.
    View(Box<WalletView>),
    /// A wallet is on this computer now: made or brought.
    Made {
        /// Name.
        name: String,
        /// Its address.
        hotkey: String,
        /// Whether its words follow, to be written down.
        words_follow: bool,
    },
    /// A wallet's words, to be shown; and the numbers, from 1, of those that are asked back.
    Words {
        /// Wallet.
        name: String,
        /// Words in order.
        words: Vec<Secret>,
        /// Which are asked back.
        numbers: Vec<u32>,
    },
    /// Whether the words typed were the ones asked for. If so, the wallet counts as backed up and the words are forgotten.
    Quiz {
        /// Whether they were.
        right: bool,
    },
    /// An operation went well.
    Done {
        /// Which.
        deed: Deed,
        /// Wallet; empty if it was none in particular.
        name: String,
        /// The file or folder written, or the address, if there is one.
        place: Option<String>,
    },
    /// An operation did not, and changed nothing.
    Failed {
        /// Which.
        deed: Deed,
        /// Why.
        problem: Problem,
    },
}
