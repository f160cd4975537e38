//! What this is, that nothing starts by itself, and in which language.

use super::{Go, State};
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{caption, card, muted, strong, tone_line};
use egui::{ComboBox, Ui};
use locale::LANGUAGES;
use view_model::Tone;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut State) -> Go {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("wizard-welcome-what"));
    tone_line(ui, palette, Tone::Running, &scene.text("wizard-welcome-promise"));
    muted(ui, palette, &scene.text("wizard-welcome-free"));
    ui.add_space(tokens::SPACE_S);
    card(ui, palette, "", |ui| language(ui, scene, &mut state.draft.value.look.language));
    Go::new(scene.text("setup-next"), true)
}

/// A list of languages by their own names; the choice counts at once.
pub(in crate::screens) fn language(ui: &mut Ui, scene: &Scene<'_>, value: &mut Option<String>) {
    let now = scene.locale.language();
    let system = scene.text("wizard-language-system");
    let label = caption(ui, scene.palette, &scene.text("wizard-language"));
    let shown = match value {
        // Only now is it known which language the system's is.
        None => scene.with("wizard-language-system-is", &[("name", now.name.into())]),
        Some(tag) => LANGUAGES.iter().find(|l| l.tag == tag).map_or_else(|| tag.clone(), |l| l.name.to_owned()),
    };
    let combo = ComboBox::from_id_salt("language").selected_text(shown).width(ui.available_width().min(320.0));
    let response = combo.show_ui(ui, |ui| {
        ui.selectable_value(value, None, system);
        for language in LANGUAGES {
            ui.selectable_value(value, Some(language.tag.to_owned()), language.name);
        }
    });
    response.response.labelled_by(label.id);
}
