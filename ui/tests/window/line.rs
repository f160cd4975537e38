//! The line on screen: verdict, peers, volume, downloads, and where the rounds' time went.

use super::{go, open, press, scenario, window};
use egui_kittest::kittest::Queryable;
use view_model::{Intent, NetworkView, Screen};

#[test]
fn the_verdict_its_cause_and_one_advice_are_on_network_and_help() {
    for name in ["network-relayed", "help-network"] {
        let harness = open(name);
        assert!(harness.query_by_label("Others reach this computer only through a relay").is_some(), "{name}");
        assert!(harness.query_by_label_contains("gives every connection another port").is_some(), "{name}");
        assert!(harness.query_by_label_contains("forward a port of the router").is_some(), "{name}");
    }
}

#[test]
fn what_nobody_has_looked_at_is_not_claimed_and_not_copied() {
    let harness = open("help-network-unknown");
    assert!(harness.query_by_label("Not known yet whether others can reach this computer").is_some());
    assert!(harness.query_by_label_contains("A run has to be on for this").is_some());
    assert!(harness.query_by_label("Copy these facts").is_none());
}

#[test]
fn help_gives_the_facts_for_those_who_help() {
    let mut help = open("help-doctor");
    go(&mut help, "Reachability");
    assert!(help.query_by_label("/ip4/203.0.113.7/udp/4001/quic-v1").is_some());
    help.get_by_label("Copy these facts").click();
    help.step();
    let copied = help.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let text = copied.expect("facts are on the clipboard");
    assert!(text.contains("through its router") && text.contains("12D3KooW") && text.contains("/tcp/4001"), "{text}");
    press(&mut help, "Change the limit");
    assert_eq!(help.state().view.screen(), Screen::Settings);
}

#[test]
fn a_peers_row_says_path_transport_round_trip_volume_and_fault() {
    let harness = open("network-relayed");
    for text in ["straight (QUIC)", "through the router (QUIC)", "straight (TCP)", "49 ms", "8.70 MB / 31.0 MB"] {
        assert!(harness.query_all_by_label(text).next().is_some(), "{text}");
    }
    assert!(harness.query_all_by_label_contains("no answer for 40 s").next().is_some());
}

#[test]
fn a_quota_says_what_is_left_and_over_it_why_work_waits() {
    let harness = open("network-over-quota");
    assert!(harness.query_by_label_contains("The month's volume is used up").is_some());
    assert!(harness.query_by_label_contains("Paused: this month's volume is used up").is_some());
    let mut scenario = scenario("network-over-quota");
    let app = &mut scenario.model.snapshot;
    app.pauses.clear();
    (app.settings.network.month, app.network.left) =
        (Some(types::ByteCount(200_000_000_000)), Some(types::ByteCount(35_600_000_000)));
    let harness = window(scenario, super::TALL);
    assert!(harness.query_by_label("Left: 35.6 GB").is_some());
}

#[test]
fn each_round_says_its_parts_and_all_say_how_long_the_card_trained() {
    let harness = open("network-shared");
    assert!(harness.query_by_label_contains("Trained for 94.").is_some());
    let said = "round 126: trained for 82.7 % of 24:11 · training 20:00 · compressing 0:09 · committing 0:02 · \
                sending 3:10 · fetching 0:40 · outer step 0:04 · waiting 0:06";
    let rounds: Vec<_> = harness.query_all_by_label_contains("trained for").collect();
    assert_eq!(rounds.len(), 16);
    assert!(harness.query_by_label(said).is_some());
    let mut scenario = scenario("network-shared");
    scenario.model.snapshot.network = NetworkView::default();
    let harness = window(scenario, super::TALL);
    assert!(harness.query_by_label_contains("Trained for").is_none());
}

#[test]
fn a_download_is_on_home_runs_and_network_with_its_rate_and_time_left() {
    for (name, screen) in [("home-fetching", Screen::Home), ("network-fetching", Screen::Network)] {
        let mut harness = open(name);
        assert_eq!(harness.state().view.screen(), screen);
        for text in ["34 %: 422 MB of 1.24 GB", "Speed: 12.0 MB/s", "Time left: 1:09", "From: 3 sources"] {
            assert!(harness.query_by_label(text).is_some(), "{name}: {text}");
        }
        harness.state_mut().view.go_to(Screen::Runs);
        harness.run();
        assert!(harness.query_by_label("Time left: 1:09").is_some());
        assert!(harness.state().pressed.iter().all(|intent| !matches!(intent, Intent::Start)));
    }
    let home = open("home-fetching");
    let status = home.get_by_role(egui::accesskit::Role::Status);
    let said = egui_kittest::kittest::NodeT::accesskit_node(&status);
    let said = said.label().or_else(|| said.value()).unwrap_or_default();
    assert_eq!(said, "Downloading the text · 34 % · 12.0 MB/s · 1:09 left");
}
