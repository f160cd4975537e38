//! QR codes as squares.
//!
//! In: a text. Out: dark squares on light ground in every theme, with the quiet zone that readers need. A text that is
//! too long for a code gives nothing.

use egui::accesskit::Role;
use egui::{Color32, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code (ISO 18004).
const QUIET: usize = 4;

/// Draws the code of a text in a square of about `side` points.
pub(crate) fn qr(ui: &mut Ui, text: &str, side: f32, name: &str) -> Option<Response> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    // Whole pixels, or seams show between the squares.
    let pixels = ui.pixels_per_point();
    let module = ((side * pixels / (width + 2 * QUIET) as f32).floor().max(1.0)) / pixels;
    let whole = module * (width + 2 * QUIET) as f32;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(whole), Sense::hover());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Image, enabled, name));
    if ui.is_rect_visible(rect) {
        let corner = |v: f32| (v * pixels).round() / pixels;
        let origin = Pos2::new(corner(rect.min.x), corner(rect.min.y));
        ui.painter().rect_filled(Rect::from_min_size(origin, Vec2::splat(whole)), 0.0, Color32::WHITE);
        let inner = origin + Vec2::splat(module * QUIET as f32);
        for (y, from, to) in runs(&code.to_colors(), width) {
            let min = inner + Vec2::new(from as f32, y as f32) * module;
            let max = inner + Vec2::new(to as f32, (y + 1) as f32) * module;
            ui.painter().rect_filled(Rect::from_min_max(min, max), 0.0, Color32::BLACK);
        }
    }
    Some(response)
}

/// Dark modules, neighbours in a row as one: row, from, to.
fn runs(modules: &[Color], width: usize) -> Vec<(usize, usize, usize)> {
    let mut runs = Vec::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut from = None;
        for x in 0..=width {
            match (row.get(x), from) {
                (Some(Color::Dark), None) => from = Some(x),
                (Some(Color::Light) | None, Some(begun)) => {
                    runs.push((y, begun, x));
                    from = None;
                }
                _ => {}
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_exactly_the_dark_modules() {
        let code = QrCode::new("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        let mut dark = vec![Color::Light; code.width() * code.width()];
        for (y, from, to) in runs(&code.to_colors(), code.width()) {
            for x in from..to {
                dark[y * code.width() + x] = Color::Dark;
            }
        }
        assert_eq!(dark, code.to_colors());
        assert!(dark.iter().filter(|module| **module == Color::Dark).count() > 100);
    }

    #[test]
    fn a_text_that_is_too_long_has_no_code() {
        assert!(QrCode::new("x".repeat(10_000)).is_err());
    }
}
