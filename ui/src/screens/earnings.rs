//! What was earned, by day and by round, what it cost, and whether the receipts hold.
//!
//! In: figures, each with whose word it is. Out: a check of the receipts, a CSV. What is not known is called unknown, and
//! why; credits are never written as if they were money.

mod days;
mod energy;
mod rounds;

use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{
    Button, Icon, Kind, caption, card, card_row, heading, muted, notice, number, strong, term, tone_line,
};
use egui::Ui;
use types::Rao;
use view_model::{EarningsView, Intent, ReceiptsView, Tone, Unit, Verified, units};

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, _state: &mut State) {
    let palette = scene.palette;
    let view = &scene.app().earnings;
    heading(ui, palette, &scene.text("earnings-title"));
    if let Some(banner) = &view.banner {
        notice(ui, palette, (Tone::Waiting, &banner.say(scene.locale), ""), |_| {});
    }
    sums(ui, scene, view);
    settled(ui, scene, view);
    card(ui, palette, &scene.text("earnings-days"), |ui| days::show(ui, scene, view));
    card(ui, palette, &scene.text("earnings-rounds"), |ui| rounds::show(ui, scene, view));
    card_row(ui, "earnings-below", &[1.0, 1.0], |ui, i| match i {
        0 => energy::show(ui, scene, view),
        _ => receipts(ui, scene, view),
    });
}

/// Three cards beside each other, or one card with three figures where there is less room.
fn sums(ui: &mut Ui, scene: &Scene<'_>, view: &EarningsView) {
    let palette = scene.palette;
    let sums = [("earnings-today", view.today), ("earnings-week", view.week), ("earnings-total", view.total)];
    let figure = |ui: &mut Ui, sum: Option<Rao>| {
        number(ui, palette, &sum.map_or_else(|| scene.text("setup-unknown"), units::credits));
        caption(ui, palette, &unit_words(&view.unit, scene));
    };
    if ui.available_width() >= 3.0 * tokens::CARD_MIN {
        card_row(ui, "earnings-sums", &[1.0, 1.0, 1.0], |ui, i| {
            let (key, sum) = sums[i];
            card(ui, palette, &scene.text(key), |ui| figure(ui, sum));
        });
        return;
    }
    card(ui, palette, "", |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = tokens::SPACE_XL;
            for (key, sum) in sums {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    caption(ui, palette, &scene.text(key));
                    figure(ui, sum);
                });
            }
        });
    });
}

fn unit_words(unit: &Unit, scene: &Scene<'_>) -> String {
    match unit {
        Unit::Credits => scene.text("earnings-unit-credits"),
        Unit::Token { symbol } => symbol.clone(),
    }
}

/// An amount with its unit, short.
fn amount(rao: Rao, unit: &Unit, scene: &Scene<'_>) -> String {
    let amount = units::credits(rao);
    match unit {
        Unit::Credits => scene.with("earnings-amount-credits", &[("amount", amount.into())]),
        Unit::Token { symbol } => {
            scene.with("earnings-amount-token", &[("amount", amount.into()), ("symbol", symbol.into())])
        }
    }
}

/// Pending, then confirmed, and the rule of the unit.
fn settled(ui: &mut Ui, scene: &Scene<'_>, view: &EarningsView) {
    let palette = scene.palette;
    card(ui, palette, "", |ui| {
        let written =
            |rao: Option<Rao>| rao.map_or_else(|| scene.text("setup-unknown"), |rao| amount(rao, &view.unit, scene));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = tokens::SPACE_L;
            for (n, (key, sum)) in
                [("earnings-pending", view.pending), ("earnings-confirmed", view.confirmed)].into_iter().enumerate()
            {
                if n > 0 {
                    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(tokens::BUTTON), egui::Sense::hover());
                    crate::widgets::paint_icon(ui.painter(), rect.shrink(tokens::SPACE_S), Icon::Right, palette.muted);
                }
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    term(ui, palette, &scene.text(key), &scene.text(&format!("{key}-tip")));
                    strong(ui, palette, &written(sum));
                });
            }
        });
        if let Some(until) = &view.pending_until {
            tone_line(ui, palette, Tone::Waiting, &until.say(scene.locale));
        }
        let rule = match &view.unit {
            Unit::Credits => scene.text("earnings-unit-rule-credits"),
            Unit::Token { symbol } => scene.with("earnings-unit-rule-token", &[("symbol", symbol.into())]),
        };
        muted(ui, palette, &rule);
    });
}

fn receipts(ui: &mut Ui, scene: &mut Scene<'_>, view: &EarningsView) {
    let palette = scene.palette;
    let ReceiptsView { count, newest, verified } = &view.receipts;
    card(ui, palette, &scene.text("earnings-receipts"), |ui| {
        muted(ui, palette, &scene.text("earnings-receipts-what"));
        match count {
            0 => strong(ui, palette, &scene.text("earnings-receipts-none")),
            n => strong(ui, palette, &scene.with("earnings-receipts-count", &[("count", units::count(*n).into())])),
        };
        if let Some(newest) = newest {
            caption(ui, palette, &scene.text("earnings-receipts-newest"));
            let text = egui::RichText::new(newest).monospace().color(palette.text);
            ui.add(egui::Label::new(text).wrap().selectable(true));
        }
        match verified {
            Some(Verified::Good { receipts }) => {
                let args = [("count", units::count(*receipts).into())];
                tone_line(ui, palette, Tone::Running, &scene.with("earnings-verified", &args));
            }
            Some(Verified::Bad { fault }) => {
                let text = scene.with("earnings-verify-bad", &[("fault", fault.into())]);
                notice(ui, palette, (Tone::Problem, &text, ""), |_| {});
            }
            None => {}
        }
        ui.horizontal_wrapped(|ui| {
            let label = scene.text("earnings-verify");
            let verify = Button::new(&label, Kind::Secondary).icon(Icon::Shield).enabled(*count > 0);
            if verify.show(ui, palette).clicked() {
                scene.ask(Intent::VerifyReceipts);
            }
            let label = scene.text("earnings-csv");
            let csv = Button::new(&label, Kind::Secondary).icon(Icon::File).show(ui, palette);
            if csv.on_hover_text(scene.text("earnings-csv-tip")).clicked() {
                scene.ask(Intent::ExportCsv);
            }
        });
        if let Some(path) = &view.csv_saved {
            tone_line(ui, palette, Tone::Running, &scene.with("earnings-csv-saved", &[("path", path.into())]));
        }
    });
}
