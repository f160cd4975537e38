//! Programs for packages: built so that nothing of the build machine is in them, or found where somebody built them.
//!
//! In: options, the checkout. Out: a folder with the programs. Release builds have a build folder of their own,
//! because their flags differ from those of `cargo xtask run`.

use super::options::{PackageOptions, Programs, Target};
use crate::command_line::SetupOptions;
use crate::place::Place;
use crate::{cargo, machine, say, setup, test};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The packages whose programs people get, and the programs.
const PACKAGES: [&str; 4] = ["covey", "pack", "peer", "signer"];
const PROGRAMS: [&str; 4] = ["covey", "covey-peer", "covey-release", "covey-signer"];

/// The folder with the programs.
pub(crate) fn programs(place: &Place, options: &PackageOptions) -> Result<PathBuf> {
    let elsewhere = options.target == Target::Windows && !cfg!(windows);
    match &options.programs {
        Programs::Folder(folder) => Ok(folder.clone()),
        from if elsewhere => cross(place, *from == Programs::Release),
        Programs::Release => release(place),
        Programs::Dev => dev(place),
    }
}

/// App and signer for Windows, built on another system: by the toolchain's own target if it is installed, or by the
/// compiler that `COVEY_WINDOWS_RUSTC` names, which must have its library's sources. The trainer needs Windows' libtorch
/// and is built on Windows.
fn cross(place: &Place, release: bool) -> Result<PathBuf> {
    let own = Place { target: place.target.join("package"), ..place.clone() };
    let mut command = cargo::cargo(&own);
    command.args(["build", "--locked", "--target", WINDOWS, "--package", "covey", "--package", "signer"]);
    if release {
        command.arg("--release");
    }
    match std::env::var_os("COVEY_WINDOWS_RUSTC") {
        Some(rustc) => {
            // The bootstrap's word allows a library built from its sources, and nothing else is used of it.
            command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort,panic_unwind");
        }
        None if machine::output_of("rustup", &["target", "list", "--installed"]).is_ok_and(|t| t.contains(WINDOWS)) => {
        }
        None => bail!(
            "this toolchain builds nothing for Windows: `rustup target add {WINDOWS}` and mingw-w64, or name a compiler \
             with its library's sources in COVEY_WINDOWS_RUSTC"
        ),
    }
    nameless(&mut command, &own);
    if !command.status().context("cargo can't be started")?.success() {
        bail!("the build for Windows failed; cargo's message stands above");
    }
    Ok(own.target.join(WINDOWS).join(if release { "release" } else { "debug" }))
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

/// Windows, as another system can build for it.
const WINDOWS: &str = "x86_64-pc-windows-gnu";

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
