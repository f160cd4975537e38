//! Wallet, Settings, Runs, Earnings: every press gives its intent.

use super::{Window, open, press, type_into};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use ui::gallery::setup::{HOTKEY, PAYOUT};
use view_model::{Intent, Rehearsal, Secret, Settings, Theme, Updates, WalletIntent, WizardIntent};

fn wallet(intent: WalletIntent) -> Vec<Intent> {
    vec![Intent::Wallet(intent)]
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The `n`th control of a name, from the top.
fn press_nth(harness: &mut Harness<'static, Window>, name: &str, n: usize) -> Vec<Intent> {
    harness.get_all_by_label(name).nth(n).expect("there are as many").click();
    harness.run();
    std::mem::take(&mut harness.state_mut().pressed)
}

#[test]
fn without_a_wallet_there_is_one_button() {
    let mut harness = open("wallet-empty");
    assert_eq!(press(&mut harness, "Set up a wallet"), [Intent::Wizard(WizardIntent::OpenWallet)]);
}

#[test]
fn a_wallet_of_the_keychain_is_locked_and_backed_up_with_one_press() {
    let mut harness = open("wallet-two");
    let name = "home".to_owned();
    assert_eq!(press(&mut harness, "Lock"), wallet(WalletIntent::Lock { name: name.clone() }));
    assert_eq!(press(&mut harness, "Back up now"), wallet(WalletIntent::BackUp { name, passphrase: None }));
    assert_eq!(press(&mut harness, "Add a wallet"), [Intent::Wizard(WizardIntent::OpenWallet)]);
}

#[test]
fn a_wallet_with_a_passphrase_asks_for_it_before_it_unlocks() {
    let mut harness = open("wallet-two");
    assert_eq!(press(&mut harness, "Unlock"), []);
    type_into(&mut harness, "Passphrase of this wallet", "pw");
    // The panel's button stands below the card's.
    let pressed = press_nth(&mut harness, "Unlock", 1);
    let expected = WalletIntent::Unlock { name: "rig-2".to_owned(), passphrase: Some(secret("pw")) };
    assert_eq!(pressed, wallet(expected));
    assert!(harness.query_by_label("Passphrase of this wallet").is_none());
}

#[test]
fn an_export_needs_a_folder_and_the_same_password_twice() {
    let mut harness = open("wallet-two");
    press_nth(&mut harness, "Export for btcli …", 0);
    type_into(&mut harness, "Folder to write", "/data/ada/export");
    type_into(&mut harness, "Password of the new file", "a long enough password");
    assert!(harness.get_by_label("Write the folder").accesskit_node().is_disabled());
    type_into(&mut harness, "Passphrase, once more", "a long enough password");
    let expected = WalletIntent::ExportBtcli {
        name: "home".to_owned(),
        passphrase: None,
        password: secret("a long enough password"),
        folder: "/data/ada/export".to_owned(),
    };
    assert_eq!(press(&mut harness, "Write the folder"), wallet(expected));
}

#[test]
fn a_move_needs_the_vaults_passphrase_too() {
    let mut harness = open("wallet-two");
    press_nth(&mut harness, "Move to another computer …", 1);
    type_into(&mut harness, "File to write", "/media/home.covey");
    type_into(&mut harness, "Passphrase of the file", "capsule");
    type_into(&mut harness, "Passphrase, once more", "capsule");
    assert!(harness.get_by_label("Write the file").accesskit_node().is_disabled());
    type_into(&mut harness, "Passphrase of this wallet", "pw");
    let expected = WalletIntent::Migrate {
        name: "rig-2".to_owned(),
        passphrase: Some(secret("pw")),
        capsule: secret("capsule"),
        path: "/media/home.covey".to_owned(),
    };
    assert_eq!(press(&mut harness, "Write the file"), wallet(expected));
}

#[test]
fn a_wallet_is_removed_only_after_its_name_was_typed() {
    let mut harness = open("wallet-two");
    press_nth(&mut harness, "Remove …", 0);
    type_into(&mut harness, "Type home to remove it", "hom");
    assert!(harness.get_by_label("Remove home").accesskit_node().is_disabled());
    type_into(&mut harness, "Type home to remove it", "e");
    let expected = WalletIntent::Remove { name: "home".to_owned(), typed: "home".to_owned() };
    assert_eq!(press(&mut harness, "Remove home"), wallet(expected));
}

#[test]
fn a_payout_address_is_checked_before_it_is_saved() {
    let mut harness = open("wallet-two");
    press(&mut harness, "Name a payout address");
    type_into(&mut harness, "Address (SS58)", PAYOUT);
    let expected = WalletIntent::Payout { name: "rig-2".to_owned(), address: PAYOUT.to_owned() };
    assert_eq!(press(&mut harness, "Save the address"), wallet(expected));
}

#[test]
fn an_address_is_copied_and_shown_as_a_code() {
    let mut harness = open("wallet-two");
    press_nth(&mut harness, "Show QR code of the payout address", 0);
    assert!(harness.query_by_label("QR code of the payout address").is_some());
    harness.get_by_label("Copy the hotkey home").click();
    let copied = (0..6).any(|_| {
        harness.step();
        let commands = &harness.output().platform_output.commands;
        commands.iter().any(|command| matches!(command, egui::OutputCommand::CopyText(text) if text == HOTKEY))
    });
    assert!(copied);
}

#[test]
fn the_screen_says_that_nobody_needs_the_words() {
    let harness = open("wallet-two");
    assert!(harness.query_by_label_contains("Nobody at Covey ever needs your words").is_some());
    assert!(harness.query_by_label_contains("Spend anything: the coldkey is not here").is_some());
}

/// Presses a control of Settings; the whole new settings, which are then in force.
fn set(harness: &mut Harness<'static, Window>, name: &str) -> Settings {
    let pressed = press(harness, name);
    let [Intent::Set(settings)] = pressed.as_slice() else { panic!("{name}: {pressed:?}") };
    let settings = (**settings).clone();
    harness.state_mut().model.snapshot.settings = settings.clone();
    harness.run();
    assert!(harness.state().pressed.is_empty(), "{name} asks again");
    settings
}

#[test]
fn each_switch_of_settings_changes_its_own_value_and_no_other() {
    let mut harness = open("settings-default");
    let mut wanted = harness.state().model.snapshot.settings.clone();
    type Change = fn(&mut Settings);
    let switches: [(&str, Change); 18] = [
        ("While a program fills the screen", |s| s.pause.full_screen = false),
        ("During meetings (camera or microphone in use)", |s| s.pause.meeting = false),
        ("On battery", |s| s.pause.battery = false),
        ("On a line that costs by volume", |s| s.pause.metered = false),
        ("While another program uses the card more than", |s| s.pause.gpu_busy_percent = None),
        ("After battery, wait until charged to", |s| s.pause.charge_percent = Some(80)),
        ("Work only after nobody used the computer for", |s| s.pause.idle_minutes = Some(10)),
        ("Hold a temperature", |s| s.gpus.temperature_c = Some(75)),
        ("Limit the fan", |s| s.gpus.fan_percent = Some(60)),
        ("Limit power", |s| s.gpus.power_watts = Some(360)),
        ("Start Covey when I log in", |s| s.behaviour.autostart = true),
        ("Go on training when Covey starts, if it trained when it ended", |s| s.behaviour.resume_on_start = false),
        ("Keep the computer awake while it trains (never on battery)", |s| s.behaviour.keep_awake = true),
        ("the first accepted round", |s| s.behaviour.notify_accepted = false),
        ("payouts", |s| s.behaviour.notify_payout = true),
        ("Never", |s| s.behaviour.updates = Updates::Never),
        ("Light", |s| s.look.theme = Theme::Light),
        ("No motion", |s| s.look.reduced_motion = Some(true)),
    ];
    for (name, change) in switches {
        change(&mut wanted);
        assert_eq!(set(&mut harness, name), wanted, "{name}");
    }
}

#[test]
fn a_card_is_switched_off_by_its_uuid() {
    let mut harness = open("settings-all");
    let uuid = harness.state().model.snapshot.gpus.cards[0].uuid.clone();
    let name = format!("Use {}", harness.state().model.snapshot.gpus.cards[0].name);
    let pressed = press_nth(&mut harness, &name, 0);
    let [Intent::Set(settings)] = pressed.as_slice() else { panic!("{pressed:?}") };
    assert_eq!(settings.gpus.off, [uuid]);
}

#[test]
fn programs_are_added_and_removed_by_name() {
    let mut harness = open("settings-all");
    type_into(&mut harness, "Program", " steam ");
    assert_eq!(set(&mut harness, "Add").pause.apps, ["blender", "obs-studio", "steam"]);
    assert_eq!(set(&mut harness, "Remove blender").pause.apps, ["obs-studio", "steam"]);
}

#[test]
fn a_price_counts_when_its_field_is_left_and_nonsense_never() {
    let mut harness = open("settings-default");
    type_into(&mut harness, "Price of a kWh", "0,29");
    assert!(harness.state().pressed.is_empty());
    harness.key_press(egui::Key::Tab);
    harness.run();
    let pressed = std::mem::take(&mut harness.state_mut().pressed);
    let [Intent::Set(settings)] = pressed.as_slice() else { panic!("{pressed:?}") };
    assert_eq!(settings.energy.price.as_deref(), Some("0.29"));
    type_into(&mut harness, "Currency", "Euro");
    assert!(harness.query_by_label("Three letters, such as EUR").is_some());
    harness.key_press(egui::Key::Tab);
    harness.run();
    assert!(harness.state().pressed.is_empty());
}

#[test]
fn a_slider_moves_by_the_keyboard_and_is_sent_once() {
    let mut harness = open("settings-all");
    harness.get_by_label("Text size").focus();
    harness.run();
    harness.key_press(egui::Key::ArrowRight);
    harness.run();
    let pressed = std::mem::take(&mut harness.state_mut().pressed);
    let [Intent::Set(settings)] = pressed.as_slice() else { panic!("{pressed:?}") };
    assert_eq!(settings.look.text_percent, 110);
}

#[test]
fn the_data_folder_opens_and_the_wizard_can_be_gone_through_again() {
    let mut harness = open("settings-default");
    assert_eq!(press(&mut harness, "Open folder"), [Intent::OpenFolder]);
    assert_eq!(press(&mut harness, "Go through set-up again"), [Intent::Wizard(WizardIntent::Open)]);
}

#[test]
fn a_run_is_chosen_and_forgotten_only_after_a_question() {
    let mut harness = open("runs-four");
    let id = "77cd".to_owned();
    assert_eq!(press(&mut harness, "Choose Friends of small models"), [Intent::ChooseRun { id: id.clone() }]);
    assert_eq!(press(&mut harness, "Forget Friends of small models"), []);
    assert_eq!(press(&mut harness, "Forget"), [Intent::ForgetRun { id }]);
}

#[test]
fn what_a_run_pays_and_why_it_does_not_fit_is_on_its_card() {
    let harness = open("runs-four");
    assert!(harness.query_by_label("Credits without any value").is_some());
    assert!(harness.query_by_label_contains("Does not fit: Needs about 1.44 TiB").is_some());
    assert!(harness.query_by_label_contains("Not known yet whether it fits").is_some());
    assert!(harness.query_by_label_contains("With one command in a terminal").is_some());
}

#[test]
fn a_run_is_added_by_its_path() {
    let mut harness = open("runs-empty");
    type_into(&mut harness, "Link or path", "/data/a.covey-run");
    assert_eq!(press(&mut harness, "Look at it"), [Intent::AddRun { source: "/data/a.covey-run".to_owned() }]);
}

#[test]
fn a_rehearsal_starts_with_what_its_sliders_say() {
    let mut harness = open("runs-empty");
    let settings = set(&mut harness, "With a cheater");
    assert!(settings.rehearsal.cheater);
    let expected = Rehearsal { peers: Some(4), rounds: Some(12), ..Rehearsal::default() };
    assert_eq!(press(&mut harness, "Start the rehearsal"), [Intent::StartRehearsal(expected)]);
    let harness = open("runs-rehearsing");
    assert!(harness.query_by_label("Start the rehearsal").is_none());
}

#[test]
fn receipts_are_verified_and_earnings_exported() {
    let mut harness = open("earnings-token");
    assert_eq!(press(&mut harness, "Verify all"), [Intent::VerifyReceipts]);
    assert_eq!(press(&mut harness, "Export CSV"), [Intent::ExportCsv]);
    assert!(harness.query_by_label("All 412 agree").is_some());
    let harness = open("earnings-rehearsal");
    assert!(harness.query_by_label_contains("receipt 2, field reward").is_some());
}

#[test]
fn credits_are_never_written_as_money_and_the_unknown_says_why() {
    let harness = open("earnings-rehearsal");
    assert!(harness.query_by_label_contains("They have no value").is_some());
    assert!(harness.query_by_label_contains("no value to set against the cost").is_some());
    let harness = open("earnings-empty");
    assert!(harness.query_by_label_contains("you would earn 0").is_some());
}

#[test]
fn of_five_hundred_rounds_only_those_in_view_are_drawn() {
    let mut harness = open("earnings-token");
    let first = harness.state().model.snapshot.earnings.rounds[0].clone();
    harness.state_mut().model.snapshot.earnings.rounds = vec![first; 500];
    harness.run();
    let drawn = harness.get_all_by_label_contains("Whose word").count();
    assert!((5..40).contains(&drawn), "{drawn}");
}
