//! A chart of lines: thin, with units on its axes and a read-out under the pointer.
//!
//! In: curves with their names. Out: at most two points a column, whatever the number of points. An empty chart says so.

mod ticks;

use crate::design_tokens::{CAPTION, CHART, LINE, Palette, RADIUS_S, SPACE_M, SPACE_S, SPACE_XS, STROKE};
use crate::model::{Band, Curve};
use crate::scene::Scene;
use egui::{
    Align2, Color32, FontId, Mesh, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
};
use egui::{pos2, vec2};
use ticks::{steps, steps_of_time};
use view_model::units;

/// Least and most room for the letters of the y axis.
const LEFT: (f32, f32) = (32.0, 96.0);
/// Between two marks of the y axis, at least.
const MARKS: f32 = 30.0;
/// Room for the letters of the x axis.
const BELOW: f32 = 20.0;

/// What stands on the x axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Milliseconds since the Unix epoch, told as time before the newest point.
    Time,
    /// Rounds.
    Round,
}

/// A line, with its name, and the points behind it.
struct Line<'a> {
    /// What it shows.
    pub(crate) name: String,
    /// Its points.
    pub(crate) curve: &'a Curve,
    /// Its colour.
    pub(crate) colour: Color32,
    /// Each point is a dot as well: few points that matter.
    pub(crate) dots: bool,
}

/// A chart.
pub(crate) struct Chart<'a> {
    /// What it is about.
    name: &'a str,
    /// The x axis.
    axis: Axis,
    /// A y with its unit.
    written: fn(f64) -> String,
    /// Lines, the most important one last.
    lines: Vec<Line<'a>>,
    /// Whether nought is on the axis.
    from_nought: bool,
    /// Height.
    height: f32,
}

/// Where points lie on the screen.
struct Plane {
    rect: Rect,
    x: (f64, f64),
    y: (f64, f64),
}

impl Plane {
    fn at(&self, point: [f64; 2]) -> Pos2 {
        let share = |v: f64, (low, high): (f64, f64)| ((v - low) / (high - low)) as f32;
        pos2(
            self.rect.left() + share(point[0], self.x) * self.rect.width(),
            self.rect.bottom() - share(point[1], self.y) * self.rect.height(),
        )
    }

    fn x_of(&self, at: f32) -> f64 {
        self.x.0 + f64::from((at - self.rect.left()) / self.rect.width()) * (self.x.1 - self.x.0)
    }
}

impl<'a> Chart<'a> {
    pub(crate) fn new(name: &'a str, axis: Axis, written: fn(f64) -> String) -> Self {
        Self { name, axis, written, lines: Vec::new(), from_nought: false, height: CHART }
    }

    pub(crate) fn line(mut self, name: String, curve: &'a Curve, colour: Color32) -> Self {
        self.lines.push(Line { name, curve, colour, dots: false });
        self
    }

    pub(crate) fn dots(mut self, name: String, curve: &'a Curve, colour: Color32) -> Self {
        self.lines.push(Line { name, curve, colour, dots: true });
        self
    }

    pub(crate) fn tall(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    pub(crate) fn with_nought(mut self) -> Self {
        self.from_nought = true;
        self
    }

    pub(crate) fn show(self, ui: &mut Ui, scene: &Scene<'_>) -> Response {
        let palette = scene.palette;
        if self.lines.iter().filter(|line| !line.curve.is_empty()).count() > 1 {
            self.legend(ui, palette);
        }
        let size = vec2(ui.available_width().max(2.0 * LEFT.1), self.height);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let said = self.said(scene);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let painter = ui.painter_at(rect);
        let plot = Rect::from_min_max(rect.min + vec2(0.0, SPACE_XS), rect.max - vec2(SPACE_XS, BELOW));
        let Some(plane) = self.plane(&painter, plot) else {
            painter.rect(plot, RADIUS_S, palette.ground, Stroke::new(LINE, palette.border), StrokeKind::Inside);
            let font = FontId::proportional(CAPTION);
            let room = (plot.width() - 2.0 * SPACE_S).max(SPACE_M);
            let galley = painter.layout(scene.text("chart-empty"), font, palette.muted, room);
            painter.galley(plot.center() - galley.size() / 2.0, galley, palette.muted);
            return response;
        };
        self.axes(&painter, &plane, palette, scene);
        for line in &self.lines {
            draw(&painter, &plane, line);
        }
        if let Some(pointer) = response.hover_pos().filter(|at| plane.rect.expand(SPACE_S).contains(*at)) {
            self.read_out(&painter, &plane, pointer, scene);
        }
        response
    }

    fn legend(&self, ui: &mut Ui, palette: &Palette) {
        ui.horizontal_wrapped(|ui| {
            for line in self.lines.iter().rev().filter(|line| !line.curve.is_empty()) {
                let (rect, _) = ui.allocate_exact_size(Vec2::new(12.0, CAPTION), Sense::hover());
                ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(STROKE, line.colour));
                if line.dots {
                    ui.painter().circle_filled(rect.center(), 2.5, line.colour);
                }
                super::caption(ui, palette, &line.name);
                ui.add_space(SPACE_XS);
            }
        });
    }

    /// For those who do not see it: the newest value and the range.
    fn said(&self, scene: &Scene<'_>) -> String {
        let mut parts = vec![self.name.to_owned()];
        for line in self.lines.iter().rev() {
            let all = line.curve.range(f64::MIN, f64::MAX);
            let (Some(last), Some((low, high))) = (line.curve.last(), all) else { continue };
            let [last, low, high] = [last[1], low, high].map(self.written);
            let args = [
                ("name", line.name.as_str().into()),
                ("last", last.into()),
                ("low", low.into()),
                ("high", high.into()),
            ];
            parts.push(scene.with("chart-said", &args));
        }
        if parts.len() == 1 {
            parts.push(scene.text("chart-empty"));
        }
        parts.join(". ")
    }

    fn plane(&self, painter: &Painter, mut rect: Rect) -> Option<Plane> {
        let curves = || self.lines.iter().map(|line| line.curve);
        let from = curves().filter_map(Curve::first).map(|p| p[0]).min_by(f64::total_cmp)?;
        let to = curves().filter_map(Curve::last).map(|p| p[0]).max_by(f64::total_cmp)?;
        let ranges: Vec<_> = curves().filter_map(|curve| curve.range(from, to)).collect();
        let mut low = ranges.iter().map(|r| r.0).min_by(f64::total_cmp)?;
        let high = ranges.iter().map(|r| r.1).max_by(f64::total_cmp)?;
        if self.from_nought {
            low = low.min(0.0);
        }
        let least = match self.axis {
            Axis::Time => 1_000.0,
            Axis::Round => 1.0,
        };
        let x = if to - from < least { (to - least, to) } else { (from, to) };
        // A flat line lies in the middle; else a little air above and below.
        let pad = if high > low { (high - low) * 0.06 } else { (high.abs() * 0.1).max(1e-9) };
        let y = (if self.from_nought && low == 0.0 { 0.0 } else { low - pad }, high + pad);
        let width = |y: f64| {
            let font = FontId::proportional(CAPTION);
            painter.layout_no_wrap((self.written)(y), font, Color32::PLACEHOLDER).size().x
        };
        let letters = steps(y, marks(rect)).into_iter().map(width).fold(0.0, f32::max);
        rect.min.x += (letters + SPACE_S).clamp(LEFT.0, LEFT.1);
        Some(Plane { rect, x, y })
    }

    fn axes(&self, painter: &Painter, plane: &Plane, palette: &Palette, scene: &Scene<'_>) {
        let font = FontId::proportional(CAPTION);
        let grid = Stroke::new(LINE, palette.grid);
        for y in steps(plane.y, marks(plane.rect)) {
            let at = plane.at([plane.x.0, y]).y.round() + 0.5;
            painter.hline(plane.rect.x_range(), at, grid);
            let corner = pos2(plane.rect.left() - SPACE_S, at);
            painter.text(corner, Align2::RIGHT_CENTER, (self.written)(y), font.clone(), palette.muted);
        }
        let most = (plane.rect.width() / 110.0) as usize;
        let xs = match self.axis {
            Axis::Time => steps_of_time(plane.x, most),
            Axis::Round => steps(plane.x, most).into_iter().filter(|x| x.fract() == 0.0).collect(),
        };
        let mut free = f32::INFINITY;
        for x in xs.into_iter().rev() {
            let at = plane.at([x, plane.y.0]).x;
            let text = self.x_written(x, plane.x.1, scene);
            let galley = painter.layout_no_wrap(text, font.clone(), palette.muted);
            let left = (at - galley.size().x / 2.0)
                .clamp(plane.rect.left(), (plane.rect.right() - galley.size().x).max(plane.rect.left()));
            if left + galley.size().x + SPACE_M <= free {
                free = left;
                painter.galley(pos2(left, plane.rect.bottom() + SPACE_XS), galley, palette.muted);
            }
        }
    }

    fn x_written(&self, x: f64, newest: f64, scene: &Scene<'_>) -> String {
        match self.axis {
            Axis::Round => scene.with("chart-round", &[("round", units::count(x.max(0.0) as u64).into())]),
            Axis::Time if newest - x < 500.0 => scene.text("chart-now"),
            Axis::Time => {
                let secs = ((newest - x) / 1000.0).round() as u64;
                scene.with("chart-before", &[("before", units::duration(secs).into())])
            }
        }
    }

    fn read_out(&self, painter: &Painter, plane: &Plane, pointer: Pos2, scene: &Scene<'_>) {
        let palette = scene.palette;
        let x = plane.x_of(pointer.x);
        let mut rows = Vec::new();
        let mut nearest: Option<f64> = None;
        for line in self.lines.iter().rev() {
            let Some(point) = line.curve.nearest(x) else { continue };
            let at = plane.at(point);
            painter.circle_filled(at, 3.0, line.colour);
            nearest = Some(nearest.unwrap_or(point[0]));
            rows.push(format!("{} {}", line.name, (self.written)(point[1])));
        }
        let Some(nearest) = nearest else { return };
        let at = plane.at([nearest, plane.y.0]).x;
        painter.vline(at, plane.rect.y_range(), Stroke::new(LINE, palette.outline));
        rows.push(self.x_written(nearest, plane.x.1, scene));
        let galley = painter.layout_no_wrap(rows.join("\n"), FontId::proportional(CAPTION), palette.text);
        let size = galley.size() + Vec2::splat(2.0 * SPACE_S);
        let room = plane.rect.right() - at > size.x + SPACE_M;
        let left = if room { at + SPACE_S } else { at - SPACE_S - size.x };
        let panel = Rect::from_min_size(pos2(left, plane.rect.top()), size);
        painter.rect(panel, RADIUS_S, palette.raised, Stroke::new(LINE, palette.outline), StrokeKind::Inside);
        painter.galley(panel.min + Vec2::splat(SPACE_S), galley, palette.text);
    }
}

/// How many marks the y axis has room for.
fn marks(rect: Rect) -> usize {
    ((rect.height() / MARKS) as usize).max(3)
}

/// Width of a band of many points, in pixels.
const BAND: f32 = 3.0;
/// How strongly the range of a band is coloured.
const RANGE: f32 = 0.22;

fn draw(painter: &Painter, plane: &Plane, line: &Line<'_>) {
    let columns = (plane.rect.width().max(BAND) / BAND) as usize;
    let points = match line.curve.bands(plane.x.0, plane.x.1, columns) {
        // Many points: their mean as the line, their range behind it.
        Some(bands) => {
            painter.add(range(plane, &bands, line.colour.gamma_multiply(RANGE)));
            bands.iter().map(|band| [band.x, band.mean]).collect()
        }
        None => line.curve.thinned(plane.x.0, plane.x.1, columns),
    };
    let on_screen: Vec<Pos2> = points.iter().map(|point| plane.at(*point)).collect();
    if line.dots || on_screen.len() == 1 {
        for at in &on_screen {
            painter.circle_filled(*at, 2.5, line.colour);
        }
    }
    if on_screen.len() > 1 {
        painter.line(on_screen, Stroke::new(STROKE, line.colour));
    }
}

/// From the least to the greatest, column by column.
fn range(plane: &Plane, bands: &[Band], colour: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for (n, band) in bands.iter().enumerate() {
        mesh.colored_vertex(plane.at([band.x, band.high]), colour);
        mesh.colored_vertex(plane.at([band.x, band.low]), colour);
        let at = 2 * n as u32;
        if n > 0 {
            mesh.add_triangle(at - 2, at - 1, at);
            mesh.add_triangle(at - 1, at, at + 1);
        }
    }
    mesh
}
