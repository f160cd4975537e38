//! For screen readers and keyboards: every control has a name, the keyboard reaches all of them, and none holds it.

use super::{TALL, Window, scenario, window};
use egui::accesskit::{Action, Role};
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{AccessKitNode, NodeT, Queryable};
use std::collections::BTreeSet;
use ui::gallery::scenarios;

fn said(node: &AccessKitNode<'_>) -> String {
    node.label().or_else(|| node.value()).unwrap_or_default().trim().to_owned()
}

/// What the keyboard can reach, but for the containers that hold a screen together.
fn reachable(node: &AccessKitNode<'_>) -> bool {
    let container = matches!(node.role(), Role::Window | Role::GenericContainer | Role::ScrollView | Role::Unknown);
    node.data().supports_action(Action::Focus) && !node.is_hidden() && !container
}

fn names(harness: &Harness<'static, Window>) -> Vec<(Role, String)> {
    let nodes = harness.root().children_recursive();
    nodes.map(|n| n.accesskit_node()).filter(reachable).map(|n| (n.role(), said(&n))).collect()
}

#[test]
fn every_control_of_every_state_has_a_name() {
    for scenario in scenarios() {
        let name = scenario.name.clone();
        let harness = window(scenario, TALL);
        let all = names(&harness);
        assert!(all.len() >= 8, "{name}: only {} controls are in the tree", all.len());
        let unnamed: Vec<_> = all.iter().filter(|(_, said)| said.is_empty()).collect();
        assert!(unnamed.is_empty(), "{name}: {unnamed:?}");
    }
}

#[test]
fn the_one_sentence_is_in_the_tree_as_a_status() {
    let harness = window(scenario("home-shared"), TALL);
    let status = harness.get_by_role(Role::Status);
    assert!(said(&status.accesskit_node()).starts_with("Training · round 128"));
}

#[test]
fn tab_reaches_every_control_and_comes_round() {
    for name in ["home-shared", "home-crashed", "training-shared", "network-shared", "help-doctor"] {
        let mut harness = window(scenario(name), TALL);
        let wanted: BTreeSet<String> = names(&harness).into_iter().map(|(_, said)| said).collect();
        let mut seen = BTreeSet::new();
        for _ in 0..3 * wanted.len() {
            harness.key_press(Key::Tab);
            harness.run();
            let focused = harness.root().children_recursive().find(|node| node.accesskit_node().is_focused());
            if let Some(node) = focused {
                seen.insert(said(&node.accesskit_node()));
            }
        }
        let missed: Vec<_> = wanted.difference(&seen).filter(|said| !said.contains("…")).collect();
        assert!(missed.is_empty(), "{name}: Tab never came to {missed:?}");
    }
}

#[test]
fn a_button_with_the_keyboard_is_pressed_by_enter_and_by_space() {
    for key in [Key::Enter, Key::Space] {
        let mut harness = window(scenario("home-first-start"), TALL);
        harness.get_by_label("Start").focus();
        harness.run();
        harness.key_press(key);
        harness.run();
        assert_eq!(harness.state().pressed, [view_model::Intent::Start], "{key:?}");
    }
}

#[test]
fn the_pause_menu_is_opened_walked_and_closed_by_keys() {
    let mut harness = window(scenario("home-shared"), TALL);
    harness.get_by_label("Pause").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert!(harness.query_by_label("1 hour").is_some());
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("1 hour").is_none());
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("1 hour").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().pressed.len(), 1);
}

#[test]
fn a_question_takes_the_keyboard_and_gives_it_back() {
    let mut harness = window(scenario("training-shared"), TALL);
    harness.get_by_label("Stop").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert!(harness.get_by_label("Cancel").is_focused());
    harness.key_press_modifiers(Modifiers::NONE, Key::Enter);
    harness.run();
    assert!(harness.query_by_label("Cancel").is_none() && harness.state().pressed.is_empty());
    assert!(harness.get_by_label("Stop").is_focused());
}
