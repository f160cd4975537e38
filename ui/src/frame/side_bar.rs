//! The side bar: the eight screens, as words or, where there is little room, as icons.

use crate::design_tokens::{BODY, BUTTON, ICON, RADIUS, SPACE_M, SPACE_S, SPACE_XS, TITLE};
use crate::scene::Scene;
use crate::widgets::{Icon, focus_ring, paint_icon};
use egui::{Align, Color32, CursorIcon, FontId, Layout, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};
use view_model::Screen;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, now: Screen, narrow: bool) {
    ui.spacing_mut().item_spacing.y = SPACE_XS;
    brand(ui, scene, narrow);
    ui.add_space(SPACE_M);
    for screen in Screen::ALL {
        if item(ui, scene, screen, screen == now, narrow) {
            scene.go = Some(screen);
        }
    }
    if !narrow && !scene.app().version.is_empty() {
        ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
            let version = scene.with("side-version", &[("version", scene.app().version.as_str().into())]);
            crate::widgets::caption(ui, scene.palette, &version);
        });
    }
}

/// Three birds in formation, and the name.
fn brand(ui: &mut Ui, scene: &Scene<'_>, narrow: bool) {
    let palette = scene.palette;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), BUTTON), Sense::hover());
    let left = if narrow { rect.center().x - 8.0 } else { rect.left() + SPACE_S };
    let middle = rect.center().y;
    for (x, y, r) in [(0.0, 5.0, 2.2), (8.0, -3.0, 3.2), (16.0, 5.0, 2.2)] {
        ui.painter().circle_filled(pos2(left + x, middle + y), r, palette.accent_text);
    }
    if !narrow {
        let at = pos2(left + 16.0 + SPACE_M, middle);
        let font = FontId::proportional(TITLE - 3.0);
        ui.painter().text(at, egui::Align2::LEFT_CENTER, scene.text("app-name"), font, palette.text);
    }
}

fn item(ui: &mut Ui, scene: &Scene<'_>, screen: Screen, selected: bool, narrow: bool) -> bool {
    let palette = scene.palette;
    let name = scene.text(screen.key());
    let beside = ICON + SPACE_M + 2.0 * SPACE_S;
    let room = (ui.available_width() - beside).max(BUTTON);
    let galley = ui.painter().layout(name.clone(), FontId::proportional(BODY), Color32::PLACEHOLDER, room);
    let tall = if narrow { BUTTON } else { (galley.size().y + SPACE_S).max(BUTTON) };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), tall), Sense::click());
    let fill = match (selected, response.hovered()) {
        (true, _) => palette.raised,
        (false, true) => palette.hover,
        (false, false) => Color32::TRANSPARENT,
    };
    let letters = if selected { palette.text } else { palette.muted };
    let painter = ui.painter();
    painter.rect_filled(rect, RADIUS, fill);
    if selected {
        // Not by colour alone: a mark at the edge.
        let mark = egui::Rect::from_min_size(pos2(rect.left(), rect.center().y - 8.0), vec2(3.0, 16.0));
        painter.rect_filled(mark, 1.5, palette.accent_text);
    }
    let left = if narrow { rect.center().x - ICON / 2.0 } else { rect.left() + SPACE_M };
    let square = egui::Rect::from_min_size(pos2(left, rect.center().y - ICON / 2.0), Vec2::splat(ICON));
    let icon_colour = if selected { palette.accent_text } else { letters };
    paint_icon(painter, square, icon(screen), icon_colour);
    if !narrow {
        let at = pos2(square.right() + SPACE_M, rect.center().y - galley.size().y / 2.0);
        painter.galley(at, galley, letters);
    }
    focus_ring(ui, &response, rect.shrink(2.0), RADIUS, palette);
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, selected, &name));
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    let clicked = response.clicked();
    if narrow {
        response.on_hover_text(name);
    }
    clicked
}

fn icon(screen: Screen) -> Icon {
    match screen {
        Screen::Home => Icon::Home,
        Screen::Training => Icon::Training,
        Screen::Earnings => Icon::Earnings,
        Screen::Network => Icon::Network,
        Screen::Runs => Icon::Runs,
        Screen::Wallet => Icon::Wallet,
        Screen::Settings => Icon::Settings,
        Screen::Help => Icon::Help,
    }
}
