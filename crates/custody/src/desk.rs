//! The desk: one order after another, on threads that may block, each with a time limit.
//!
//! In: orders over a bounded queue, a folder, the keychain. Out: events over a bounded queue, the wallet screen among them.
//! It alone holds recovery words, between the order that shows them and the one that wipes them. An order that takes too
//! long is said to be slow and none other begins before it ended; what it did all the same is told then.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keychain::Keychain;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use types::{Hotkey, Problem, ProblemAction};
use view_model::{KeychainState, Secret, WalletView};

use crate::scrub::scrubbed;
use crate::vaults::{Backup, Vaults};
use crate::{Deed, DeskEvent, DeskOrder, SigningDesk};

mod work;

use work::{Done, work};

/// Orders that may wait; a person presses slower.
pub const MAX_ORDERS: usize = 16;
/// A keychain may ask a person four times in one probe, for a minute each; btcli's encryption takes half a gigabyte and
/// seconds.
const LIMIT: Duration = Duration::from_secs(300);

/// Owns the wallets of this computer.
pub struct Desk {
    vaults: Vaults,
    signing: SigningDesk,
    events: mpsc::Sender<DeskEvent>,
    limit: Duration,
    view: WalletView,
    backup: Option<Box<Backup>>,
    late: Option<(Deed, JoinHandle<Done>)>,
}

impl Desk {
    /// A desk over a folder of wallets, which need not be there yet (see [`signer::wallet_folder`]). Nothing is read or
    /// asked before [`Self::run`].
    pub fn new(
        folder: PathBuf,
        keychain: Arc<dyn Keychain>,
        signing: SigningDesk,
        events: mpsc::Sender<DeskEvent>,
    ) -> Self {
        let view = WalletView { folder: folder.display().to_string(), ..WalletView::default() };
        let vaults = Vaults::new(folder, keychain);
        Self { vaults, signing, events, limit: LIMIT, view, backup: None, late: None }
    }

    /// With another time limit for an order.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Works until nobody can give orders any more; then every wallet is locked and every word wiped.
    pub async fn run(mut self, mut orders: mpsc::Receiver<DeskOrder>) {
        self.take(DeskOrder::List).await;
        let signing = self.signing.clone();
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.take(order).await,
                    None => break,
                },
                () = signing.one_ended() => self.look().await,
                (deed, done) = ended(&mut self.late) => self.too_late(deed, done).await,
            }
        }
        self.backup = None;
        self.signing.lock_all().await;
    }

    async fn take(&mut self, order: DeskOrder) {
        let deed = order.deed();
        match order {
            DeskOrder::WipeWords => self.backup = None,
            DeskOrder::Unlock { name, passphrase } => self.unlock(name, passphrase).await,
            DeskOrder::Lock { name } => {
                self.signing.lock(&name).await;
                self.say(DeskEvent::Done { deed, name, place: None }).await;
                self.look().await;
            }
            _ if self.late.is_some() => self.fail(deed, still_slow()).await,
            order => {
                if let DeskOrder::Remove { name, typed } = &order
                    && name == typed.trim()
                {
                    // Its signer holds the log beside the vault.
                    self.signing.lock(name).await;
                }
                self.work_on(order).await;
            }
        }
    }

    async fn unlock(&mut self, name: String, passphrase: Option<Secret>) {
        self.busy(Deed::Unlock).await;
        let opened = match self.vaults.file(&name) {
            Ok(file) => self.signing.unlock(&name, &file, passphrase).await,
            Err(problem) => Err(problem),
        };
        self.view.busy = None;
        match opened {
            Ok(hotkey) => {
                self.view.problem = None;
                self.say(DeskEvent::Done { deed: Deed::Unlock, name, place: Some(hotkey.ss58()) }).await;
                self.look().await;
            }
            Err(problem) => self.fail(Deed::Unlock, problem).await,
        }
    }

    /// Has an order worked on elsewhere and waits for it, up to the limit.
    async fn work_on(&mut self, order: DeskOrder) {
        let deed = order.deed();
        if deed != Deed::List {
            self.busy(deed).await;
        }
        let (vaults, backup, unlocked) = (self.vaults.clone(), self.backup.take(), self.signing.unlocked().await);
        let mut job = tokio::task::spawn_blocking(move || scrubbed(move || work(&vaults, order, backup, &unlocked)));
        let Ok(done) = tokio::time::timeout(self.limit, &mut job).await else {
            self.late = Some((deed, job));
            return self.fail(deed, slow(self.limit)).await;
        };
        match done {
            Ok(done) => {
                self.backup = self.tell(done).await;
            }
            // The words it held are wiped.
            Err(error) => self.fail(deed, broke_off(&error.to_string())).await,
        }
    }

    /// What came of an order that was given up.
    async fn too_late(&mut self, deed: Deed, done: Result<Done, tokio::task::JoinError>) {
        self.late = None;
        match done {
            Ok(mut done) => {
                // Nobody waits for words any more. A wallet that was made counts as not backed up.
                done.events.retain(|event| !matches!(event, DeskEvent::Words { .. }));
                drop(self.tell(done).await);
            }
            Err(error) => self.fail(deed, broke_off(&error.to_string())).await,
        }
    }

    /// Says what was done, and how things stand now. The words that stay open.
    async fn tell(&mut self, done: Done) -> Option<Box<Backup>> {
        let Done { events, backup, keychain, rows, mut problem } = done;
        for event in events {
            if let DeskEvent::Failed { problem: why, .. } = &event {
                problem = Some(why.clone());
            }
            self.say(event).await;
        }
        (self.view.busy, self.view.wallets, self.view.problem) = (None, rows, problem);
        if let Some(state) = keychain {
            self.view.keychain = state;
        }
        self.say_view().await;
        backup
    }

    /// Reads the folder again.
    async fn look(&mut self) {
        if self.late.is_none() {
            self.work_on(DeskOrder::List).await;
        }
    }

    async fn busy(&mut self, deed: Deed) {
        self.view.busy = Some(deed.busy());
        self.view.problem = None;
        self.say_view().await;
    }

    async fn fail(&mut self, deed: Deed, problem: Problem) {
        (self.view.busy, self.view.problem) = (None, Some(problem.clone()));
        self.say(DeskEvent::Failed { deed, problem }).await;
        self.say_view().await;
    }

    async fn say_view(&mut self) {
        self.say(DeskEvent::View(Box::new(self.view.clone()))).await;
    }

    async fn say(&self, event: DeskEvent) {
        // Nobody listens at the end of the app; then nothing has to be told.
        let _ = self.events.send(event).await;
    }
}

/// The end of the order that was given up; never, if there is none.
async fn ended(late: &mut Option<(Deed, JoinHandle<Done>)>) -> (Deed, Result<Done, tokio::task::JoinError>) {
    match late {
        Some((deed, job)) => (*deed, job.await),
        None => std::future::pending().await,
    }
}

fn slow(limit: Duration) -> Problem {
    Problem::new(
        "wallet_slow",
        format!("This took longer than {} s", limit.as_secs()),
        "Look for a question for a password behind other windows. It may still come to an end; the list shows it then.",
    )
}

fn still_slow() -> Problem {
    Problem::new(
        "wallet_busy",
        "What was asked before has not ended yet",
        "Answer the system's question, then try again.",
    )
    .with_action(ProblemAction::Retry)
}

fn broke_off(why: &str) -> Problem {
    Problem::new("wallet_broke_off", "The operation broke off", format!("{why}. Look at the wallets, then try again."))
}

/// Facts about unlocked wallets.
type Unlocked = BTreeMap<String, Hotkey>;

/// What the keychain says after an operation that asked it.
fn keychain_after(problem: &Problem) -> Option<KeychainState> {
    // A single lost or spoilt item says nothing about the keychain.
    let about = problem.code.starts_with("keychain_") && !problem.code.starts_with("keychain_item");
    about.then(|| KeychainState::Unusable(problem.clone()))
}

#[cfg(test)]
mod tests;
