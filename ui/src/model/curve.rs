//! Points of a chart with a pyramid of their least and greatest values, so that drawing costs as much as there are pixels.
//!
//! In: points with ascending x. Out: for a range of x and a number of columns, at most two points a column, among them
//! every extreme. A point that is not finite or lies before the last one is left out; the oldest go when it is full.

use std::collections::VecDeque;
use view_model::MAX_SERIES_POINTS;

/// Points or blocks in one block of the level above.
const FAN: usize = 8;
/// Levels above the points: 8^5 points in the largest block.
const LEVELS: usize = 5;

/// Least and greatest of some neighbours, and their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Block {
    low: [f64; 2],
    high: [f64; 2],
    /// Where they begin and end.
    x: (f64, f64),
    sum: f64,
    count: f64,
}

/// A column of a chart: many points in the place of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The middle.
    pub x: f64,
    /// Least.
    pub low: f64,
    /// Greatest.
    pub high: f64,
    /// Mean.
    pub mean: f64,
}

impl Block {
    fn of(point: [f64; 2]) -> Self {
        Self { low: point, high: point, x: (point[0], point[0]), sum: point[1], count: 1.0 }
    }

    fn and(self, other: Self) -> Self {
        Self {
            low: if other.low[1] < self.low[1] { other.low } else { self.low },
            high: if other.high[1] > self.high[1] { other.high } else { self.high },
            x: (self.x.0, other.x.1),
            sum: self.sum + other.sum,
            count: self.count + other.count,
        }
    }

    /// Both, the earlier one first; one, if they are one.
    fn points(self) -> impl Iterator<Item = [f64; 2]> {
        let (first, second) = if self.low[0] <= self.high[0] { (self.low, self.high) } else { (self.high, self.low) };
        std::iter::once(first).chain((self.count > 1.0).then_some(second))
    }
}

/// Points of a chart; at most [`MAX_SERIES_POINTS`].
#[derive(Debug, Clone, Default)]
pub struct Curve {
    points: VecDeque<[f64; 2]>,
    /// Whole blocks, level by level; block `b` of level `l` covers points `b·8^(l+1)` and on, counted from [`Self::first`].
    levels: [VecDeque<Block>; LEVELS],
    /// Number of the oldest point that is kept, from the beginning of the series.
    first: u64,
    /// Index that the next line should begin with.
    next: u64,
}

impl Curve {
    /// No points.
    pub const EMPTY: Self = Self {
        points: VecDeque::new(),
        levels: [VecDeque::new(), VecDeque::new(), VecDeque::new(), VecDeque::new(), VecDeque::new()],
        first: 0,
        next: 0,
    };

    /// Takes points in; `from` is the index of the first one, 0 begins anew. Points that are known already are skipped;
    /// after a gap the rest is added behind it.
    pub fn take(&mut self, from: u64, points: &[[f64; 2]]) {
        if from == 0 {
            *self = Self::EMPTY;
        }
        let known = usize::try_from(self.next.saturating_sub(from)).unwrap_or(usize::MAX);
        for point in points.iter().skip(known) {
            self.push(*point);
        }
        self.next = self.next.max(from.saturating_add(points.len() as u64));
    }

    /// Points that are kept.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The newest point.
    pub fn last(&self) -> Option<[f64; 2]> {
        self.points.back().copied()
    }

    /// The oldest point that is kept.
    pub fn first(&self) -> Option<[f64; 2]> {
        self.points.front().copied()
    }

    /// The point nearest to an x.
    pub fn nearest(&self, x: f64) -> Option<[f64; 2]> {
        let after = self.points.partition_point(|point| point[0] < x);
        let around = [after.checked_sub(1), Some(after)];
        let near = around.into_iter().flatten().filter_map(|i| self.points.get(i)).copied();
        near.min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs()))
    }

    /// Points between two x (and one more on each side), in order, at most about two for each of `columns`.
    pub fn thinned(&self, from: f64, to: f64, columns: usize) -> Vec<[f64; 2]> {
        let columns = columns.max(1);
        let (begin, end) = self.between(from, to);
        if end - begin <= 2 * columns {
            return self.points.range(begin..end).copied().collect();
        }
        self.blocks(begin, end, columns).into_iter().flat_map(Block::points).collect()
    }

    /// The same as bands, at most about one for each of `columns`; `None` if there are so few points that each can be
    /// drawn.
    pub fn bands(&self, from: f64, to: f64, columns: usize) -> Option<Vec<Band>> {
        let columns = columns.max(1);
        let (begin, end) = self.between(from, to);
        if end - begin <= 2 * columns {
            return None;
        }
        let band = |block: Block| Band {
            x: (block.x.0 + block.x.1) / 2.0,
            low: block.low[1],
            high: block.high[1],
            mean: block.sum / block.count,
        };
        Some(self.blocks(begin, end, columns).into_iter().map(band).collect())
    }

    /// Where points between two x stand, and one more on each side.
    fn between(&self, from: f64, to: f64) -> (usize, usize) {
        let begin = self.points.partition_point(|point| point[0] < from).saturating_sub(1);
        let end = (self.points.partition_point(|point| point[0] <= to) + 1).min(self.points.len());
        (begin.min(end), end)
    }

    /// A range in at most about `columns` blocks, each of some neighbours of one level; what is left at the ends is one
    /// block each. Blocks begin at the same points however many there are, so that a growing line does not flicker.
    fn blocks(&self, begin: usize, end: usize, columns: usize) -> Vec<Block> {
        let (count, columns) = ((end - begin) as u64, columns as u64);
        let sizes = (0..LEVELS).flat_map(|level| [1, 2, 4].map(|times| (level, size(level) * times)));
        let fits = |(_, size): &(usize, u64)| count / size <= columns;
        let (level, size) = sizes.into_iter().find(fits).unwrap_or((LEVELS - 1, size(LEVELS - 1)));
        let (begin, end) = (begin as u64 + self.first, end as u64 + self.first);
        let (from, to) = (begin.div_ceil(size), end / size);
        if from > to {
            return self.merged(level, begin, end).into_iter().collect();
        }
        let whole = (from..to).filter_map(|n| self.merged(level, n * size, (n + 1) * size));
        let (head, tail) = (self.merged(level, begin, from * size), self.merged(level, to * size, end));
        head.into_iter().chain(whole).chain(tail).collect()
    }

    /// A range in one block; none if it is empty.
    fn merged(&self, level: usize, begin: u64, end: u64) -> Option<Block> {
        let mut parts = Vec::with_capacity(FAN);
        self.walk(level, begin, end, &mut parts);
        parts.into_iter().reduce(Block::and)
    }

    /// Least and greatest y between two x.
    pub fn range(&self, from: f64, to: f64) -> Option<(f64, f64)> {
        // Extremes survive thinning, whatever the number of columns.
        let points = self.thinned(from, to, FAN * FAN);
        let low = points.iter().map(|p| p[1]).min_by(f64::total_cmp)?;
        let high = points.iter().map(|p| p[1]).max_by(f64::total_cmp)?;
        Some((low, high))
    }

    fn push(&mut self, point: [f64; 2]) {
        let ascending = self.points.back().is_none_or(|last| point[0] >= last[0]);
        if !(ascending && point[0].is_finite() && point[1].is_finite()) {
            return;
        }
        if self.points.len() == MAX_SERIES_POINTS {
            self.drop_oldest();
        }
        self.points.push_back(point);
        let count = self.first + self.points.len() as u64;
        for level in 0..LEVELS {
            if !count.is_multiple_of(size(level)) {
                break;
            }
            let begin = count - size(level);
            let block = match level {
                0 => self.of_points(begin, count),
                _ => self.of_blocks(level - 1, begin, count),
            };
            // A block whose beginning is gone already would be of fewer points; its place is kept all the same.
            if let Some(block) = block {
                self.levels[level].push_back(block);
            }
        }
    }

    fn drop_oldest(&mut self) {
        self.points.pop_front();
        self.first += 1;
        for level in 0..LEVELS {
            let gone = self.first / size(level);
            if self.first.is_multiple_of(size(level)) && gone > 0 {
                self.levels[level].pop_front();
            }
        }
    }

    fn of_points(&self, begin: u64, end: u64) -> Option<Block> {
        let begin = begin.saturating_sub(self.first) as usize;
        let end = end.saturating_sub(self.first) as usize;
        let points = self.points.range(begin.min(end)..end.min(self.points.len()));
        points.map(|point| Block::of(*point)).reduce(Block::and)
    }

    fn of_blocks(&self, level: usize, begin: u64, end: u64) -> Option<Block> {
        let blocks = (begin / size(level)..end / size(level)).filter_map(|n| self.block(level, n));
        blocks.reduce(Block::and)
    }

    /// Block `n` of a level, counted from the beginning of the series.
    fn block(&self, level: usize, n: u64) -> Option<Block> {
        let at = n.checked_sub(self.first / size(level))?;
        self.levels[level].get(usize::try_from(at).ok()?).copied()
    }

    /// Extremes of `begin..end` from whole blocks of a level and, at both ends, from the level below.
    fn walk(&self, level: usize, begin: u64, end: u64, out: &mut Vec<Block>) {
        let size = size(level);
        let (from, to) = (begin.div_ceil(size), end / size);
        if from >= to {
            return self.below(level, begin, end, out);
        }
        self.below(level, begin, from * size, out);
        for n in from..to {
            match self.block(level, n) {
                Some(block) => out.push(block),
                None => self.below(level, n * size, (n + 1) * size, out),
            }
        }
        self.below(level, to * size, end, out);
    }

    fn below(&self, level: usize, begin: u64, end: u64, out: &mut Vec<Block>) {
        if begin >= end {
            return;
        }
        match level.checked_sub(1) {
            Some(level) => self.walk(level, begin, end, out),
            None => {
                let begin = begin.saturating_sub(self.first) as usize;
                let end = (end.saturating_sub(self.first) as usize).min(self.points.len());
                out.extend(self.points.range(begin.min(end)..end).map(|point| Block::of(*point)));
            }
        }
    }
}

/// Points in a block of a level.
fn size(level: usize) -> u64 {
    (FAN as u64).pow(level as u32 + 1)
}
