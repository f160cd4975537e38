//! A row of tabs; the chosen one is marked by a line as well.

use super::focus_ring;
use crate::design_tokens::{BODY, BUTTON, FOCUS, Palette, RADIUS_S, SPACE_M, SPACE_XS};
use egui::{Color32, CursorIcon, FontId, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

/// Draws the tabs; returns the one that was pressed.
pub(crate) fn tabs(ui: &mut Ui, palette: &Palette, names: &[String], chosen: usize) -> Option<usize> {
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_XS;
        for (n, name) in names.iter().enumerate() {
            let on = n == chosen;
            let galley = ui.painter().layout_no_wrap(name.clone(), FontId::proportional(BODY), Color32::PLACEHOLDER);
            let size = vec2(galley.size().x + 2.0 * SPACE_M, BUTTON);
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            let letters = if on { palette.text } else { palette.muted };
            if response.hovered() {
                ui.painter().rect_filled(rect, RADIUS_S, palette.hover);
            }
            ui.painter().galley(rect.center() - galley.size() / 2.0, galley, letters);
            if on {
                let line = Stroke::new(FOCUS, palette.accent_text);
                ui.painter().hline(rect.shrink2(vec2(SPACE_M, 0.0)).x_range(), rect.bottom() - 1.0, line);
            }
            focus_ring(ui, &response, rect.shrink(FOCUS), RADIUS_S, palette);
            response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, name));
            if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
                pressed = Some(n);
            }
        }
    });
    pressed
}
