//! Peers around a circle, and how each is reached: a full line straight, dashes through a relay, dots through a bucket.

use super::paint_tone;
use crate::design_tokens::{CAPTION, LINE, SPACE_S, STROKE};
use crate::scene::Scene;
use egui::{Align2, FontId, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, vec2};
use std::f32::consts::TAU;
use view_model::{LinkPath, Tone};

/// From so many peers on, names are told under the pointer only.
const NAMED: usize = 16;

/// A peer on the ring.
pub(crate) struct RingPeer {
    /// Its name.
    pub(crate) name: String,
    /// All about it, in a sentence.
    pub(crate) said: String,
    /// How it stands.
    pub(crate) tone: Tone,
    /// How it is reached.
    pub(crate) path: LinkPath,
}

/// Draws the ring; `middle` is the name of what is in its middle, or nothing.
pub(crate) fn ring(ui: &mut Ui, scene: &Scene<'_>, name: &str, middle: &str, peers: &[RingPeer], height: f32) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let args = [("name", name.into()), ("count", peers.len().into())];
    let said = scene.with("ring-said", &args);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
    let radius = (rect.width().min(rect.height()) / 2.0 - 28.0).max(32.0);
    let centre = rect.center();
    let painter = ui.painter_at(rect);
    painter.circle_stroke(centre, radius, Stroke::new(LINE, palette.border));
    let dot = if peers.len() > NAMED { 5.0 } else { 8.0 };
    for (n, peer) in peers.iter().enumerate() {
        let angle = TAU * (n as f32 / peers.len() as f32) - TAU / 4.0;
        let at = centre + radius * Vec2::angled(angle);
        if !middle.is_empty() {
            link(&painter, centre, at, peer.path, palette.outline);
        }
        painter.circle_filled(at, dot + 4.0, palette.card);
        paint_tone(&painter, at, dot, peer.tone, palette.tone(peer.tone));
        if peers.len() <= NAMED {
            label(&painter, scene, at, (angle, dot), &peer.name);
        }
        let id = response.id.with(n);
        let spot = ui.interact(Rect::from_center_size(at, Vec2::splat(2.0 * dot + SPACE_S)), id, Sense::hover());
        spot.widget_info(|| WidgetInfo::labeled(Role::Label, true, &peer.said));
        spot.on_hover_text(&peer.said);
    }
    if !middle.is_empty() {
        let font = FontId::proportional(CAPTION);
        let galley = painter.layout_no_wrap(middle.to_owned(), font, palette.on_accent);
        let ground = Rect::from_center_size(centre, galley.size() + vec2(2.0 * SPACE_S, SPACE_S));
        painter.rect_filled(ground, 4.0, palette.accent);
        painter.galley(ground.center() - galley.size() / 2.0, galley, palette.on_accent);
    }
}

fn link(painter: &egui::Painter, from: Pos2, to: Pos2, path: LinkPath, colour: egui::Color32) {
    let (line, stroke) = ([from, to], Stroke::new(STROKE, colour));
    match path {
        LinkPath::Local | LinkPath::Lan | LinkPath::Direct | LinkPath::Punched => {
            painter.line_segment(line, stroke);
        }
        LinkPath::Relayed => painter.extend(Shape::dashed_line(&line, stroke, 6.0, 5.0)),
        LinkPath::Bucket => painter.extend(Shape::dotted_line(&line, colour, 6.0, 1.2)),
        LinkPath::Unknown => {}
    }
}

fn label(painter: &egui::Painter, scene: &Scene<'_>, at: Pos2, (angle, dot): (f32, f32), name: &str) {
    let away = Vec2::angled(angle);
    let anchor = match away.x {
        x if x > 0.3 => Align2::LEFT_CENTER,
        x if x < -0.3 => Align2::RIGHT_CENTER,
        _ if away.y < 0.0 => Align2::CENTER_BOTTOM,
        _ => Align2::CENTER_TOP,
    };
    let short = crate::terminal::fit(name, 14);
    let galley = painter.layout_no_wrap(short, FontId::proportional(CAPTION), scene.palette.muted);
    let mut place = anchor.anchor_size(at + (dot + 5.0) * away, galley.size());
    // A long name moves inwards rather than being cut off.
    let edge = painter.clip_rect();
    let most = (edge.right() - place.width()).max(edge.left());
    place = place.translate(vec2(place.left().clamp(edge.left(), most) - place.left(), 0.0));
    painter.galley(place.min, galley, scene.palette.muted);
}
