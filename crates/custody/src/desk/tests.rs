//! Orders in, events out; and orders that hang.

use std::sync::Arc;

use tokio::task::JoinSet;
use view_model::ImportFrom;

use super::*;
use crate::vaults::tests::{ADDRESS, ALICE, Memory, PASSPHRASE, WORDS, secret, unusable};

struct App {
    dir: tempfile::TempDir,
    keychain: Arc<Memory>,
    orders: mpsc::Sender<DeskOrder>,
    events: mpsc::Receiver<DeskEvent>,
    view: WalletView,
    tasks: JoinSet<()>,
}

impl App {
    async fn start(limit: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keychain = Arc::new(Memory::default());
        let ((orders, taken), (told, events)) = (mpsc::channel(MAX_ORDERS), mpsc::channel(64));
        let signing = SigningDesk::new("/no/such/program".into());
        let desk = Desk::new(dir.path().join("wallets"), Arc::clone(&keychain) as Arc<dyn Keychain>, signing, told);
        let mut tasks = JoinSet::new();
        tasks.spawn(desk.with_limit(limit).run(taken));
        let mut app = Self { dir, keychain, orders, events, view: WalletView::default(), tasks };
        assert!(matches!(app.told().await, DeskEvent::View(_)));
        app
    }

    async fn told(&mut self) -> DeskEvent {
        let event = self.events.recv().await.expect("the desk ended");
        if let DeskEvent::View(view) = &event {
            self.view = (**view).clone();
        }
        event
    }

    async fn ask(&mut self, order: DeskOrder) {
        self.orders.send(order).await.unwrap();
    }

    /// What an order was answered with, up to the view at its end.
    async fn answer(&mut self, order: DeskOrder) -> Vec<DeskEvent> {
        self.ask(order).await;
        self.rest().await
    }

    async fn rest(&mut self) -> Vec<DeskEvent> {
        let mut events = Vec::new();
        loop {
            match self.told().await {
                DeskEvent::View(view) if view.busy.is_none() => return events,
                DeskEvent::View(_) => {}
                event => events.push(event),
            }
        }
    }

    async fn code(&mut self, order: DeskOrder) -> String {
        let events = self.answer(order).await;
        match &events[..] {
            [DeskEvent::Failed { problem, .. }] => {
                assert_eq!(self.view.problem.as_ref(), Some(problem), "the wallet screen says the same");
                problem.code.clone()
            }
            other => panic!("{other:?}"),
        }
    }
}

const PATIENT: Duration = Duration::from_secs(300);

fn create(name: &str) -> DeskOrder {
    DeskOrder::Create { name: name.to_owned(), words: 12, passphrase: None }
}

fn import(name: &str) -> DeskOrder {
    let from = ImportFrom::Words { words: secret(WORDS), path: String::new() };
    DeskOrder::Import { name: name.to_owned(), from, passphrase: None }
}

fn quiz(words: &[Secret], numbers: &[u32]) -> DeskOrder {
    let asked = numbers.iter().map(|number| secret(words[*number as usize - 1].expose()));
    DeskOrder::CheckQuiz { words: asked.collect() }
}

fn words(event: &DeskEvent) -> (&[Secret], &[u32]) {
    match event {
        DeskEvent::Words { words, numbers, .. } => (words, numbers),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn words_are_told_until_three_are_known_and_then_forgotten() {
    let mut app = App::start(PATIENT).await;
    let events = app.answer(create("default")).await;
    let DeskEvent::Made { hotkey, words_follow: true, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((&app.view.wallets[0].hotkey, app.view.wallets[0].backed_up), (hotkey, false));
    let (shown, numbers) = words(&events[1]);
    assert_eq!((shown.len(), numbers.len()), (12, 3));
    let wrong = || DeskOrder::CheckQuiz { words: ["x", "y", "z"].map(secret).into() };
    for _ in 0..3 {
        assert_eq!(app.answer(wrong()).await, [DeskEvent::Quiz { right: false }]);
    }
    let again = app.answer(DeskOrder::ShowWords).await;
    let (same, numbers) = words(&again[0]);
    assert_eq!(same, shown);
    assert_eq!(app.answer(quiz(shown, numbers)).await, [DeskEvent::Quiz { right: true }]);
    assert!(app.view.wallets[0].backed_up);
    assert_eq!(app.code(DeskOrder::ShowWords).await, "no_words_open");
    assert_eq!(app.code(quiz(shown, numbers)).await, "no_words_open");
}

#[tokio::test]
async fn wiped_words_are_gone_and_come_back_only_by_opening_the_wallet() {
    let mut app = App::start(PATIENT).await;
    let first = app.answer(create("default")).await;
    app.ask(DeskOrder::WipeWords).await;
    assert_eq!(app.code(DeskOrder::ShowWords).await, "no_words_open");
    let back_up = || DeskOrder::BackUp { name: "default".to_owned(), passphrase: None };
    let events = app.answer(back_up()).await;
    assert_eq!(words(&events[0]).0, words(&first[1]).0);
    // A wallet that does not open leaves no other one's words open.
    app.keychain.fail(Some(keychain::KeychainError::Locked));
    assert_eq!(app.code(back_up()).await, "keychain_locked");
    app.keychain.fail(None);
    assert_eq!(app.code(DeskOrder::ShowWords).await, "no_words_open");
}

#[tokio::test]
async fn each_state_of_the_keychain_has_its_words_on_the_wallet_screen() {
    let mut app = App::start(PATIENT).await;
    app.answer(import("default")).await;
    let before = app.view.wallets.clone();
    for (error, expected) in unusable() {
        app.keychain.fail(Some(error));
        for order in [create("new"), DeskOrder::ProbeKeychain] {
            assert_eq!(app.code(order).await, expected);
            let KeychainState::Unusable(problem) = &app.view.keychain else { panic!("{expected}: usable") };
            assert_eq!(problem.code, expected);
        }
        assert_eq!(app.view.wallets, before);
    }
    app.keychain.fail(None);
    app.answer(DeskOrder::ProbeKeychain).await;
    assert_eq!((&app.view.keychain, &app.view.problem), (&KeychainState::Ready, &None));
    // A wallet's own trouble is none of the keychain's.
    assert_eq!(app.code(create("default")).await, "wallet_exists");
    assert_eq!(app.view.keychain, KeychainState::Ready);
}

#[tokio::test]
async fn an_order_that_hangs_is_slow_and_what_it_did_is_told_when_it_ends() {
    let mut app = App::start(Duration::from_millis(50)).await;
    app.keychain.shut(true);
    assert_eq!(app.code(create("default")).await, "wallet_slow");
    assert_eq!(app.code(import("other")).await, "wallet_busy");
    assert!(app.view.wallets.is_empty());
    app.keychain.shut(false);
    // The wallet is there, but nobody looks at its words any more.
    let late = app.rest().await;
    assert!(matches!(&late[..], [DeskEvent::Made { name, .. }] if name == "default"), "{late:?}");
    assert_eq!(app.view.wallets.len(), 1);
    assert!(!app.view.wallets[0].backed_up);
    app.ask(DeskOrder::ShowWords).await;
    let events = app.rest().await;
    assert!(
        matches!(&events[..], [DeskEvent::Failed { problem, .. }] if problem.code == "no_words_open"),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_press_on_the_wallet_screen_is_an_order() {
    use view_model::WalletIntent;
    let mut app = App::start(PATIENT).await;
    app.answer(import("default")).await;
    let name = || "default".to_owned();
    let events = app.answer(WalletIntent::Payout { name: name(), address: ALICE.to_owned() }.into()).await;
    assert_eq!(events, [DeskEvent::Done { deed: Deed::Payout, name: name(), place: Some(ALICE.to_owned()) }]);
    assert_eq!(app.view.wallets[0].payout.as_deref(), Some(ALICE));
    let folder = app.dir.path().join("btcli").display().to_string();
    let export = |folder| WalletIntent::ExportBtcli { name: name(), passphrase: None, password: secret("x"), folder };
    assert_eq!(app.code(export(folder).into()).await, "passphrase_short");
    let path = app.dir.path().join("capsule").display().to_string();
    let migrate = WalletIntent::Migrate { name: name(), passphrase: None, capsule: secret(PASSPHRASE), path };
    assert!(matches!(app.answer(migrate.into()).await[..], [DeskEvent::Done { deed: Deed::Migrate, .. }]));
    assert!(app.dir.path().join("capsule").exists());
    let from = ImportFrom::Seed { hex: secret("nonsense") };
    let bad = WalletIntent::Import { name: "seed".to_owned(), from, passphrase: None };
    assert_eq!(app.code(bad.into()).await, "seed_wrong");
    assert_eq!(app.code(WalletIntent::Unlock { name: name(), passphrase: None }.into()).await, "signer_not_started");
    let remove = |typed: &str| DeskOrder::from(WalletIntent::Remove { name: name(), typed: typed.to_owned() });
    assert_eq!(app.code(remove("nothing")).await, "not_confirmed");
    assert_eq!(app.view.wallets[0].hotkey, ADDRESS);
    app.answer(remove("default")).await;
    assert!(app.view.wallets.is_empty() && app.view.problem.is_none());
}

#[tokio::test]
async fn the_desk_ends_when_nobody_can_order_any_more() {
    let App { orders, mut events, mut tasks, dir: _dir, .. } = App::start(PATIENT).await;
    drop(orders);
    while events.recv().await.is_some() {}
    tasks.join_next().await.unwrap().unwrap();
}
