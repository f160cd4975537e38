//! Runs to join, and the rehearsal with its sliders.
//!
//! In: the runs that are known, what each pays and whether it fits. Out: a choice, a file or link to add, a rehearsal. What
//! a run does not pay is said before its button.

mod invite;
mod rehearsal;

use super::forms::{Draft, text_field};
use super::join::pays_tone;
use super::wizard::{MAX_SOURCE, drop_target, dropped_file};
use crate::design_tokens as tokens;
use crate::scene::{Question, Scene};
use crate::widgets::{
    Button, Icon, Kind, caption, card, card_row, chip, columns_for, empty, figure, heading, muted, notice, strong,
    term, tone_line,
};
use egui::Ui;
use view_model::{Fit, Intent, JoinState, RunCard, RunKind, Told, Tone, units};

/// Most cards beside each other, and the narrowest.
const COLUMNS: usize = 2;
const CARD: f32 = 360.0;
/// Letters of where a run came from; a link of many addresses is long.
const SOURCE: usize = 120;
/// What founds a run.
const FOUND: &str = "covey-peer found --help";

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    draft: Draft,
    source: String,
    /// The run whose link is shown.
    invited: Option<String>,
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    state.draft.begin(&scene.app().settings, ui.ctx().cumulative_frame_nr());
    heading(ui, scene.palette, &scene.text("runs-title"));
    super::join::show(ui, scene);
    super::fetch::show(ui, scene);
    let runs: Vec<&RunCard> = scene.app().runs.iter().filter(|run| run.kind == RunKind::Shared).collect();
    if runs.is_empty() {
        let (title, hint) = (scene.text("runs-empty"), scene.text("runs-empty-what"));
        card(ui, scene.palette, "", |ui| empty(ui, scene.palette, (Icon::Runs, &title, &hint), |_| {}));
    }
    let columns = columns_for(ui.available_width(), CARD, COLUMNS);
    for (n, row) in runs.chunks(columns).enumerate() {
        // A single last card is as wide as the others.
        card_row(ui, &format!("runs-{n}"), &vec![1.0; columns], |ui, i| {
            if let Some(run) = row.get(i) {
                run_card(ui, scene, run, &mut state.invited);
            }
        });
    }
    card_row(ui, "runs-below", &[1.0, 1.0], |ui, i| match i {
        0 => rehearsal::show(ui, scene, &mut state.draft.value.rehearsal),
        _ => {
            add(ui, scene, &mut state.source);
        }
    });
    found(ui, scene);
    if let Some(settings) = state.draft.end(ui.input(|input| input.pointer.any_down())) {
        scene.ask(Intent::Set(Box::new(settings)));
    }
}

fn run_card(ui: &mut Ui, scene: &mut Scene<'_>, run: &RunCard, invited: &mut Option<String>) {
    let palette = scene.palette;
    card(ui, palette, "", |ui| {
        ui.push_id(&run.id, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.add(egui::Label::new(egui::RichText::new(&run.name).size(tokens::BODY + 3.0).color(palette.text)));
                if run.chosen {
                    let chosen = chip(ui, palette, Tone::Running, &scene.text("runs-chosen"));
                    chosen.on_hover_text(scene.text("runs-chosen-tip"));
                }
                if run.suggested.is_some() {
                    chip(ui, palette, Tone::Neutral, &scene.text("runs-suggested"));
                }
            });
            if let Some(why) = &run.suggested {
                muted(ui, palette, &why.say(scene.locale));
            }
            figures(ui, scene, run);
            let (tone, fits) = fit_words(&run.fit, scene);
            tone_line(ui, palette, tone, &fits);
            let pays = run.pays.say(scene.locale);
            if !pays.is_empty() {
                notice(ui, palette, (pays_tone(&run.pays), &pays, ""), |_| {});
            }
            if let Some(source) = &run.source {
                let source: String = source.chars().take(SOURCE).collect();
                caption(ui, palette, &scene.with("runs-source", &[("source", source.into())]));
            }
            buttons(ui, scene, run);
            invite::show(ui, scene, run, invited);
        });
    });
}

fn figures(ui: &mut Ui, scene: &Scene<'_>, run: &RunCard) {
    let unknown = || scene.text("setup-unknown");
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = tokens::SPACE_XL;
        let params = run
            .model_params
            .map_or_else(unknown, |n| scene.with("runs-model-params", &[("params", units::parameters(n).into())]));
        figure(ui, palette, &scene.text("runs-model"), &params);
        for (key, value) in [
            ("runs-tokens", run.tokens_done.map(units::parameters)),
            ("runs-peers", run.peers.map(|n| units::count(n.into()))),
            ("runs-round", run.round.map(units::count)),
        ] {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                term(ui, palette, &scene.text(key), &scene.text(&format!("{key}-tip")));
                strong(ui, palette, &value.unwrap_or_else(unknown));
            });
        }
    });
}

/// Whether a run fits, in words.
pub(super) fn fit_words(fit: &Fit, scene: &Scene<'_>) -> (Tone, String) {
    let why = |key: &str, told: &Told| {
        let why = told.say(scene.locale);
        (!why.is_empty()).then(|| scene.with(key, &[("why", why.into())]))
    };
    match fit {
        Fit::Unknown => (Tone::Waiting, scene.text("runs-fits-unknown")),
        Fit::Fits(told) => (Tone::Running, why("runs-fits", told).unwrap_or_else(|| scene.text("runs-fits-plain"))),
        Fit::DoesNotFit(told) => {
            let plain = || scene.with("runs-fits-not", &[("why", scene.text("setup-unknown").into())]);
            (Tone::Problem, why("runs-fits-not", told).unwrap_or_else(plain))
        }
    }
}

fn buttons(ui: &mut Ui, scene: &mut Scene<'_>, run: &RunCard) {
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        let name = run.name.as_str();
        if !run.chosen {
            let label = scene.with("runs-choose-named", &[("name", name.into())]);
            let fits = !matches!(run.fit, Fit::DoesNotFit(_));
            let kind = if fits { Kind::Primary } else { Kind::Secondary };
            if Button::new(&label, kind).icon(Icon::Check).show(ui, palette).clicked() {
                scene.ask(Intent::ChooseRun { id: run.id.clone() });
            }
        }
        let label = scene.with("runs-forget-named", &[("name", name.into())]);
        let forget = Button::new(&label, Kind::Quiet).icon(Icon::Trash).show(ui, palette);
        if forget.on_hover_text(scene.text("runs-forget-tip")).clicked() {
            let answer = (scene.text("runs-forget"), Kind::Danger, Intent::ForgetRun { id: run.id.clone() });
            let body = scene.text("runs-forget-tip");
            scene.confirm(Question { title: label.clone(), body, answers: vec![answer], tone: Tone::Waiting });
        }
    });
}

/// By link, path, or a file let go over the window; a dropped file waits for the press as well.
fn add(ui: &mut Ui, scene: &mut Scene<'_>, source: &mut String) {
    let palette = scene.palette;
    if let Some(path) = dropped_file(ui) {
        *source = path;
    }
    card(ui, palette, &scene.text("runs-add"), |ui| {
        muted(ui, palette, &scene.text("runs-add-how"));
        drop_target(ui, scene);
        let names = (scene.text("runs-add-field"), scene.text("wizard-join-hint"));
        let field = text_field(ui, palette, (&names.0, &names.1), source, MAX_SOURCE);
        let looking = scene.app().join.as_ref().is_some_and(|join| join.state == JoinState::Looking);
        let there = !source.trim().is_empty() && !looking;
        let label = scene.text("runs-add-go");
        let pressed = Button::new(&label, Kind::Secondary).icon(Icon::Plus).enabled(there).show(ui, palette).clicked();
        if there && (pressed || field.entered) {
            scene.ask(Intent::AddRun { source: source.trim().to_owned() });
            source.clear();
        }
    });
}

fn found(ui: &mut Ui, scene: &Scene<'_>) {
    card(ui, scene.palette, &scene.text("runs-found"), |ui| {
        muted(ui, scene.palette, &scene.text("runs-found-what"));
        ui.horizontal_wrapped(|ui| {
            ui.label(egui::RichText::new(FOUND).font(egui::FontId::monospace(tokens::BODY)).color(scene.palette.text));
            let label = scene.text("runs-found-copy");
            if Button::new(&label, Kind::Quiet).icon(Icon::Copy).show(ui, scene.palette).clicked() {
                ui.ctx().copy_text(FOUND.to_owned());
            }
        });
    });
}
