//! Icons, drawn as lines on a square of 16: no font has to have them.

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
        use Part::{Dot, Fill, Line, Loop, Ring};
        match self {
            Self::Home => &[
                Line(&[(2.0, 8.0), (8.0, 2.5), (14.0, 8.0)]),
                Line(&[(4.0, 6.5), (4.0, 13.5), (12.0, 13.5), (12.0, 6.5)]),
            ],
            Self::Training => &[
                Line(&[(2.0, 2.5), (2.0, 13.5), (14.0, 13.5)]),
                Line(&[(4.5, 4.5), (6.5, 8.5), (9.5, 9.8), (13.5, 10.5)]),
            ],
            Self::Earnings => &[
                Line(&[(3.0, 13.5), (3.0, 9.0)]),
                Line(&[(8.0, 13.5), (8.0, 3.0)]),
                Line(&[(13.0, 13.5), (13.0, 6.5)]),
            ],
            Self::Network => &[
                Ring(8.0, 3.5, 1.8),
                Ring(3.3, 12.2, 1.8),
                Ring(12.7, 12.2, 1.8),
                Line(&[(7.1, 5.2), (4.2, 10.5)]),
                Line(&[(8.9, 5.2), (11.8, 10.5)]),
                Line(&[(5.1, 12.2), (10.9, 12.2)]),
            ],
            Self::Runs => &[
                Line(&[(6.0, 3.5), (14.0, 3.5)]),
                Line(&[(6.0, 8.0), (14.0, 8.0)]),
                Line(&[(6.0, 12.5), (14.0, 12.5)]),
                Dot(2.8, 3.5, 1.2),
                Dot(2.8, 8.0, 1.2),
                Dot(2.8, 12.5, 1.2),
            ],
            Self::Wallet => &[
                Loop(&[(2.0, 4.5), (14.0, 4.5), (14.0, 13.0), (2.0, 13.0)]),
                Line(&[(2.0, 4.5), (11.5, 2.5), (11.5, 4.5)]),
                Dot(11.2, 8.8, 1.2),
            ],
            Self::Settings => &[
                Line(&[(2.0, 4.5), (8.5, 4.5)]),
                Line(&[(12.5, 4.5), (14.0, 4.5)]),
                Ring(10.5, 4.5, 1.9),
                Line(&[(2.0, 11.5), (3.5, 11.5)]),
                Line(&[(7.5, 11.5), (14.0, 11.5)]),
                Ring(5.5, 11.5, 1.9),
            ],
            Self::Help => &[
                Ring(8.0, 8.0, 6.0),
                Line(&[(6.2, 6.4), (6.6, 5.3), (8.0, 4.8), (9.4, 5.4), (9.6, 6.7), (8.0, 8.2), (8.0, 9.2)]),
                Dot(8.0, 11.4, 0.9),
            ],
            Self::Play => &[Fill(&[(5.0, 3.0), (13.0, 8.0), (5.0, 13.0)])],
            Self::Stop => &[Fill(&[(4.0, 4.0), (12.0, 4.0), (12.0, 12.0), (4.0, 12.0)])],
            Self::Pause => &[
                Fill(&[(4.0, 3.5), (6.6, 3.5), (6.6, 12.5), (4.0, 12.5)]),
                Fill(&[(9.4, 3.5), (12.0, 3.5), (12.0, 12.5), (9.4, 12.5)]),
            ],
            Self::Check => &[Line(&[(3.0, 8.5), (6.5, 12.0), (13.0, 4.5)])],
            Self::Cross => &[Line(&[(4.0, 4.0), (12.0, 12.0)]), Line(&[(12.0, 4.0), (4.0, 12.0)])],
            Self::Copy => &[
                Loop(&[(5.5, 5.5), (13.5, 5.5), (13.5, 13.5), (5.5, 13.5)]),
                Line(&[(3.5, 10.5), (2.5, 10.5), (2.5, 2.5), (10.5, 2.5), (10.5, 3.5)]),
            ],
            Self::Refresh => &[
                Line(&[(13.3, 9.5), (11.9, 12.2), (9.2, 13.5), (6.2, 13.2), (3.6, 11.2), (2.6, 8.2)]),
                Line(&[(2.7, 6.8), (4.0, 4.0), (6.8, 2.6), (9.8, 2.8), (12.3, 4.7), (13.0, 6.0)]),
                Line(&[(13.3, 2.8), (13.2, 6.2), (9.9, 6.2)]),
            ],
            Self::Folder => &[Loop(&[(2.0, 3.5), (6.5, 3.5), (8.0, 5.2), (14.0, 5.2), (14.0, 13.0), (2.0, 13.0)])],
            Self::Down => &[Line(&[(4.0, 6.0), (8.0, 10.0), (12.0, 6.0)])],
            Self::Right => &[Line(&[(6.0, 4.0), (10.0, 8.0), (6.0, 12.0)])],
            Self::Left => &[Line(&[(10.0, 4.0), (6.0, 8.0), (10.0, 12.0)])],
            Self::Clock => &[Ring(8.0, 8.0, 6.0), Line(&[(8.0, 4.5), (8.0, 8.0), (10.6, 9.6)])],
            Self::Gpu => &[
                Loop(&[(1.8, 4.0), (14.2, 4.0), (14.2, 11.2), (1.8, 11.2)]),
                Ring(5.4, 7.6, 1.9),
                Ring(10.6, 7.6, 1.9),
                Line(&[(3.5, 11.2), (3.5, 13.2), (9.0, 13.2), (9.0, 11.2)]),
            ],
            Self::Key => &[Ring(5.0, 11.0, 2.8), Line(&[(7.0, 9.0), (13.5, 2.5)]), Line(&[(10.5, 5.5), (12.6, 7.6)])],
            Self::Shield => &[Loop(&[
                (8.0, 2.0),
                (13.0, 4.0),
                (13.0, 8.2),
                (11.0, 11.8),
                (8.0, 14.0),
                (5.0, 11.8),
                (3.0, 8.2),
                (3.0, 4.0),
            ])],
            Self::Open => &[
                Line(&[(6.5, 3.0), (3.0, 3.0), (3.0, 13.0), (13.0, 13.0), (13.0, 9.5)]),
                Line(&[(9.0, 3.0), (13.0, 3.0), (13.0, 7.0)]),
                Line(&[(13.0, 3.0), (7.5, 8.5)]),
            ],
            Self::Plus => &[Line(&[(8.0, 3.0), (8.0, 13.0)]), Line(&[(3.0, 8.0), (13.0, 8.0)])],
            Self::Trash => &[
                Line(&[(2.5, 4.0), (13.5, 4.0)]),
                Line(&[(4.0, 4.0), (4.6, 13.8), (11.4, 13.8), (12.0, 4.0)]),
                Line(&[(6.0, 4.0), (6.0, 2.3), (10.0, 2.3), (10.0, 4.0)]),
            ],
            Self::Lock => &[
                Loop(&[(3.5, 7.2), (12.5, 7.2), (12.5, 13.8), (3.5, 13.8)]),
                Line(&[(5.3, 7.2), (5.3, 4.6), (6.6, 2.8), (9.4, 2.8), (10.7, 4.6), (10.7, 7.2)]),
            ],
            Self::Eye => &[
                Loop(&[
                    (1.5, 8.0),
                    (4.0, 5.2),
                    (8.0, 3.8),
                    (12.0, 5.2),
                    (14.5, 8.0),
                    (12.0, 10.8),
                    (8.0, 12.2),
                    (4.0, 10.8),
                ]),
                Ring(8.0, 8.0, 1.9),
            ],
            Self::EyeOff => &[
                Loop(&[
                    (1.5, 8.0),
                    (4.0, 5.2),
                    (8.0, 3.8),
                    (12.0, 5.2),
                    (14.5, 8.0),
                    (12.0, 10.8),
                    (8.0, 12.2),
                    (4.0, 10.8),
                ]),
                Line(&[(3.0, 13.0), (13.0, 3.0)]),
            ],
            Self::File => &[
                Loop(&[(3.5, 2.0), (9.5, 2.0), (12.5, 5.0), (12.5, 14.0), (3.5, 14.0)]),
                Line(&[(9.5, 2.0), (9.5, 5.0), (12.5, 5.0)]),
            ],
            Self::Qr => &[
                Loop(&[(2.0, 2.0), (6.5, 2.0), (6.5, 6.5), (2.0, 6.5)]),
                Loop(&[(9.5, 2.0), (14.0, 2.0), (14.0, 6.5), (9.5, 6.5)]),
                Loop(&[(2.0, 9.5), (6.5, 9.5), (6.5, 14.0), (2.0, 14.0)]),
                Dot(10.5, 10.5, 1.2),
                Dot(13.5, 13.5, 1.2),
                Dot(13.5, 10.5, 1.2),
            ],
            Self::Computer => &[
                Loop(&[(2.0, 3.0), (14.0, 3.0), (14.0, 10.8), (2.0, 10.8)]),
                Line(&[(8.0, 10.8), (8.0, 13.5)]),
                Line(&[(5.0, 13.5), (11.0, 13.5)]),
            ],
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
