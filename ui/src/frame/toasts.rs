//! Short news in the corner, each until it is put away.

use crate::design_tokens::{LINE, RADIUS, SPACE_L, SPACE_M, SPACE_S};
use crate::scene::Scene;
use crate::widgets::{Button, Icon, tone_line};
use egui::{Align, Align2, Area, Frame, Id, Layout, Margin, Order, Stroke, Ui, vec2};
use view_model::Intent;

/// News at most.
const SHOWN: usize = 5;
/// Widest news.
const WIDTH: f32 = 320.0;

/// Draws the news.
pub(crate) fn toasts(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    let news = &scene.app().toasts;
    if news.is_empty() {
        return;
    }
    let room = (ui.ctx().content_rect().width() - 2.0 * SPACE_L).min(WIDTH);
    let area = Area::new(Id::unique("toasts")).order(Order::Foreground).fade_in(false);
    area.anchor(Align2::RIGHT_BOTTOM, vec2(-SPACE_L, -SPACE_L)).show(ui.ctx(), |ui| {
        ui.set_width(room);
        for toast in news.iter().rev().take(SHOWN).rev() {
            let frame = Frame::new()
                .fill(palette.card)
                .stroke(Stroke::new(LINE, palette.soft_border(toast.tone)))
                .corner_radius(RADIUS)
                .shadow(ui.visuals().popup_shadow)
                .inner_margin(Margin::symmetric(SPACE_M as i8, SPACE_S as i8));
            frame.show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let text = toast.text.say(scene.locale);
                        let name = scene.with("toast-dismiss", &[("text", text.as_str().into())]);
                        if Button::icon_only(Icon::Cross, &name).show(ui, palette).clicked() {
                            scene.ask(Intent::DismissToast { id: toast.id });
                        }
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            tone_line(ui, palette, toast.tone, &text);
                        });
                    })
                });
            });
        }
    });
}
