//! Cards, rows of cards of one height, notices, and what stands where there is nothing yet.

use super::{Icon, caption, muted, paint_icon, paint_tone, strong};
use crate::design_tokens::{BODY, CARD_MIN, LINE, Palette, RADIUS, SPACE_L, SPACE_M, SPACE_S, SPACE_XL};
use egui::{Align, Frame, Id, Layout, Margin, Rect, Sense, Stroke, Ui, UiBuilder, Vec2, pos2};
use view_model::Tone;

/// A card with a title and what is in it.
pub(crate) fn card<R>(ui: &mut Ui, palette: &Palette, title: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(LINE, palette.border))
        .corner_radius(RADIUS)
        .inner_margin(Margin::same(SPACE_L as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = SPACE_S;
            if !title.is_empty() {
                caption(ui, palette, title);
            }
            let result = add(ui);
            // A row of cards remembers the tallest and gives all of them its height.
            let id = row_id(ui);
            if let Some(row) = id.and_then(|id| ui.ctx().data(|data| data.get_temp::<Row>(id))) {
                let height = ui.min_rect().height();
                let natural = Row { tallest: row.tallest.max(height), ..row };
                if let Some(id) = id {
                    ui.ctx().data_mut(|data| data.insert_temp(id, natural));
                }
                ui.expand_to_include_y(ui.min_rect().top() + row.before);
            }
            result
        })
        .inner
}

/// Heights of a row of cards.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    before: f32,
    tallest: f32,
}

/// Id of the row whose card is being drawn, noted by the row in its cells' scope.
fn row_id(ui: &Ui) -> Option<Id> {
    ui.ctx().data(|data| data.get_temp::<Option<Id>>(Id::unique("card-row-now"))).flatten()
}

/// How many cards of at least a width stand beside each other.
pub(crate) fn columns_for(width: f32, least: f32, most: usize) -> usize {
    (((width + SPACE_L) / (least + SPACE_L)).floor() as usize).clamp(1, most.max(1))
}

/// Cards beside each other, all as tall as the tallest; below one another where there is no room. Shares say how wide each
/// one is.
pub(crate) fn card_row(ui: &mut Ui, name: &str, shares: &[f32], mut add: impl FnMut(&mut Ui, usize)) {
    let total: f32 = shares.iter().sum();
    let width = ui.available_width();
    let gaps = SPACE_L * (shares.len().saturating_sub(1)) as f32;
    let narrowest = shares.iter().copied().fold(f32::INFINITY, f32::min) / total * (width - gaps);
    let now = Id::unique("card-row-now");
    if narrowest < CARD_MIN - SPACE_XL {
        for i in 0..shares.len() {
            ui.push_id((name, i), |ui| add(ui, i));
        }
        return;
    }
    let id = ui.scope_id().with(("card-row", name));
    let before = ui.ctx().data(|data| data.get_temp::<f32>(id)).unwrap_or(0.0);
    let row = id.with("heights");
    ui.ctx().data_mut(|data| {
        data.insert_temp(row, Row { before, tallest: 0.0 });
        data.insert_temp(now, Some(row));
    });
    columns(ui, name, shares, &mut add);
    let tallest = ui.ctx().data(|data| data.get_temp::<Row>(row)).map_or(0.0, |row| row.tallest);
    ui.ctx().data_mut(|data| {
        data.insert_temp::<Option<Id>>(now, None);
        data.insert_temp(id, tallest);
    });
    if (tallest - before).abs() > 0.5 {
        ui.ctx().request_discard("cards of one height");
    }
}

/// Parts of a screen beside each other, each from the top; shares say how wide each one is.
pub(crate) fn columns(ui: &mut Ui, name: &str, shares: &[f32], add: &mut dyn FnMut(&mut Ui, usize)) {
    let total: f32 = shares.iter().sum();
    let width = ui.available_width();
    let gaps = SPACE_L * (shares.len().saturating_sub(1)) as f32;
    let top = ui.cursor().min;
    let (mut x, mut bottom) = (top.x, top.y);
    for (i, share) in shares.iter().enumerate() {
        let cell = (width - gaps) * share / total;
        let rect = Rect::from_min_size(pos2(x, top.y), Vec2::new(cell, f32::INFINITY));
        let builder = UiBuilder::new().max_rect(rect).id_salt((name, i)).layout(Layout::top_down(Align::Min));
        let mut child = ui.new_child(builder);
        add(&mut child, i);
        bottom = bottom.max(child.min_rect().bottom());
        x += cell + SPACE_L;
    }
    ui.allocate_rect(Rect::from_min_max(top, pos2(top.x + width, bottom)), Sense::hover());
}

/// A coloured box with a mark, a title, a hint, and what to do about it.
pub(crate) fn notice<R>(
    ui: &mut Ui,
    palette: &Palette,
    (tone, title, hint): (Tone, &str, &str),
    add: impl FnOnce(&mut Ui) -> R,
) -> R {
    Frame::new()
        .fill(palette.soft(tone))
        .stroke(Stroke::new(LINE, palette.soft_border(tone)))
        .corner_radius(RADIUS)
        .inner_margin(Margin::same(SPACE_M as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(BODY + SPACE_S), Sense::hover());
                paint_tone(ui.painter(), rect.center(), BODY / 2.0, tone, palette.tone(tone));
                ui.vertical(|ui| {
                    ui.set_width(ui.available_width());
                    ui.spacing_mut().item_spacing.y = 4.0;
                    strong(ui, palette, title);
                    if !hint.is_empty() {
                        muted(ui, palette, hint);
                    }
                    add(ui)
                })
                .inner
            })
            .inner
        })
        .inner
}

/// What stands where there is nothing yet, and what to do so that there is.
pub(crate) fn empty<R>(
    ui: &mut Ui,
    palette: &Palette,
    (icon, title, hint): (Icon, &str, &str),
    add: impl FnOnce(&mut Ui) -> R,
) -> R {
    ui.vertical_centered(|ui| {
        ui.add_space(SPACE_L);
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(SPACE_XL), Sense::hover());
        paint_icon(ui.painter(), rect, icon, palette.muted);
        strong(ui, palette, title);
        if !hint.is_empty() {
            muted(ui, palette, hint);
        }
        let result = add(ui);
        ui.add_space(SPACE_L);
        result
    })
    .inner
}
