//! The running round against its deadline: one lane a phase.

use crate::design_tokens::{CAPTION, LINE, RADIUS_S, ROW, SPACE_M, SPACE_S, SPACE_XS};
use crate::scene::Scene;
use crate::widgets::{caption, card, term};
use egui::{Align2, FontId, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use view_model::{Phase, PhaseBar, Timeline, Tone, phase_words, units};

/// Phases that every round has, in order; others are shown when they happen.
const ALWAYS: [Phase; 5] = [Phase::Inner, Phase::Compress, Phase::Submit, Phase::Gather, Phase::Outer];
const ALL: [Phase; 9] = [
    Phase::Sync,
    Phase::Idle,
    Phase::Inner,
    Phase::Compress,
    Phase::Submit,
    Phase::Gather,
    Phase::Evaluate,
    Phase::Outer,
    Phase::Settle,
];

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(timeline) = &scene.app().timeline else { return };
    let palette = scene.palette;
    let title = scene.with("timeline-title", &[("round", timeline.round.to_string().into())]);
    card(ui, palette, &title, |ui| {
        let scale = Scale::of(timeline);
        let lanes = ALL.into_iter().filter(|phase| {
            ALWAYS.contains(phase)
                || timeline.phases.iter().any(|bar| bar.phase == *phase && length(bar, timeline) > 1.0)
        });
        let names = name_width(ui, scene);
        ui.spacing_mut().item_spacing.y = 2.0;
        let top = ui.cursor().top();
        for phase in lanes {
            lane(ui, scene, timeline, phase, (names, scale));
        }
        marks(ui, scene, timeline, (names, scale, top));
        ui.add_space(SPACE_S);
        ui.horizontal_wrapped(|ui| facts(ui, scene, timeline));
    });
}

/// Seconds across the card.
#[derive(Clone, Copy)]
struct Scale {
    secs: f64,
}

impl Scale {
    fn of(timeline: &Timeline) -> Self {
        let end = timeline.deadline_secs.unwrap_or(0.0).max(timeline.elapsed_secs * 1.15).max(1.0);
        Self { secs: if end.is_finite() { end } else { 1.0 } }
    }

    fn at(self, track: Rect, secs: f64) -> f32 {
        let share = if secs.is_finite() { (secs / self.secs).clamp(0.0, 1.0) as f32 } else { 0.0 };
        track.left() + share * track.width()
    }
}

fn length(bar: &PhaseBar, timeline: &Timeline) -> f64 {
    (bar.to_secs.unwrap_or(timeline.elapsed_secs) - bar.from_secs).max(0.0)
}

/// The widest name of a phase, so that all lanes begin at the same place.
fn name_width(ui: &Ui, scene: &Scene<'_>) -> f32 {
    let width = |phase| {
        let font = FontId::proportional(CAPTION);
        ui.painter().layout_no_wrap(phase_words(phase, scene.locale), font, scene.palette.muted).size().x
    };
    let widest = ALL.into_iter().map(width).fold(0.0, f32::max);
    widest.min(ui.available_width() * 0.35) + SPACE_M
}

fn lane(ui: &mut Ui, scene: &Scene<'_>, timeline: &Timeline, phase: Phase, (names, scale): (f32, Scale)) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let track = Rect::from_min_max(rect.min + vec2(names, 0.0), rect.max);
    let bars: Vec<&PhaseBar> = timeline.phases.iter().filter(|bar| bar.phase == phase).collect();
    let running = bars.iter().any(|bar| bar.to_secs.is_none());
    let painter = ui.painter_at(rect);
    let name = phase_words(phase, scene.locale);
    let colour = if running { palette.text } else { palette.muted };
    let galley = painter.layout(name.clone(), FontId::proportional(CAPTION), colour, names - SPACE_S);
    painter.galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, colour);
    painter.hline(track.x_range(), rect.center().y, Stroke::new(LINE, palette.grid));
    let mut secs = 0.0;
    for bar in &bars {
        let from = scale.at(track, bar.from_secs);
        let to = scale.at(track, bar.to_secs.unwrap_or(timeline.elapsed_secs)).max(from + 3.0);
        let shape = Rect::from_min_max(pos2(from, rect.top() + 4.0), pos2(to, rect.bottom() - 4.0));
        let fill = if bar.to_secs.is_none() { palette.tone(Tone::Running) } else { palette.soft_border(Tone::Running) };
        painter.rect_filled(shape, RADIUS_S, fill);
        secs += length(bar, timeline);
    }
    let said = match (bars.is_empty(), running) {
        (true, _) => scene.with("timeline-lane-none", &[("phase", name.into())]),
        (false, running) => {
            let took = units::duration(secs.round() as u64);
            let end = bars.iter().map(|bar| bar.to_secs.unwrap_or(timeline.elapsed_secs)).fold(0.0, f64::max);
            write_length(ui, scene, (track, scale, end), &took);
            let key = if running { "timeline-lane-running" } else { "timeline-lane-done" };
            scene.with(key, &[("phase", name.into()), ("took", took.into())])
        }
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
}

/// How long a phase took, behind its bar, or before it where there is no room.
fn write_length(ui: &Ui, scene: &Scene<'_>, (track, scale, end): (Rect, Scale, f64), took: &str) {
    let colour = scene.palette.muted;
    let galley = ui.painter().layout_no_wrap(took.to_owned(), FontId::proportional(CAPTION), colour);
    let behind = scale.at(track, end).max(track.left() + 3.0) + SPACE_S;
    let left = behind.min(track.right() - galley.size().x);
    let place = Rect::from_min_size(pos2(left, track.center().y - galley.size().y / 2.0), galley.size());
    // The lane's line does not run through the letters.
    ui.painter().rect_filled(place.expand2(vec2(SPACE_XS, 0.0)), 0.0, scene.palette.card);
    ui.painter().galley(place.min, galley, colour);
}

/// The line of now and the line of the deadline across all lanes, and their times below.
fn marks(ui: &mut Ui, scene: &Scene<'_>, timeline: &Timeline, (names, scale, top): (f32, Scale, f32)) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let track = Rect::from_min_max(rect.min + vec2(names, 0.0), rect.max);
    let font = FontId::proportional(CAPTION);
    let painter = ui.painter();
    let now = scale.at(track, timeline.elapsed_secs);
    painter.vline(now, top..=rect.top(), Stroke::new(LINE, palette.accent_text));
    let elapsed = units::duration(timeline.elapsed_secs.max(0.0) as u64);
    let now_text = scene.with("timeline-now", &[("elapsed", elapsed.into())]);
    let mut said = now_text.clone();
    let galley = painter.layout_no_wrap(now_text, font.clone(), palette.accent_text);
    let left = (now - galley.size().x / 2.0).clamp(track.left(), (track.right() - galley.size().x).max(track.left()));
    let now_right = left + galley.size().x;
    painter.galley(pos2(left, rect.top() + SPACE_XS), galley, palette.accent_text);
    if let Some(deadline) = timeline.deadline_secs {
        let at = scale.at(track, deadline);
        let line = [pos2(at, top), pos2(at, rect.top())];
        let colour = palette.tone(Tone::Problem);
        painter.extend(Shape::dashed_line(&line, Stroke::new(LINE, colour), 3.0, 3.0));
        let text = scene.with("timeline-deadline", &[("at", units::duration(deadline.max(0.0) as u64).into())]);
        said = format!("{said}, {text}");
        let width = painter.layout_no_wrap(text.clone(), font.clone(), colour).size().x;
        if at - width > now_right + SPACE_S {
            painter.text(pos2(at, rect.top() + SPACE_XS), Align2::RIGHT_TOP, text, font, colour);
        }
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
}

fn facts(ui: &mut Ui, scene: &Scene<'_>, timeline: &Timeline) {
    let palette = scene.palette;
    if let Some(step) = timeline.step {
        let args = [("done", step.done.to_string().into()), ("of", step.of.to_string().into())];
        caption(ui, palette, &scene.with("status-steps", &args));
        ui.add_space(SPACE_M);
    }
    if let Some((dense, sent)) = timeline.sizes {
        let times = dense.0 as f64 / sent.0.max(1) as f64;
        let args = [
            ("dense", units::bytes(dense).into()),
            ("sent", units::bytes(sent).into()),
            ("times", format!("{times:.0}").into()),
        ];
        let text = scene.with("timeline-sizes", &args);
        term(ui, palette, &text, &scene.text("term-gradient-means"));
    }
    if timeline.deadline_secs.is_none() {
        caption(ui, palette, &scene.text("timeline-no-deadline"));
    }
}
