//! What was earned today, in seven days, and ever. Credits are called credits.

use crate::design_tokens::SPACE_S;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, caption, card, figure, muted, number};
use egui::Ui;
use types::Rao;
use view_model::{Screen, Unit, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().earnings);
    card(ui, palette, &scene.text("home-earned"), |ui| {
        let amount = |rao: Option<Rao>| scene.or_unknown(rao.map(units::credits));
        let unit = match &view.unit {
            Unit::Credits => scene.text("unit-credits"),
            Unit::Token { symbol } => symbol.clone(),
        };
        caption(ui, palette, &scene.text("earned-today"));
        number(ui, palette, &amount(view.today));
        muted(ui, palette, &unit);
        ui.add_space(SPACE_S);
        figure(ui, palette, &scene.text("earned-week"), &amount(view.week));
        figure(ui, palette, &scene.text("earned-total"), &amount(view.total));
        if let Some(banner) = &view.banner {
            caption(ui, palette, &banner.say(scene.locale));
        }
        let label = scene.text("earned-more");
        if Button::new(&label, Kind::Quiet).trailing(Icon::Right).show(ui, palette).clicked() {
            scene.go = Some(Screen::Earnings);
        }
    });
}
