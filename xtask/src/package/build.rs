//! Programs for packages: built so that nothing of the build machine is in them, or found where somebody built them.
//!
//! In: options, the checkout. Out: a folder with the three programs. Release builds have a build folder of their own,
//! because their flags differ from those of `cargo xtask run`.

use super::options::Programs;
use crate::command_line::SetupOptions;
use crate::place::Place;
use crate::{cargo, say, setup, test};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The packages whose programs people get, and the programs.
const PACKAGES: [&str; 3] = ["covey", "peer", "signer"];
const PROGRAMS: [&str; 3] = ["covey", "covey-peer", "covey-signer"];

/// The folder with the programs.
pub(crate) fn programs(place: &Place, from: &Programs) -> Result<PathBuf> {
    match from {
        Programs::Folder(folder) => Ok(folder.clone()),
        Programs::Release => release(place),
        Programs::Dev => dev(place),
    }
}

fn release(place: &Place) -> Result<PathBuf> {
    setup::setup(place, SetupOptions::default())?;
    let own = Place { target: place.target.join("package"), ..place.clone() };
    say::doing("building the programs of the packages (about half an hour on two cores the first time)");
    let mut command = cargo::cargo(&own);
    command.args(["build", "--release", "--locked"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    nameless(&mut command, &own);
    if !command.status().context("cargo can't be started")?.success() {
        bail!("the build failed; cargo's message stands above");
    }
    Ok(own.target.join("release"))
}

/// As tests have them, without symbols.
fn dev(place: &Place) -> Result<PathBuf> {
    setup::setup(place, SetupOptions::default())?;
    test::build_all(place)?;
    let stripped = place.target.join("package-dev");
    std::fs::create_dir_all(&stripped).with_context(|| format!("{} can't be made", stripped.display()))?;
    for program in PROGRAMS {
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(stripped.join(program)).arg(place.target.join("debug").join(program));
        if cargo::status_code(&mut strip)? != ExitCode::SUCCESS {
            bail!("`strip` (package binutils) could not shrink {program}");
        }
    }
    Ok(stripped)
}

/// Writes short names for the build machine's folders into programs (panics, C++ assertions): equal programs from
/// unequal folders, and nothing of the builder in them.
fn nameless(command: &mut Command, place: &Place) {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let named: Vec<(&Path, &str)> = cargo_home
        .as_deref()
        .map(|home| (home, "cargo"))
        .into_iter()
        // The longest last: the last that fits is taken.
        .chain([(place.root.as_path(), "covey"), (place.target.as_path(), "target")])
        .collect();
    let flags = |flag: &str, between: &str| {
        let flags = named.iter().map(|(from, to)| format!("{flag}={}={to}", from.display()));
        flags.collect::<Vec<_>>().join(between)
    };
    command.env("CARGO_ENCODED_RUSTFLAGS", flags("--remap-path-prefix", "\u{1f}"));
    command.env("CFLAGS", flags("-ffile-prefix-map", " ")).env("CXXFLAGS", flags("-ffile-prefix-map", " "));
}
