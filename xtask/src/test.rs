//! `cargo xtask test [FILTER…]`: the whole suite, with nextest where it is installed, else with `cargo test`.
//!
//! Both run the same tests (no benchmarks, no documentation examples), after building the programs that
//! whole-system tests start. nextest can't be fetched everywhere and takes long to build, so it is used, never
//! installed.

use crate::cargo::{cargo, status_code};
use crate::command_line::SetupOptions;
use crate::place::Place;
use crate::setup::packages;
use crate::{machine, say, setup};
use anyhow::{Context as _, Result, bail};
use std::process::ExitCode;

pub(crate) fn test(place: &Place, filters: &[String], runner_args: &[String]) -> Result<ExitCode> {
    let options = SetupOptions::default();
    packages::install_missing(&packages::missing_for_tests(), options.consent)?;
    setup::setup(place, options)?;
    build_all(place)?;
    let mut command = cargo(place);
    match machine::first_line("cargo", &["nextest", "--version"]) {
        Some(version) => {
            say::note(&format!("runner: {version}"));
            command.args(["nextest", "run", "--workspace", "--tests"]);
            if machine::is_ci() {
                command.args(["--profile", "ci"]);
            }
            command.args(filters).args(runner_args);
        }
        None => {
            say::note("runner: cargo test (cargo-nextest is not installed)");
            command.args(["test", "--workspace", "--no-fail-fast", "--tests"]);
            // `cargo test` takes one filter before `--` and any number after it.
            command.arg("--").args(filters).args(runner_args);
        }
    }
    status_code(&mut command)
}

/// Builds programs and tests in one go: with the same set of packages, window and shell are built with one set of
/// features and not twice.
pub(crate) fn build_all(place: &Place) -> Result<()> {
    let built = cargo(place).args(["build", "--workspace", "--bins", "--tests"]).status();
    if !built.context("cargo can't be started")?.success() {
        bail!("the build failed; cargo's message stands above");
    }
    Ok(())
}
