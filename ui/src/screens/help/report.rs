//! A report for those who help: seen before it is saved, with everything private blacked out.

use crate::design_tokens::{CAPTION, RADIUS, SPACE_M, SPACE_XL};
use crate::scene::Scene;
use crate::terminal::fit;
use crate::widgets::{Button, Icon, Kind, caption, card, empty, figure, muted, tabs, tone_line};
use egui::{FontId, Frame, Label, Margin, RichText, ScrollArea, Ui};
use view_model::{Intent, ReportPreview, Tone};

/// Height of a file before it scrolls.
const HEIGHT: f32 = 360.0;
/// Height of a line of a file.
const LINE: f32 = 16.0;
/// Longest line shown; the whole line is saved.
const LINE_CHARS: usize = 300;

/// What only the window knows of it.
#[derive(Default)]
pub(super) struct State {
    file: usize,
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let (palette, view) = (scene.palette, &scene.app().help);
    card(ui, palette, "", |ui| {
        match &view.report {
            None => {
                let (title, hint) = (scene.text("report-none"), scene.text("report-none-hint"));
                empty(ui, palette, (Icon::File, &title, &hint), |ui| {
                    let label = scene.text("report-make");
                    if Button::new(&label, Kind::Primary).icon(Icon::File).show(ui, palette).clicked() {
                        scene.ask(Intent::PreviewReport);
                    }
                });
            }
            Some(report) => preview(ui, scene, state, report),
        }
        if let Some(path) = &view.report_saved {
            ui.horizontal_wrapped(|ui| {
                tone_line(ui, palette, Tone::Running, &scene.with("report-saved", &[("path", path.into())]));
                let label = scene.text("report-copy-path");
                if Button::new(&label, Kind::Quiet).icon(Icon::Copy).show(ui, palette).clicked() {
                    ui.ctx().copy_text(path.clone());
                }
            });
        }
    });
}

fn preview(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State, report: &ReportPreview) {
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_XL;
        figure(ui, palette, &scene.text("report-id"), &report.id);
        let blacked = u64::from(report.redactions);
        figure(ui, palette, &scene.text("report-blacked-out"), &blacked.to_string());
    });
    muted(ui, palette, &scene.text("report-look"));
    let names: Vec<String> = report.files.iter().map(|file| fit(&file.name, 32)).collect();
    state.file = state.file.min(report.files.len().saturating_sub(1));
    if let Some(n) = tabs(ui, palette, &names, state.file) {
        state.file = n;
    }
    if let Some(file) = report.files.get(state.file) {
        let lines: Vec<&str> = file.text.lines().collect();
        Frame::new().fill(palette.raised).corner_radius(RADIUS).inner_margin(Margin::same(SPACE_M as i8)).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let area =
                    ScrollArea::both().id_salt(("report", state.file)).max_height(HEIGHT).auto_shrink([false, true]);
                area.show_rows(ui, LINE, lines.len(), |ui, rows| {
                    for line in rows.filter_map(|n| lines.get(n)) {
                        let text =
                            RichText::new(fit(line, LINE_CHARS)).font(FontId::monospace(CAPTION)).color(palette.text);
                        ui.add(Label::new(text).extend());
                    }
                });
            },
        );
    }
    ui.horizontal_wrapped(|ui| {
        let label = scene.text("report-save");
        if Button::new(&label, Kind::Primary).icon(Icon::Down).show(ui, palette).clicked() {
            scene.ask(Intent::SaveReport);
        }
        let label = scene.text("report-anew");
        if Button::new(&label, Kind::Quiet).icon(Icon::Refresh).show(ui, palette).clicked() {
            scene.ask(Intent::PreviewReport);
        }
    });
    caption(ui, palette, &scene.text("report-stays"));
}
