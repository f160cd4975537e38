//! A field for a secret, painted letter by letter.
//!
//! In: keys, paste and a screen reader's wish. Out: a changed [`SecretText`]. Letters are laid out one at a time, so that
//! no word of the secret lies in egui's caches, and the events that brought them are wiped in place. Its content is in
//! neither the accessibility tree nor a tooltip; the tree knows only how many dots there are.

use super::secret_text::{Edit, SecretText};
use crate::design_tokens::{self as tokens, Palette};
use egui::accesskit::{Action, ActionData, Role};
use egui::{
    Align2, Event, EventFilter, FontId, Id, Key, PointerButton, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2,
    WidgetInfo,
};
use zeroize::Zeroize;

const DOT: char = '•';

/// How a secret field looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretField {
    /// Lines of room.
    pub(crate) rows: usize,
    /// Letters instead of dots.
    pub(crate) shown: bool,
    /// Where it stands; must be its own.
    pub(crate) id: Id,
}

impl SecretField {
    /// Draws it and takes in what was typed; the caller says which label names it.
    pub(crate) fn show(self, ui: &mut Ui, palette: &Palette, text: &mut SecretText) -> Response {
        let font = FontId::monospace(tokens::BODY);
        let (advance, row) = ui.fonts_mut(|f| (f.glyph_width(&font, 'm'), f.row_height(&font)));
        let pad = Vec2::splat(tokens::SPACE_S);
        let width = ui.available_width();
        let size = Vec2::new(width, row * self.rows as f32 + 2.0 * pad.y);
        let (_, rect) = ui.allocate_space(size);
        let mut response = ui.interact(rect, self.id, Sense::click());
        let columns = (((width - 2.0 * pad.x) / advance).floor() as usize).max(1);
        let places = places(text.expose(), columns, self.shown);
        let origin = rect.min + pad;
        // Space and Enter count as clicks, too; they do not move the cursor.
        if response.clicked_by(PointerButton::Primary) {
            response.request_focus();
            if let Some(pointer) = response.interact_pointer_pos() {
                text.put_cursor(nearest(&places, (pointer - origin) / Vec2::new(advance, row)));
            }
        }
        let before = (text.chars(), text.cursor());
        let mut changed = set_by_screen_reader(ui, self.id, text);
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(self.id, filter));
            changed |= take_events(ui, text);
        }
        if changed {
            response.mark_changed();
        }
        let places = if before == (text.chars(), text.cursor()) && !changed {
            places
        } else {
            self::places(text.expose(), columns, self.shown)
        };
        self.paint(ui, palette, &response, text, &places, (origin, advance, row, font));
        let enabled = ui.is_enabled();
        response.widget_info(|| {
            let mut info = WidgetInfo::new(Role::PasswordInput);
            info.enabled = enabled;
            info.current_text_value = Some(DOT.to_string().repeat(text.chars()));
            info
        });
        ui.ctx().accesskit_node_builder(self.id, |node| {
            node.set_role(Role::PasswordInput);
            node.add_action(Action::SetValue);
        });
        response
    }

    fn paint(
        self,
        ui: &Ui,
        palette: &Palette,
        response: &Response,
        text: &SecretText,
        places: &[(usize, usize)],
        (origin, advance, row, font): (Pos2, f32, f32, FontId),
    ) {
        let rect = response.rect;
        let painter = ui.painter_at(rect);
        let focused = response.has_focus();
        let line = match focused {
            true => Stroke::new(tokens::FOCUS, palette.focus),
            false => Stroke::new(tokens::LINE, palette.outline),
        };
        painter.rect(rect, tokens::RADIUS, palette.raised, line, egui::StrokeKind::Inside);
        let at = |(column, line): (usize, usize)| origin + Vec2::new(column as f32 * advance, line as f32 * row);
        // The end of a long secret stays in view.
        let lines = places.iter().map(|place| place.1).max().unwrap_or(0) + 1;
        let up = Vec2::new(0.0, row * lines.saturating_sub(self.rows) as f32);
        let fade = if ui.is_enabled() { palette.text } else { palette.muted };
        for (c, place) in text.expose().chars().zip(places) {
            let letter = if self.shown { c } else { DOT };
            if text.all_selected() {
                let cell = Rect::from_min_size(at(*place) - up, Vec2::new(advance, row));
                painter.rect_filled(cell, 0.0, palette.accent);
            }
            let colour = if text.all_selected() { palette.on_accent } else { fade };
            painter.text(at(*place) - up, Align2::LEFT_TOP, letter, font.clone(), colour);
        }
        if focused && let Some(place) = places.get(text.cursor()) {
            let top = at(*place) - up;
            painter.vline(top.x, top.y..=top.y + row, Stroke::new(tokens::FOCUS, palette.text));
        }
    }
}

/// Column and line of every letter, and of the end. Shown words are not broken; dots do not tell where words end.
fn places(text: &str, columns: usize, words: bool) -> Vec<(usize, usize)> {
    let (mut column, mut line) = (0, 0);
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut rest = text.chars();
    let mut begins = true;
    loop {
        let left = rest.clone();
        let Some(c) = rest.next() else { break };
        if words && begins && c != ' ' {
            let length = left.take_while(|c| *c != ' ').count();
            if column > 0 && column + length > columns {
                (column, line) = (0, line + 1);
            }
        }
        begins = c == ' ';
        if column >= columns {
            (column, line) = (0, line + 1);
        }
        places.push((column, line));
        column += 1;
    }
    places.push(if column >= columns { (0, line + 1) } else { (column, line) });
    places
}

fn nearest(places: &[(usize, usize)], at: Vec2) -> usize {
    let far = |(column, line): (usize, usize)| {
        let (dx, dy) = (column as f32 - at.x, line as f32 + 0.5 - at.y);
        // The line counts first.
        dy.abs() * 1000.0 + dx.abs()
    };
    (0..places.len()).min_by(|a, b| far(places[*a]).total_cmp(&far(places[*b]))).unwrap_or(0)
}

fn set_by_screen_reader(ui: &Ui, id: Id, text: &mut SecretText) -> bool {
    ui.input_mut(|input| {
        let mut set = false;
        let node = id.accesskit_id();
        for event in input.events.iter_mut().chain(&mut input.raw.events) {
            let Event::AccessKitActionRequest(request) = event else { continue };
            if request.action != Action::SetValue || request.target_node != node {
                continue;
            }
            if let Some(ActionData::Value(value)) = &mut request.data {
                if !set && !value.is_empty() {
                    text.set(value);
                    set = true;
                }
                value.zeroize();
            }
        }
        set
    })
}

/// Takes the letters and wipes them where they came from: the events and egui's copy of them.
fn take_events(ui: &Ui, text: &mut SecretText) -> bool {
    ui.input_mut(|input| {
        let mut changed = false;
        for event in &mut input.events {
            match event {
                Event::Text(typed) | Event::Paste(typed) => {
                    text.insert(typed);
                    changed |= !typed.is_empty();
                    typed.zeroize();
                }
                Event::Key { key, pressed: true, modifiers, .. } => {
                    if let Some(edit) = edit_of(*key, modifiers.command) {
                        text.edit(edit);
                        changed |= matches!(edit, Edit::Backspace | Edit::Delete | Edit::DeleteWord);
                    }
                }
                _ => {}
            }
        }
        for event in &mut input.raw.events {
            if let Event::Text(typed) | Event::Paste(typed) = event {
                typed.zeroize();
            }
        }
        changed
    })
}

fn edit_of(key: Key, command: bool) -> Option<Edit> {
    Some(match (key, command) {
        (Key::ArrowLeft, _) => Edit::Left,
        (Key::ArrowRight, _) => Edit::Right,
        (Key::Home, _) => Edit::Home,
        (Key::End, _) => Edit::End,
        (Key::Backspace, false) => Edit::Backspace,
        (Key::Backspace, true) => Edit::DeleteWord,
        (Key::Delete, _) => Edit::Delete,
        (Key::A, true) => Edit::SelectAll,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn shown_words_are_not_broken_and_dots_do_not_tell_where_words_end() {
        let line = |text: &str, columns, words| -> Vec<usize> {
            places(text, columns, words).into_iter().map(|(_, line)| line).collect()
        };
        assert_eq!(line("abc defg", 5, true), [0, 0, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!(line("abc defg", 5, false), [0, 0, 0, 0, 0, 1, 1, 1, 1]);
        // A word longer than a line is broken all the same.
        assert_eq!(line("abcdefg", 3, true), [0, 0, 0, 1, 1, 1, 2, 2]);
        assert_eq!(places("", 3, true), [(0, 0)]);
    }
}
