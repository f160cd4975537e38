//! Hours in words, and hours under a hand.

use super::*;
use crate::design_tokens::DARK;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

#[test]
fn a_week_is_said_in_as_few_words_as_its_days_allow() {
    let english = Locale::english();
    let say = |week: Week| week.sentence(&english);
    assert_eq!(say(Week::all(true)), "Every hour of the week");
    assert_eq!(say(Week::all(false)), "No hour of the week");
    assert_eq!(say(Week::nights()), "Mon to Sun: 0:00–7:00, 22:00–24:00");
    assert_eq!(say(Week::nights_and_weekends()), "Mon to Fri: 0:00–7:00, 22:00–24:00; Sat to Sun: all day");
    let mut week = Week::all(false);
    week.0[2 * DAY + 9] = true;
    assert_eq!(say(week), "Mon to Tue: not at all; Wed: 9:00–10:00; Thu to Sun: not at all");
}

#[test]
fn a_week_survives_its_text_and_another_text_is_refused() {
    let week = Week::nights_and_weekends();
    assert_eq!(Week::parse(&week.text()), Some(week));
    assert_eq!(Week::parse(&"1".repeat(167)), None);
    assert_eq!(Week::parse(&"2".repeat(168)), None);
}

#[test]
fn a_quick_drag_leaves_no_gap() {
    assert_eq!(between(3, 3), [3]);
    assert_eq!(between(0, 4), [0, 1, 2, 3, 4]);
    assert_eq!(between(4, 2), [4, 3, 2]);
    assert_eq!(between(0, 2 * DAY + 2), [0, DAY + 1, 2 * DAY + 2]);
}

fn harness() -> Harness<'static, Week> {
    Harness::builder().with_size([760.0, 320.0]).build_ui_state(
        |ui, week: &mut Week| {
            week_grid(ui, &DARK, &Locale::english(), "Hours of work", week);
        },
        Week::all(false),
    )
}

#[test]
fn arrows_move_space_switches_and_shift_paints() {
    let mut harness = harness();
    harness.run();
    harness.get_by_label("Hours of work").focus();
    harness.run();
    for key in [Key::ArrowDown, Key::ArrowRight, Key::Space] {
        harness.key_press(key);
        harness.run();
    }
    assert!(harness.state().0[DAY + 1], "{:?}", harness.state().sentence(&Locale::english()));
    harness.key_press_modifiers(egui::Modifiers::SHIFT, Key::ArrowRight);
    harness.run();
    assert_eq!((harness.state().0[DAY + 2], harness.state().count()), (true, 2));
    assert_eq!(harness.get_by_label("Hours of work").value().as_deref(), Some("Tuesday 2:00, yes"));
}

#[test]
fn a_drag_paints_every_cell_on_its_way_with_the_first_ones_colour() {
    let mut harness = harness();
    harness.run();
    let rect = harness.get_by_label("Hours of work").rect();
    let cell = rect.width() / DAY as f32;
    let at = |hour: f32| Pos2::new(rect.left() + cell * hour, rect.top() + CELL / 2.0);
    harness.hover_at(at(2.5));
    harness.drag_at(at(2.5));
    harness.run();
    harness.hover_at(at(6.5));
    harness.run();
    harness.drop_at(at(6.5));
    harness.run();
    let on: Vec<usize> = (0..HOURS_PER_WEEK).filter(|hour| harness.state().0[*hour]).collect();
    assert_eq!(on, [2, 3, 4, 5, 6]);
}

#[test]
fn presets_and_days_are_buttons_with_names() {
    let mut harness = harness();
    harness.run();
    harness.get_by_label("Nights").click();
    harness.run();
    assert_eq!(*harness.state(), Week::nights());
    harness.get_by_label("Switch all of Saturday").click();
    harness.run();
    assert!(harness.state().day(5).iter().all(|on| *on));
    assert!(harness.unnamed_widgets().is_empty());
}
