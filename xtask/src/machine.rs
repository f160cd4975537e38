//! What the machine has: programs, free disk, rights, a display. Reads only.

use anyhow::{Context as _, Result, bail};
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// First line that a program prints for `args`, or `None` if it is missing or fails.
pub(crate) fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("").trim().to_owned())
}

/// Whether a program can be started and ends well.
pub(crate) fn runs(program: &str, args: &[&str]) -> bool {
    first_line(program, args).is_some()
}

/// Whether a program of that name lies on the path.
pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether a shared library lies where Debian and Fedora put theirs.
pub(crate) fn has_library(file: &str) -> bool {
    let own = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    [own.as_str(), "/usr/lib64", "/usr/lib"].iter().any(|folder| Path::new(folder).join(file).exists())
}

/// What a program prints for `args`, trimmed.
pub(crate) fn output_of(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{program}` can't be started"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{program} {}` failed: {}", args.join(" "), stderr.lines().last().unwrap_or("no message"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The C++ compiler that `cc` (the crate) will call.
pub(crate) fn cxx() -> Option<String> {
    let program = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    first_line(&program, &["--version"])
}

/// Bytes free for this user on the file system that holds `dir`; `None` where `df` can't tell.
pub(crate) fn free_bytes(dir: &Path) -> Option<u64> {
    let dir = crate::place::existing_ancestor(dir).to_str()?.to_owned();
    let table = output_of("df", &["-Pk", "--", &dir]).ok()?;
    parse_df(&table)
}

/// Fourth column of the last line, in 1024-byte blocks.
fn parse_df(table: &str) -> Option<u64> {
    table.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Whether this process may install packages without `sudo`.
pub(crate) fn is_root() -> bool {
    first_line("id", &["-u"]).as_deref() == Some("0")
}

/// Whether a person can answer a question.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether a variable says "continuous integration".
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Whether a window could be opened.
pub(crate) fn has_display() -> bool {
    cfg!(not(target_os = "linux"))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Hex SHA-256 of a file, by the system's `sha256sum`.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let output = Command::new("sha256sum")
        .arg("--")
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .context("`sha256sum` (package coreutils) can't be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // sha256sum puts a backslash before the hash when it had to escape the name.
    let hash = text.split_whitespace().next().unwrap_or("").trim_start_matches('\\');
    if !output.status.success() || hash.len() != 64 {
        bail!("the checksum of {} can't be computed", path.display());
    }
    Ok(hash.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_columns_are_read_and_nonsense_is_not() {
        let table = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 263000 1 79000 14% /\n";
        assert_eq!(parse_df(table), Some(79_000 * 1024));
        assert_eq!(parse_df("Filesystem\n"), None);
        assert_eq!(parse_df("h\n/dev/vda 1 2 99999999999999999999 1% /"), None);
    }

    #[test]
    fn a_missing_program_is_no_error() {
        assert!(!runs("covey-no-such-program", &["--version"]));
    }

    #[test]
    fn checksum_of_known_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b\\c");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(sha256(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(sha256(&dir.path().join("none")).is_err());
    }
}
