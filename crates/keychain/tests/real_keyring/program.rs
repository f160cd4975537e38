//! A program that uses the keychain, in a session made by the test: this test's own executable, started again.
//!
//! The session's bus stands in the environment, which is the process's, so a step cannot run in the test itself. One
//! JSON request a line on standard input, one answer a line on standard output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use keychain::{KeyId, Keychain as _, KeychainError, LockError, OsKeychain, open_vault, protect, unprotect};
use serde::{Deserialize, Serialize};
use wallet::{Passphrase, WrappingKey};

use crate::desktop::Desktop;

const ASKED: &str = "COVEY_TEST_KEYCHAIN_PROGRAM";
/// Answers begin with this; the test harness prints lines of its own.
const MARK: &str = "answer ";

/// What the program is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    Limit(u64),
    Probe,
    Set {
        id: String,
        byte: u8,
    },
    Get {
        id: String,
        byte: u8,
    },
    Delete {
        id: String,
    },
    /// Another program writes into our item.
    Spoil {
        id: String,
    },
    Protect {
        vault: PathBuf,
        passphrase: String,
    },
    Unprotect {
        vault: PathBuf,
        passphrase: String,
    },
    /// Opens with the keychain; asked for a passphrase, it gives this one.
    Open {
        vault: PathBuf,
        passphrase: Option<String>,
    },
}

/// The program, running.
pub(crate) struct Program {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Program {
    pub(crate) fn start(desktop: &Desktop) -> Self {
        Self::start_with(desktop, &[])
    }

    /// With a screen, as far as the program can tell.
    pub(crate) fn start_with_screen(desktop: &Desktop) -> Self {
        Self::start_with(desktop, &[("DISPLAY", ":99")])
    }

    fn start_with(desktop: &Desktop, env: &[(&str, &str)]) -> Self {
        let mut command = desktop.command(std::env::current_exe().unwrap());
        command.args(["--exact", "program::runs_the_steps_it_is_given", "--nocapture"]).env(ASKED, "1");
        command.envs(env.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    /// The answer: what was asked for, or a problem's code.
    pub(crate) fn ask(&mut self, step: &Step) -> Result<String, String> {
        let line = serde_json::to_string(step).unwrap();
        writeln!(self.stdin, "{line}").unwrap();
        let mut answer = String::new();
        loop {
            answer.clear();
            assert_ne!(self.stdout.read_line(&mut answer).unwrap(), 0, "the program ended at {line}");
            // The harness writes "test … " before the first line.
            if let Some(at) = answer.find(MARK) {
                return serde_json::from_str(&answer[at + MARK.len()..]).unwrap();
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program itself; a test like any other only in that it can be started so.
#[test]
fn runs_the_steps_it_is_given() {
    if std::env::var_os(ASKED).is_none() {
        return;
    }
    let mut keychain = OsKeychain::new();
    for line in std::io::stdin().lines() {
        let answer = match serde_json::from_str(&line.unwrap()).unwrap() {
            Step::Limit(seconds) => {
                keychain = OsKeychain::with_limit(Duration::from_secs(seconds));
                Ok(String::new())
            }
            step => run(&keychain, step),
        };
        println!("{MARK}{}", serde_json::to_string(&answer).unwrap());
    }
}

fn run(keychain: &OsKeychain, step: Step) -> Result<String, String> {
    let code = |error: KeychainError| error.problem().code;
    let lock = |error: LockError| error.problem().code;
    let done = |()| "done".to_owned();
    match step {
        Step::Limit(_) => Ok(String::new()),
        Step::Probe => keychain.probe().map(done).map_err(code),
        Step::Set { id, byte } => {
            keychain.set(&KeyId::new(&id).unwrap(), &WrappingKey::from_bytes(&[byte; 32])).map(done).map_err(code)
        }
        Step::Get { id, byte } => {
            let key = keychain.get(&KeyId::new(&id).unwrap()).map_err(code)?;
            Ok(if key.expose() == &[byte; 32] { "same" } else { "other" }.to_owned())
        }
        Step::Delete { id } => keychain.delete(&KeyId::new(&id).unwrap()).map(done).map_err(code),
        Step::Spoil { id } => {
            use keyring_core::api::CredentialStoreApi as _;
            let store = zbus_secret_service_keyring_store::Store::new().unwrap();
            let entry = store.build(keychain::SERVICE, &format!("vault-key/{id}"), None).unwrap();
            entry.set_password("something else").map(done).map_err(|error| error.to_string())
        }
        Step::Protect { vault, passphrase } => {
            protect(&vault, &typed(&passphrase), keychain).map(|id| id.to_string()).map_err(lock)
        }
        Step::Unprotect { vault, passphrase } => {
            unprotect(&vault, &typed(&passphrase), keychain).map(|left| format!("{:?}", left.left_behind)).map_err(lock)
        }
        Step::Open { vault, passphrase } => open(&vault, keychain, passphrase.as_deref()).map_err(lock),
    }
}

fn open(vault: &Path, keychain: &OsKeychain, passphrase: Option<&str>) -> Result<String, LockError> {
    let mut ask = || passphrase.map(typed).ok_or_else(|| "not asked in this test".to_owned());
    open_vault(vault, keychain, &mut ask).map(|opened| opened.secret.hotkey().ss58())
}

pub(crate) fn typed(passphrase: &str) -> Passphrase {
    Passphrase::new(passphrase.to_owned()).unwrap()
}
