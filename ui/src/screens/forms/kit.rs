//! Parts of forms: fields with their names, choices, switches with a slider.
//!
//! In: a name and a value. Out: the value changed, and whether Enter was pressed in a field. Every part has a name in the
//! accessibility tree and a place on the keyboard's path.

use super::secret_field::SecretField;
use super::secret_text::{SecretText, Strength, strength};
use crate::design_tokens::{self as tokens, Palette};
use crate::widgets::{Button, Icon, caption, focus_ring, paint_icon};
use egui::{
    CursorIcon, FontId, Key, Response, Role, Sense, Slider, Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, pos2,
};
use locale::Locale;
use std::ops::RangeInclusive;
use types::ByteCount;

/// Room that an address and two buttons need beside each other.
const ONE_LINE: f32 = 560.0;

/// What a field did.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) response: Response,
    /// Enter was pressed in it.
    pub(crate) entered: bool,
}

/// A line of text with its name above.
pub(crate) fn text_field(
    ui: &mut Ui,
    palette: &Palette,
    (name, hint): (&str, &str),
    text: &mut String,
    most_bytes: usize,
) -> Field {
    let label = caption(ui, palette, name);
    let edit = TextEdit::singleline(text)
        .hint_text(egui::RichText::new(hint).color(palette.muted))
        .char_limit(most_bytes)
        .desired_width(f32::INFINITY)
        .align(egui::Align2::LEFT_CENTER)
        .min_size(Vec2::new(0.0, tokens::BUTTON));
    let response = ui.add(edit).labelled_by(label.id);
    focus_ring(ui, &response, response.rect.shrink(tokens::FOCUS), tokens::RADIUS, palette);
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    // A paste of many-byte letters may be longer in bytes than in letters.
    while text.len() > most_bytes {
        text.pop();
    }
    Field { response, entered }
}

/// A secret with its name above and an eye beside it.
pub(crate) fn secret_row(
    ui: &mut Ui,
    palette: &Palette,
    locale: &Locale,
    (name, rows): (&str, usize),
    text: &mut SecretText,
    shown: &mut bool,
) -> Field {
    let label = caption(ui, palette, name);
    let id = ui.scope_id().with(("secret", name));
    ui.horizontal_top(|ui| {
        let key = if *shown { "setup-hide-named" } else { "setup-show-named" };
        let eye = locale.with(key, &[("what", name.into())]);
        let icon = if *shown { Icon::EyeOff } else { Icon::Eye };
        let beside = tokens::BUTTON + ui.spacing().item_spacing.x;
        let field = SecretField { rows, shown: *shown, id };
        let response = ui
            .vertical(|ui| {
                ui.set_width((ui.available_width() - beside).max(tokens::BUTTON));
                field.show(ui, palette, text)
            })
            .inner
            .labelled_by(label.id);
        if Button::icon_only(icon, &eye).show(ui, palette).clicked() {
            *shown = !*shown;
        }
        let entered = response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        Field { response, entered }
    })
    .inner
}

/// A new passphrase, twice; `Some` once both are the same and not empty.
pub(crate) fn new_passphrase(
    ui: &mut Ui,
    palette: &Palette,
    locale: &Locale,
    (name, again_name): (&str, &str),
    (first, again): (&mut SecretText, &mut SecretText),
    shown: &mut bool,
) -> (bool, bool) {
    let mut entered = secret_row(ui, palette, locale, (name, 1), first, shown).entered;
    let (key, tone) = match strength(first.expose()) {
        Strength::None => ("setup-strength-none", view_model::Tone::Neutral),
        Strength::Weak => ("setup-strength-weak", view_model::Tone::Problem),
        Strength::Fair => ("setup-strength-fair", view_model::Tone::Waiting),
        Strength::Good => ("setup-strength-good", view_model::Tone::Running),
    };
    crate::widgets::tone_line(ui, palette, tone, &locale.text(key));
    entered |= secret_row(ui, palette, locale, (again_name, 1), again, shown).entered;
    let same = first.expose() == again.expose();
    if !again.is_empty() {
        let (key, tone) = match same {
            true => ("setup-same", view_model::Tone::Running),
            false => ("setup-not-same", view_model::Tone::Problem),
        };
        crate::widgets::tone_line(ui, palette, tone, &locale.text(key));
    }
    (same && !first.is_empty(), entered)
}

/// A card that is a button: a title and what it means.
pub(crate) fn choice(
    ui: &mut Ui,
    palette: &Palette,
    (icon, title, what): (Icon, &str, &str),
    primary: bool,
) -> Response {
    let pad = tokens::SPACE_L;
    let width = ui.available_width();
    let beside = tokens::SPACE_XL + tokens::SPACE_M;
    let room = (width - 2.0 * pad - beside).max(tokens::BUTTON);
    let enabled = ui.is_enabled();
    let (fill, line, letters, less) = match (primary, enabled) {
        (true, true) => (palette.accent, palette.accent, palette.on_accent, palette.on_accent),
        (false, true) => (palette.card, palette.outline, palette.text, palette.muted),
        (_, false) => (palette.raised, palette.border, palette.muted, palette.muted),
    };
    let head = ui.painter().layout(title.to_owned(), FontId::proportional(tokens::BODY + 3.0), letters, room);
    let body = ui.painter().layout(what.to_owned(), FontId::proportional(tokens::BODY), less, room);
    let height = head.size().y + tokens::SPACE_XS + body.size().y + 2.0 * pad;
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, height), sense);
    let over = response.hovered() && enabled;
    let fill = match (over, primary) {
        (true, true) => palette.accent_hover,
        (true, false) => palette.hover,
        (false, _) => fill,
    };
    let painter = ui.painter();
    painter.rect(rect, tokens::RADIUS, fill, Stroke::new(tokens::LINE, line), StrokeKind::Inside);
    let square = egui::Rect::from_min_size(rect.min + Vec2::splat(pad), Vec2::splat(tokens::SPACE_XL));
    paint_icon(painter, square, icon, letters);
    let left = rect.left() + pad + beside;
    let below = rect.top() + pad + head.size().y + tokens::SPACE_XS;
    painter.galley(pos2(left, rect.top() + pad), head, letters);
    painter.galley(pos2(left, below), body, less);
    focus_ring(ui, &response, rect, tokens::RADIUS, palette);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, title));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(what));
    if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response }
}

/// A box to tick; long text wraps.
pub(crate) fn tick(ui: &mut Ui, palette: &Palette, text: &str, on: &mut bool) -> Response {
    ui.spacing_mut().icon_spacing = tokens::SPACE_S;
    let response = ui.add(egui::Checkbox::new(on, egui::RichText::new(text).color(palette.text)));
    focus_ring(ui, &response, response.rect, tokens::RADIUS_S, palette);
    response
}

/// One of several; `true` if it was picked now.
pub(crate) fn pick<T: PartialEq>(ui: &mut Ui, palette: &Palette, text: &str, value: &mut T, this: T) -> bool {
    ui.spacing_mut().icon_spacing = tokens::SPACE_S;
    let response = ui.add(egui::RadioButton::new(*value == this, egui::RichText::new(text).color(palette.text)));
    focus_ring(ui, &response, response.rect, tokens::RADIUS_S, palette);
    let picked = response.clicked() && *value != this;
    if picked {
        *value = this;
    }
    picked
}

/// A slider with its value beside it; the caller names it.
pub(crate) fn slide(
    ui: &mut Ui,
    palette: &Palette,
    shown: &str,
    value: &mut u32,
    (range, step): (RangeInclusive<u32>, u32),
) -> Response {
    ui.horizontal(|ui| {
        let value_width = 4.0 * tokens::SPACE_XL;
        ui.spacing_mut().slider_width = (ui.available_width() - value_width).clamp(tokens::SPACE_XL, 360.0);
        let slider = Slider::new(value, range).step_by(f64::from(step)).show_value(false);
        let response = ui.add(slider);
        focus_ring(ui, &response, response.rect, tokens::RADIUS_S, palette);
        ui.label(egui::RichText::new(shown).color(palette.text));
        response
    })
    .inner
}

/// A limit that may be off: its name with a box to tick, and a slider when it is on.
pub(crate) struct Limit<'a> {
    pub(crate) name: &'a str,
    pub(crate) tip: &'a str,
    /// Key of the value's text, with `$n`.
    pub(crate) unit: &'a str,
    pub(crate) range: RangeInclusive<u32>,
    pub(crate) step: u32,
    /// Where the slider stands when it is switched on.
    pub(crate) begin: u32,
}

impl Limit<'_> {
    pub(crate) fn show(self, ui: &mut Ui, palette: &Palette, locale: &Locale, value: &mut Option<u32>) {
        let mut on = value.is_some();
        let response = tick(ui, palette, self.name, &mut on);
        if !self.tip.is_empty() {
            response.on_hover_text(self.tip);
        }
        let Some(mut n) = on.then(|| value.unwrap_or(self.begin)) else {
            *value = None;
            return;
        };
        let shown = locale.with(self.unit, &[("n", n.to_string().into())]);
        let name = locale.with("settings-value-of", &[("what", self.name.into())]);
        indented(ui, |ui| slide(ui, palette, &shown, &mut n, (self.range, self.step)).accessible_name(name));
        *value = Some(n);
    }
}

impl Limit<'_> {
    /// A limit in bytes, shown in units of `per` bytes. A finer value stays until somebody moves the slider.
    pub(crate) fn show_bytes(
        self,
        ui: &mut Ui,
        palette: &Palette,
        locale: &Locale,
        per: u64,
        value: &mut Option<ByteCount>,
    ) {
        let mut n = value.map(|bytes| u32::try_from(bytes.0 / per).unwrap_or(u32::MAX).max(1));
        let before = n;
        self.show(ui, palette, locale, &mut n);
        if n != before {
            *value = n.map(|n| ByteCount(u64::from(n).saturating_mul(per)));
        }
    }
}

/// What belongs to the line above.
pub(crate) fn indented<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal_top(|ui| {
        ui.add_space(tokens::SPACE_XL);
        ui.vertical(add).inner
    })
    .inner
}

/// A name on the left and what it is on the right, below it where there is no room.
pub(crate) fn fact(ui: &mut Ui, palette: &Palette, name: &str, value: &str) {
    ui.horizontal_wrapped(|ui| {
        ui.label(egui::RichText::new(name).color(palette.muted));
        ui.label(egui::RichText::new(value).color(palette.text));
    });
}

/// An address in letters of one width, with a button that copies it and one that shows its code.
pub(crate) fn address(
    ui: &mut Ui,
    palette: &Palette,
    locale: &Locale,
    (what, address): (&str, &str),
    code_shown: bool,
) -> Response {
    let add = |ui: &mut Ui| {
        let text = egui::RichText::new(address).font(FontId::monospace(tokens::BODY)).color(palette.text);
        ui.add(egui::Label::new(text).wrap().selectable(true));
        let name = locale.with("setup-copy-named", &[("what", what.into())]);
        if Button::icon_only(Icon::Copy, &name).show(ui, palette).clicked() {
            ui.ctx().copy_text(address.to_owned());
        }
        let code = locale.with("setup-qr-of", &[("what", what.into())]);
        let key = if code_shown { "setup-hide-named" } else { "setup-show-named" };
        let name = locale.with(key, &[("what", code.into())]);
        Button::icon_only(Icon::Qr, &name).show(ui, palette)
    };
    // In one line, all stand on one height; where there is no room, the buttons go below.
    if ui.available_width() >= ONE_LINE { ui.horizontal(add).inner } else { ui.horizontal_wrapped(add).inner }
}
