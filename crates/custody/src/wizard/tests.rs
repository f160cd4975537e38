//! The wizard's ways, and random presses against a desk of the test's own.

use std::collections::VecDeque;

use proptest::prelude::*;
use view_model::{ImportFrom, WalletRow, WalletView};

use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn made(name: &str, words_follow: bool) -> DeskEvent {
    DeskEvent::Made { name: name.to_owned(), hotkey: format!("address of {name}"), words_follow }
}

fn words() -> DeskEvent {
    let words = (1..=12).map(|number| secret(&format!("word{number}"))).collect();
    DeskEvent::Words { name: "default".to_owned(), words, numbers: vec![2, 5, 11] }
}

fn make() -> WizardIntent {
    WizardIntent::Make { name: "default".to_owned(), words: 12, passphrase: None }
}

fn bring() -> WizardIntent {
    let from = ImportFrom::Seed { hex: secret("00") };
    WizardIntent::Bring { name: "default".to_owned(), from, passphrase: None }
}

fn run() -> WizardIntent {
    WizardIntent::Run { source: "run.json".to_owned() }
}

fn quiz() -> WizardIntent {
    WizardIntent::Quiz { words: vec![secret("word2"), secret("word5"), secret("word11")] }
}

fn failed(deed: Deed, code: &str) -> DeskEvent {
    DeskEvent::Failed { deed, problem: Problem::new(code, "title", "hint") }
}

fn step(wizard: &Wizard) -> WizardStep {
    wizard.view().unwrap().step
}

fn problem(wizard: &Wizard) -> Option<String> {
    wizard.view().unwrap().problem.map(|problem| problem.code)
}

/// A wizard at the step where the words of a new wallet are shown.
fn at_the_words() -> Wizard {
    let mut wizard = Wizard::new();
    wizard.press(WizardIntent::OpenWallet);
    wizard.press(WizardIntent::Create);
    wizard.press(make());
    wizard.told(&mut made("default", true));
    assert_eq!(wizard.told(&mut words()).len(), 1);
    wizard
}

const WIPED: [WizardEffect; 2] = [WizardEffect::Words(None), WizardEffect::Ask(DeskOrder::WipeWords)];

#[test]
fn a_rehearsal_is_three_presses_from_the_first_start() {
    let mut wizard = Wizard::new();
    assert_eq!(wizard.view(), None);
    assert_eq!(wizard.open(), []);
    assert_eq!(wizard.press(WizardIntent::Next), []);
    assert_eq!(wizard.press(WizardIntent::Next), []);
    assert_eq!(wizard.press(WizardIntent::TryNow), [WizardEffect::Finished, WizardEffect::StartRehearsal]);
    assert_eq!(wizard.view(), None);
}

#[test]
fn a_run_a_new_wallet_and_a_payout_address_lead_to_one_start() {
    let mut wizard = Wizard::new();
    wizard.press(WizardIntent::Open);
    wizard.press(WizardIntent::Next);
    wizard.press(WizardIntent::Next);
    assert!(!wizard.view().unwrap().can_go_on, "somebody has to choose");
    wizard.press(WizardIntent::Join);
    assert_eq!(wizard.press(run()), [WizardEffect::AddRun { source: "run.json".to_owned() }]);
    assert!(wizard.view().unwrap().busy);
    wizard.run_added(Ok(()));
    // Its facts are looked at before it is gone on with.
    assert_eq!((step(&wizard), wizard.view().unwrap().can_go_on), (WizardStep::Join, true));
    wizard.press(WizardIntent::Next);
    assert_eq!(step(&wizard), WizardStep::Wallet);
    wizard.press(WizardIntent::Create);
    let order = DeskOrder::Create { name: "default".to_owned(), words: 12, passphrase: None };
    assert_eq!(wizard.press(make()), [WizardEffect::Ask(order)]);
    wizard.told(&mut made("default", true));
    let DeskEvent::Words { words: shown, .. } = words() else { unreachable!() };
    assert_eq!(wizard.told(&mut words()), [WizardEffect::Words(Some(shown))]);
    assert_eq!(wizard.press(WizardIntent::Next), [WizardEffect::Words(None)]);
    assert_eq!(step(&wizard), WizardStep::Quiz { numbers: vec![2, 5, 11] });
    assert_eq!(wizard.press(quiz()).len(), 1);
    assert_eq!(wizard.told(&mut DeskEvent::Quiz { right: true }), WIPED);
    assert_eq!(step(&wizard), WizardStep::Payout);
    let payout = WizardIntent::PayoutTo { address: "5Grw".to_owned() };
    let order = DeskOrder::SetPayout { name: Some("default".to_owned()), address: "5Grw".to_owned() };
    assert_eq!(wizard.press(payout), [WizardEffect::Ask(order)]);
    wizard.told(&mut DeskEvent::Done { deed: Deed::Payout, name: "default".to_owned(), place: None });
    wizard.press(WizardIntent::Next);
    let hotkey = Some("address of default".to_owned());
    assert_eq!(step(&wizard), WizardStep::Summary { hotkey, rehearsal: false });
    let (done, all) = wizard.view().unwrap().progress;
    assert_eq!(done + 1, all);
    assert_eq!(wizard.press(WizardIntent::Start), [WizardEffect::Finished, WizardEffect::Start]);
}

#[test]
fn without_a_wallet_the_summary_is_a_rehearsal() {
    let mut wizard = Wizard::new();
    wizard.open();
    wizard.press(WizardIntent::Next);
    wizard.press(WizardIntent::Next);
    wizard.press(WizardIntent::Join);
    wizard.press(run());
    wizard.run_added(Ok(()));
    wizard.press(WizardIntent::Next);
    wizard.press(WizardIntent::Later);
    assert_eq!(step(&wizard), WizardStep::Courtesy);
    wizard.press(WizardIntent::Next);
    assert_eq!(step(&wizard), WizardStep::Summary { hotkey: None, rehearsal: true });
    assert_eq!(wizard.press(WizardIntent::Start), [WizardEffect::Finished, WizardEffect::StartRehearsal]);
}

#[test]
fn a_run_that_cannot_be_added_says_why_and_stays_at_its_step() {
    let mut wizard = Wizard::new();
    wizard.open();
    wizard.press(WizardIntent::Next);
    wizard.press(WizardIntent::Next);
    wizard.press(WizardIntent::Join);
    assert_eq!(wizard.press(WizardIntent::Run { source: "  ".to_owned() }), []);
    assert_eq!(problem(&wizard).as_deref(), Some("no_run_named"));
    wizard.press(run());
    wizard.run_added(Err(Problem::new("no_such_file", "title", "hint")));
    assert_eq!((step(&wizard), problem(&wizard).as_deref()), (WizardStep::Join, Some("no_such_file")));
    wizard.press(WizardIntent::Back);
    assert_eq!((step(&wizard), problem(&wizard)), (WizardStep::Choose, None));
}

#[test]
fn a_failed_wallet_says_why_and_can_be_tried_again() {
    let mut wizard = Wizard::new();
    wizard.press(WizardIntent::OpenWallet);
    wizard.press(WizardIntent::Create);
    wizard.press(make());
    assert_eq!(wizard.press(make()), [], "one at a time");
    assert_eq!(wizard.press(WizardIntent::Back), []);
    wizard.told(&mut failed(Deed::Unlock, "another_matter"));
    assert!(wizard.view().unwrap().busy);
    wizard.told(&mut failed(Deed::Create, "keychain_absent"));
    let view = wizard.view().unwrap();
    assert_eq!((view.step, view.busy, view.can_go_back), (WizardStep::Create, false, true));
    assert_eq!(problem(&wizard).as_deref(), Some("keychain_absent"));
    assert_eq!(wizard.press(make()).len(), 1);
}

#[test]
fn hidden_words_are_asked_for_again_and_shown_only_when_wanted() {
    let mut wizard = at_the_words();
    assert_eq!(wizard.press(WizardIntent::HideWords), [WizardEffect::Words(None)]);
    assert_eq!(wizard.told(&mut words()), [], "told while hidden");
    assert_eq!(wizard.press(WizardIntent::ShowWords), [WizardEffect::Ask(DeskOrder::ShowWords)]);
    // Away again before they came.
    assert_eq!(wizard.press(WizardIntent::HideWords), [WizardEffect::Words(None)]);
    assert_eq!(wizard.told(&mut words()), []);
    wizard.press(WizardIntent::ShowWords);
    assert!(matches!(wizard.told(&mut words())[..], [WizardEffect::Words(Some(_))]));
}

#[test]
fn words_not_known_three_times_are_shown_again() {
    let mut wizard = at_the_words();
    wizard.press(WizardIntent::Next);
    for _ in 0..2 {
        wizard.press(quiz());
        assert_eq!(wizard.told(&mut DeskEvent::Quiz { right: false }), []);
        assert_eq!(problem(&wizard).as_deref(), Some("quiz_wrong"));
        assert!(matches!(step(&wizard), WizardStep::Quiz { .. }));
    }
    wizard.press(quiz());
    let again = wizard.told(&mut DeskEvent::Quiz { right: false });
    assert_eq!(again, [WizardEffect::Ask(DeskOrder::ShowWords)]);
    assert_eq!((step(&wizard), problem(&wizard).as_deref()), (WizardStep::Words, Some("quiz_look_again")));
    wizard.told(&mut words());
    wizard.press(WizardIntent::Next);
    wizard.press(quiz());
    assert_eq!(wizard.told(&mut DeskEvent::Quiz { right: true }), WIPED);
}

#[test]
fn a_backup_put_off_wipes_the_words_and_goes_on() {
    let mut wizard = at_the_words();
    assert_eq!(wizard.press(WizardIntent::QuizLater), WIPED);
    assert_eq!(step(&wizard), WizardStep::Payout);
    let mut wizard = at_the_words();
    wizard.press(WizardIntent::Next);
    assert_eq!(wizard.press(WizardIntent::QuizLater), WIPED);
    // The way back leads past the words to the choice, where the wallet is known.
    wizard.press(WizardIntent::Back);
    assert_eq!((step(&wizard), wizard.view().unwrap().can_go_on), (WizardStep::Wallet, true));
}

#[test]
fn whoever_leaves_in_the_middle_keeps_the_wallet_and_leaves_no_words() {
    for press in [WizardIntent::Close, WizardIntent::Back, WizardIntent::Open, WizardIntent::OpenWallet] {
        let mut wizard = at_the_words();
        let effects = wizard.press(press);
        assert!(effects.starts_with(&WIPED), "{effects:?}");
        assert_eq!(wizard.wallet(), Some("default"));
    }
    // Closed while the key was being derived: the words that come are wiped.
    let mut wizard = Wizard::new();
    wizard.press(WizardIntent::OpenWallet);
    wizard.press(WizardIntent::Create);
    wizard.press(make());
    assert_eq!(wizard.press(WizardIntent::Close), [WizardEffect::Finished]);
    wizard.told(&mut made("default", true));
    assert_eq!(wizard.told(&mut words()), [WizardEffect::Ask(DeskOrder::WipeWords)]);
    assert_eq!(wizard.wallet(), Some("default"));
}

#[test]
fn a_backup_from_the_wallet_screen_ends_with_the_quiz() {
    let mut wizard = Wizard::new();
    let asked = wizard.back_up("default".to_owned(), Some(secret("four bears")));
    let order = DeskOrder::BackUp { name: "default".to_owned(), passphrase: Some(secret("four bears")) };
    assert_eq!(asked, [WizardEffect::Ask(order)]);
    wizard.told(&mut words());
    assert!(!wizard.view().unwrap().can_go_back);
    wizard.press(WizardIntent::Next);
    wizard.press(quiz());
    let ended = wizard.told(&mut DeskEvent::Quiz { right: true });
    assert!(ended.starts_with(&WIPED) && ended.ends_with(&[WizardEffect::Finished]), "{ended:?}");
    assert_eq!(wizard.view(), None);
    // A wallet that does not open leaves the reason to the wallet screen.
    wizard.back_up("default".to_owned(), None);
    wizard.told(&mut failed(Deed::BackUp, "no_passphrase"));
    assert_eq!(wizard.view(), None);
}

#[test]
fn the_wallet_that_is_there_already_will_earn() {
    let mut wizard = Wizard::new();
    let row = |name: &str| WalletRow {
        name: name.to_owned(),
        hotkey: format!("address of {name}"),
        payout: None,
        backed_up: true,
        has_words: true,
        keychain: true,
        unlocked: false,
    };
    let view = |names: &[&str]| {
        let wallets = names.iter().map(|name| row(name)).collect();
        DeskEvent::View(Box::new(WalletView { wallets, ..WalletView::default() }))
    };
    wizard.told(&mut view(&["old", "other"]));
    assert_eq!(wizard.wallet(), Some("old"));
    wizard.told(&mut made("new", false));
    wizard.told(&mut view(&["old", "new"]));
    assert_eq!(wizard.wallet(), Some("new"), "the one just made");
    wizard.told(&mut view(&["old"]));
    assert_eq!(wizard.wallet(), Some("old"), "it was removed");
    wizard.told(&mut view(&[]));
    assert_eq!(wizard.wallet(), None);
}

/// A desk that does what it is asked, or fails, when it is its turn; and a window.
#[derive(Default)]
struct World {
    wizard: Wizard,
    orders: VecDeque<DeskOrder>,
    adding: u32,
    /// The desk holds words.
    held: bool,
    /// The window holds words.
    shown: bool,
    made: u32,
}

impl World {
    fn press(&mut self, press: u8) {
        let starts = press == 6 || press == 22;
        let intent = match press {
            0..=5 => WizardIntent::Next,
            6 => WizardIntent::TryNow,
            7 => WizardIntent::Join,
            8 => run(),
            9 => WizardIntent::Create,
            10 | 11 => make(),
            12 => WizardIntent::Import,
            13 => bring(),
            14 => WizardIntent::Payout,
            15 => WizardIntent::PayoutTo { address: "5Grw".to_owned() },
            16 => WizardIntent::Later,
            17 | 18 => quiz(),
            19 => WizardIntent::QuizLater,
            20 => WizardIntent::HideWords,
            21 => WizardIntent::ShowWords,
            22 => WizardIntent::Start,
            23 | 24 => WizardIntent::Back,
            25 => WizardIntent::Close,
            26 => WizardIntent::OpenWallet,
            _ => WizardIntent::Open,
        };
        let adds = matches!(intent, WizardIntent::Run { .. });
        let effects = self.wizard.press(intent);
        for effect in &effects {
            match effect {
                WizardEffect::Start | WizardEffect::StartRehearsal => assert!(starts, "started without a press"),
                WizardEffect::AddRun { .. } => assert!(adds, "added a run without a press"),
                _ => {}
            }
        }
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<WizardEffect>) {
        for effect in effects {
            match effect {
                WizardEffect::Ask(order) => self.orders.push_back(order),
                WizardEffect::Words(words) => self.shown = words.is_some(),
                WizardEffect::AddRun { .. } => self.adding += 1,
                WizardEffect::Start | WizardEffect::StartRehearsal | WizardEffect::Finished => {}
            }
        }
    }

    /// The desk's turn, or the run list's.
    fn turn(&mut self, well: bool) {
        if self.adding > 0 {
            self.adding -= 1;
            let result = if well { Ok(()) } else { Err(Problem::new("no", "title", "hint")) };
            let effects = self.wizard.run_added(result);
            return self.perform(effects);
        }
        let Some(order) = self.orders.pop_front() else { return };
        let deed = order.deed();
        let mut events = match order {
            DeskOrder::WipeWords => {
                self.held = false;
                Vec::new()
            }
            DeskOrder::ShowWords if !self.held => vec![failed(deed, "no_words_open")],
            DeskOrder::CheckQuiz { .. } if well && self.held => {
                self.held = false;
                vec![DeskEvent::Quiz { right: true }]
            }
            DeskOrder::CheckQuiz { .. } => vec![DeskEvent::Quiz { right: false }],
            _ if !well => vec![failed(deed, "failed")],
            DeskOrder::Create { .. } => {
                (self.held, self.made) = (true, self.made + 1);
                vec![made("default", true), words()]
            }
            DeskOrder::Import { .. } => {
                self.made += 1;
                vec![made("default", false)]
            }
            DeskOrder::BackUp { .. } | DeskOrder::ShowWords => {
                self.held = true;
                vec![words()]
            }
            _ => vec![DeskEvent::Done { deed, name: "default".to_owned(), place: None }],
        };
        for event in &mut events {
            let effects = self.wizard.told(event);
            if let DeskEvent::Words { words, .. } = event {
                assert!(words.is_empty(), "the wizard left words in the event");
            }
            self.perform(effects);
        }
    }

    fn check(&self) {
        let view = self.wizard.view();
        let at = view.as_ref().map(|view| view.step.clone());
        let with_words = matches!(at, Some(WizardStep::Words | WizardStep::Quiz { .. }));
        if self.orders.is_empty() {
            assert!(!self.held || with_words, "the desk holds words at {at:?}");
        }
        assert!(!self.shown || at == Some(WizardStep::Words), "the window shows words at {at:?}");
        if let Some(view) = view {
            assert!(!view.busy || self.adding > 0 || !self.orders.is_empty(), "busy for ever at {at:?}");
            assert!(view.progress.0 < view.progress.1, "{:?} at {at:?}", view.progress);
            assert!(!view.busy || !(view.can_go_back || view.can_go_on));
        }
        if self.made > 0 {
            assert_eq!(self.wizard.wallet(), Some("default"), "the wallet was lost");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_presses_lose_no_wallet_keep_no_words_and_always_find_back(actions in prop::collection::vec(0u8..40, 0..120)) {
        let mut world = World::default();
        world.wizard.open();
        for action in actions {
            match action {
                0..=27 => world.press(action),
                28 => {
                    let effects = world.wizard.back_up("default".to_owned(), None);
                    world.perform(effects);
                }
                29..=31 => world.turn(false),
                _ => world.turn(true),
            }
            world.check();
        }
        while !world.orders.is_empty() || world.adding > 0 {
            world.turn(true);
            world.check();
        }
        for _ in 0..20 {
            if world.wizard.view().is_some_and(|view| view.can_go_back) {
                world.press(23);
                world.turn(true);
                world.check();
            }
        }
        if let Some(view) = world.wizard.view() {
            let first = matches!(view.step, WizardStep::Welcome | WizardStep::Wallet | WizardStep::Words);
            prop_assert!(first && !view.can_go_back, "no way back from {:?}", view.step);
        }
        world.press(25);
        while !world.orders.is_empty() {
            world.turn(true);
        }
        world.check();
        prop_assert_eq!(world.wizard.view(), None);
        prop_assert!(!world.held && !world.shown);
    }
}
