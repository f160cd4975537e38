//! What a colour means, said by a shape as well: chips, marks, bars.

use crate::design_tokens::{BODY, CAPTION, LINE, Palette, RADIUS_S, SPACE_S, STROKE};
use egui::{
    Color32, FontId, Painter, Pos2, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
};
use view_model::Tone;

/// Draws the shape of a tone: running a filled dot in a ring, waiting an open ring with a hand, paused two bars, problem a
/// triangle, earned a diamond, none a small ring.
pub(crate) fn paint_tone(painter: &Painter, centre: Pos2, radius: f32, tone: Tone, colour: Color32) {
    let r = radius;
    let stroke = Stroke::new(STROKE, colour);
    let at = |x: f32, y: f32| pos2(centre.x + x * r, centre.y + y * r);
    match tone {
        Tone::Running => {
            painter.circle_filled(centre, 0.55 * r, colour);
            painter.circle_stroke(centre, r, stroke);
        }
        Tone::Waiting => {
            painter.circle_stroke(centre, r, stroke);
            painter.line(vec![at(0.0, -0.6), at(0.0, 0.0), at(0.5, 0.3)], stroke);
        }
        Tone::Paused => {
            for x in [-0.5f32, 0.5] {
                let bar = egui::Rect::from_center_size(at(x, 0.0), Vec2::new(0.5 * r, 1.7 * r));
                painter.rect_filled(bar, 1.0, colour);
            }
        }
        Tone::Problem => {
            let corners = vec![at(0.0, -0.95), at(1.05, 0.85), at(-1.05, 0.85)];
            painter.add(Shape::closed_line(corners, stroke));
            painter.line_segment([at(0.0, -0.25), at(0.0, 0.3)], stroke);
            painter.circle_filled(at(0.0, 0.58), 0.7, colour);
        }
        Tone::Earned => {
            let corners = vec![at(0.0, -1.0), at(1.0, 0.0), at(0.0, 1.0), at(-1.0, 0.0)];
            painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
        }
        Tone::Neutral => {
            painter.circle_stroke(centre, 0.6 * r, stroke);
        }
    }
}

/// A mark and a word on a ground of the same colour.
pub(crate) fn chip(ui: &mut Ui, palette: &Palette, tone: Tone, text: &str) -> Response {
    let colour = palette.tone(tone);
    let radius = 4.0;
    let mark = 2.0 * radius + 6.0;
    let room = (super::room(ui) - 2.0 * SPACE_S - mark).max(48.0);
    let galley = ui.painter().layout(text.to_owned(), FontId::proportional(CAPTION), colour, room);
    let size = galley.size() + Vec2::new(2.0 * SPACE_S + mark, SPACE_S);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let fill = palette.soft(tone);
    let border = Stroke::new(LINE, palette.soft_border(tone));
    ui.painter().rect(rect, RADIUS_S, fill, border, StrokeKind::Inside);
    paint_tone(ui.painter(), pos2(rect.left() + SPACE_S + radius, rect.center().y), radius, tone, colour);
    let corner = pos2(rect.left() + SPACE_S + mark, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(corner, galley, colour);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// A mark and a line of text.
pub(crate) fn tone_line(ui: &mut Ui, palette: &Palette, tone: Tone, text: &str) -> Response {
    let colour = palette.tone(tone);
    let radius = 5.0;
    let mark = 2.0 * radius + SPACE_S;
    let room = (super::room(ui) - mark).max(48.0);
    let galley = ui.painter().layout(text.to_owned(), FontId::proportional(BODY), palette.text, room);
    let first = galley.rows.first().map_or(BODY, |row| row.rect().height());
    let size = galley.size() + Vec2::new(mark, 0.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    paint_tone(ui.painter(), pos2(rect.left() + radius, rect.top() + first / 2.0), radius, tone, colour);
    ui.painter().galley(pos2(rect.left() + mark, rect.top()), galley, palette.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// A bar that is filled to a share, with its name for those who do not see it.
pub(crate) fn bar(ui: &mut Ui, palette: &Palette, share: Option<f64>, tone: Tone, name: &str) -> Response {
    let size = Vec2::new(ui.available_width().max(32.0), 6.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let radius = 3.0;
    ui.painter().rect_filled(rect, radius, palette.raised);
    let share = share.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0) as f32);
    if let Some(share) = share {
        let mut full = rect;
        full.set_width((rect.width() * share).max(if share > 0.0 { 2.0 * radius } else { 0.0 }));
        ui.painter().rect_filled(full, radius, palette.tone(tone));
    }
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Meter, true, name);
        info.value = share.map(|share| f64::from(share * 100.0));
        info
    });
    response
}
