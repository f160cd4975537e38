//! A user's home without a keychain, and `covey-signer` in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A published test phrase of Substrate and its address.
pub(crate) const WORDS: &str = "caution juice atom organ advance problem want pledge someone senior holiday very";
pub(crate) const ADDRESS: &str = "5Gv8YYFu8H1btvmrJy9FjjAWfb99wrhV3uhPFoNEr918utyR";
pub(crate) const PASSPHRASE: &str = "four bears in a boat";

pub(crate) struct Machine {
    home: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Ended {
    /// The problem's code.
    pub(crate) fn problem(&self) -> &str {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        self.json["problem"]["code"].as_str().unwrap()
    }

    pub(crate) fn fine(self) -> Value {
        assert_eq!(self.code, Some(0), "{} {}", self.stderr, self.json);
        self.json
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// With a wallet that is locked by [`PASSPHRASE`].
    pub(crate) fn with_wallet() -> Self {
        let machine = Self::new();
        machine.wallet(&["import", "--yes"], &format!("{WORDS}\n{PASSPHRASE}\n")).fine();
        machine
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.home().join(".local/share/covey/wallets/default.vault")
    }

    /// A file with a secret, as it should be.
    pub(crate) fn secret(&self, name: &str, text: &str) -> String {
        self.file(name, text, 0o600)
    }

    pub(crate) fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.home().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// The program, in this home and in no terminal.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_covey-signer"));
        command.env_clear().env("HOME", self.home()).current_dir(self.home());
        // Leads nowhere, so that no default leads to the user's.
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.home().join("nowhere").display()));
        command
    }

    /// `wallet … --json` with lines on standard input.
    pub(crate) fn wallet(&self, args: &[&str], stdin: &str) -> Ended {
        run(self.program().arg("wallet").args(args).arg("--json"), stdin)
    }

    /// Every file below the home.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.home().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() { &mut folders } else { &mut files }.push(entry.path());
            }
        }
        files
    }
}

pub(crate) fn run(command: &mut Command, stdin: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses early does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    for line in stdin.lines().filter(|line| line.len() > 6) {
        assert!(!stdout.contains(line) && !stderr.contains(line), "a secret was printed");
    }
    let json = if stdout.is_empty() { Value::Null } else { serde_json::from_str(&stdout).expect(&stdout) };
    Ended { code: output.status.code(), json, stderr }
}
