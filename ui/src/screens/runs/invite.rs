//! The link of a run and its QR code, for inviting others.
//!
//! In: a run's card with its link. Out: the link on the clipboard. It is shown only after a press: a link is an invitation.

use crate::design_tokens::LINE;
use crate::qr::qr;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, muted};
use egui::{FontId, Ui};
use view_model::RunCard;

/// Edge of the code: a link of four addresses has more than a hundred modules.
const CODE: f32 = 260.0;

/// The button, and what it opened.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, run: &RunCard, open: &mut Option<String>) {
    let Some(link) = &run.link else { return };
    let (palette, name) = (scene.palette, run.name.as_str());
    let is_open = open.as_deref() == Some(run.id.as_str());
    let key = if is_open { "runs-invite-hide" } else { "runs-invite-named" };
    let label = scene.with(key, &[("name", name.into())]);
    if Button::new(&label, Kind::Quiet).icon(Icon::Qr).show(ui, palette).clicked() {
        *open = (!is_open).then(|| run.id.clone());
    }
    if !is_open {
        return;
    }
    muted(ui, palette, &scene.text("runs-invite-what"));
    let text = egui::RichText::new(link).font(FontId::monospace(crate::design_tokens::CAPTION)).color(palette.text);
    ui.add(egui::Label::new(text).wrap().selectable(true));
    let label = scene.text("runs-invite-copy");
    if Button::new(&label, Kind::Secondary).icon(Icon::Copy).show(ui, palette).clicked() {
        ui.ctx().copy_text(link.clone());
    }
    ui.add_space(LINE);
    let side = CODE.min(ui.available_width());
    qr(ui, link, side, &scene.with("runs-invite-qr", &[("name", name.into())]));
}
