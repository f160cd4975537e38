//! The signer process as a service runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ipc::{Event, EventLine, LineReader, LineWriter};
use types::{Hash32, Hotkey, Round, RunId, SignPayload, Signature};

use crate::machine::{ADDRESS, Machine, PASSPHRASE};

/// A signer that answers.
pub(crate) struct Signer {
    child: Child,
    requests: Option<LineWriter<ChildStdin>>,
    replies: LineReader<ChildStdout>,
    pub(crate) hotkey: Hotkey,
}

impl Signer {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (requests, mut replies) = (Some(LineWriter::new(stdin)), LineReader::new(stdout));
        let hello = replies.read::<ipc::CommandLine>().unwrap().expect("the signer ended");
        let ipc::Command::Hello(hello) = hello.command else { panic!("no hello") };
        let hotkey = hello.version.split(' ').nth(1).unwrap().parse().unwrap();
        Self { child, requests, replies, hotkey }
    }

    pub(crate) fn sign(&mut self, payload: &SignPayload) -> Result<Signature, String> {
        let event = Event::SignRequest { id: 7, payload: payload.clone() };
        self.requests.as_mut().unwrap().write(&EventLine { seq: 0, at_ms: 0, event }).unwrap();
        match self.replies.read::<ipc::CommandLine>().unwrap().expect("the signer ended").command {
            ipc::Command::SignReply { id: 7, result } => {
                if let Ok(signature) = &result {
                    self.hotkey.verify(&payload.to_bytes(), signature).unwrap();
                }
                result
            }
            other => panic!("{other:?}"),
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends its input; its exit code.
    fn end(mut self) -> Option<i32> {
        self.requests = None;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn submission(round: u64, digest: u8) -> SignPayload {
    SignPayload::Submission { run: RunId(Hash32([1; 32])), round: Round(round), digest: Hash32([digest; 32]) }
}

fn signer(machine: &Machine) -> Command {
    let mut command = machine.program();
    command.arg("signer").arg("--vault").arg(machine.vault());
    command
}

fn with_credential(machine: &Machine, passphrase: &str, mode: u32) -> (Command, PathBuf) {
    let folder = machine.home().join("credentials");
    std::fs::create_dir_all(&folder).unwrap();
    machine.file("credentials/covey-passphrase", passphrase, mode);
    let mut command = signer(machine);
    command.env("CREDENTIALS_DIRECTORY", &folder);
    (command, folder)
}

fn refused(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_service_unlocks_its_wallet_with_a_systemd_credential_and_signs_what_a_peer_needs() {
    let machine = Machine::with_wallet();
    let mut signer = Signer::start(&mut with_credential(&machine, PASSPHRASE, 0o400).0);
    assert_eq!(signer.hotkey.ss58(), ADDRESS);
    signer.sign(&submission(1, 1)).unwrap();
    // The same round again is the same; another one for it would be a forgery of one's own work.
    signer.sign(&submission(1, 1)).unwrap();
    assert!(signer.sign(&submission(1, 2)).unwrap_err().contains("another submission"));
    // A wallet that earns founds no runs and keeps no ledger.
    for payload in [
        SignPayload::Manifest { run: RunId(Hash32([1; 32])) },
        SignPayload::Block { genesis: Hash32([1; 32]), digest: Hash32([2; 32]) },
    ] {
        assert!(signer.sign(&payload).unwrap_err().contains("not set up for it"), "{payload:?}");
    }
    assert_eq!(signer.end(), Some(0));
    let log = std::fs::read_to_string(machine.vault().with_extension("signatures.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    // What was signed is remembered by the next process.
    let mut signer = Signer::start(&mut with_credential(&machine, PASSPHRASE, 0o400).0);
    assert!(signer.sign(&submission(1, 3)).unwrap_err().contains("another submission"));
}

#[test]
fn a_runaway_peer_gets_no_more_signatures_than_the_minute_has() {
    let machine = Machine::with_wallet();
    let mut signer = Signer::start(&mut with_credential(&machine, PASSPHRASE, 0o400).0);
    let register = |nonce| SignPayload::Register { genesis: Hash32([1; 32]), nonce };
    for nonce in 0..5 {
        signer.sign(&register(nonce)).unwrap();
    }
    assert!(signer.sign(&register(5)).unwrap_err().contains("a minute"));
    signer.sign(&submission(1, 1)).unwrap();
}

#[test]
fn signals_that_stop_a_peer_leave_it_its_signer_until_its_pipe_ends() {
    let machine = Machine::with_wallet();
    let mut signer = Signer::start(&mut with_credential(&machine, PASSPHRASE, 0o400).0);
    signer.signal(rustix::process::Signal::INT);
    signer.signal(rustix::process::Signal::TERM);
    signer.sign(&submission(1, 1)).unwrap();
    assert_eq!(signer.end(), Some(0));
}

#[test]
fn a_signer_without_a_passphrase_says_in_words_what_it_needs() {
    let machine = Machine::with_wallet();
    // Its own session has no terminal.
    let mut alone = Command::new("setsid");
    let program = signer(&machine);
    alone.arg("--wait").arg(program.get_program()).args(program.get_args()).env_clear().env("HOME", machine.home());
    let said = refused(&mut alone);
    assert!(said.contains("--passphrase-file") && said.contains("covey-passphrase"), "{said}");
    let said = refused(&mut with_credential(&machine, "wrong", 0o400).0);
    assert!(said.contains("does not open this wallet"), "{said}");
    let said = refused(&mut with_credential(&machine, PASSPHRASE, 0o644).0);
    assert!(said.contains("may be used by others"), "{said}");
    let said = refused(machine.program().args(["signer", "--vault"]).arg(Path::new("absent.vault")));
    assert!(said.contains("There is no wallet at"), "{said}");
    assert!(!machine.vault().with_extension("signatures.jsonl").exists(), "nothing was written");
}

#[test]
fn two_signers_never_use_one_wallet_at_once() {
    let machine = Machine::with_wallet();
    let _first = Signer::start(&mut with_credential(&machine, PASSPHRASE, 0o400).0);
    let said = refused(&mut with_credential(&machine, PASSPHRASE, 0o400).0);
    assert!(said.contains("in use by another process"), "{said}");
}
