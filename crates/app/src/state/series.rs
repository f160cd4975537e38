//! Points of charts and lines of the log: bounded, and handed to a window piece by piece.
//!
//! In: points and lines as they come. Out: what a reader has not had yet, a bounded piece at a time. The oldest go first.

use std::collections::{BTreeMap, VecDeque};
use view_model::{LogLine, MAX_POINTS_PER_LINE, MAX_SERIES_POINTS, Series, ToWindow};

/// Lines of the log that are kept.
pub(crate) const MAX_LOG_LINES: usize = 10_000;
/// Lines in one piece: with [`MAX_LOG_CHARS`] it fits a line of the pipe, whatever the characters.
const LOG_PIECE: usize = 200;
/// Characters of a log line.
const MAX_LOG_CHARS: usize = 1000;

/// All series of the run, and the log.
#[derive(Debug, Default)]
pub(crate) struct Charts {
    series: BTreeMap<Series, Ring<[f64; 2]>>,
    log: Ring<LogLine>,
    /// Goes up when all series begin anew.
    epoch: u64,
}

/// A bounded queue whose items keep their numbers.
#[derive(Debug)]
struct Ring<T> {
    items: VecDeque<T>,
    /// Number of the first item.
    first: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), first: 0 }
    }
}

impl<T: Clone> Ring<T> {
    fn push(&mut self, item: T, keep: usize) {
        self.items.push_back(item);
        while self.items.len() > keep {
            self.items.pop_front();
            self.first += 1;
        }
    }

    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Items from `number` on, at most `most`, and the number of the first of them.
    fn from(&self, number: u64, most: usize) -> (u64, Vec<T>) {
        let from = number.max(self.first);
        let skip = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        (from, self.items.iter().skip(skip).take(most).cloned().collect())
    }
}

/// How far a window has read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    epoch: u64,
    series: BTreeMap<Series, Read>,
    log: Option<Read>,
}

#[derive(Debug, Clone, Copy)]
struct Read {
    /// What the window calls 0.
    base: u64,
    next: u64,
}

impl Charts {
    /// A point; one that is not finite is left out, for there is no place to draw it.
    pub(crate) fn point(&mut self, series: Series, x: f64, y: f64) {
        if x.is_finite() && y.is_finite() {
            self.series.entry(series).or_default().push([x, y], MAX_SERIES_POINTS);
        }
    }

    /// A line of the log.
    pub(crate) fn line(&mut self, mut line: LogLine) {
        line.text = super::run::cut(&line.text, MAX_LOG_CHARS);
        line.who = super::run::cut(&line.who, 64);
        self.log.push(line, MAX_LOG_LINES);
    }

    /// Another run begins: its charts begin anew. The log goes on.
    pub(crate) fn begin(&mut self) {
        self.series.retain(|series, _| matches!(series, Series::Temperature | Series::Power | Series::Utilisation));
        self.epoch += 1;
    }

    /// The newest lines of the log, oldest first.
    pub(crate) fn newest_lines(&self, most: usize) -> impl Iterator<Item = &LogLine> {
        self.log.items.iter().skip(self.log.items.len().saturating_sub(most))
    }

    /// The next piece a window has not had; `None` once it has everything.
    pub(crate) fn next(&self, reader: &mut Reader) -> Option<ToWindow> {
        if reader.epoch != self.epoch {
            reader.epoch = self.epoch;
            // What the window has of a series that is gone must go there too.
            let gone = |series: &Series| !self.series.contains_key(series);
            if let Some(series) = reader.series.keys().copied().find(gone) {
                reader.epoch = self.epoch.wrapping_sub(1);
                reader.series.remove(&series);
                return Some(ToWindow::Points { series, from: 0, points: Vec::new() });
            }
            reader.series.clear();
        }
        for (series, ring) in &self.series {
            let read = reader.series.get(series).copied();
            let (base, next) = read.map_or((ring.first, ring.first), |read| (read.base, read.next));
            if next < ring.end() {
                let (from, points) = ring.from(next, MAX_POINTS_PER_LINE);
                let next = from + points.len() as u64;
                reader.series.insert(*series, Read { base, next });
                return Some(ToWindow::Points { series: *series, from: from - base, points });
            }
        }
        let read = reader.log.unwrap_or(Read { base: self.log.first, next: self.log.first });
        if read.next >= self.log.end() {
            return None;
        }
        let (from, lines) = self.log.from(read.next, LOG_PIECE);
        reader.log = Some(Read { base: read.base, next: from + lines.len() as u64 });
        Some(ToWindow::Log { from: from - read.base, lines })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use view_model::LogLevel;

    /// What a window has after reading everything.
    #[derive(Default)]
    struct Window {
        points: BTreeMap<Series, Vec<[f64; 2]>>,
        lines: Vec<LogLine>,
    }

    impl Window {
        fn read(&mut self, charts: &Charts, reader: &mut Reader) {
            while let Some(piece) = charts.next(reader) {
                match piece {
                    ToWindow::Points { series, from, points } => {
                        assert!(points.len() <= MAX_POINTS_PER_LINE);
                        let mine = self.points.entry(series).or_default();
                        if from == 0 {
                            mine.clear();
                        }
                        assert!(from >= mine.len() as u64, "no point comes twice");
                        mine.extend(points);
                    }
                    ToWindow::Log { from, lines } => {
                        if from == 0 {
                            self.lines.clear();
                        }
                        self.lines.extend(lines);
                    }
                    other => panic!("not a piece: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn a_window_gets_every_point_once_and_a_late_one_gets_them_all() {
        let mut charts = Charts::default();
        let (mut window, mut reader) = (Window::default(), Reader::default());
        for x in 0..25_000 {
            charts.point(Series::Loss, f64::from(x), 1.0);
            if x % 7000 == 0 {
                window.read(&charts, &mut reader);
            }
        }
        window.read(&charts, &mut reader);
        let mut late = Window::default();
        late.read(&charts, &mut Reader::default());
        assert_eq!(window.points[&Series::Loss].len(), 25_000);
        assert_eq!(window.points, late.points);
    }

    #[test]
    fn the_oldest_points_go_and_numbers_go_on() {
        let mut charts = Charts::default();
        let mut reader = Reader::default();
        charts.point(Series::Loss, 0.0, 0.0);
        assert!(charts.next(&mut reader).is_some());
        for x in 1..=MAX_SERIES_POINTS + 10 {
            charts.point(Series::Loss, x as f64, 0.0);
        }
        let Some(ToWindow::Points { from, points, .. }) = charts.next(&mut reader) else { panic!("points come") };
        assert_eq!((from, points[0]), (11, [11.0, 0.0]));
    }

    #[test]
    fn a_new_run_empties_what_the_window_has() {
        let mut charts = Charts::default();
        let (mut window, mut reader) = (Window::default(), Reader::default());
        charts.point(Series::Loss, 1.0, 1.0);
        charts.point(Series::GradNorm, 1.0, 1.0);
        charts.point(Series::Power, 1.0, 90.0);
        window.read(&charts, &mut reader);
        charts.begin();
        charts.point(Series::Loss, 2.0, 2.0);
        window.read(&charts, &mut reader);
        assert_eq!(window.points[&Series::Loss], [[2.0, 2.0]]);
        assert!(window.points[&Series::GradNorm].is_empty());
        assert_eq!(window.points[&Series::Power], [[1.0, 90.0]]);
    }

    #[test]
    fn the_log_is_bounded_in_lines_and_in_characters() {
        let mut charts = Charts::default();
        for n in 0..MAX_LOG_LINES + 5 {
            let text = format!("{n} {}", "x".repeat(5000));
            charts.line(LogLine { at_ms: 0, level: LogLevel::Info, who: "peer".to_owned(), text });
        }
        let (mut window, mut reader) = (Window::default(), Reader::default());
        window.read(&charts, &mut reader);
        assert_eq!(window.lines.len(), MAX_LOG_LINES);
        assert!(window.lines[0].text.starts_with("5 "), "the oldest are gone");
        assert!(window.lines.iter().all(|line| line.text.len() <= MAX_LOG_CHARS));
    }

    #[test]
    fn a_number_that_is_none_is_no_point() {
        let mut charts = Charts::default();
        charts.point(Series::Loss, 1.0, f64::NAN);
        assert!(charts.next(&mut Reader::default()).is_none());
    }
}
