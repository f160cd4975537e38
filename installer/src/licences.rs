//! The licences of what is built in: one text for people, each licence once with the crates that bear it.
//!
//! In: the bill of materials and the crates' folders. Out: a text. A crate that ships no licence's text is listed with
//! the licence it names.

use crate::PackError;
use crate::sbom::Component;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// How files with licences are called.
const NAMES: [&str; 6] = ["license", "licence", "copying", "notice", "unlicense", "copyright"];
/// A licence that is longer is something else.
const MAX_TEXT_BYTES: u64 = 256 * 1024;

/// The text.
///
/// # Errors
/// [`PackError::Io`] where a crate's folder can't be read.
pub fn text(components: &[Component]) -> Result<String, PackError> {
    let mut bearers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut out = String::from(
        "Covey is built from the crates below. Each is listed with the licence that it names; the texts follow, each\n\
         once, with the crates that ship it.\n\n",
    );
    for component in components.iter().filter(|component| component.foreign) {
        let licence = component.licence.as_deref().unwrap_or("see its text");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{} {}: {licence}", component.name, component.version);
        for text in texts(Path::new(&component.manifest))? {
            bearers.entry(text).or_default().push(component.name.clone());
        }
    }
    for (text, mut names) in bearers {
        names.dedup();
        let _ = write!(out, "\n{}\n{}\n\n{text}\n", "=".repeat(80), names.join(" "));
    }
    Ok(out)
}

/// The licences' texts in a crate's folder, without spaces at lines' ends, so that equal ones are equal.
fn texts(manifest: &Path) -> Result<Vec<String>, PackError> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let fault = || PackError::io(folder.display().to_string());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault())? {
        let entry = entry.map_err(fault())?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let facts = entry.metadata().map_err(fault())?;
        if !facts.is_file() || facts.len() > MAX_TEXT_BYTES || !NAMES.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let bytes = std::fs::read(entry.path()).map_err(fault())?;
        let text = String::from_utf8_lossy(&bytes);
        found.push(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned());
    }
    found.sort();
    Ok(found)
}
