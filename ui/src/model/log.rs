//! The log's lines, as many as a viewer can hold.
//!
//! In: lines with the index of the first. Out: lines by index. Bounded by number and by bytes; the oldest go first.

use std::collections::VecDeque;
use view_model::LogLine;

/// Most lines that are kept.
pub const MAX_LOG_LINES: usize = 1_000_000;
/// Most bytes of text that are kept.
pub const MAX_LOG_BYTES: usize = 96 << 20;

/// The log's lines.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// Index of the oldest line that is kept.
    first: u64,
    /// Counts how often it was begun anew, so that a filter's result is not taken for another log's.
    begun: u64,
}

impl Log {
    /// Takes lines in; `from` is the index of the first one, 0 begins anew. Lines that are known already are skipped;
    /// after a gap it begins anew there.
    pub fn take(&mut self, from: u64, lines: Vec<LogLine>) {
        let end = self.end();
        if from == 0 || from > end {
            self.lines.clear();
            self.bytes = 0;
            self.first = from;
            self.begun += 1;
        }
        let known = usize::try_from(self.end().saturating_sub(from)).unwrap_or(usize::MAX);
        for line in lines.into_iter().skip(known) {
            self.bytes += size(&line);
            self.lines.push_back(line);
            while self.lines.len() > MAX_LOG_LINES || self.bytes > MAX_LOG_BYTES {
                let Some(old) = self.lines.pop_front() else { break };
                self.bytes -= size(&old);
                self.first += 1;
            }
        }
    }

    /// The line with an index, if it is kept.
    pub fn get(&self, index: u64) -> Option<&LogLine> {
        self.lines.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    /// Index of the oldest line that is kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Index after the newest line.
    pub fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// How often it was begun anew.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

fn size(line: &LogLine) -> usize {
    line.who.len() + line.text.len() + size_of::<LogLine>()
}
