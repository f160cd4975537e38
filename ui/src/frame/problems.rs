//! Problems nobody has dismissed: title, hint, the one thing to do, and a way to put it away.

use crate::design_tokens::SPACE_S;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, caption, notice};
use egui::Ui;
use types::{Problem, ProblemAction};
use view_model::{Intent, Screen, Tone, problem_hint, problem_title};

/// Banners at most; more are told by their number, and stand on the Help screen.
const SHOWN: usize = 2;
/// Banners on the Help screen.
const SHOWN_IN_HELP: usize = 20;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, screen: Screen) {
    let problems = &scene.app().run.problems;
    let shown = if screen == Screen::Help { SHOWN_IN_HELP } else { SHOWN };
    for (n, row) in problems.iter().rev().take(shown).enumerate() {
        ui.push_id(("problem", n), |ui| problem_notice(ui, scene, &row.problem, Tone::Problem, true));
    }
    let more = problems.len().saturating_sub(shown);
    if more > 0 && screen != Screen::Help {
        let label = scene.with("problems-more", &[("more", more.into())]);
        if Button::new(&label, Kind::Quiet).trailing(Icon::Right).show(ui, scene.palette).clicked() {
            scene.go = Some(Screen::Help);
        }
    }
}

/// A problem as a coloured box with its one button.
pub(crate) fn problem_notice(ui: &mut Ui, scene: &mut Scene<'_>, problem: &Problem, tone: Tone, dismiss: bool) {
    let (title, hint) = (problem_title(problem, scene.locale), problem_hint(problem, scene.locale));
    notice(ui, scene.palette, (tone, &title, &hint), |ui| {
        ui.horizontal_wrapped(|ui| {
            act_on(ui, scene, problem);
            if dismiss {
                let label = scene.text("problem-dismiss");
                if Button::new(&label, Kind::Quiet).show(ui, scene.palette).clicked() {
                    scene.ask(Intent::DismissProblem { code: problem.code.clone() });
                }
            }
            ui.add_space(SPACE_S);
            caption(ui, scene.palette, &problem.code);
        });
    });
}

/// The one thing to do about a problem: a command is copied, everything else is done by the app.
pub(crate) fn act_on(ui: &mut Ui, scene: &mut Scene<'_>, problem: &Problem) {
    let (key, icon) = match &problem.action {
        None => return,
        Some(ProblemAction::Command(_)) => ("problem-copy-command", Icon::Copy),
        Some(ProblemAction::Retry) => ("problem-retry", Icon::Refresh),
        Some(ProblemAction::Open(_)) => ("problem-open", Icon::Open),
    };
    let label = scene.text(key);
    if let Some(ProblemAction::Command(command)) = &problem.action {
        ui.add(egui::Label::new(egui::RichText::new(command).monospace().color(scene.palette.text)).wrap());
    }
    if Button::new(&label, Kind::Secondary).icon(icon).show(ui, scene.palette).clicked() {
        match &problem.action {
            Some(ProblemAction::Command(command)) => ui.ctx().copy_text(command.clone()),
            _ => scene.ask(Intent::ActOn { code: problem.code.clone() }),
        }
    }
}
