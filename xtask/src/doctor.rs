//! `cargo xtask doctor`: each requirement with its state and, where it is missing, the one thing that mends it.
//!
//! Looks and changes nothing. Ends with the peer program's own doctor if it has been built. Exit code 1 if something
//! that the build needs is missing.

use crate::place::Place;
use crate::setup::libtorch::{self, State};
use crate::setup::text;
use crate::{cargo, machine, say};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Free disk below which a first build does not get through.
const BUILD_BYTES: u64 = 4_000_000_000;

/// One line of the report.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    what: &'static str,
    state: Health,
    detail: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Health {
    /// There.
    Good,
    /// Missing, and nothing fails without it.
    Optional,
    /// Missing, and the build or the rehearsal fails without it.
    Missing,
}

pub(crate) fn doctor(place: &Place) -> Result<ExitCode> {
    let findings: Vec<Finding> = [tools(place), libraries(place), surroundings(place)].into_iter().flatten().collect();
    for finding in &findings {
        let mark = match finding.state {
            Health::Good => "good",
            Health::Optional => "without",
            Health::Missing => "MISSING",
        };
        println!("  {mark:<8} {:<18} {}", finding.what, finding.detail);
    }
    let peer = place.release_program("covey-peer");
    if peer.exists() {
        println!("\ncovey-peer doctor");
        cargo::status_code(Command::new(&peer).arg("doctor"))?;
    }
    let missing = findings.iter().filter(|finding| finding.state == Health::Missing).count();
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn required(what: &'static str, found: Option<String>, fix: &str) -> Finding {
    match found {
        Some(detail) => Finding { what, state: Health::Good, detail },
        None => Finding { what, state: Health::Missing, detail: fix.to_owned() },
    }
}

fn optional(what: &'static str, found: Option<String>, without: &str) -> Finding {
    match found {
        Some(detail) => Finding { what, state: Health::Good, detail },
        None => Finding { what, state: Health::Optional, detail: without.to_owned() },
    }
}

fn tools(place: &Place) -> Vec<Finding> {
    let pip = machine::first_line("python3", &["-m", "pip", "--version"]);
    let pip_version = pip.map(|line| line.split(" from ").next().unwrap_or("pip").to_owned());
    let needs_pip = libtorch::state(place) == State::Missing;
    vec![
        required("Rust", machine::first_line("rustc", &["--version"]), "install it with rustup"),
        required("C++ compiler", machine::cxx(), "`cargo xtask setup` installs g++"),
        if needs_pip {
            required("python3 with pip", pip_version, "`cargo xtask setup` installs python3-pip")
        } else {
            optional("python3 with pip", pip_version, "not needed any more: libtorch is there")
        },
    ]
}

fn libraries(place: &Place) -> Vec<Finding> {
    let libtorch = match libtorch::state(place) {
        State::Own(path) => Some(format!("{} (from LIBTORCH)", path.display())),
        State::Complete(path) => {
            libtorch::in_use(place).map(|_| format!("{} in {}", libtorch::VERSION, path.display()))
        }
        State::Missing => None,
    };
    let text = Some(text::path(place)).filter(|path| path.is_file()).map(|path| path.display().to_string());
    vec![
        required("libtorch", libtorch, "`cargo xtask setup` fetches it (540 MB)"),
        optional("text", text, "`cargo xtask setup` fetches it; without, the rehearsal makes its own stories"),
    ]
}

fn surroundings(place: &Place) -> Vec<Finding> {
    let free = machine::free_bytes(&place.target);
    let built = place.release_program("covey-peer").exists();
    let disk = Finding {
        what: "disk for the build",
        state: if built || free.is_none_or(|free| free >= BUILD_BYTES) { Health::Good } else { Health::Missing },
        detail: free.map_or_else(|| "unknown".to_owned(), |free| format!("{} free", say::bytes(free))),
    };
    let driver = std::fs::read_to_string("/proc/driver/nvidia/version").ok();
    let gpu = driver.and_then(|text| Some(text.lines().next()?.trim().to_owned()));
    let display = machine::has_display().then(|| "a window can be opened".to_owned());
    vec![
        disk,
        optional("NVIDIA driver", gpu, "none: training runs on the CPU"),
        optional(
            "cargo-nextest",
            machine::first_line("cargo", &["nextest", "--version"]),
            "tests run with `cargo test`",
        ),
        optional("display", display, "none: `cargo xtask run` rehearses in the terminal"),
    ]
}
