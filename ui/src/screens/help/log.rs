//! The log: lines by level and text, as many as there are, the chosen ones to be copied.

use super::log_filter::Filter;
use crate::design_tokens::{CAPTION, ROW, SPACE_L, SPACE_M, SPACE_S};
use crate::model::Log;
use crate::scene::Scene;
use crate::terminal::fit;
use crate::widgets::{Button, Icon, Kind, caption, card, empty, focus_ring, tabs};
use egui::{
    Align2, EventFilter, FontId, Key, Margin, Modifiers, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use std::ops::RangeInclusive;
use view_model::{LogLevel, LogLine, Tone};

/// Longest line shown; the whole line is copied.
const SHOWN_CHARS: usize = 400;
/// Lines copied at most.
const COPIED: usize = 10_000;
/// Height of what stands around the list.
const AROUND: f32 = 320.0;
const LEVELS: [(LogLevel, &str); 4] = [
    (LogLevel::Debug, "level-debug"),
    (LogLevel::Info, "level-info"),
    (LogLevel::Warn, "level-warn"),
    (LogLevel::Error, "level-error"),
];

/// What only the window knows of it.
#[derive(Default)]
pub(super) struct State {
    filter: Filter,
    /// The chosen lines, as shown: where the choice began, and where it ends.
    chosen: Option<(usize, usize)>,
}

impl State {
    fn range(&self) -> Option<RangeInclusive<usize>> {
        self.chosen.map(|(from, to)| from.min(to)..=from.max(to))
    }
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let (palette, log) = (scene.palette, scene.model.log());
    card(ui, palette, "", |ui| {
        if log.is_empty() {
            let (title, hint) = (scene.text("log-none"), scene.text("log-none-hint"));
            empty(ui, palette, (Icon::File, &title, &hint), |_| ());
            return;
        }
        controls(ui, scene, state);
        let through = state.filter.look(log);
        if !through {
            ui.ctx().request_repaint();
        }
        let lines = state.filter.len(log);
        if lines == 0 {
            let key = if through { "log-nothing-found" } else { "log-looking" };
            caption(ui, palette, &scene.text(key));
            return;
        }
        list(ui, scene, state, lines);
        ui.horizontal_wrapped(|ui| foot(ui, scene, state, lines));
    });
}

fn controls(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        let names: Vec<String> = LEVELS.iter().map(|(_, key)| scene.text(key)).collect();
        let now = LEVELS.iter().position(|(level, _)| *level == state.filter.level).unwrap_or(0);
        if let Some((level, _)) = tabs(ui, palette, &names, now).and_then(|n| LEVELS.get(n)) {
            state.filter.level = *level;
            state.chosen = None;
        }
        ui.add_space(SPACE_L);
        let field = TextEdit::singleline(&mut state.filter.text)
            .hint_text(scene.text("log-search"))
            .char_limit(100)
            .margin(Margin::symmetric(SPACE_S as i8, SPACE_S as i8))
            .desired_width(ui.available_width().clamp(120.0, 260.0));
        if ui.add(field).accessible_name(scene.text("log-search")).changed() {
            state.chosen = None;
        }
    });
}

fn list(ui: &mut Ui, scene: &Scene<'_>, state: &mut State, lines: usize) {
    let (palette, log) = (scene.palette, scene.model.log());
    let height = (ui.ctx().content_rect().height() - AROUND).clamp(6.0 * ROW, 32.0 * ROW);
    let area = egui::Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), height));
    // The list is one stop of the keyboard; arrows move in it.
    let whole = ui.interact(area, ui.scope_id().with("log-list"), Sense::focusable_noninteractive());
    let name = scene.with("log-list", &[("count", lines.into())]);
    whole.widget_info(|| WidgetInfo::labeled(Role::List, true, &name));
    focus_ring(ui, &whole, area, 2.0, palette);
    let moved = whole.has_focus() && arrows(ui, &whole, state, lines);
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut scroll =
        ScrollArea::vertical().id_salt("log").max_height(height).auto_shrink([false, false]).stick_to_bottom(true);
    if let Some((_, to)) = state.chosen.filter(|_| moved) {
        let most = (lines as f32 * ROW - height).max(0.0);
        scroll = scroll.vertical_scroll_offset((to as f32 * ROW - height / 2.0).clamp(0.0, most));
    }
    scroll.show_rows(ui, ROW, lines, |ui, rows| {
        for n in rows {
            if let Some(line) = state.filter.index(log, n).and_then(|index| log.get(index)) {
                row(ui, scene, state, n, line);
            }
        }
    });
}

/// Up, down, and with Shift more lines. Returns whether the choice moved.
fn arrows(ui: &Ui, whole: &egui::Response, state: &mut State, lines: usize) -> bool {
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(whole.id, filter));
    let (from, to) = state.chosen.unwrap_or((lines, lines));
    let pressed = |key, modifiers| ui.input_mut(|input| input.consume_key(modifiers, key));
    let last = lines.saturating_sub(1);
    let next = if pressed(Key::ArrowUp, Modifiers::SHIFT) {
        (from.min(last), to.saturating_sub(1))
    } else if pressed(Key::ArrowDown, Modifiers::SHIFT) {
        (from.min(last), (to + 1).min(last))
    } else if pressed(Key::ArrowUp, Modifiers::NONE) {
        let at = to.saturating_sub(1);
        (at, at)
    } else if pressed(Key::ArrowDown, Modifiers::NONE) {
        let at = (to + 1).min(last);
        (at, at)
    } else {
        return false;
    };
    state.chosen = Some(next);
    true
}

fn row(ui: &mut Ui, scene: &Scene<'_>, state: &mut State, n: usize, line: &LogLine) {
    let palette = scene.palette;
    // Rows are pressed, but they are no stops of the keyboard.
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::CLICK);
    let chosen = state.range().is_some_and(|range| range.contains(&n));
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, 2.0, if chosen { palette.hover } else { palette.raised });
    }
    let font = FontId::monospace(CAPTION);
    let (tone, key) = match line.level {
        LogLevel::Debug => (Tone::Neutral, "level-debug"),
        LogLevel::Info => (Tone::Neutral, "level-info"),
        LogLevel::Warn => (Tone::Waiting, "level-warn"),
        LogLevel::Error => (Tone::Problem, "level-error"),
    };
    let level = scene.text(key);
    let who = fit(&line.who, 10);
    let text = fit(&line.text, SHOWN_CHARS);
    let painter = ui.painter_at(rect);
    let mut x = rect.left() + SPACE_S;
    let columns =
        [(clock(line.at_ms), 72.0, palette.muted), (level, 64.0, palette.tone(tone)), (who, 84.0, palette.muted)];
    for (text, width, colour) in columns {
        painter.text(pos2(x, rect.center().y), Align2::LEFT_CENTER, text, font.clone(), colour);
        x += width;
    }
    let letters = if line.level == LogLevel::Debug { palette.muted } else { palette.text };
    painter.text(pos2(x, rect.center().y), Align2::LEFT_CENTER, text, font, letters);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, written(line)));
    if response.clicked() {
        let shift = ui.input(|input| input.modifiers.shift);
        let from = state.chosen.filter(|_| shift).map_or(n, |(from, _)| from);
        state.chosen = Some((from, n));
    }
}

fn foot(ui: &mut Ui, scene: &Scene<'_>, state: &State, lines: usize) {
    let (palette, log) = (scene.palette, scene.model.log());
    ui.add_space(SPACE_S);
    let range = state.range();
    let chosen = range.as_ref().map_or(0, |range| range.end() - range.start() + 1);
    let label = match chosen {
        0 => scene.text("log-copy-all"),
        n => scene.with("log-copy", &[("count", n.into())]),
    };
    let keys = chosen > 0 && ui.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Copy)));
    if Button::new(&label, Kind::Secondary).icon(Icon::Copy).show(ui, palette).clicked() || keys {
        let range = range.unwrap_or(lines.saturating_sub(COPIED)..=lines.saturating_sub(1));
        ui.ctx().copy_text(copied(&state.filter, log, range));
    }
    ui.add_space(SPACE_M);
    caption(ui, palette, &scene.with("log-count", &[("count", lines.into())]));
}

fn copied(filter: &Filter, log: &Log, range: RangeInclusive<usize>) -> String {
    let lines = range.take(COPIED).filter_map(|n| log.get(filter.index(log, n)?)).map(written);
    lines.collect::<Vec<_>>().join("\n")
}

fn written(line: &LogLine) -> String {
    format!("{} {:?} {} {}", clock(line.at_ms), line.level, line.who, line.text)
}

/// The time of day, UTC: the window does not know where it is.
fn clock(ms: u64) -> String {
    let secs = ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}
