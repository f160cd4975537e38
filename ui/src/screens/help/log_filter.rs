//! Which lines of the log are shown: found a bounded number at a time, so that a million lines never hold a frame up.

use crate::model::Log;
use view_model::{LogLevel, LogLine};

/// Lines looked at in one frame.
const AT_ONCE: u64 = 20_000;

/// A filter and what it has found so far.
pub(super) struct Filter {
    /// Least level.
    pub(super) level: LogLevel,
    /// Text that a line must hold, whatever the case.
    pub(super) text: String,
    asked: (LogLevel, String),
    begun: u64,
    /// Index of the first line not looked at yet.
    next: u64,
    found: Vec<u64>,
}

impl Default for Filter {
    fn default() -> Self {
        let level = LogLevel::Info;
        Self { level, text: String::new(), asked: (level, String::new()), begun: 0, next: 0, found: Vec::new() }
    }
}

impl Filter {
    /// Goes on looking. Returns whether it is through.
    pub(super) fn look(&mut self, log: &Log) -> bool {
        if self.asked.0 != self.level || self.asked.1 != self.text || self.begun != log.begun() {
            self.asked = (self.level, self.text.clone());
            self.begun = log.begun();
            self.next = log.first();
            self.found.clear();
        }
        let gone = self.found.partition_point(|index| *index < log.first());
        self.found.drain(..gone);
        if self.everything() {
            return true;
        }
        let wanted = self.text.trim().to_lowercase();
        let from = self.next.max(log.first());
        let to = log.end().min(from + AT_ONCE);
        for index in from..to {
            if log.get(index).is_some_and(|line| line.level >= self.level && holds(line, &wanted)) {
                self.found.push(index);
            }
        }
        self.next = to;
        to == log.end()
    }

    /// Lines that are shown.
    pub(super) fn len(&self, log: &Log) -> usize {
        if self.everything() { (log.end() - log.first()) as usize } else { self.found.len() }
    }

    /// Index in the log of the shown line `n`.
    pub(super) fn index(&self, log: &Log, n: usize) -> Option<u64> {
        if self.everything() { Some(log.first() + n as u64) } else { self.found.get(n).copied() }
    }

    fn everything(&self) -> bool {
        self.level == LogLevel::Debug && self.text.trim().is_empty()
    }
}

fn holds(line: &LogLine, wanted: &str) -> bool {
    wanted.is_empty() || within(&line.text, wanted) || within(&line.who, wanted)
}

/// Whether `text` holds `wanted`, which is in lower case already.
fn within(text: &str, wanted: &str) -> bool {
    if text.is_ascii() {
        let wanted = wanted.as_bytes();
        return text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted));
    }
    text.to_lowercase().contains(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::log_lines;

    fn log(lines: u64) -> Log {
        let mut log = Log::default();
        log.take(0, log_lines(lines));
        log
    }

    fn all(filter: &mut Filter, log: &Log) -> Vec<u64> {
        while !filter.look(log) {}
        (0..filter.len(log)).filter_map(|n| filter.index(log, n)).collect()
    }

    #[test]
    fn level_and_text_are_both_asked_for() {
        let log = log(90);
        let mut filter = Filter { level: LogLevel::Warn, ..Filter::default() };
        let warnings = all(&mut filter, &log);
        assert!(!warnings.is_empty());
        assert!(warnings.iter().all(|i| log.get(*i).unwrap().level >= LogLevel::Warn));
        filter.text = "PEER-3".to_owned();
        assert!(all(&mut filter, &log).iter().all(|i| log.get(*i).unwrap().text.contains("peer-3")));
        filter.text = "no such text".to_owned();
        assert!(all(&mut filter, &log).is_empty());
    }

    #[test]
    fn a_hundred_thousand_lines_are_looked_at_in_pieces_and_new_ones_alone_afterwards() {
        let mut log = log(100_000);
        let mut filter = Filter::default();
        assert!(!filter.look(&log));
        let before = all(&mut filter, &log).len();
        log.take(100_000, log_lines(1));
        assert!(filter.look(&log));
        assert_eq!(filter.len(&log), before + 1);
    }

    #[test]
    fn a_log_begun_anew_is_filtered_anew() {
        let mut log = log(90);
        let mut filter = Filter::default();
        assert!(all(&mut filter, &log).len() > 10);
        log.take(0, log_lines(1));
        assert_eq!(all(&mut filter, &log), [0]);
    }
}
