//! Where secrets are, and where they are not.

use super::{Window, open, press, type_into, wizard_press};
use egui::Event;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use ui::gallery::setup::{at, words};
use view_model::{Intent, WizardIntent, WizardStep};

const FIRST: &str = "bottom";

/// Everything the accessibility tree says.
fn said(harness: &Harness<'static, Window>) -> String {
    let mut all = String::new();
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        for text in [node.label(), node.value(), node.data().description().map(str::to_owned)] {
            all.push_str(&text.unwrap_or_default());
            all.push('\n');
        }
    }
    all
}

#[test]
fn words_are_behind_a_press_and_even_then_not_in_the_tree_until_somebody_asks() {
    let mut harness = open("wizard-words");
    assert!(harness.query_by_label("The words are hidden").is_some());
    assert!(!said(&harness).contains(FIRST));
    assert_eq!(press(&mut harness, "Show the words"), []);
    assert!(harness.query_by_label("Word 1: on screen only").is_some());
    assert!(!said(&harness).contains(FIRST));
    press(&mut harness, "Let a screen reader read them");
    assert!(harness.query_by_label("Word 1: bottom").is_some());
    press(&mut harness, "Hide the words");
    assert!(!said(&harness).contains(FIRST));
}

#[test]
fn words_hide_and_go_back_to_the_app_when_the_window_loses_the_keyboard() {
    let mut harness = open("wizard-words");
    press(&mut harness, "Show the words");
    harness.input_mut().focused = false;
    harness.event(Event::WindowFocused(false));
    harness.run();
    assert!(harness.query_by_label("The words are hidden").is_some());
    assert_eq!(std::mem::take(&mut harness.state_mut().pressed), wizard_press(WizardIntent::HideWords));
    let _ = harness.state_mut().model.take(view_model::ToWindow::Words { words: None });
    harness.input_mut().focused = true;
    harness.event(Event::WindowFocused(true));
    harness.run();
    assert_eq!(press(&mut harness, "Show the words"), wizard_press(WizardIntent::ShowWords));
    let _ = harness.state_mut().model.take(words());
    harness.run();
    assert!(harness.query_by_label("Word 12: on screen only").is_some());
}

#[test]
fn a_copy_of_the_words_warns_and_asks_for_a_clean_clipboard() {
    let mut harness = open("wizard-words");
    press(&mut harness, "Show the words");
    harness.get_by_label("Copy the words").click();
    harness.step();
    harness.step();
    assert_eq!(std::mem::take(&mut harness.state_mut().pressed), [Intent::CopiedSecret]);
    harness.run();
    assert!(harness.query_by_label_contains("The words were copied").is_some());
}

#[test]
fn a_typed_secret_is_nowhere_in_the_tree_not_even_shown() {
    let mut harness = open("wizard-import");
    type_into(&mut harness, "The recovery words", "bottom drive obey");
    assert!(harness.query_by_label_contains("3 words so far").is_some());
    let field = harness.get_by_label("The recovery words").value();
    assert_eq!(field, Some("•".repeat(17)));
    press(&mut harness, "Show The recovery words");
    assert!(!said(&harness).contains(FIRST));
}

#[test]
fn what_was_typed_is_gone_when_the_step_is_left() {
    let mut harness = open("wizard-import");
    type_into(&mut harness, "The recovery words", "bottom drive obey");
    for step in [WizardStep::Wallet, WizardStep::Import] {
        harness.state_mut().model.snapshot.wizard = Some(at(step));
        harness.run();
    }
    assert_eq!(harness.get_by_label("The recovery words").value().unwrap_or_default(), "");
}

#[test]
fn words_pasted_into_the_address_field_are_wiped_and_said_to_be_a_secret() {
    let mut harness = open("wizard-payout");
    let name = "Address (SS58)";
    harness.get_by_label(name).focus();
    harness.run();
    harness.event(Event::Paste("bottom drive obey lake curtain smoke".to_owned()));
    harness.run();
    assert!(harness.query_by_label_contains("These were secret words").is_some());
    assert_eq!(harness.get_by_label(name).value().unwrap_or_default(), "");
    assert!(!said(&harness).contains(FIRST));
}

#[test]
fn a_paste_into_a_secret_field_is_taken_once_and_wiped_from_the_events() {
    let mut harness = open("wizard-import");
    harness.get_by_label("The recovery words").focus();
    harness.run();
    harness.event(Event::Paste("bottom drive".to_owned()));
    harness.step();
    let left = harness.ctx.input(|input| {
        let events = input.events.iter().chain(&input.raw.events);
        events.filter(|event| matches!(event, Event::Paste(text) if !text.is_empty())).count()
    });
    assert_eq!(left, 0);
    harness.run();
    assert!(harness.query_by_label_contains("2 words so far").is_some());
}
