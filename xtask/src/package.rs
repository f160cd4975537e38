//! `cargo xtask package`: installers of Covey in `dist/`, with a bill of materials and checksums.
//!
//! Builds the programs (or takes built ones), asks cargo what they are made of, and lets `packager` (in `installer/`)
//! write: for Linux `.deb`, `.rpm` and a portable archive, for Windows an NSIS installer. The engine is in none of them:
//! it comes as a pack when it is needed. The same commit gives the same bytes: every time in them is
//! `SOURCE_DATE_EPOCH`, else the commit's.

mod build;
pub(crate) mod options;

use crate::place::Place;
use crate::{cargo, machine, say};
use anyhow::{Context as _, Result, bail};
use options::{PackageOptions, Programs, Target};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

pub(crate) fn package(place: &Place, options: &PackageOptions) -> Result<ExitCode> {
    let programs = build::programs(place, options)?;
    let since = Instant::now();
    let dist = place.root.join("dist");
    let metadata = metadata(place, options.target)?;
    say::doing(&format!("writing packages to {}", dist.display()));
    let mut packager = packager(place, &programs, &metadata, &dist);
    if options.programs != Programs::Release {
        packager.arg("--any-size");
    }
    if options.target == Target::Windows {
        packager.arg("--windows");
    }
    if cargo::status_code(&mut packager)? != ExitCode::SUCCESS {
        bail!("the packages could not be written; the reason stands above");
    }
    say::made("packages", &dist.display().to_string(), since);
    say::note("nothing is signed here: the release job signs, see .github/workflows/release.yml");
    Ok(ExitCode::SUCCESS)
}

/// The program that writes, built as tests are: it is quick enough, and builds in seconds.
fn packager(place: &Place, programs: &Path, metadata: &Path, out: &Path) -> Command {
    let mut command = cargo::cargo(place);
    command.args(["run", "--quiet", "--package", "packager", "--", "--root"]).arg(&place.root);
    command.arg("--programs").arg(programs).arg("--metadata").arg(metadata).arg("--out").arg(out);
    command.args(["--version", env!("CARGO_PKG_VERSION"), "--time", &time(place).to_string()]);
    command
}

/// What cargo says of every crate that a build for `target` takes, in a file of the build folder.
fn metadata(place: &Place, target: Target) -> Result<PathBuf> {
    let triple = match target {
        Target::Linux => "x86_64-unknown-linux-gnu",
        Target::Windows => "x86_64-pc-windows-msvc",
    };
    let mut command = cargo::cargo(place);
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", triple]);
    let output = command.output().context("cargo can't be started")?;
    if !output.status.success() {
        bail!("cargo's metadata can't be had: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let path = place.target.join("package-metadata.json");
    std::fs::write(&path, output.stdout).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(path)
}

/// Seconds since 1970 that the packages bear: `SOURCE_DATE_EPOCH`, else the commit's; without git, a fixed day.
fn time(place: &Place) -> u32 {
    let root = place.root.to_string_lossy();
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let time = given.or_else(|| machine::output_of("git", &["-C", &root, "log", "-1", "--format=%ct"]).ok());
    time.and_then(|text| text.trim().parse().ok()).unwrap_or(1_700_000_000)
}
