//! The doctor: every check with its verdict, what was found, and one button.

use crate::design_tokens::{SPACE_L, SPACE_XS};
use crate::frame::act_on;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, card, chip, columns, empty, muted, strong};
use egui::{Align, Layout, Ui};
use view_model::{CheckState, DoctorCheck, Intent, Tone, problem_hint, problem_title};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().help);
    card(ui, palette, &scene.text("doctor-title"), |ui| {
        if view.checks.is_empty() && !view.checking {
            let (title, hint) = (scene.text("doctor-none"), scene.text("doctor-none-hint"));
            empty(ui, palette, (Icon::Help, &title, &hint), |ui| again(ui, scene, Kind::Primary));
            return;
        }
        ui.horizontal_wrapped(|ui| {
            let (tone, text) = verdict(scene);
            chip(ui, palette, tone, &text);
            ui.add_space(SPACE_L);
            again(ui, scene, Kind::Secondary);
        });
        for check in &view.checks {
            ui.separator();
            ui.push_id(&check.code, |ui| one(ui, scene, check));
        }
    });
}

fn again(ui: &mut Ui, scene: &mut Scene<'_>, kind: Kind) {
    let checking = scene.app().help.checking;
    let label = scene.text(if checking { "doctor-checking" } else { "doctor-check" });
    let button = Button::new(&label, kind).icon(Icon::Refresh).enabled(!checking);
    if button.show(ui, scene.palette).clicked() {
        scene.ask(Intent::RunDoctor);
    }
}

fn verdict(scene: &Scene<'_>) -> (Tone, String) {
    let checks = &scene.app().help.checks;
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let (bad, limited) = (count(CheckState::Bad), count(CheckState::Limited));
    match (bad, limited) {
        (0, 0) => (Tone::Running, scene.text("doctor-all-good")),
        (0, n) => (Tone::Waiting, scene.with("doctor-limited", &[("count", n.into())])),
        (n, _) => (Tone::Problem, scene.with("doctor-bad", &[("count", n.into())])),
    }
}

fn one(ui: &mut Ui, scene: &mut Scene<'_>, check: &DoctorCheck) {
    let palette = scene.palette;
    let (tone, key) = match check.state {
        CheckState::Bad => (Tone::Problem, "check-state-bad"),
        CheckState::Limited => (Tone::Waiting, "check-state-limited"),
        CheckState::NotRun => (Tone::Neutral, "check-state-not-run"),
        CheckState::Good => (Tone::Running, "check-state-good"),
    };
    columns(ui, &check.code, &[4.0, 1.0], &mut |ui, i| {
        if i == 1 {
            ui.with_layout(Layout::top_down(Align::Max), |ui| chip(ui, palette, tone, &scene.text(key)));
            return;
        }
        ui.spacing_mut().item_spacing.y = SPACE_XS;
        strong(ui, palette, &scene.text(&format!("check-{}", check.code)));
        let found = check.found.say(scene.locale);
        if !found.is_empty() {
            muted(ui, palette, &found);
        }
        if let Some(problem) = &check.problem {
            let (title, hint) = (problem_title(problem, scene.locale), problem_hint(problem, scene.locale));
            muted(ui, palette, &format!("{title}. {hint}"));
            ui.horizontal_wrapped(|ui| act_on(ui, scene, problem));
        }
    });
}
