//! An app that has nothing but a desk, with the real signer program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use custody::{Desk, DeskEvent, DeskOrder, MAX_ORDERS, SigningDesk};
use keychain::Keychain;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use types::{Hash32, Round, RunId, SignPayload};
use view_model::{ImportFrom, Secret, WalletView};

pub(crate) const PASSPHRASE: &str = "four bears in a boat";
/// A published test phrase of Substrate and its address.
pub(crate) const WORDS: &str = "caution juice atom organ advance problem want pledge someone senior holiday very";
pub(crate) const ADDRESS: &str = "5Gv8YYFu8H1btvmrJy9FjjAWfb99wrhV3uhPFoNEr918utyR";

pub(crate) struct App {
    pub(crate) signing: SigningDesk,
    pub(crate) view: WalletView,
    pub(crate) orders: mpsc::Sender<DeskOrder>,
    events: mpsc::Receiver<DeskEvent>,
    tasks: JoinSet<()>,
}

impl App {
    pub(crate) async fn start(folder: &Path, keychain: Arc<dyn Keychain>) -> Self {
        let ((orders, taken), (told, events)) = (mpsc::channel(MAX_ORDERS), mpsc::channel(64));
        let signing = SigningDesk::new(signer_program());
        let desk = Desk::new(folder.to_owned(), keychain, signing.clone(), told);
        let mut tasks = JoinSet::new();
        tasks.spawn(desk.run(taken));
        let mut app = Self { signing, view: WalletView::default(), orders, events, tasks };
        app.rest().await;
        app
    }

    /// What an order was answered with.
    pub(crate) async fn answer(&mut self, order: DeskOrder) -> Vec<DeskEvent> {
        self.orders.send(order).await.unwrap();
        self.rest().await
    }

    /// Events up to a view in which nothing runs; unlocking and locking are followed by one more.
    pub(crate) async fn rest(&mut self) -> Vec<DeskEvent> {
        let mut events = Vec::new();
        loop {
            match self.events.recv().await.expect("the desk ended") {
                DeskEvent::View(view) => {
                    self.view = *view;
                    if self.view.busy.is_none() {
                        return events;
                    }
                }
                event => events.push(event),
            }
        }
    }

    pub(crate) async fn code(&mut self, order: DeskOrder) -> String {
        match &self.answer(order).await[..] {
            [DeskEvent::Failed { problem, .. }] => problem.code.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Ends the desk as the end of the app does.
    pub(crate) async fn end(self) {
        let Self { orders, mut events, mut tasks, .. } = self;
        drop(orders);
        while events.recv().await.is_some() {}
        tasks.join_next().await.unwrap().unwrap();
    }
}

/// The example beside this test.
pub(crate) fn signer_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/app_signer");
    assert!(program.exists(), "{} is not built: run all targets of this package", program.display());
    program
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(crate) fn import(name: &str, passphrase: Option<&str>) -> DeskOrder {
    let from = ImportFrom::Words { words: secret(WORDS), path: String::new() };
    DeskOrder::Import { name: name.to_owned(), from, passphrase: passphrase.map(secret) }
}

pub(crate) fn unlock(name: &str, passphrase: Option<&str>) -> DeskOrder {
    DeskOrder::Unlock { name: name.to_owned(), passphrase: passphrase.map(secret) }
}

pub(crate) fn lock(name: &str) -> DeskOrder {
    DeskOrder::Lock { name: name.to_owned() }
}

pub(crate) fn submission(round: u64, digest: u8) -> SignPayload {
    SignPayload::Submission { run: RunId(Hash32([1; 32])), round: Round(round), digest: Hash32([digest; 32]) }
}
