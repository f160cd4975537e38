//! The desktop app: one program, several processes.
//!
//! `covey` is the shell (tray, supervision, favours of the desktop; Tauri without a web view), `covey --window` the
//! window it opens (egui), `covey --gpu-probe` the child that touches NVIDIA's library. Without a display it rehearses in
//! the terminal. It never links the trainer, and no child outlives it.

#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod child;
mod ctl;
mod log_file;
mod places;
mod shell;
mod state;
mod supervisor;
mod terminal;
mod window;

use anyhow::Result;
use shell::Start;
use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Recovery words pass through layouts, JSON and a clipboard: whatever is freed is wiped.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

const HELP: &str = "\
covey                          the app: a window and a tray icon; a second start shows the first one's window
covey --hidden                 the app without its window, as it starts with the session
covey LINK | FILE              the same, with a run's link (covey://join/…) or file
covey ctl …                    what the running app does, and every press; `covey ctl --help`
covey rehearse [ARGS…]         rehearse on this computer in the terminal; ARGS go to `covey-peer rehearse`
covey --version | --help

Without a display, `covey` rehearses in the terminal. Ctrl-C stops gracefully, a second Ctrl-C at once.
";

fn main() -> ExitCode {
    let Ok(args) = std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect::<Result<Vec<_>, _>>()
    else {
        eprintln!("covey: an argument is not valid UTF-8");
        return ExitCode::from(2);
    };
    // No thread runs yet, so that the environment may be changed; every child gets it from here.
    places::name_the_engine();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        ["--version" | "-V"] => {
            println!("covey {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        ["--window", ..] => window::run(),
        ["--gpu-probe", ..] => Ok(gpu::probe_main(std::env::args_os().skip(2))),
        ["ctl", rest @ ..] => ctl::run(rest),
        ["rehearse", ..] => supervisor::rehearse(&args[1..]),
        [] | ["--hidden"] if !places::has_display() => supervisor::rehearse(&[]),
        [] => shell::run(Start::default()),
        ["--hidden"] => shell::run(Start { hidden: true, link: None }),
        [what] if !what.starts_with('-') && (what.contains("://") || std::path::Path::new(what).is_file()) => {
            shell::run(Start { hidden: false, link: Some((*what).to_owned()) })
        }
        [unknown, ..] => {
            eprintln!("covey: {unknown:?} is no command; `covey --help` lists them");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("covey: {error:#}");
        ExitCode::FAILURE
    })
}
