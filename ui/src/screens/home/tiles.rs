//! The last fifty rounds as tiles: what became of each, by shape and colour, with the words under the pointer.

use crate::design_tokens::{Palette, RADIUS_S, SPACE_S, SPACE_XS};
use crate::scene::Scene;
use crate::widgets::{Icon, caption, card, empty, paint_icon, term};
use egui::{Color32, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};
use types::Verdict;
use view_model::{RoundTile, Tone, VerdictRow, units, verdict_sentence};

const SIDE: f32 = 28.0;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, tiles) = (scene.palette, &scene.app().rounds);
    card(ui, palette, &scene.text("tiles-title"), |ui| {
        if tiles.is_empty() {
            let (title, hint) = (scene.text("tiles-none"), scene.text("tiles-none-hint"));
            empty(ui, palette, (Icon::Clock, &title, &hint), |_| ());
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(SPACE_XS);
            for tile in tiles {
                draw(ui, scene, tile);
            }
        });
        ui.add_space(SPACE_XS);
        ui.horizontal_wrapped(|ui| {
            for (key, tone, icon, counts) in KINDS {
                let count = tiles.iter().filter(|tile| counts(tile.verdict)).count();
                if count > 0 {
                    let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
                    paint_icon(ui.painter(), rect, icon, palette.tone(tone));
                    caption(ui, palette, &scene.with(key, &[("count", count.into())]));
                    ui.add_space(SPACE_S);
                }
            }
        });
        term(ui, palette, &scene.text("term-round"), &scene.text("term-round-means"));
    });
}

type Kind = (&'static str, Tone, Icon, fn(Option<Verdict>) -> bool);

/// Every outcome: its text with the count, its tone, its shape.
const KINDS: [Kind; 5] = [
    ("tiles-accepted", Tone::Running, Icon::Check, |v| v == Some(Verdict::Accepted)),
    ("tiles-probation", Tone::Waiting, Icon::Clock, |v| v == Some(Verdict::OnProbation)),
    ("tiles-rejected", Tone::Problem, Icon::Cross, |v| matches!(v, Some(Verdict::Rejected(_)))),
    ("tiles-missed", Tone::Paused, Icon::Pause, |v| v == Some(Verdict::Missed)),
    ("tiles-open", Tone::Neutral, Icon::Right, |v| v.is_none()),
];

fn draw(ui: &mut Ui, scene: &Scene<'_>, tile: &RoundTile) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(SIDE), Sense::hover());
    let kind = KINDS.iter().find(|(_, _, _, is)| is(tile.verdict));
    let (tone, icon) = kind.map_or((Tone::Neutral, Icon::Right), |(_, tone, icon, _)| (*tone, *icon));
    let (fill, border) = ground(palette, tone, tile.verdict.is_none());
    ui.painter().rect(rect, RADIUS_S, fill, Stroke::new(1.0, border), StrokeKind::Inside);
    paint_icon(ui.painter(), rect.shrink(7.0), icon, palette.tone(tone));
    let text = words(scene, tile);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    response.on_hover_text(text);
}

fn ground(palette: &Palette, tone: Tone, open: bool) -> (Color32, Color32) {
    if open { (palette.card, palette.border) } else { (palette.soft(tone), palette.soft_border(tone)) }
}

fn words(scene: &Scene<'_>, tile: &RoundTile) -> String {
    let mut parts = vec![match tile.verdict {
        Some(verdict) => verdict_sentence(&VerdictRow { round: tile.round, verdict }, scene.locale),
        None => scene.with("tile-open", &[("round", tile.round.to_string().into())]),
    }];
    if let Some(score) = tile.score.filter(|score| score.is_finite()) {
        // The score is a validator's word, not a measurement of this computer.
        let args = [("score", format!("{score:.2}").into()), ("mark", scene.text("mark-reported").into())];
        parts.push(scene.with("tile-score", &args));
    }
    if let Some(moved) = tile.moved {
        parts.push(scene.with("tile-moved", &[("count", units::count(moved).into())]));
    }
    parts.join(" · ")
}
