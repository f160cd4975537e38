//! Text of a few weights, and terms that explain themselves.

use crate::design_tokens::{BODY, CAPTION, LINE, Palette, TITLE};
use crate::look::number_style;
use egui::{FontId, Label, Response, RichText, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

/// A title.
pub(crate) fn heading(ui: &mut Ui, palette: &Palette, text: &str) -> Response {
    ui.add(Label::new(RichText::new(text).size(TITLE).color(palette.text)).wrap())
}

/// Text of full weight.
pub(crate) fn strong(ui: &mut Ui, palette: &Palette, text: &str) -> Response {
    ui.add(Label::new(RichText::new(text).size(BODY).color(palette.text)).wrap())
}

/// Text of less weight.
pub(crate) fn muted(ui: &mut Ui, palette: &Palette, text: &str) -> Response {
    ui.add(Label::new(RichText::new(text).size(BODY).color(palette.muted)).wrap())
}

/// A caption.
pub(crate) fn caption(ui: &mut Ui, palette: &Palette, text: &str) -> Response {
    ui.add(Label::new(RichText::new(text).size(CAPTION).color(palette.muted)).wrap())
}

/// The one number of a card; digits are of equal width, so that nothing moves when it does.
pub(crate) fn number(ui: &mut Ui, palette: &Palette, text: &str) -> Response {
    ui.add(Label::new(RichText::new(text).text_style(number_style()).color(palette.text)).wrap())
}

/// How wide a part may be: in a layout that wraps, a whole line.
pub(crate) fn room(ui: &Ui) -> f32 {
    if ui.layout().main_wrap() { ui.max_rect().width() } else { ui.available_width() }
}

/// A caption and a figure below it.
pub(crate) fn figure(ui: &mut Ui, palette: &Palette, name: &str, value: &str) -> Response {
    let room = room(ui).max(2.0 * BODY);
    let above = ui.painter().layout(name.to_owned(), FontId::proportional(CAPTION), palette.muted, room);
    let below = ui.painter().layout(value.to_owned(), FontId::proportional(BODY), palette.text, room);
    let size = vec2(above.size().x.max(below.size().x), above.size().y + 2.0 + below.size().y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let second = pos2(rect.left(), rect.top() + above.size().y + 2.0);
    ui.painter().galley(rect.min, above, palette.muted);
    ui.painter().galley(second, below, palette.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {value}")));
    response
}

/// A term with dots below it that says under the pointer, and with the keyboard, what it means.
pub(crate) fn term(ui: &mut Ui, palette: &Palette, text: &str, explanation: &str) -> Response {
    let galley = ui.painter().layout(text.to_owned(), FontId::proportional(CAPTION), palette.muted, room(ui));
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::focusable_noninteractive());
    let below = rect.bottom() - 1.0;
    let width = galley.rows.last().map_or(0.0, |row| row.rect().width());
    ui.painter().galley(rect.min, galley, palette.muted);
    let ends = [pos2(rect.left(), below), pos2(rect.left() + width, below)];
    ui.painter().extend(Shape::dotted_line(&ends, palette.muted, 3.0, 0.6));
    if response.has_focus() {
        let stroke = Stroke::new(LINE, palette.focus);
        ui.painter().rect_stroke(rect.expand(2.0), 2.0, stroke, egui::StrokeKind::Outside);
        response.show_tooltip_text(explanation);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{text}: {explanation}")));
    response.on_hover_text(explanation)
}
