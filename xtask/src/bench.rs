//! `cargo xtask bench [CRATE…]`: the criterion benchmarks of the crates named, `sparseloco` if none; `desktop` measures the
//! real app on a screen of its own.

use crate::cargo::{cargo, status_code};
use crate::command_line::{SetupOptions, TextChoice, UsageError};
use crate::place::Place;
use crate::run;
use crate::setup::{self, packages};
use anyhow::Result;
use std::process::ExitCode;

/// Crates whose benchmarks can't be built without libtorch.
const NEEDS_LIBTORCH: [&str; 3] = ["torch-ext", "engine", "peer"];

/// The name that stands for the app.
const DESKTOP: &str = "desktop";

pub(crate) fn bench(place: &Place, names: &[String], bench_args: &[String]) -> Result<ExitCode> {
    if names == [DESKTOP] {
        return desktop(place);
    }
    let available = available(place)?;
    let names = if names.is_empty() { vec!["sparseloco".to_owned()] } else { names.to_vec() };
    if let Some(unknown) = names.iter().find(|name| !available.contains(name)) {
        return Err(UsageError(format!("{unknown:?} has no benchmark; these have: {}", available.join(" "))).into());
    }
    if names.iter().any(|name| NEEDS_LIBTORCH.contains(&name.as_str())) {
        setup::setup(place, SetupOptions { text: TextChoice::Skip, ..SetupOptions::default() })?;
    }
    let mut command = cargo(place);
    command.args(["bench"]);
    for name in &names {
        command.args(["--package", name]);
    }
    command.args(["--benches", "--"]).args(bench_args);
    status_code(&mut command)
}

/// The release app and trainer, timed under Xvfb.
fn desktop(place: &Place) -> Result<ExitCode> {
    let options = SetupOptions::default();
    packages::install_missing(&packages::missing_for_tests(), options.consent)?;
    setup::setup(place, options)?;
    run::build(place)?;
    status_code(cargo(place).args(["bench", "--package", "covey", "--bench", "desktop"]))
}

/// Folders under `crates/` that hold a `benches` folder, sorted.
fn available(place: &Place) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.root.join("crates"))? {
        let entry = entry?;
        if entry.path().join("benches").is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}
