//! Where the time of the last rounds went: one bar a round, its parts beside each other.
//!
//! In: how long each part took. Out: bars, a legend with each part's share, and the share in which the card trained.

use crate::design_tokens::{CAPTION, Palette, RADIUS_S, ROW, SPACE_M, SPACE_S, SPACE_XS};
use crate::scene::Scene;
use crate::widgets::{card, strong, term};
use egui::{Color32, FontId, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};
use view_model::{RoundPart, RoundTimes, Tone, units};

/// Room for a round's number, and for its share.
const NUMBER: f32 = 56.0;
const SHARE: f32 = 52.0;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let (palette, rounds) = (scene.palette, &scene.app().network.rounds);
    if rounds.is_empty() {
        return;
    }
    card(ui, palette, &scene.text("timed-title"), |ui| {
        let longest = rounds.iter().map(RoundTimes::total).max().unwrap_or(1).max(1);
        let all = rounds.iter().map(RoundTimes::total).fold(0u64, u64::saturating_add);
        let trained = rounds.iter().fold(0u64, |sum, times| sum.saturating_add(times.compute));
        if all > 0 {
            let share = units::percent(trained as f64 / all as f64);
            strong(ui, palette, &scene.with("timed-mean", &[("share", share.into())]));
        }
        ui.spacing_mut().item_spacing.y = 2.0;
        for times in rounds {
            one(ui, scene, times, longest);
        }
        ui.add_space(SPACE_S);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(SPACE_M, SPACE_XS);
            legend(ui, scene, all);
            term(ui, palette, &scene.text("term-timed"), &scene.text("term-timed-means"));
        });
    });
}

/// Training has the colour of work; what the line takes has the accent, in steps; the rest is grey.
fn colour(palette: &Palette, part: RoundPart) -> Color32 {
    match part {
        RoundPart::Compute => palette.tone(Tone::Running),
        RoundPart::Compress => palette.tone(Tone::Running).gamma_multiply(0.5),
        RoundPart::Commit => palette.accent_text.gamma_multiply(0.35),
        RoundPart::Upload => palette.accent_text,
        RoundPart::Gather => palette.accent_text.gamma_multiply(0.65),
        RoundPart::Outer => palette.muted,
        RoundPart::Idle => palette.outline,
    }
}

fn one(ui: &mut Ui, scene: &Scene<'_>, times: &RoundTimes, longest: u64) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let said = said(scene, times);
    let painter = ui.painter_at(rect);
    let font = FontId::proportional(CAPTION);
    let write = |at: f32, text: String| {
        let galley = painter.layout_no_wrap(text, font.clone(), palette.muted);
        painter.galley(pos2(at, rect.center().y - galley.size().y / 2.0), galley, palette.muted);
    };
    write(rect.left(), times.round.to_string());
    let track = Rect::from_min_max(
        pos2(rect.left() + NUMBER, rect.top() + 4.0),
        pos2((rect.right() - SHARE).max(rect.left() + NUMBER), rect.bottom() - 4.0),
    );
    let mut left = track.left();
    for (part, ms) in times.parts().into_iter().filter(|(_, ms)| *ms > 0) {
        let width = track.width() * (ms as f64 / longest as f64) as f32;
        // A part that is too short to be seen is seen all the same.
        let right = (left + width.max(1.0)).min(track.right());
        let bar = Rect::from_min_max(pos2(left, track.top()), pos2(right, track.bottom()));
        painter.rect_filled(bar, 0.0, colour(palette, part));
        left = right;
    }
    let share = times.utilisation().map(units::percent);
    write(track.right() + SPACE_S, scene.or_unknown(share));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    response.on_hover_text(&said);
}

/// All about a round, for the pointer and for those who do not see the bar.
fn said(scene: &Scene<'_>, times: &RoundTimes) -> String {
    let secs = |ms: u64| units::duration(ms / 1000);
    let share = scene.or_unknown(times.utilisation().map(units::percent));
    let args =
        [("round", times.round.to_string().into()), ("share", share.into()), ("took", secs(times.total()).into())];
    let parts = times.parts().into_iter().filter(|(_, ms)| *ms > 0);
    let parts = parts.map(|(part, ms)| format!("{} {}", scene.text(part.key()), secs(ms)));
    std::iter::once(scene.with("timed-round", &args)).chain(parts).collect::<Vec<_>>().join(" · ")
}

fn legend(ui: &mut Ui, scene: &Scene<'_>, all: u64) {
    let rounds = &scene.app().network.rounds;
    let Some(first) = rounds.first() else { return };
    for (part, _) in first.parts() {
        let sum = rounds.iter().flat_map(RoundTimes::parts).filter(|(other, _)| *other == part);
        let sum = sum.fold(0u64, |sum, (_, ms)| sum.saturating_add(ms));
        let share = units::percent(sum as f64 / all.max(1) as f64);
        let text = format!("{} {share}", scene.text(part.key()));
        // One piece, so that it goes to the next line as a whole.
        let galley = ui.painter().layout_no_wrap(text.clone(), FontId::proportional(CAPTION), scene.palette.muted);
        let beside = CAPTION + SPACE_XS;
        let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(beside, 0.0), Sense::hover());
        let square = Rect::from_min_size(pos2(rect.left(), rect.center().y - CAPTION / 2.0), Vec2::splat(CAPTION));
        ui.painter().rect_filled(square, RADIUS_S, colour(scene.palette, part));
        ui.painter().galley(rect.min + vec2(beside, 0.0), galley, scene.palette.muted);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    }
}
