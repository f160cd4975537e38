//! A report for somebody who helps: put together from a fixed list of files, blacked out, shown whole before it is saved.
//!
//! In: facts of the state. Out: files as text, every one of them through [`Redactor`]; saved as one text file. Nothing is read
//! from the disk but what the state holds, and nothing is sent.

mod redact;

use crate::files::write_atomic;
use crate::session::Crash;
use redact::Redactor;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use view_model::{
    Activity, DoctorCheck, GpuView, LogLine, MachineView, ProblemRow, ReportFile, ReportPreview, Settings,
};

/// Folder of reports in the data folder.
const REPORTS: &str = "reports";
/// Longest file of a report, in bytes: the preview has to fit a line of the window's pipe.
const MAX_FILE_BYTES: usize = 64 * 1024;

/// What goes into a report: this, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) now_ms: u64,
    pub(crate) version: String,
    pub(crate) settings: Settings,
    pub(crate) activity: Activity,
    pub(crate) problems: Vec<ProblemRow>,
    pub(crate) crashes: Vec<Crash>,
    pub(crate) machine: MachineView,
    pub(crate) gpus: GpuView,
    pub(crate) checks: Vec<DoctorCheck>,
    pub(crate) log: Vec<LogLine>,
    /// Rules that the user wants and that this machine cannot tell anything about.
    pub(crate) cannot_tell: Vec<&'static str>,
}

#[derive(Serialize)]
struct About<'a> {
    id: &'a str,
    version: &'a str,
    system: &'a str,
    processor: &'a str,
}

#[derive(Serialize)]
struct State<'a> {
    activity: &'a Activity,
    problems: &'a [ProblemRow],
    crashes: &'a [Crash],
    cannot_tell: &'a [&'static str],
}

#[derive(Serialize)]
struct Machine<'a> {
    machine: &'a MachineView,
    cards: &'a GpuView,
}

/// Puts a report together.
pub(crate) fn put_together(facts: &Facts, data_dir: &Path) -> ReportPreview {
    let id = format!("{:x}", facts.now_ms);
    let mut redactor = Redactor::new(data_dir);
    let about =
        About { id: &id, version: &facts.version, system: std::env::consts::OS, processor: std::env::consts::ARCH };
    let state = State {
        activity: &facts.activity,
        problems: &facts.problems,
        crashes: &facts.crashes,
        cannot_tell: &facts.cannot_tell,
    };
    let machine = Machine { machine: &facts.machine, cards: &facts.gpus };
    let texts = [
        ("about.json", json(&about)),
        ("settings.json", json(&facts.settings)),
        ("state.json", json(&state)),
        ("machine.json", json(&machine)),
        ("checks.json", json(&facts.checks)),
        ("log.txt", log(&facts.log)),
    ];
    let files = texts
        .into_iter()
        .map(|(name, text)| ReportFile { name: name.to_owned(), text: newest_part(&redactor.redact(&text)) })
        .collect();
    ReportPreview { id, files, redactions: redactor.count() }
}

/// Saves what was shown, byte for byte, as one file; gives its path.
pub(crate) fn save(data_dir: &Path, report: &ReportPreview) -> std::io::Result<PathBuf> {
    let folder = data_dir.join(REPORTS);
    std::fs::create_dir_all(&folder)?;
    let mut text = String::new();
    for file in &report.files {
        let _ = writeln!(text, "===== {} =====\n{}", file.name, file.text);
    }
    // The id is ours: hexadecimal digits.
    let path = folder.join(format!("covey-report-{}.txt", report.id));
    write_atomic(&path, text.as_bytes())?;
    Ok(path)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("cannot be written: {error}"))
}

fn log(lines: &[LogLine]) -> String {
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{} {:?} {}: {}", line.at_ms, line.level, line.who, line.text);
    }
    text
}

/// The end of a text, from the beginning of a line on.
fn newest_part(text: &str) -> String {
    if text.len() <= MAX_FILE_BYTES {
        return text.to_owned();
    }
    let from = text.ceil_char_boundary(text.len() - MAX_FILE_BYTES);
    let tail = &text[from..];
    tail.split_once('\n').map_or(tail, |(_, rest)| rest).to_owned()
}

#[cfg(test)]
mod tests;
