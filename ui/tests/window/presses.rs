//! Every press on the frame, Home, Training, Network and Help gives its intent, once.

use super::{Window, go, open, press, scenario, window};
use egui::accesskit::Role;
use egui::{Key, Modifiers, OutputCommand};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use ui::gallery::{self, Scenario};
use view_model::{Activity, Intent, PauseFor, Rehearsal, Screen, StopWhen, WizardIntent};

/// What comes to the clipboard in the next frames.
fn copied(harness: &mut Harness<'static, Window>) -> Option<String> {
    (0..6).find_map(|_| {
        harness.step();
        let commands = &harness.output().platform_output.commands;
        commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    })
}

#[test]
fn start_starts_and_the_other_ways_lead_to_runs_and_set_up() {
    let mut home = open("home-first-start");
    assert_eq!(press(&mut home, "Start"), [Intent::Start]);
    assert_eq!(press(&mut home, "Open set-up"), [Intent::Wizard(WizardIntent::Open)]);
    assert_eq!(press(&mut home, "Choose a run"), []);
    assert_eq!(home.state().view.screen(), Screen::Runs);
}

#[test]
fn a_rehearsal_can_be_tried_beside_a_chosen_run() {
    let mut app = gallery::first_start();
    app.settings.behaviour.run = "00ff".repeat(16);
    let mut home = window(Scenario::new("chosen", Screen::Home, app), super::TALL);
    assert_eq!(press(&mut home, "Try a rehearsal"), [Intent::StartRehearsal(Rehearsal::default())]);
}

#[test]
fn home_stops_at_once_or_after_the_round_and_says_the_price_beside_it() {
    let mut home = open("home-shared");
    assert!(home.query_by_label_contains("Stop now: round 128 is kept").is_some());
    assert_eq!(press(&mut home, "Stop"), [Intent::Stop { when: StopWhen::Now }]);
    assert_eq!(press(&mut home, "Finish this round, then stop"), [Intent::Stop { when: StopWhen::EndOfRound }]);
}

#[test]
fn the_small_stop_asks_first_with_the_price_and_cancel_asks_for_nothing() {
    let mut training = open("training-shared");
    assert_eq!(press(&mut training, "Stop"), []);
    assert!(training.query_by_label_contains("Stop now: round 128 is kept").is_some());
    assert_eq!(press(&mut training, "Cancel"), []);
    assert!(training.query_by_label("Cancel").is_none());
    press(&mut training, "Stop");
    training.key_press(Key::Escape);
    training.run();
    assert!(training.query_by_label("Cancel").is_none() && training.state().pressed.is_empty());
    press(&mut training, "Stop");
    assert_eq!(press(&mut training, "Stop now"), [Intent::Stop { when: StopWhen::Now }]);
    press(&mut training, "Stop");
    assert_eq!(press(&mut training, "Finish this round, then stop"), [Intent::Stop { when: StopWhen::EndOfRound }]);
}

#[test]
fn every_pause_of_the_menu_says_how_long() {
    let all = [
        ("15 minutes", PauseFor::Secs { secs: 900 }),
        ("1 hour", PauseFor::Secs { secs: 3_600 }),
        ("4 hours", PauseFor::Secs { secs: 14_400 }),
        ("Until tomorrow", PauseFor::UntilTomorrow),
        ("While on battery", PauseFor::WhileOnBattery),
        ("Until I resume", PauseFor::UntilResumed),
    ];
    for (name, for_how_long) in all {
        let mut home = open("home-shared");
        press(&mut home, "Pause");
        assert_eq!(press(&mut home, name), [Intent::Pause { for_how_long }], "{name}");
    }
}

#[test]
fn a_pause_is_resumed_and_each_reason_says_since_when_and_what_ends_it() {
    let mut home = open("home-paused");
    assert!(home.query_by_label_contains("Another program uses the graphics card (Elden Ring, 87 %)").is_some());
    assert!(home.query_by_label_contains("for 12:34 · ends with: the other program leaving").is_some());
    assert!(home.query_by_label_contains("in 7:53:20").is_some());
    assert_eq!(press(&mut home, "Resume"), [Intent::Resume]);
    assert_eq!(press(&mut home, "Stop"), [Intent::Stop { when: StopWhen::Now }]);
}

#[test]
fn after_a_crash_it_can_be_started_at_once_and_problems_have_their_one_button() {
    let mut home = open("home-crashed");
    assert!(home.query_by_label_contains("The trainer ended: the card's memory ran out").is_some());
    assert_eq!(press(&mut home, "Start again now"), [Intent::Start]);
    assert_eq!(press(&mut home, "Try again"), [Intent::ActOn { code: "gpu_out_of_memory".to_owned() }]);
    assert_eq!(press(&mut home, "1 more"), []);
    assert_eq!(home.state().view.screen(), Screen::Help);
}

#[test]
fn a_problem_is_dismissed_by_its_code() {
    let mut app = gallery::crashed();
    app.run.problems.truncate(1);
    let mut home = window(Scenario::new("one", Screen::Home, app), super::TALL);
    assert_eq!(press(&mut home, "Open the page"), [Intent::ActOn { code: "disk_low".to_owned() }]);
    assert_eq!(press(&mut home, "Dismiss"), [Intent::DismissProblem { code: "disk_low".to_owned() }]);
}

#[test]
fn a_command_is_copied_and_never_run() {
    let mut app = gallery::crashed();
    app.run.problems.remove(0);
    app.run.problems.remove(0);
    let mut home = window(Scenario::new("command", Screen::Home, app), super::TALL);
    home.get_by_label("Copy the command").click();
    assert_eq!(copied(&mut home).as_deref(), Some("sudo timedatectl set-ntp true"));
    assert!(home.state().pressed.is_empty());
}

#[test]
fn while_it_stops_there_is_nothing_to_press() {
    let mut home = open("home-stopping");
    assert_eq!(press(&mut home, "Stopping …"), []);
    assert!(home.query_by_label("Start").is_none() && home.query_by_label("Stop").is_none());
}

#[test]
fn finished_work_can_be_started_again() {
    assert_eq!(press(&mut open("home-finished"), "Start again"), [Intent::Start]);
}

#[test]
fn news_are_put_away_one_by_one() {
    let mut home = open("home-toasts");
    let dismissed = press(&mut home, "Dismiss: the card or its driver went away");
    assert_eq!(dismissed, [Intent::DismissToast { id: 2 }]);
}

#[test]
fn without_a_card_it_can_be_looked_for_again_and_the_failing_layer_is_said() {
    let mut home = open("home-no-card");
    assert!(home.query_by_label_contains("its kernel module is not loaded").is_some());
    assert_eq!(press(&mut home, "Look again"), [Intent::RescanGpus]);
}

#[test]
fn the_side_bar_and_the_digits_lead_to_every_screen() {
    let mut home = open("home-first-start");
    for (n, screen) in Screen::ALL.into_iter().enumerate() {
        let label = locale::Locale::english().text(screen.key());
        go(&mut home, &label);
        assert_eq!(home.state().view.screen(), screen);
        home.state_mut().view.go_to(Screen::Home);
        let digit = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8][n];
        home.key_press_modifiers(Modifiers::COMMAND, digit);
        home.run();
        assert_eq!(home.state().view.screen(), screen);
    }
}

#[test]
fn the_model_is_asked_for_text_with_the_beginning_that_was_typed() {
    let mut training = open("training-shared");
    training.get_by_label("Beginning of the text").focus();
    training.run();
    training.get_by_label("Beginning of the text").type_text("The sea ");
    training.run();
    assert_eq!(press(&mut training, "Write on"), [Intent::Sample { prompt: "The sea".to_owned() }]);
}

#[test]
fn nothing_is_asked_of_a_model_that_does_not_run() {
    let mut app = gallery::sharing();
    app.run.activity = Activity::Finished;
    let mut training = window(Scenario::new("over", Screen::Training, app).with_series(), super::TALL);
    assert_eq!(press(&mut training, "Write on"), []);
    assert!(training.query_by_label_contains("writes while it trains").is_some());
}

#[test]
fn home_leads_to_earnings_and_network_to_the_limits() {
    let mut home = open("home-shared");
    press(&mut home, "All earnings");
    assert_eq!(home.state().view.screen(), Screen::Earnings);
    let mut network = open("network-shared");
    press(&mut network, "Change the limit");
    assert_eq!(network.state().view.screen(), Screen::Settings);
}

#[test]
fn a_rehearsals_network_says_that_all_of_it_is_here() {
    let network = open("network-rehearsal");
    assert!(network.query_by_label_contains("Everything happens on this computer").is_some());
    assert!(network.query_by_label_contains("Can others reach").is_none());
}

#[test]
fn the_doctor_checks_and_the_report_is_seen_before_it_is_saved() {
    let mut help = open("help-doctor");
    assert_eq!(press(&mut help, "Check everything"), [Intent::RunDoctor]);
    go(&mut help, "Report");
    assert_eq!(press(&mut help, "Put a report together"), [Intent::PreviewReport]);
    let mut help = open("help-report");
    assert!(help.query_by_label_contains("covey 0.1.0").is_some());
    go(&mut help, "peer.log");
    assert!(help.query_by_label_contains("published to").is_some());
    assert_eq!(press(&mut help, "Save the report"), [Intent::SaveReport]);
    assert_eq!(press(&mut help, "Put it together anew"), [Intent::PreviewReport]);
}

#[test]
fn about_opens_the_folder_and_the_pages_it_names() {
    let mut help = open("help-doctor");
    go(&mut help, "About");
    assert_eq!(press(&mut help, "Open the folder"), [Intent::OpenFolder]);
    for (name, page) in [("Source code", "source"), ("Licence", "licence"), ("What is new", "changes")] {
        assert_eq!(press(&mut help, name), [Intent::OpenPage { page: page.to_owned() }]);
    }
}

#[test]
fn the_log_is_filtered_by_level_and_text_and_the_chosen_lines_are_copied() {
    let mut help = open("help-doctor");
    go(&mut help, "Log");
    go(&mut help, "Warning");
    assert!(help.query_by_label_contains("round 1 begins").is_none());
    help.get_by_label("Search in the log").focus();
    help.run();
    help.get_by_label("Search in the log").type_text("no reading");
    help.run();
    let rows: Vec<_> = help.query_all_by_label_contains("no reading for 5 s").collect();
    assert!(!rows.is_empty());
    rows[0].click();
    help.run();
    help.get_by_label("Copy one line").click();
    let line = copied(&mut help).unwrap_or_default();
    assert!(line.contains("Error gpu no reading") && !line.contains('\n'), "{line:?}");
}

#[test]
fn arrows_choose_lines_of_the_log_without_the_mouse() {
    let mut help = open("help-doctor");
    go(&mut help, "Log");
    help.get_by_role(Role::List).focus();
    help.run();
    for _ in 0..2 {
        help.key_press(Key::ArrowUp);
        help.run();
    }
    help.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    help.run();
    assert!(help.query_by_label("Copy 2 lines").is_some());
}

#[test]
fn another_language_is_spoken_as_soon_as_the_settings_name_it() {
    let mut scenario = scenario("home-first-start");
    scenario.model.snapshot.settings.look.language = Some(ui::PSEUDO_TAG.to_owned());
    let home = window(scenario, super::TALL);
    assert!(home.query_all_by_label_contains("Stárt").next().is_some());
}

#[test]
fn the_engine_is_got_held_and_gone_on_with_by_one_button() {
    let shown = |app| window(Scenario::new("engine", Screen::Home, app), super::TALL);
    let mut missing = shown(gallery::engine_missing());
    assert_eq!(press(&mut missing, "Get the engine"), [Intent::GetEngine]);
    assert_eq!(press(&mut shown(gallery::engine_fetching()), "Hold"), [Intent::HoldEngine]);
    assert_eq!(press(&mut shown(gallery::engine_waiting()), "Hold"), [Intent::HoldEngine]);
    let mut held = gallery::engine_waiting();
    if let view_model::EngineState::Waiting { metered, .. } = &mut held.engine.state {
        *metered = false;
    }
    assert_eq!(press(&mut shown(held), "Go on"), [Intent::GetEngine]);
}

#[test]
fn a_new_version_is_got_and_the_one_before_comes_back_by_a_press() {
    let mut settings = window(Scenario::new("update", Screen::Settings, gallery::update_offered()), super::TALL);
    assert_eq!(press(&mut settings, "Get it"), [Intent::GetUpdate]);
    assert_eq!(press(&mut settings, "Back to 0.0.9"), [Intent::GoBack]);
    let mut plain = window(Scenario::new("update", Screen::Settings, gallery::first_start()), super::TALL);
    assert_eq!(press(&mut plain, "Look now"), [Intent::LookForUpdate]);
}
