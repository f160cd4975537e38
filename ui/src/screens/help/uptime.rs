//! What this computer did in the last thirty days.

use crate::design_tokens::{CAPTION, LINE, Palette, SPACE_M, SPACE_XS};
use crate::scene::Scene;
use crate::widgets::{caption, card, muted};
use egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};
use view_model::{Tone, Uptime, UptimeSpan, units};

const DAY_MS: u64 = 86_400_000;
const DAYS: u64 = 30;
const HEIGHT: f32 = 40.0;

/// What, its text, its tone, and how high it stands: by shape as well as by colour.
const KINDS: [(Uptime, &str, Tone, f32); 4] = [
    (Uptime::Training, "uptime-training", Tone::Running, 1.0),
    (Uptime::Paused, "uptime-paused", Tone::Paused, 0.6),
    (Uptime::Updating, "uptime-updating", Tone::Waiting, 0.4),
    (Uptime::Down, "uptime-down", Tone::Problem, 0.2),
];

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, spans) = (scene.palette, &scene.app().help.uptime);
    card(ui, palette, &scene.text("uptime-title"), |ui| {
        let Some(end) = spans.iter().map(|span| span.to_ms).max() else {
            muted(ui, palette, &scene.text("uptime-none"));
            return;
        };
        let begin = end.saturating_sub(DAYS * DAY_MS);
        strip(ui, scene, spans, (begin, end));
        ui.horizontal_wrapped(|ui| {
            for (what, key, tone, high) in KINDS {
                let sum: u64 = spans.iter().filter(|span| span.what == what).map(|span| length(span, begin)).sum();
                if sum == 0 {
                    continue;
                }
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
                let level = rect.top() + (1.0 - high) * rect.height();
                ui.painter().rect_filled(rect.with_min_y(level), 1.0, fill(palette, tone));
                let share = units::percent(sum as f64 / (DAYS * DAY_MS) as f64);
                caption(ui, palette, &format!("{} {share}", scene.text(key)));
                ui.add_space(SPACE_M);
            }
        });
    });
}

fn fill(palette: &Palette, tone: Tone) -> Color32 {
    palette.tone(tone)
}

fn length(span: &UptimeSpan, begin: u64) -> u64 {
    span.to_ms.saturating_sub(span.from_ms.max(begin))
}

fn strip(ui: &mut Ui, scene: &Scene<'_>, spans: &[UptimeSpan], (begin, end): (u64, u64)) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + 20.0), Sense::hover());
    let track = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + HEIGHT));
    let whole = end.saturating_sub(begin).max(1) as f64;
    let at = |ms: u64| track.left() + (ms.saturating_sub(begin) as f64 / whole) as f32 * track.width();
    let painter = ui.painter();
    painter.rect_filled(track, 2.0, palette.raised);
    for span in spans.iter().filter(|span| span.to_ms > begin) {
        let kind = KINDS.iter().find(|(what, _, _, _)| *what == span.what);
        let Some((_, _, tone, high)) = kind else { continue };
        let top = track.bottom() - high * track.height();
        let right = at(span.to_ms).max(at(span.from_ms) + 1.0);
        painter.rect_filled(
            Rect::from_min_max(pos2(at(span.from_ms), top), pos2(right, track.bottom())),
            0.0,
            fill(palette, *tone),
        );
    }
    let font = FontId::proportional(CAPTION);
    for days in (0..=DAYS).step_by(10) {
        let x = at(end - days.min(DAYS) * DAY_MS.min(end / DAYS.max(1)));
        painter.vline(x, track.bottom()..=track.bottom() + SPACE_XS, Stroke::new(LINE, palette.border));
        let (text, anchor) = match days {
            0 => (scene.text("chart-now"), Align2::RIGHT_TOP),
            DAYS => (scene.with("uptime-days", &[("days", days.into())]), Align2::LEFT_TOP),
            _ => (scene.with("uptime-days", &[("days", days.into())]), Align2::CENTER_TOP),
        };
        painter.text(pos2(x, track.bottom() + SPACE_XS), anchor, text, font.clone(), palette.muted);
    }
    let title = scene.text("uptime-title");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &title));
    let Some(pointer) = response.hover_pos() else { return };
    let ms = begin + (f64::from((pointer.x - track.left()) / track.width()).clamp(0.0, 1.0) * whole) as u64;
    let text = match spans.iter().find(|span| (span.from_ms..span.to_ms).contains(&ms)) {
        Some(span) => {
            let key = KINDS.iter().find(|(what, _, _, _)| *what == span.what).map_or("unknown", |kind| kind.1);
            let (took, ago) = ((span.to_ms - span.from_ms) / 1000, end.saturating_sub(span.to_ms) / 1000);
            let args = [
                ("what", scene.text(key).into()),
                ("took", units::duration(took).into()),
                ("ago", units::duration(ago).into()),
            ];
            scene.with("uptime-span", &args)
        }
        None => scene.text("uptime-off"),
    };
    painter.vline(pointer.x, track.y_range(), Stroke::new(LINE, palette.text));
    response.on_hover_text_at_pointer(text);
}
