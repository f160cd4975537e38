//! The wizard, click by click and key by key.

use super::{TALL, Window, open, press, scenario, type_into, window, wizard_press};
use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use ui::gallery::Scenario;
use ui::gallery::setup::{PAYOUT, at, summary};
use view_model::{ImportFrom, Intent, Secret, WalletIntent, WizardIntent, WizardStep};

fn go(harness: &mut Harness<'static, Window>, step: WizardStep) {
    harness.state_mut().model.snapshot.wizard = Some(at(step));
    harness.run();
}

/// What the app would do with a press.
fn answer(harness: &mut Harness<'static, Window>, intent: &Intent) {
    let step = harness.state().model.snapshot.wizard.as_ref().map(|wizard| wizard.step.clone());
    let next = match (intent, step) {
        (Intent::Wizard(WizardIntent::Next), Some(WizardStep::Welcome)) => WizardStep::Computer,
        (Intent::Wizard(WizardIntent::Next), Some(WizardStep::Computer)) => WizardStep::Choose,
        other => panic!("{other:?}"),
    };
    go(harness, next);
}

#[test]
fn three_clicks_lead_to_a_running_rehearsal() {
    let mut harness = open("wizard-welcome");
    let mut clicks = 0;
    for name in ["Next", "Next"] {
        clicks += 1;
        let pressed = press(&mut harness, name);
        assert_eq!(pressed.len(), 1, "{pressed:?}");
        answer(&mut harness, &pressed[0]);
    }
    clicks += 1;
    assert_eq!(press(&mut harness, "Try it now (rehearsal)"), wizard_press(WizardIntent::TryNow));
    assert!(clicks <= 5);
}

#[test]
fn enter_alone_leads_to_a_running_rehearsal() {
    let mut harness = open("wizard-welcome");
    for _ in 0..2 {
        harness.key_press(Key::Enter);
        harness.run();
        let pressed = std::mem::take(&mut harness.state_mut().pressed);
        assert_eq!(pressed, wizard_press(WizardIntent::Next));
        answer(&mut harness, &pressed[0]);
    }
    assert!(harness.get_by_label("Try it now (rehearsal)").is_focused());
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().pressed, wizard_press(WizardIntent::TryNow));
}

#[test]
fn the_keyboard_goes_from_a_field_to_the_big_button_and_on_to_back() {
    let mut harness = open("wizard-join");
    type_into(&mut harness, "Link, or path of the run's file or of a picture", "covey://join/abc");
    for name in ["Look at this run", "Back"] {
        harness.key_press(Key::Tab);
        harness.run();
        assert!(harness.get_by_label(name).is_focused(), "{name}");
    }
}

#[test]
fn the_wallet_question_offers_later_first_to_the_keyboard() {
    let mut harness = open("wizard-wallet");
    assert!(harness.get_by_label("Later: rehearse first").is_focused());
    for (name, intent) in [
        ("Make a new wallet", WizardIntent::Create),
        ("I have one", WizardIntent::Import),
        ("Only pay to my address", WizardIntent::Payout),
        ("Later: rehearse first", WizardIntent::Later),
    ] {
        assert_eq!(press(&mut harness, name), wizard_press(intent));
    }
}

#[test]
fn every_step_but_the_first_has_a_way_back_and_every_step_a_way_out() {
    let steps = [
        WizardStep::Welcome,
        WizardStep::Computer,
        WizardStep::Choose,
        WizardStep::Join,
        WizardStep::Wallet,
        WizardStep::Create,
        WizardStep::Import,
        WizardStep::Payout,
        WizardStep::Words,
        WizardStep::Quiz { numbers: vec![1, 2, 3] },
        WizardStep::Courtesy,
        summary(true),
    ];
    let mut harness = open("wizard-welcome");
    for step in steps {
        let first = step == WizardStep::Welcome;
        go(&mut harness, step);
        if first {
            assert!(harness.query_by_label("Back").is_none());
        } else {
            assert_eq!(press(&mut harness, "Back"), wizard_press(WizardIntent::Back));
        }
        assert_eq!(press(&mut harness, "Leave set-up"), wizard_press(WizardIntent::Close));
    }
}

#[test]
fn a_language_is_chosen_by_its_own_name_and_counts_at_once() {
    let mut harness = open("wizard-welcome");
    harness.get_by_label("Language").click();
    harness.run();
    let pressed = press(&mut harness, "Deutsch");
    let [Intent::Set(settings)] = pressed.as_slice() else { panic!("{pressed:?}") };
    assert_eq!(settings.look.language.as_deref(), Some("de"));
    harness.state_mut().model.snapshot.settings = (**settings).clone();
    harness.run();
    assert!(harness.state().pressed.is_empty());
}

#[test]
fn a_problem_of_the_driver_has_one_button_and_the_cards_can_be_looked_for_again() {
    let mut harness = open("wizard-computer-driver");
    assert!(harness.query_by_label_contains("kernel module is not loaded").is_some());
    assert_eq!(press(&mut harness, "Look again"), [Intent::RescanGpus]);
}

#[test]
fn a_run_is_named_by_its_link_and_enter_sends_it() {
    let mut harness = open("wizard-join");
    assert!(harness.get_by_label("Look at this run").accesskit_node().is_disabled());
    type_into(&mut harness, "Link, or path of the run's file or of a picture", "  covey://join/abc ");
    harness.key_press(Key::Enter);
    harness.run();
    let expected = wizard_press(WizardIntent::Run { source: "covey://join/abc".to_owned() });
    assert_eq!(std::mem::take(&mut harness.state_mut().pressed), expected);
}

#[derive(Debug)]
struct File(&'static str);

impl egui::DroppedFile for File {
    fn path(&self) -> &std::path::Path {
        std::path::Path::new(self.0)
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        panic!("the window reads no files")
    }
}

#[test]
fn a_file_let_go_over_the_window_is_named_and_waits_for_the_press() {
    let mut harness = open("wizard-join");
    harness.input_mut().dropped_files = vec![std::sync::Arc::new(File("/data/friends.covey-run"))];
    harness.run();
    assert!(harness.state().pressed.is_empty());
    let expected = WizardIntent::Run { source: "/data/friends.covey-run".to_owned() };
    assert_eq!(press(&mut harness, "Look at this run"), wizard_press(expected));
}

#[test]
fn a_wallet_is_made_with_a_name_words_and_the_keychain() {
    let mut harness = open("wizard-create");
    assert!(harness.get_by_label("Make the wallet").accesskit_node().is_disabled());
    type_into(&mut harness, "Name of the wallet", "home");
    press(&mut harness, "24 words");
    let expected = WizardIntent::Make { name: "home".to_owned(), words: 24, passphrase: None };
    assert_eq!(press(&mut harness, "Make the wallet"), wizard_press(expected));
}

#[test]
fn a_name_with_a_slash_is_refused_before_it_is_sent() {
    let mut harness = open("wizard-create");
    type_into(&mut harness, "Name of the wallet", "../home");
    assert!(harness.query_by_label_contains("Letters, digits").is_some());
    assert!(harness.get_by_label("Make the wallet").accesskit_node().is_disabled());
}

#[test]
fn without_a_keychain_a_passphrase_is_asked_for_twice() {
    let mut harness = open("wizard-create-no-keychain");
    type_into(&mut harness, "Name of the wallet", "home");
    assert_eq!(press(&mut harness, "Ask it again"), [Intent::Wallet(WalletIntent::ProbeKeychain)]);
    type_into(&mut harness, "Passphrase", "correct horse battery");
    assert!(harness.query_by_label("Strong").is_some());
    type_into(&mut harness, "Passphrase, once more", "correct horse");
    assert!(harness.query_by_label("The two differ").is_some());
    assert!(harness.get_by_label("Make the wallet").accesskit_node().is_disabled());
    type_into(&mut harness, "Passphrase, once more", " battery");
    let passphrase = Some(Secret::new("correct horse battery".to_owned()));
    let expected = WizardIntent::Make { name: "home".to_owned(), words: 12, passphrase };
    assert_eq!(press(&mut harness, "Make the wallet"), wizard_press(expected));
}

#[test]
fn a_wallet_is_brought_by_its_words_its_seed_its_folder_or_its_file() {
    let words = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
    let secret = |text: &str| Secret::new(text.to_owned());
    let bring = |from| wizard_press(WizardIntent::Bring { name: "old".to_owned(), from, passphrase: None });
    let mut harness = open("wizard-import");
    type_into(&mut harness, "Name of the wallet here", "old");
    type_into(&mut harness, "The recovery words", words);
    type_into(&mut harness, "Derivation path", "//a/b");
    let from = ImportFrom::Words { words: secret(words), path: "//a/b".to_owned() };
    assert_eq!(press(&mut harness, "Bring it here"), bring(from));

    press(&mut harness, "Seed");
    let seed = "5e".repeat(32);
    type_into(&mut harness, "The seed, 64 hex digits", &seed);
    assert_eq!(press(&mut harness, "Bring it here"), bring(ImportFrom::Seed { hex: secret(&seed) }));

    press(&mut harness, "btcli folder");
    type_into(&mut harness, "Folder of the wallet", "/data/ada/.bittensor/wallets/default");
    assert!(harness.get_by_label("Bring it here").accesskit_node().is_disabled());
    type_into(&mut harness, "Name of the hotkey in it", "default");
    type_into(&mut harness, "Password of the file, if it has one", "pw");
    let from = ImportFrom::Btcli {
        folder: "/data/ada/.bittensor/wallets/default".to_owned(),
        hotkey: "default".to_owned(),
        password: Some(secret("pw")),
    };
    assert_eq!(press(&mut harness, "Bring it here"), bring(from));

    press(&mut harness, "Key file");
    type_into(&mut harness, "Path of the key file", "/media/key.json");
    let from = ImportFrom::KeyFile { path: "/media/key.json".to_owned(), password: None };
    assert_eq!(press(&mut harness, "Bring it here"), bring(from));
}

#[test]
fn eleven_words_are_not_sent() {
    let mut harness = open("wizard-import");
    type_into(&mut harness, "Name of the wallet here", "old");
    type_into(&mut harness, "The recovery words", "a b c d e f g h i j k");
    assert!(harness.get_by_label("Bring it here").accesskit_node().is_disabled());
}

#[test]
fn an_address_with_a_typo_is_not_used_and_a_good_one_shows_its_code() {
    let mut harness = open("wizard-payout");
    type_into(&mut harness, "Address (SS58)", &PAYOUT.replace('x', "y"));
    assert!(harness.query_by_label_contains("check digits do not hold").is_some());
    assert!(harness.get_by_label("Use this address").accesskit_node().is_disabled());
    let mut harness = open("wizard-payout");
    type_into(&mut harness, "Address (SS58)", PAYOUT);
    assert!(harness.query_by_label("QR code of the payout address").is_some());
    let expected = WizardIntent::PayoutTo { address: PAYOUT.to_owned() };
    assert_eq!(press(&mut harness, "Use this address"), wizard_press(expected));
}

#[test]
fn three_words_are_asked_back_and_the_quiz_can_wait() {
    let mut harness = open("wizard-quiz");
    assert!(harness.get_by_label("Check").accesskit_node().is_disabled());
    for (name, word) in [("Word 2", "drive"), ("Word 7", "basket"), ("Word 11", "fit")] {
        type_into(&mut harness, name, word);
    }
    let words = ["drive", "basket", "fit"].map(|word| Secret::new(word.to_owned())).into();
    assert_eq!(press(&mut harness, "Check"), wizard_press(WizardIntent::Quiz { words }));
    assert_eq!(press(&mut harness, "Later"), wizard_press(WizardIntent::QuizLater));
    assert_eq!(press(&mut harness, "See the words again"), wizard_press(WizardIntent::Back));
}

#[test]
fn courtesy_is_set_with_a_click_each_and_autostart_is_not_ticked() {
    let mut harness = open("wizard-courtesy");
    let autostart = harness.get_by_label("Start Covey when I log in").accesskit_node().toggled();
    assert_eq!(autostart, Some(egui::accesskit::Toggled::False));
    let set = |harness: &mut Harness<'static, Window>, name: &str| {
        let pressed = press(harness, name);
        let [Intent::Set(settings)] = pressed.as_slice() else { panic!("{name}: {pressed:?}") };
        let settings = (**settings).clone();
        harness.state_mut().model.snapshot.settings = settings.clone();
        harness.run();
        settings
    };
    assert!(set(&mut harness, "Start Covey when I log in").behaviour.autostart);
    assert!(!set(&mut harness, "On battery").pause.battery);
    assert_eq!(
        set(&mut harness, "While a game or another program uses the graphics card").pause.gpu_busy_percent,
        None
    );
    assert!(set(&mut harness, "At night (22:00 to 7:00)").pause.schedule.is_some());
    assert_eq!(set(&mut harness, "Hold the card at most at").gpus.temperature_c, Some(75));
    assert!(set(&mut harness, "Use at most per month").network.month.is_some());
    assert!(harness.query_by_label_contains("in 63 of the week's 168 hours").is_some());
    assert!(harness.query_by_label_contains("starts with your session").is_some());
}

#[test]
fn start_starts_what_the_sentence_says() {
    let mut harness = open("wizard-summary");
    assert!(harness.query_by_label_contains("signed by 5Grwva…GKutQY").is_some());
    assert_eq!(press(&mut harness, "Start"), wizard_press(WizardIntent::Start));
    let mut harness = open("wizard-summary-rehearsal");
    assert!(harness.query_by_label_contains("credits without value").is_some());
    assert_eq!(press(&mut harness, "Start the rehearsal"), wizard_press(WizardIntent::Start));
}

#[test]
fn while_something_runs_nothing_can_be_pressed_twice() {
    let busy = scenario("wizard-create-busy");
    let harness = window(Scenario { ..busy }, TALL);
    assert!(harness.get_by_label("Make the wallet").accesskit_node().is_disabled());
    assert!(harness.get_by_label("Back").accesskit_node().is_disabled());
}
