//! The rounds, newest first; only the lines in view are drawn.

use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{Icon, empty, term};
use egui::{Align, Layout, RichText, Role, ScrollArea, Sense, Ui, UiBuilder, Vec2, WidgetInfo};
use view_model::{EarningsView, Mark, RoundPay, units};

/// Height of the table.
const HEIGHT: f32 = 260.0;
/// Columns: key and share of the width.
const COLUMNS: [(&str, f32); 6] = [
    ("earnings-col-round", 0.8),
    ("earnings-col-score", 0.8),
    ("earnings-col-weight", 0.8),
    ("earnings-col-reward", 1.4),
    ("earnings-col-block", 1.0),
    ("earnings-col-mark", 1.2),
];
/// Narrowest table; below it scrolls sideways.
const NARROWEST: f32 = 440.0;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, view: &EarningsView) {
    if view.rounds.is_empty() {
        let (title, hint) = (scene.text("earnings-rounds"), scene.text("earnings-rounds-empty"));
        empty(ui, scene.palette, (Icon::Runs, &title, &hint), |_| {});
        return;
    }
    ScrollArea::horizontal().id_salt("rounds-across").show(ui, |ui| {
        ui.set_width(ui.available_width().max(NARROWEST));
        row(ui, 0.0, |ui, column| {
            let (key, _) = COLUMNS[column];
            // Round and reward need no explanation.
            let tip = format!("{key}-tip");
            match scene.locale.has(&tip) {
                true => drop(term(ui, scene.palette, &scene.text(key), &scene.text(&tip))),
                false => drop(crate::widgets::caption(ui, scene.palette, &scene.text(key))),
            }
        });
        let height = tokens::ROW;
        ui.spacing_mut().item_spacing.y = 0.0;
        let area = ScrollArea::vertical().id_salt("rounds").max_height(HEIGHT).auto_shrink([false, true]);
        area.show_rows(ui, height, view.rounds.len(), |ui, range| {
            for n in range {
                line(ui, scene, n, &view.rounds[n]);
            }
        });
    });
}

fn line(ui: &mut Ui, scene: &Scene<'_>, n: usize, pay: &RoundPay) {
    let cells = cells(scene, pay);
    let top = ui.cursor().min;
    let width = ui.available_width();
    let rect = egui::Rect::from_min_size(top, Vec2::new(width, tokens::ROW));
    if n % 2 == 1 {
        ui.painter().rect_filled(rect, 2.0, scene.palette.raised);
    }
    // One line for a screen reader, with what each figure is.
    let said: Vec<String> =
        COLUMNS.iter().zip(&cells).map(|((key, _), cell)| format!("{} {cell}", scene.text(key))).collect();
    let id = ui.scope_id().with(("round", n));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, said.join(", ")));
    row(ui, tokens::ROW, |ui, column| {
        let text = RichText::new(&cells[column]).color(scene.palette.text);
        ui.add(egui::Label::new(text).truncate());
    });
}

fn cells(scene: &Scene<'_>, pay: &RoundPay) -> [String; 6] {
    let unknown = || scene.text("setup-unknown");
    [
        units::count(pay.round.0),
        pay.score.filter(|score| score.is_finite()).map_or_else(unknown, |score| format!("{score:.3}")),
        pay.weight.map_or_else(unknown, units::percent),
        units::credits_exact(pay.reward),
        pay.block.map_or_else(|| "–".to_owned(), units::count),
        scene.text(match pay.mark {
            Mark::Measured => "mark-measured",
            Mark::Reported => "mark-reported",
            Mark::OnChain => "mark-on-chain",
            Mark::Estimate => "mark-estimate",
        }),
    ]
}

/// Cells of a line, each in its column.
fn row(ui: &mut Ui, height: f32, mut cell: impl FnMut(&mut Ui, usize)) {
    let total: f32 = COLUMNS.iter().map(|(_, share)| share).sum();
    let width = ui.available_width();
    let top = ui.cursor().min;
    let (mut x, mut tallest) = (top.x, height);
    for (n, (_, share)) in COLUMNS.iter().enumerate() {
        let cell_width = width * share / total;
        let size = Vec2::new((cell_width - tokens::SPACE_M).max(tokens::SPACE_XL), height.max(1.0));
        let rect = egui::Rect::from_min_size(egui::pos2(x + tokens::SPACE_XS, top.y), size);
        let layout = Layout::left_to_right(if height > 0.0 { Align::Center } else { Align::Min });
        let mut child = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(n).layout(layout));
        cell(&mut child, n);
        tallest = tallest.max(child.min_rect().height());
        x += cell_width;
    }
    ui.allocate_rect(egui::Rect::from_min_size(top, Vec2::new(width, tallest)), Sense::hover());
}
