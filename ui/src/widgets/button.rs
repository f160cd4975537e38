//! A button: one look for each weight, an icon, a ring when it has the keyboard, and a label that wraps before it is cut.

use super::{Icon, focus_ring, paint_icon, room};
use crate::design_tokens::{BODY, BUTTON, BUTTON_BIG, ICON, LINE, Palette, RADIUS, SPACE_L, SPACE_M, SPACE_S};
use egui::{Color32, CursorIcon, FontId, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2};
use view_model::Tone;

/// How much a button asks to be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The one thing to do here.
    Primary,
    /// Something else that can be done.
    Secondary,
    /// Of little weight: no frame until the pointer is there.
    Quiet,
    /// Takes something away.
    Danger,
}

/// A button.
pub(crate) struct Button<'a> {
    label: &'a str,
    name: Option<&'a str>,
    kind: Kind,
    icon: Option<Icon>,
    trailing: Option<Icon>,
    big: bool,
    full: bool,
    enabled: bool,
}

impl<'a> Button<'a> {
    pub(crate) fn new(label: &'a str, kind: Kind) -> Self {
        Self { label, name: None, kind, icon: None, trailing: None, big: false, full: false, enabled: true }
    }

    /// Only an icon; the name is what a screen reader says, and the tooltip.
    pub(crate) fn icon_only(icon: Icon, name: &'a str) -> Self {
        Self { name: Some(name), icon: Some(icon), ..Self::new("", Kind::Quiet) }
    }

    pub(crate) fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// An icon behind the label: a menu opens, a page is left.
    pub(crate) fn trailing(mut self, icon: Icon) -> Self {
        self.trailing = Some(icon);
        self
    }

    /// The big one of a screen.
    pub(crate) fn big(mut self) -> Self {
        self.big = true;
        self
    }

    /// As wide as there is room.
    pub(crate) fn full(mut self) -> Self {
        self.full = true;
        self
    }

    pub(crate) fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    pub(crate) fn show(self, ui: &mut Ui, palette: &Palette) -> Response {
        let enabled = self.enabled && ui.is_enabled();
        let pad = match (self.label.is_empty(), self.big) {
            (true, _) => SPACE_S,
            (false, true) => SPACE_L,
            (false, false) => SPACE_M,
        };
        let icons = [self.icon, self.trailing].iter().flatten().count() as f32;
        let gaps = if self.label.is_empty() { 0.0 } else { icons * SPACE_S };
        let beside = icons * ICON + gaps + 2.0 * pad;
        let room = (room(ui) - beside).max(BUTTON);
        let size = if self.big { BODY + 2.0 } else { BODY };
        let font = FontId::proportional(size);
        let galley = ui.painter().layout(self.label.to_owned(), font, Color32::PLACEHOLDER, room);
        let height = if self.big { BUTTON_BIG } else { BUTTON };
        let least = if self.label.is_empty() { height } else { galley.size().x + beside };
        let width = if self.full { ui.available_width().max(least) } else { least };
        let wanted = Vec2::new(width, height.max(galley.size().y + 2.0 * SPACE_S));
        let sense = if enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(wanted, sense);
        let (fill, border, letters) = self.colours(palette, &response, enabled);
        let painter = ui.painter();
        painter.rect(rect, RADIUS, fill, Stroke::new(LINE, border), StrokeKind::Inside);
        let inside = galley.size().x + icons * ICON + gaps;
        let mut x = rect.center().x - inside / 2.0;
        let square = |x: f32| egui::Rect::from_min_size(pos2(x, rect.center().y - ICON / 2.0), Vec2::splat(ICON));
        if let Some(icon) = self.icon {
            paint_icon(painter, square(x), icon, letters);
            x += ICON + if self.label.is_empty() { 0.0 } else { SPACE_S };
        }
        let text_width = galley.size().x;
        painter.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, letters);
        if let Some(icon) = self.trailing {
            paint_icon(painter, square(x + text_width + SPACE_S), icon, letters);
        }
        focus_ring(ui, &response, rect, RADIUS, palette);
        let name = self.name.unwrap_or(self.label);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
        let response = if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response };
        if self.label.is_empty() { response.on_hover_text(name) } else { response }
    }

    /// Ground, border and letters.
    fn colours(&self, p: &Palette, response: &Response, enabled: bool) -> (Color32, Color32, Color32) {
        let over = response.hovered() && enabled;
        if !enabled {
            return (if self.kind == Kind::Quiet { Color32::TRANSPARENT } else { p.raised }, p.border, p.muted);
        }
        match self.kind {
            Kind::Primary => {
                let fill = if over { p.accent_hover } else { p.accent };
                (fill, fill, p.on_accent)
            }
            Kind::Secondary => (if over { p.hover } else { p.raised }, p.outline, p.text),
            Kind::Quiet if over => (p.hover, p.hover, p.text),
            Kind::Quiet => (Color32::TRANSPARENT, Color32::TRANSPARENT, p.text),
            Kind::Danger => {
                let tone = p.tone(Tone::Problem);
                (if over { p.soft(Tone::Problem) } else { p.raised }, tone, tone)
            }
        }
    }
}
