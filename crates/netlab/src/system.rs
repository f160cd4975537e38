//! The system's own programs: `ip`, `tc` and `nft`, and whether they are there.
//!
//! In: words. Out: their output, or their last words as an error. Nothing is asked of a shell.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::LabError;

/// What this machine lacks for a lab, in a few words for "not run: …"; `None` if a lab can be built.
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs root".to_owned());
    }
    let programs = [("ip", "iproute2"), ("tc", "iproute2"), ("nft", "nftables")];
    if let Some((program, package)) = programs.into_iter().find(|(program, _)| !on_path(program)) {
        return Some(format!("`{program}` is not installed (package {package})"));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Some("no /dev/net/tun".to_owned());
    }
    // A container's root often may not: try.
    match crate::namespace::Namespace::add("try") {
        Ok(_) => None,
        Err(error) => Some(format!("no network namespaces ({error})")),
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<String, LabError> {
    feed(program, args, "")
}

/// Runs a program to its end with this on its standard input.
pub(crate) fn feed(program: &str, args: &[&str], input: &str) -> Result<String, LabError> {
    let words = || format!("{program} {}", args.join(" "));
    let output = fed(program, args, input).map_err(LabError::io(format!("run `{}`", words())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    let why: Vec<&str> = why.lines().filter(|line| !line.trim().is_empty()).take(4).collect();
    Err(LabError::System { command: words(), why: why.join("; ") })
}

fn fed(program: &str, args: &[&str], input: &str) -> std::io::Result<Output> {
    let mut child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // What a program does not read shows in its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}
