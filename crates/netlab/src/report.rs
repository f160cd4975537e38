//! What an experiment came to, as one JSON line: tables, goals that hold or do not, and what was not run.
//!
//! `cargo xtask campaign` reads the line, adds date, commit and machine, and writes the page.

use serde::{Deserialize, Serialize};

/// The last line of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename = "report")]
pub struct Report {
    /// What was done, in a few sentences: the circumstances under which the figures hold.
    pub how: Vec<String>,
    /// The figures.
    pub tables: Vec<Table>,
    /// What had to be shown.
    pub goals: Vec<Goal>,
    /// What was left out, and why.
    pub not_run: Vec<String>,
}

/// A table of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// The columns' names.
    pub columns: Vec<String>,
    /// As many cells as columns in each.
    pub rows: Vec<Vec<String>>,
}

/// Something that had to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// What must hold.
    pub what: String,
    /// What was measured.
    pub measured: String,
    /// Whether it holds.
    pub holds: bool,
}

impl Report {
    /// With nothing in it yet.
    pub fn new(how: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            how: how.into_iter().map(Into::into).collect(),
            tables: Vec::new(),
            goals: Vec::new(),
            not_run: Vec::new(),
        }
    }

    /// Adds a goal.
    pub fn goal(&mut self, what: impl Into<String>, measured: impl Into<String>, holds: bool) {
        self.goals.push(Goal { what: what.into(), measured: measured.into(), holds });
    }
}

impl Table {
    /// Without rows yet.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self { title: title.into(), columns: columns.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, those past the last column are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().take(self.columns.len()).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }
}

/// The middle value; of an even number, the lower of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    share_below(values, 0.5)
}

/// The value that this share of the others lies at or below, 0 to 1.
pub fn share_below(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share.clamp(0.0, 1.0)).floor() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_are_values_that_were_measured() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(1.0));
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(share_below(&hundred, 0.95), Some(95.0));
        assert_eq!(share_below(&hundred, 7.0), Some(100.0));
    }

    #[test]
    fn a_report_is_one_line_that_reads_back_and_rows_fit_their_table() {
        let mut report = Report::new(["Once."]);
        report.goal("more than 1", "2", true);
        let mut table = Table::new("Figures", &["a", "b"]);
        table.row(["1".to_owned()]);
        table.row(["1".to_owned(), "2".to_owned(), "3".to_owned()]);
        assert_eq!(table.rows, [["1", ""], ["1", "2"]]);
        report.tables.push(table);
        let line = serde_json::to_string(&report).unwrap();
        assert!(line.starts_with(r#"{"event":"report","#) && !line.contains('\n'), "{line}");
        assert_eq!(serde_json::from_str::<Report>(&line).unwrap(), report);
    }
}
