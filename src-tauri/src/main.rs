//! The desktop app's shell: supervises the training peer and shows what it does.
//!
//! For now it has no window: it starts `covey-peer rehearse` beside it, keeps the state of the run from the peer's
//! events and draws it in the terminal on change. Tray, window, vault and updater come with the desktop part, around
//! the same state and the same screen. It never links the trainer, and the peer never outlives it.

mod child;
mod state;
mod supervisor;
mod terminal;

use std::process::ExitCode;

const HELP: &str = "\
covey [rehearse [ARGS…]]   rehearse on this computer and watch it; ARGS go to `covey-peer rehearse`
covey --version
covey --help

The window comes with the desktop part; until then this is the terminal view. Ctrl-C stops gracefully, a second
Ctrl-C at once.
";

fn main() -> ExitCode {
    let Ok(args) = std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect::<Result<Vec<_>, _>>()
    else {
        eprintln!("covey: an argument is not valid UTF-8");
        return ExitCode::from(2);
    };
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        ["--version" | "-V"] => {
            println!("covey {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        [] => rehearse(&[]),
        ["rehearse", ..] => rehearse(&args[1..]),
        [unknown, ..] => {
            eprintln!("covey: {unknown:?} is no command; `covey --help` lists them");
            ExitCode::from(2)
        }
    }
}

fn rehearse(args: &[String]) -> ExitCode {
    match supervisor::rehearse(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("covey: {error:#}");
            ExitCode::FAILURE
        }
    }
}
