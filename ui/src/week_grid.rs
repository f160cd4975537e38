//! The hours of a week, painted.
//!
//! In: 168 hours, yes or no, and what pointer and keys do. Out: the same hours changed, and a sentence that says them, so
//! that nobody has to see the squares. One widget for the keyboard: arrows move, space switches, Shift and arrows paint.

use crate::design_tokens::{self as tokens, Palette};
use egui::accesskit::Role;
use egui::{
    Align2, EventFilter, FontId, Id, Key, PointerButton, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo,
};
use locale::Locale;
use view_model::{HOURS_PER_WEEK, is_week};

/// Hours of a day.
const DAY: usize = 24;
/// Days of a week.
const DAYS: usize = 7;
/// Height of a cell.
const CELL: f32 = 20.0;
/// First hour of the night, and the first after it.
const NIGHT: (usize, usize) = (22, 7);

/// Hours of a week, Monday 0:00 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Week([bool; HOURS_PER_WEEK]);

impl Week {
    /// From 168 `1` and `0`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !is_week(text) {
            return None;
        }
        let mut hours = [false; HOURS_PER_WEEK];
        for (hour, byte) in hours.iter_mut().zip(text.bytes()) {
            *hour = byte == b'1';
        }
        Some(Self(hours))
    }

    /// As 168 `1` and `0`.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|on| if *on { '1' } else { '0' }).collect()
    }

    pub(crate) fn all(on: bool) -> Self {
        Self([on; HOURS_PER_WEEK])
    }

    pub(crate) fn nights() -> Self {
        Self(std::array::from_fn(|hour| hour % DAY >= NIGHT.0 || hour % DAY < NIGHT.1))
    }

    pub(crate) fn nights_and_weekends() -> Self {
        Self(std::array::from_fn(|hour| hour / DAY >= 5 || Self::nights().0[hour]))
    }

    /// Hours that are on.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().filter(|on| **on).count()
    }

    fn day(&self, day: usize) -> &[bool] {
        &self.0[day * DAY..(day + 1) * DAY]
    }

    fn set_day(&mut self, day: usize, on: bool) {
        self.0[day * DAY..(day + 1) * DAY].fill(on);
    }

    /// The week in words: `Mon to Fri: 22:00–7:00; Sat to Sun: all day`.
    pub(crate) fn sentence(&self, locale: &Locale) -> String {
        match self.count() {
            0 => return locale.text("week-never"),
            HOURS_PER_WEEK => return locale.text("week-always"),
            _ => {}
        }
        let mut parts = Vec::new();
        let mut first = 0;
        for day in 1..=DAYS {
            if day < DAYS && self.day(day) == self.day(first) {
                continue;
            }
            parts.push(format!("{}: {}", days(first, day - 1, locale), hours(self.day(first), locale)));
            first = day;
        }
        parts.join("; ")
    }
}

fn days(first: usize, last: usize, locale: &Locale) -> String {
    let name = |day: usize| locale.text(&format!("week-short-{day}"));
    match first == last {
        true => name(first),
        false => locale.with("week-range", &[("from", name(first).into()), ("to", name(last).into())]),
    }
}

fn hours(day: &[bool], locale: &Locale) -> String {
    let mut spans = Vec::new();
    let mut from = None;
    for hour in 0..=DAY {
        match (day.get(hour).copied().unwrap_or(false), from) {
            (true, None) => from = Some(hour),
            (false, Some(begun)) => {
                spans.push((begun, hour));
                from = None;
            }
            _ => {}
        }
    }
    let text = |(from, to): &(usize, usize)| {
        locale.with("week-hours", &[("from", from.to_string().into()), ("to", to.to_string().into())])
    };
    match spans.as_slice() {
        [] => locale.text("week-none"),
        [(0, DAY)] => locale.text("week-all-day"),
        spans => spans.iter().map(text).collect::<Vec<_>>().join(", "),
    }
}

/// What is kept between two frames: the cell of the keyboard, and the colour of a drag.
#[derive(Debug, Clone, Copy, Default)]
struct Hand {
    cell: usize,
    painting: Option<bool>,
    last: Option<usize>,
}

/// Draws the grid, its presets and its sentence; `true` if an hour changed.
pub(crate) fn week_grid(ui: &mut Ui, palette: &Palette, locale: &Locale, name: &str, week: &mut Week) -> bool {
    let before = *week;
    ui.horizontal_wrapped(|ui| {
        for (key, preset) in [
            ("week-set-all", Week::all(true)),
            ("week-set-none", Week::all(false)),
            ("week-set-nights", Week::nights()),
            ("week-set-weekend", Week::nights_and_weekends()),
        ] {
            let mut button = ui.button(locale.text(key));
            if key == "week-set-nights" {
                button = button.on_hover_text(locale.text("week-set-nights-tip"));
            }
            if button.clicked() {
                *week = preset;
            }
        }
    });
    let grid = Grid::new(ui);
    grid.heading(ui, palette);
    let id = ui.scope_id().with(("week-grid", name));
    let mut hand: Hand = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let response = ui.interact(grid.cells, id, Sense::click_and_drag());
    grid.day_buttons(ui, palette, locale, week);
    grid.pointer(ui, &response, week, &mut hand);
    if response.has_focus() {
        keys(ui, id, week, &mut hand);
    }
    // Space, Enter and a screen reader's press.
    if response.clicked() && !response.clicked_by(PointerButton::Primary) {
        week.0[hand.cell] = !week.0[hand.cell];
    }
    ui.data_mut(|data| data.insert_temp(id, hand));
    grid.paint(ui, palette, &response, week, hand.cell);
    describe(ui, &response, locale, name, week, hand.cell);
    response.on_hover_text_at_pointer(locale.text("week-keys"));
    ui.label(egui::RichText::new(week.sentence(locale)).color(palette.text));
    ui.label(egui::RichText::new(locale.text("week-keys")).small().color(palette.muted));
    *week != before
}

fn keys(ui: &Ui, id: Id, week: &mut Week, hand: &mut Hand) {
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let (moves, paint) = ui.input(|input| {
        let moves: Vec<(Key, bool)> = input
            .events
            .iter()
            .filter_map(|event| match event {
                egui::Event::Key { key, pressed: true, modifiers, .. } => Some((*key, modifiers.shift)),
                _ => None,
            })
            .collect();
        (moves, week.0[hand.cell])
    });
    for (key, shift) in moves {
        let (day, hour) = (hand.cell / DAY, hand.cell % DAY);
        hand.cell = match key {
            Key::ArrowLeft => day * DAY + (hour + DAY - 1) % DAY,
            Key::ArrowRight => day * DAY + (hour + 1) % DAY,
            Key::ArrowUp => (day + DAYS - 1) % DAYS * DAY + hour,
            Key::ArrowDown => (day + 1) % DAYS * DAY + hour,
            Key::Home => day * DAY,
            Key::End => day * DAY + DAY - 1,
            _ => continue,
        };
        if shift {
            week.0[hand.cell] = paint;
        }
    }
}

fn describe(ui: &Ui, response: &Response, locale: &Locale, name: &str, week: &Week, cell: usize) {
    let state = locale.text(if week.0[cell] { "week-on" } else { "week-off" });
    let day = locale.text(&format!("week-day-{}", cell / DAY));
    let args = [("day", day.into()), ("hour", (cell % DAY).to_string().into()), ("state", state.into())];
    let (value, sentence) = (locale.with("week-cell", &args), week.sentence(locale));
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Grid, enabled, name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(value);
        node.set_description(sentence);
    });
}

/// Where the cells are.
struct Grid {
    whole: Rect,
    cells: Rect,
    cell: Vec2,
}

impl Grid {
    fn new(ui: &mut Ui) -> Self {
        let days = 2.0 * tokens::SPACE_XL;
        let width = (ui.available_width() - days).clamp(DAY as f32 * 8.0, DAY as f32 * 28.0);
        let head = tokens::SPACE_L;
        let size = Vec2::new(days + width, head + CELL * DAYS as f32);
        let (_, whole) = ui.allocate_space(size);
        let cell = Vec2::new(width / DAY as f32, CELL);
        let cells = Rect::from_min_size(whole.min + Vec2::new(days, head), cell * Vec2::new(DAY as f32, DAYS as f32));
        Self { whole, cells, cell }
    }

    fn heading(&self, ui: &Ui, palette: &Palette) {
        let font = FontId::proportional(tokens::CAPTION);
        for hour in (0..=DAY).step_by(6) {
            let at = Pos2::new(self.cells.left() + self.cell.x * hour as f32, self.whole.top());
            let align = if hour == DAY { Align2::RIGHT_TOP } else { Align2::LEFT_TOP };
            ui.painter().text(at, align, hour.to_string(), font.clone(), palette.muted);
        }
    }

    /// The day's name switches the day.
    fn day_buttons(&self, ui: &Ui, palette: &Palette, locale: &Locale, week: &mut Week) {
        for day in 0..DAYS {
            let min = Pos2::new(self.whole.left(), self.cells.top() + CELL * day as f32);
            let rect = Rect::from_min_size(min, Vec2::new(self.cells.left() - min.x - tokens::SPACE_XS, CELL));
            let id = ui.scope_id().with(("week-day", day, self.whole.top() as i32));
            let response = ui.interact(rect, id, Sense::click());
            let whole = locale.text(&format!("week-day-{day}"));
            let label = locale.with("week-toggle-day", &[("day", whole.into())]);
            if response.clicked() {
                let on = week.day(day).iter().all(|on| *on);
                week.set_day(day, !on);
            }
            let enabled = ui.is_enabled();
            response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &label));
            let colour = if response.hovered() { palette.text } else { palette.muted };
            if response.has_focus() {
                let ring = Stroke::new(tokens::FOCUS, palette.focus);
                ui.painter().rect_stroke(rect, tokens::RADIUS_S, ring, StrokeKind::Inside);
            }
            let short = locale.text(&format!("week-short-{day}"));
            let font = FontId::proportional(tokens::CAPTION);
            let clip = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
            clip.text(rect.left_center() + Vec2::new(tokens::SPACE_XS, 0.0), Align2::LEFT_CENTER, short, font, colour);
            response.on_hover_text(label);
        }
    }

    fn at(&self, pos: Pos2) -> usize {
        let place = (pos - self.cells.min) / self.cell;
        let hour = (place.x.max(0.0) as usize).min(DAY - 1);
        let day = (place.y.max(0.0) as usize).min(DAYS - 1);
        day * DAY + hour
    }

    /// The first cell under a press tells the colour; every cell on the way takes it.
    fn pointer(&self, ui: &Ui, response: &Response, week: &mut Week, hand: &mut Hand) {
        let pressed = response.is_pointer_button_down_on() && ui.input(|i| i.pointer.primary_down());
        let Some(pos) = response.interact_pointer_pos().filter(|_| pressed) else {
            (hand.painting, hand.last) = (None, None);
            return;
        };
        response.request_focus();
        let cell = self.at(pos);
        let colour = *hand.painting.get_or_insert(!week.0[cell]);
        for between in between(hand.last.unwrap_or(cell), cell) {
            week.0[between] = colour;
        }
        (hand.last, hand.cell) = (Some(cell), cell);
    }

    fn paint(&self, ui: &Ui, palette: &Palette, response: &Response, week: &Week, at: usize) {
        if !ui.is_rect_visible(self.cells) {
            return;
        }
        let painter = ui.painter();
        for (n, on) in week.0.iter().enumerate() {
            let place = Vec2::new((n % DAY) as f32, (n / DAY) as f32) * self.cell;
            let rect = Rect::from_min_size(self.cells.min + place, self.cell).shrink(1.0);
            let fill = if *on { palette.accent } else { palette.raised };
            painter.rect_filled(rect, 2.0, fill);
            if *on {
                // Not by colour alone.
                painter.circle_filled(rect.center(), 2.0, palette.on_accent);
            }
            if response.has_focus() && n == at {
                painter.rect_stroke(
                    rect.expand(1.0),
                    2.0,
                    Stroke::new(tokens::FOCUS, palette.focus),
                    StrokeKind::Outside,
                );
            }
        }
        for hour in (6..DAY).step_by(6) {
            let x = self.cells.left() + self.cell.x * hour as f32;
            painter.vline(x, self.cells.y_range(), Stroke::new(tokens::LINE, palette.outline));
        }
    }
}

/// Cells on a straight line between two, both included: a quick drag leaves no gap.
fn between(from: usize, to: usize) -> Vec<usize> {
    let place = |n: usize| ((n / DAY) as f32, (n % DAY) as f32);
    let ((day, hour), (last_day, last_hour)) = (place(from), place(to));
    let steps = (last_day - day).abs().max((last_hour - hour).abs()) as usize;
    (0..=steps)
        .map(|step| {
            let share = if steps == 0 { 0.0 } else { step as f32 / steps as f32 };
            let (d, h) = (day + (last_day - day) * share, hour + (last_hour - hour) * share);
            d.round() as usize * DAY + h.round() as usize
        })
        .collect()
}

#[cfg(test)]
mod tests;
