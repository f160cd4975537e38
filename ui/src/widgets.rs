//! Parts that all screens are made of. Each is named in the accessibility tree and says by shape or word what it says by
//! colour.

mod button;
mod card;
mod chart;
mod icon;
mod ring;
mod tabs;
mod text;
mod tone;

pub(crate) use button::{Button, Kind};
pub(crate) use card::{card, card_row, columns, columns_for, empty, notice};
pub(crate) use chart::{Axis, Chart};
pub(crate) use icon::{Icon, paint_icon};
pub(crate) use ring::{RingPeer, ring};
pub(crate) use tabs::tabs;
pub(crate) use text::{caption, figure, heading, muted, number, room, strong, term};
pub(crate) use tone::{bar, chip, paint_tone, tone_line};

use crate::design_tokens::{FOCUS, Palette};
use egui::{Rect, Response, Stroke, StrokeKind, Ui};

/// The ring around what has the keyboard.
pub(crate) fn focus_ring(ui: &Ui, response: &Response, rect: Rect, radius: f32, palette: &Palette) {
    if response.has_focus() {
        let stroke = Stroke::new(FOCUS, palette.focus);
        ui.painter().rect_stroke(rect.expand(FOCUS), radius + FOCUS, stroke, StrokeKind::Outside);
    }
}
