//! A run's link, file or picture: typed, pasted, or dropped on the window; and what it is before anybody goes on with it.

use super::{Go, State};
use crate::scene::Scene;
use crate::screens::forms::text_field;
use crate::screens::join;
use crate::widgets::{card, muted, strong};
use egui::Ui;
use view_model::{JoinFacts, JoinState, WizardIntent};

/// Longest link or path.
pub(in crate::screens) const MAX_SOURCE: usize = 4096;

#[derive(Default)]
pub(super) struct Fields {
    pub(super) source: String,
    /// What was given from outside is put into the field once.
    given: bool,
}

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut State) -> Go {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("wizard-join-how"));
    if let Some(path) = dropped_file(ui) {
        state.join.source = path;
    }
    if let Some(view) = scene.app().join.as_ref().filter(|view| matches!(view.state, JoinState::Given { .. }))
        && !std::mem::replace(&mut state.join.given, true)
        && state.join.source.is_empty()
    {
        state.join.source.clone_from(&view.source);
    }
    drop_target(ui, scene);
    let field = card(ui, palette, "", |ui| {
        let names = (scene.text("wizard-join-field"), scene.text("wizard-join-hint"));
        text_field(ui, palette, (&names.0, &names.1), &mut state.join.source, MAX_SOURCE)
    });
    state.take_keyboard(&field.response);
    if let Some(view) = &scene.app().join
        && matches!(view.state, JoinState::Looking | JoinState::Found(_))
    {
        card(ui, palette, "", |ui| join::state(ui, scene, view));
    }
    if let Some(facts) = found(scene, &state.join) {
        let label = scene.with("wizard-join-on", &[("name", facts.name.as_str().into())]);
        return Go::new(label, true).entered(field.entered);
    }
    muted(ui, palette, &scene.text("wizard-join-checked"));
    let there = !state.join.source.trim().is_empty();
    Go::new(scene.text("wizard-join-go"), there).entered(field.entered)
}

pub(super) fn press(scene: &Scene<'_>, fields: &Fields) -> WizardIntent {
    match found(scene, fields) {
        Some(_) => WizardIntent::Next,
        None => WizardIntent::Run { source: fields.source.trim().to_owned() },
    }
}

/// The run that was found, if it is still the one in the field.
fn found<'a>(scene: &Scene<'a>, fields: &Fields) -> Option<&'a JoinFacts> {
    let view = scene.app().join.as_ref()?;
    let same = fields.source.trim().is_empty() || fields.source.trim() == view.source.trim();
    match &view.state {
        JoinState::Found(facts) if same => Some(facts),
        _ => None,
    }
}

/// The path of a file that was let go over the window in this frame. Its content is the app's to read.
pub(in crate::screens) fn dropped_file(ui: &Ui) -> Option<String> {
    ui.input(|input| {
        let file = input.raw.dropped_files.first()?;
        let path = file.path().to_str()?.to_owned();
        (path.len() <= MAX_SOURCE).then_some(path)
    })
}

/// Says, while a file is held over the window, that it may be let go.
pub(in crate::screens) fn drop_target(ui: &mut Ui, scene: &Scene<'_>) {
    if ui.input(|input| !input.raw.hovered_files.is_empty()) {
        let text = scene.text("setup-drop-here");
        crate::widgets::notice(ui, scene.palette, (view_model::Tone::Running, &text, ""), |_| {});
    }
}
