//! Why work stands still: each reason with its sentence, since when, and what ends it.

use crate::design_tokens::SPACE_XS;
use crate::scene::Scene;
use crate::widgets::{caption, card, tone_line};
use egui::Ui;
use view_model::{Tone, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let pauses = &scene.app().pauses;
    if pauses.is_empty() {
        return;
    }
    let palette = scene.palette;
    card(ui, palette, &scene.text("home-why-paused"), |ui| {
        for pause in pauses {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = SPACE_XS;
                let why = pause.reason.told().say(scene.locale);
                tone_line(ui, palette, Tone::Paused, &capital(&why));
                let since = units::duration(pause.for_secs);
                let ends = pause.reason.ends().say(scene.locale);
                let args = [("since", since.as_str().into()), ("ends", ends.as_str().into())];
                let mut line = scene.with("home-pause-since", &args);
                if let Some(secs) = pause.ends_in_secs {
                    let left = units::duration(secs);
                    line = format!("{line} · {}", scene.with("home-pause-left", &[("left", left.into())]));
                }
                ui.horizontal(|ui| {
                    ui.add_space(18.0);
                    caption(ui, palette, &line);
                });
            });
        }
    });
}

/// With a capital letter: the sentence stands alone here.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
