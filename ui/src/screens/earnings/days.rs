//! A bar a day, and what was expected behind it, on one axis.

use super::amount;
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{Icon, caption, empty};
use egui::{Align2, FontId, Painter, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};
use types::Rao;
use view_model::{DayBar, EarningsView, Tone, Unit, units};

/// Days at most.
const MOST: usize = 60;
/// Days that are said to somebody who does not see the bars.
const SAID: usize = 7;
/// Room for the letters of the axes.
const LEFT: f32 = 64.0;
const BELOW: f32 = 20.0;
/// Widest bar.
const WIDEST: f32 = 28.0;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, view: &EarningsView) {
    let palette = scene.palette;
    let days = &view.days[view.days.len().saturating_sub(MOST)..];
    if days.is_empty() {
        let hint = scene.text("earnings-days-empty");
        let title = scene.text("earnings-days");
        empty(ui, palette, (Icon::Earnings, &title, &hint), |_| {});
        return;
    }
    caption(ui, palette, &scene.text("earnings-days-what"));
    let size = Vec2::new(ui.available_width().max(2.0 * LEFT), tokens::CHART);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let newest: Vec<String> = days.iter().rev().take(SAID).map(|day| read(day, &view.unit, scene)).collect();
    let said = scene.with("earnings-days-alt", &[("days", newest.join("; ").into())]);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
    let plot = Rect::from_min_max(rect.min + Vec2::new(LEFT, tokens::SPACE_XS), rect.max - Vec2::new(0.0, BELOW));
    let most = days.iter().map(highest).max().unwrap_or(0).max(1);
    let painter = ui.painter_at(rect);
    axis(&painter, scene, plot, most);
    let step = plot.width() / days.len() as f32;
    for (n, day) in days.iter().enumerate() {
        bar(&painter, scene, plot, (n, step), day, most);
    }
    dates(&painter, scene, plot, step, days);
    if let Some(pointer) = response.hover_pos().filter(|at| plot.contains(*at)) {
        let n = (((pointer.x - plot.left()) / step) as usize).min(days.len() - 1);
        let slot = Rect::from_min_size(pos2(plot.left() + step * n as f32, plot.top()), Vec2::new(step, plot.height()));
        painter.rect_stroke(slot, 2.0, Stroke::new(tokens::LINE, palette.outline), egui::StrokeKind::Inside);
        response.on_hover_text_at_pointer(read(&days[n], &view.unit, scene));
    }
}

fn highest(day: &DayBar) -> u64 {
    day.paid.0.max(expected(day).map_or(0, |(_, _, most)| most.0))
}

/// What was expected, its least, its most: the three in order, whichever way they were told.
fn expected(day: &DayBar) -> Option<(Rao, Rao, Rao)> {
    let (a, b, c) = day.expected?;
    let mut three = [a, b, c];
    three.sort_unstable_by_key(|rao| rao.0);
    let [least, expected, most] = three;
    Some((expected, least, most))
}

fn read(day: &DayBar, unit: &Unit, scene: &Scene<'_>) -> String {
    let written = |rao| amount(rao, unit, scene);
    let paid = written(day.paid);
    match expected(day) {
        None => scene.with("earnings-day-read", &[("day", day.day.as_str().into()), ("paid", paid.into())]),
        Some((expected, least, most)) => {
            let args = [
                ("day", day.day.as_str().into()),
                ("paid", paid.into()),
                ("expected", written(expected).into()),
                ("least", written(least).into()),
                ("most", written(most).into()),
            ];
            scene.with("earnings-day-expected", &args)
        }
    }
}

fn height(rao: u64, most: u64, plot: Rect) -> f32 {
    // A little air above the highest bar.
    (rao as f64 / most as f64 * 0.94) as f32 * plot.height()
}

fn axis(painter: &Painter, scene: &Scene<'_>, plot: Rect, most: u64) {
    let palette = scene.palette;
    let font = FontId::proportional(tokens::CAPTION);
    for quarter in 0..=2u64 {
        let rao = most / 2 * quarter;
        let y = (plot.bottom() - height(rao, most, plot)).round() + 0.5;
        painter.hline(plot.x_range(), y, Stroke::new(tokens::LINE, palette.border));
        let at = pos2(plot.left() - tokens::SPACE_S, y);
        painter.text(at, Align2::RIGHT_CENTER, units::credits(Rao(rao)), font.clone(), palette.muted);
    }
}

fn bar(painter: &Painter, scene: &Scene<'_>, plot: Rect, (n, step): (usize, f32), day: &DayBar, most: u64) {
    let palette = scene.palette;
    let centre = plot.left() + step * (n as f32 + 0.5);
    let width = (step * 0.7).min(WIDEST);
    let across = |width: f32| (centre - width / 2.0)..=(centre + width / 2.0);
    let up = |rao: u64| plot.bottom() - height(rao, most, plot);
    let paid = Rect::from_x_y_ranges(across(width * 0.7), up(day.paid.0)..=plot.bottom());
    painter.rect_filled(paid, 1.0, palette.tone(Tone::Earned));
    if let Some((expected, least, high)) = expected(day) {
        // The band is a frame over the bar: a shape of its own, and the bar is seen through it.
        let band = Rect::from_x_y_ranges(across(width), up(high.0)..=up(least.0));
        painter.rect_filled(band, 1.0, palette.soft(Tone::Neutral).gamma_multiply(0.4));
        painter.rect_stroke(band, 1.0, Stroke::new(tokens::LINE, palette.muted), egui::StrokeKind::Inside);
        painter.hline(across(width), up(expected.0), Stroke::new(tokens::STROKE, palette.text));
    }
}

/// As many dates as there is room for, the newest first.
fn dates(painter: &Painter, scene: &Scene<'_>, plot: Rect, step: f32, days: &[DayBar]) {
    let font = FontId::proportional(tokens::CAPTION);
    let mut free = f32::INFINITY;
    for (n, day) in days.iter().enumerate().rev() {
        // Month and day; the year is in the read-out.
        let text = day.day.get(5..).unwrap_or(&day.day).to_owned();
        let galley = painter.layout_no_wrap(text, font.clone(), scene.palette.muted);
        let centre = plot.left() + step * (n as f32 + 0.5);
        let highest = (plot.right() - galley.size().x).max(plot.left());
        let left = (centre - galley.size().x / 2.0).clamp(plot.left(), highest);
        if left + galley.size().x + tokens::SPACE_M <= free {
            free = left;
            painter.galley(pos2(left, plot.bottom() + tokens::SPACE_XS), galley, scene.palette.muted);
        }
    }
}
