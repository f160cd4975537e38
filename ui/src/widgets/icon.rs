//! Icons, drawn as lines on a square of 16: no font has to have them.

mod shapes;

use crate::design_tokens::STROKE;
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2};

/// A part of an icon, in units of a square of 16.
enum Part {
    /// An open line.
    Line(&'static [(f32, f32)]),
    /// A closed line.
    Loop(&'static [(f32, f32)]),
    /// A filled form; convex.
    Fill(&'static [(f32, f32)]),
    /// A circle's line.
    Ring(f32, f32, f32),
    /// A filled circle.
    Dot(f32, f32, f32),
}

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Home,
    Training,
    Earnings,
    Network,
    Runs,
    Wallet,
    Settings,
    Help,
    Play,
    Stop,
    Pause,
    Check,
    Cross,
    Copy,
    Refresh,
    Folder,
    Down,
    Right,
    Left,
    Clock,
    Gpu,
    Key,
    Shield,
    Open,
    Plus,
    Trash,
    Lock,
    Eye,
    EyeOff,
    File,
    Computer,
    Qr,
}

impl Icon {
    fn parts(self) -> &'static [Part] {
        match self {
            Self::Home => shapes::HOME,
            Self::Training => shapes::TRAINING,
            Self::Earnings => shapes::EARNINGS,
            Self::Network => shapes::NETWORK,
            Self::Runs => shapes::RUNS,
            Self::Wallet => shapes::WALLET,
            Self::Settings => shapes::SETTINGS,
            Self::Help => shapes::HELP,
            Self::Play => shapes::PLAY,
            Self::Stop => shapes::STOP,
            Self::Pause => shapes::PAUSE,
            Self::Check => shapes::CHECK,
            Self::Cross => shapes::CROSS,
            Self::Copy => shapes::COPY,
            Self::Refresh => shapes::REFRESH,
            Self::Folder => shapes::FOLDER,
            Self::Down => shapes::DOWN,
            Self::Right => shapes::RIGHT,
            Self::Left => shapes::LEFT,
            Self::Clock => shapes::CLOCK,
            Self::Gpu => shapes::GPU,
            Self::Key => shapes::KEY,
            Self::Shield => shapes::SHIELD,
            Self::Open => shapes::OPEN,
            Self::Plus => shapes::PLUS,
            Self::Trash => shapes::TRASH,
            Self::Lock => shapes::LOCK,
            Self::Eye => shapes::EYE,
            Self::EyeOff => shapes::EYE_OFF,
            Self::File => shapes::FILE,
            Self::Qr => shapes::QR,
            Self::Computer => shapes::COMPUTER,
        }
    }
}

/// Draws an icon into a square in the middle of a rectangle.
pub(crate) fn paint_icon(painter: &Painter, rect: Rect, icon: Icon, colour: Color32) {
    let side = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), Vec2::splat(side));
    let unit = side / 16.0;
    let stroke = Stroke::new(STROKE * (unit * 1.0).max(0.8), colour);
    let at = |(x, y): (f32, f32)| pos2(square.left() + x * unit, square.top() + y * unit);
    let all = |points: &[(f32, f32)]| points.iter().copied().map(at).collect::<Vec<Pos2>>();
    for part in icon.parts() {
        let shape = match part {
            Part::Line(points) => Shape::line(all(points), stroke),
            Part::Loop(points) => Shape::closed_line(all(points), stroke),
            Part::Fill(points) => Shape::convex_polygon(all(points), colour, Stroke::NONE),
            Part::Ring(x, y, r) => Shape::circle_stroke(at((*x, *y)), r * unit, stroke),
            Part::Dot(x, y, r) => Shape::circle_filled(at((*x, *y)), r * unit, colour),
        };
        painter.add(shape);
    }
}
