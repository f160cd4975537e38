//! Child processes: cargo with the right libtorch, and the programs that it built.
//!
//! A child inherits the user's environment and gets one variable from us, `LIBTORCH`, as a canonical path: the same
//! for every checkout, so that a shared build folder is not rebuilt for each.

use crate::place::Place;
use crate::setup::libtorch;
use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::process::{Command, ExitCode, ExitStatus};

/// `cargo` in the checkout.
pub(crate) fn cargo(place: &Place) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target);
    if let Some(libtorch) = libtorch::in_use(place) {
        command.env("LIBTORCH", libtorch);
    }
    command
}

/// Builds packages of the workspace as users get them.
pub(crate) fn build(place: &Place, packages: &[&str]) -> Result<()> {
    let mut command = cargo(place);
    command.args(["build", "--release"]);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("cargo can't be started")?;
    if !status.success() {
        bail!("the build failed; cargo's message stands above");
    }
    Ok(())
}

/// Runs a command to its end and passes its exit code on.
pub(crate) fn status_code(command: &mut Command) -> Result<ExitCode> {
    let status =
        command.status().with_context(|| format!("{} can't be started", command.get_program().to_string_lossy()))?;
    Ok(exit_code(status))
}

/// A child's exit code as ours; a signal reads as 128 + its number, as in a shell.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(u8::try_from(128 + signal).unwrap_or(1));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Becomes the program where the system can, so that Ctrl-C and the exit code are the program's own.
pub(crate) fn become_program(program: &OsStr, args: &[String]) -> Result<ExitCode> {
    let mut command = Command::new(program);
    command.args(args);
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(&mut command);
        Err(error).with_context(|| format!("{} can't be started", program.to_string_lossy()))
    }
    #[cfg(not(unix))]
    status_code(&mut command)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_passed_on() {
        let code_of = |script: &str| status_code(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(code_of("exit 0"), ExitCode::SUCCESS);
        assert_eq!(code_of("exit 20"), ExitCode::from(20));
        assert_eq!(code_of("kill -9 $$"), ExitCode::from(137));
        assert!(status_code(&mut Command::new("covey-no-such-program")).is_err());
    }
}
