//! `cargo xtask …`: set-up, run, rehearse, test, bench, fuzz, package, doctor and campaign, in Rust so that every machine
//! with a toolchain can run them.
//!
//! Goes in: the command line, the machine's state. Comes out: child processes, files under the user's cache, `dist/`
//! and `docs/campaigns/`. It never sets secrets for a child, never names a package index, and knows nothing of
//! training: it finds programs, starts them and reads their last line.
//!
//! Exit codes: 0 done, 1 could not go on (one sentence says why), 2 the command line makes no sense; a started
//! program's own code is passed on.

mod bench;
#[cfg(test)]
mod book;
mod campaign;
mod cargo;
mod command_line;
mod doctor;
mod fuzz;
mod icons;
mod machine;
mod package;
mod place;
mod rehearse;
mod run;
mod say;
mod setup;
mod test;

use command_line::{Task, UsageError};
use place::Place;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = fuzz::stand_in().unwrap_or_else(|| command_line::parse(std::env::args_os().skip(1)).and_then(perform));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

/// Dispatches only; each task lives in the file of its name.
fn perform(task: Task) -> anyhow::Result<ExitCode> {
    let place = Place::find()?;
    match task {
        Task::Help => {
            print!("{}", command_line::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Task::Setup(options) => setup::setup(&place, options).map(|_| ExitCode::SUCCESS),
        Task::Run(options) => run::run(&place, options),
        Task::Rehearse(args) => rehearse::rehearse(&place, &args),
        Task::Test { filters, runner_args } => test::test(&place, &filters, &runner_args),
        Task::Bench { names, bench_args } => bench::bench(&place, &names, &bench_args),
        Task::Fuzz(options) => fuzz::fuzz(&place, &options),
        Task::Package(options) => package::package(&place, &options),
        Task::Doctor => doctor::doctor(&place),
        Task::Campaign(options) => campaign::campaign(&place, &options),
        Task::Icons => icons::icons(&place),
    }
}
