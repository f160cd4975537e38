//! Joining by link, file or picture: nothing is asked, joined or started without its press; others are invited.

use super::{open, press, scenario, type_into, wizard_press};
use egui_kittest::kittest::Queryable;
use ui::gallery::setup::{LINK, facts};
use view_model::{Activity, Fit, Intent, JoinState, Told, WizardIntent};

#[test]
fn a_link_from_outside_says_whom_it_asks_and_is_looked_at_by_a_press_or_put_away() {
    let mut harness = open("join-given");
    assert!(harness.query_by_label_contains("Nobody has been asked").is_some());
    assert!(harness.query_by_label_contains("203.0.113.7, seed.example.org").is_some());
    assert_eq!(press(&mut harness, "Look at this run"), [Intent::LookAtGiven]);
    assert_eq!(press(&mut harness, "Not this one"), [Intent::LeaveJoin]);
}

#[test]
fn what_a_run_is_who_founded_it_and_what_it_downloads_is_said_before_it_is_joined() {
    let mut harness = open("join-found");
    for text in [
        "Friends of small models",
        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
        "1.24 GB of text and at most 600 MB of model",
        "Fits: needs about 4.20 GiB of memory",
        "at most 2.90 MB",
    ] {
        assert!(harness.query_by_label_contains(text).is_some(), "{text}");
    }
    assert_eq!(press(&mut harness, "Join and start"), [Intent::JoinRun { start: true }]);
    assert_eq!(press(&mut harness, "Join, start later"), [Intent::JoinRun { start: false }]);
}

#[test]
fn start_is_not_offered_over_what_runs_without_a_wallet_or_without_a_way_to_the_others() {
    let mut harness = open("join-found");
    harness.state_mut().model.snapshot.run.activity = Activity::Running;
    harness.run();
    assert!(harness.query_by_label("Join and start").is_none());
    let mut harness = open("join-alone");
    assert!(harness.query_by_label("Join and start").is_none());
    assert!(harness.query_by_label_contains("Ask for the run's link").is_some());
    assert_eq!(press(&mut harness, "Set up a wallet"), [Intent::Wizard(WizardIntent::OpenWallet)]);
}

#[test]
fn a_run_that_does_not_fit_says_so_on_its_card() {
    let mut scenario = scenario("join-found");
    let fit = Fit::DoesNotFit(Told::new("join-fits-not").with("need", "1.44 TiB"));
    if let Some(join) = &mut scenario.model.snapshot.join {
        join.state = JoinState::Found(Box::new(view_model::JoinFacts { fit, ..facts() }));
    }
    let harness = super::window(scenario, super::TALL);
    assert!(harness.query_by_label_contains("Does not fit: needs about 1.44 TiB").is_some());
}

#[test]
fn one_that_could_not_be_looked_at_says_why_and_is_tried_again() {
    let mut harness = open("join-failed");
    assert!(harness.query_by_label_contains("could not be asked").is_some());
    assert_eq!(press(&mut harness, "Try again"), [Intent::LookAtGiven]);
}

#[test]
fn others_are_invited_by_link_and_code_which_are_shown_by_a_press_only() {
    let mut harness = open("runs-four");
    let code = "QR code of the link to Templar testnet 223";
    assert!(harness.query_by_label(code).is_none() && harness.query_by_label_contains(LINK).is_none());
    press(&mut harness, "Invite others to Templar testnet 223");
    assert!(harness.query_by_label(code).is_some() && harness.query_by_label_contains(LINK).is_some());
    harness.get_by_label("Copy the link").click();
    harness.step();
    let copied = harness
        .output()
        .platform_output
        .commands
        .iter()
        .any(|command| matches!(command, egui::OutputCommand::CopyText(text) if text == LINK));
    assert!(copied, "the link is on the clipboard");
    harness.run();
    press(&mut harness, "Hide the link of Templar testnet 223");
    assert!(harness.query_by_label(code).is_none());
}

#[test]
fn the_best_run_for_this_computer_is_marked_with_the_reason() {
    let harness = open("runs-four");
    assert!(harness.query_by_label("Best for this computer").is_some());
    assert!(harness.query_by_label("The only run that fits into 24.0 GiB (estimate)").is_some());
}

#[test]
fn the_wizard_shows_a_runs_facts_before_it_goes_on_and_looks_again_at_another_one() {
    let mut harness = open("wizard-join-found");
    assert!(harness.query_by_label_contains("1.24 GB of text").is_some());
    assert_eq!(press(&mut harness, "Go on with Friends of small models"), wizard_press(WizardIntent::Next));
    type_into(&mut harness, "Link, or path of the run's file or of a picture", "/data/other.json");
    let other = WizardIntent::Run { source: "/data/other.json".to_owned() };
    assert_eq!(press(&mut harness, "Look at this run"), wizard_press(other));
}

#[test]
fn a_link_that_was_given_stands_in_the_wizards_field() {
    let mut scenario = scenario("join-given");
    scenario.model.snapshot.wizard = Some(ui::gallery::setup::at(view_model::WizardStep::Join));
    let mut harness = super::window(scenario, super::TALL);
    let run = WizardIntent::Run { source: LINK.to_owned() };
    assert_eq!(press(&mut harness, "Look at this run"), wizard_press(run));
}

#[test]
fn the_lines_switches_are_settings() {
    let mut harness = open("settings-default");
    for (label, is_so) in [
        ("TCP only", (|s| s.tcp_only) as fn(&view_model::NetworkSettings) -> bool),
        ("Look for peers on the same network", |s| s.mdns),
        ("Ask the router for a port (UPnP)", |s| !s.upnp),
    ] {
        let pressed = press(&mut harness, label);
        let [Intent::Set(settings)] = &pressed[..] else { panic!("{label}: {pressed:?}") };
        assert!(is_so(&settings.network), "{label}");
        harness.state_mut().model.snapshot.settings = (**settings).clone();
        harness.run();
    }
}
