//! What can be done with wallets, as a name for texts.
//!
//! In: an order's kind. Out: the keys of the sentences that say it runs and that it is done.

use view_model::Told;

/// A kind of wallet operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Look what is there.
    List,
    /// Ask the keychain.
    Probe,
    /// Make a wallet.
    Create,
    /// Bring one.
    Import,
    /// Show its words.
    BackUp,
    /// Ask three words back.
    Quiz,
    /// Say where pay goes.
    Payout,
    /// Unlock.
    Unlock,
    /// Lock.
    Lock,
    /// Write a folder for btcli.
    Export,
    /// Write a capsule.
    Migrate,
    /// Remove.
    Remove,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::List,
        Self::Probe,
        Self::Create,
        Self::Import,
        Self::BackUp,
        Self::Quiz,
        Self::Payout,
        Self::Unlock,
        Self::Lock,
        Self::Export,
        Self::Migrate,
        Self::Remove,
    ];

    fn code(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Probe => "probe",
            Self::Create => "create",
            Self::Import => "import",
            Self::BackUp => "backup",
            Self::Quiz => "quiz",
            Self::Payout => "payout",
            Self::Unlock => "unlock",
            Self::Lock => "lock",
            Self::Export => "export",
            Self::Migrate => "migrate",
            Self::Remove => "remove",
        }
    }

    /// What is said while it runs: `wallet-busy-…`.
    pub fn busy(self) -> Told {
        Told::new(&format!("wallet-busy-{}", self.code()))
    }

    /// What is said when it is done: `wallet-done-…` with the wallet's `name` and, where there is one, its `place`.
    pub fn done(self, name: &str, place: Option<&str>) -> Told {
        let told = Told::new(&format!("wallet-done-{}", self.code())).with("name", name);
        match place {
            Some(place) => told.with("place", place),
            None => told,
        }
    }
}
