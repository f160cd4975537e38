//! What is wrong and has not been dismissed.
//!
//! In: problems of the peer and of the app. Out: at most 16 rows, newest last, each code once. The peer's own end with its
//! process: what it said before is no news once it works again.

use super::run::{cut, drop_oldest};
use types::Problem;
use view_model::ProblemRow;

/// Problems that are kept.
pub(crate) const MAX_PROBLEMS: usize = 16;
/// Characters of a title or hint.
const MAX_CHARS: usize = 500;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    row: ProblemRow,
    of_peer: bool,
}

impl Problems {
    /// The peer said it.
    pub(crate) fn said(&mut self, problem: &Problem, fatal: bool) {
        let mut problem = problem.clone();
        problem.code = cut(&problem.code, 64);
        problem.title = cut(&problem.title, MAX_CHARS);
        problem.hint = cut(&problem.hint, MAX_CHARS);
        self.put(Row { row: ProblemRow { problem, fatal }, of_peer: true });
    }

    /// The app found it.
    pub(crate) fn found(&mut self, problem: Problem) {
        self.put(Row { row: ProblemRow { problem, fatal: false }, of_peer: false });
    }

    fn put(&mut self, row: Row) {
        self.rows.retain(|old| old.row.problem.code != row.row.problem.code);
        self.rows.push(row);
        drop_oldest(&mut self.rows, MAX_PROBLEMS);
    }

    /// Rounds run: what was fatal was so for one process of many.
    pub(crate) fn rounds_run(&mut self) {
        self.rows.iter_mut().for_each(|row| row.row.fatal = false);
    }

    /// Another process begins: what the last one said is over.
    pub(crate) fn begin(&mut self) {
        self.rows.retain(|row| !row.of_peer);
    }

    /// It is mended.
    pub(crate) fn mended(&mut self, code: &str) {
        self.rows.retain(|row| row.row.problem.code != code);
    }

    /// The problem of that code.
    pub(crate) fn get(&self, code: &str) -> Option<&Problem> {
        self.rows.iter().map(|row| &row.row.problem).find(|problem| problem.code == code)
    }

    /// For the window.
    pub(crate) fn rows(&self) -> Vec<ProblemRow> {
        self.rows.iter().map(|row| row.row.clone()).collect()
    }
}
