//! What stands around every screen: side bar, the one sentence, problems, news, questions.

mod controls;
mod header;
mod problems;
mod question;
mod side_bar;
mod toasts;

pub(crate) use controls::{controls, price};

pub(crate) use problems::{act_on, problem_notice};
pub(crate) use question::question;
pub(crate) use toasts::toasts;

use crate::design_tokens::{COLLAPSE_BELOW, CONTENT_MAX, SIDE_NARROW, SIDE_WIDE, SPACE_L, SPACE_M, SPACE_XL};
use crate::scene::Scene;
use crate::screens::{self, States};
use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui};
use view_model::Screen;

/// Draws the frame and the screen in it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, screen: Screen, states: &mut States) {
    let narrow = ui.available_width() < COLLAPSE_BELOW;
    let palette = scene.palette;
    let side = Frame::new().fill(palette.side).inner_margin(Margin::symmetric(SPACE_M as i8, SPACE_L as i8));
    Panel::left("side-bar")
        .exact_size(if narrow { SIDE_NARROW } else { SIDE_WIDE })
        .resizable(false)
        .show_separator_line(false)
        .frame(side)
        .show(ui, |ui| side_bar::show(ui, scene, screen, narrow));
    let pad = if narrow { SPACE_L } else { SPACE_XL };
    CentralPanel::no_frame().frame(Frame::new().fill(palette.ground)).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        header::show(ui, scene, screen, pad);
        ScrollArea::vertical().id_salt(("screen", screen)).auto_shrink([false, false]).show(ui, |ui| {
            content(ui, pad, |ui| {
                ui.spacing_mut().item_spacing.y = SPACE_L;
                problems::show(ui, scene, screen);
                draw(ui, scene, screen, states);
            });
        });
    });
}

/// The middle of a wide screen, or all of a narrow one.
fn content(ui: &mut Ui, pad: f32, add: impl FnOnce(&mut Ui)) {
    let spare = ((ui.available_width() - CONTENT_MAX - 2.0 * pad) / 2.0).max(0.0);
    let side = (pad + spare).min(120.0) as i8;
    let margin = Margin { left: side, right: side, top: SPACE_L as i8, bottom: SPACE_XL as i8 };
    Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.set_max_width(ui.available_width().min(CONTENT_MAX));
        ui.set_width(ui.available_width());
        add(ui);
    });
}

fn draw(ui: &mut Ui, scene: &mut Scene<'_>, screen: Screen, states: &mut States) {
    match screen {
        Screen::Home => screens::home::show(ui, scene, &mut states.home),
        Screen::Training => screens::training::show(ui, scene, &mut states.training),
        Screen::Earnings => screens::earnings::show(ui, scene, &mut states.earnings),
        Screen::Network => screens::network::show(ui, scene, &mut states.network),
        Screen::Runs => screens::runs::show(ui, scene, &mut states.runs),
        Screen::Wallet => screens::wallet::show(ui, scene, &mut states.wallet),
        Screen::Settings => screens::settings::show(ui, scene, &mut states.settings),
        Screen::Help => screens::help::show(ui, scene, &mut states.help),
    }
}
