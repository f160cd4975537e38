//! A secret is planted in a wallet and looked for while a signer process signs with it and after it was killed: it is in
//! no argument, environment, log, answer, file or core dump, and not in the memory of the process that asks.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::needles::{Needle, find_in_memory, find_needles, of_bytes, of_text, of_words};
use ipc::{Event, EventLine, LineWriter};
use rustix::process::{Pid, Signal, kill_process};
use signer::{KeySource, spawn};
use types::{Hash32, Round, RunId, SignPayload};

/// A published test phrase; its parts were computed by Substrate's own tools (`subkey inspect --scheme sr25519`).
const WORDS: &str = "caution juice atom organ advance problem want pledge someone senior holiday very";
const SEED: &str = "c8fa03532fb22ee1f7f6908b9c02b4e72483f0dbd66e4cd456b8f34c6230b849";
const ADDRESS: &str = "5Gv8YYFu8H1btvmrJy9FjjAWfb99wrhV3uhPFoNEr918utyR";
const PASSPHRASE: &str = "canary passphrase 4711";
const ASKED: &str = "COVEY_TEST_CANARY_PEER";

fn all_needles() -> Vec<Needle> {
    let seed = hex::decode(SEED).unwrap();
    let pair = schnorrkel::MiniSecretKey::from_bytes(&seed)
        .unwrap()
        .expand_to_keypair(schnorrkel::ExpansionMode::Ed25519)
        .secret
        .to_bytes();
    let mut needles = of_words(WORDS);
    needles.extend(of_bytes("seed", &seed));
    // Key and nonce; each alone would be too much.
    needles.extend(of_bytes("expanded key", &pair[..32]));
    needles.extend(of_bytes("nonce", &pair[32..]));
    needles.push(of_text("passphrase", PASSPHRASE));
    needles
}

/// A home with a wallet that was restored from the planted words.
struct Home {
    dir: tempfile::TempDir,
    secrets: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap(), secrets: tempfile::tempdir().unwrap() };
        home.secret("words", WORDS);
        home.secret("passphrase", PASSPHRASE);
        let mut import = Command::new(env!("CARGO_BIN_EXE_covey-signer"));
        import.args(["wallet", "import", "--yes", "--json", "--secret-file"]).arg(home.secret_file("words"));
        import.arg("--passphrase-file").arg(home.secret_file("passphrase"));
        import.env_clear().env("HOME", home.dir.path()).env("COVEY_LOG", "trace");
        let made = import.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(home.dir.path().join("import.log"), [made.stdout, made.stderr].concat()).unwrap();
        home
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.secret_file(name), text).unwrap();
        fs::set_permissions(self.secret_file(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn secret_file(&self, name: &str) -> PathBuf {
        self.secrets.path().join(name)
    }

    fn vault(&self) -> PathBuf {
        self.dir.path().join(".local/share/covey/wallets/default.vault")
    }
}

/// A process that asks for signatures, as the peer does: this test's executable, started again.
struct Peer {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Peer {
    fn start(home: &Home) -> Self {
        let log = fs::File::create(home.dir.path().join("peer.log")).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "planted::asks_for_signatures", "--nocapture"]).current_dir(home.dir.path());
        command.env_clear().env("HOME", home.dir.path()).env("COVEY_LOG", "trace");
        command.env(ASKED, home.vault()).env("COVEY_TEST_PASSPHRASE_FILE", home.secret_file("passphrase"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::from(log)).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// The next line that the peer says, after `word`.
    fn says(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0, "the peer ended before `{word}`");
            if let Some(at) = line.find(word) {
                return line[at + word.len()..].trim().to_owned();
            }
        }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{line}").unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The peer itself: starts a signer, has something signed for each line it reads, and says what came of it.
#[test]
fn asks_for_signatures() {
    let Some(vault) = std::env::var_os(ASKED) else { return };
    let passphrase_file = std::env::var_os("COVEY_TEST_PASSPHRASE_FILE").map(PathBuf::from);
    let source = KeySource::Vault { path: vault.into(), passphrase_file };
    let mut signer = spawn(Path::new(env!("CARGO_BIN_EXE_covey-signer")), &source).unwrap();
    println!("signer {}", signer.child.id());
    let mut requests = LineWriter::new(&signer.requests);
    for (id, line) in std::io::stdin().lines().enumerate() {
        if line.unwrap() == "wait" {
            let status = signer.child.wait().unwrap();
            println!("ended {:?} {}", status.signal(), status.core_dumped());
            continue;
        }
        let payload =
            SignPayload::Submission { run: RunId(Hash32([1; 32])), round: Round(id as u64), digest: Hash32([2; 32]) };
        let event = Event::SignRequest { id: id as u64, payload: payload.clone() };
        requests.write(&EventLine { seq: id as u64, at_ms: 0, event }).unwrap();
        match signer.replies.read::<ipc::CommandLine>().unwrap().unwrap().command {
            ipc::Command::SignReply { result: Ok(signature), .. } => {
                signer.hotkey.verify(&payload.to_bytes(), &signature).unwrap();
                println!("signed {}", signer.hotkey);
            }
            other => println!("signed nothing: {other:?}"),
        }
    }
}

#[test]
fn a_planted_secret_is_found_nowhere_but_in_the_signer_even_after_it_was_killed() {
    let needles = all_needles();
    for signal in [Signal::KILL, Signal::ABORT] {
        let home = Home::new();
        let mut peer = Peer::start(&home);
        let signer: u32 = peer.says("signer ").parse().unwrap();
        peer.tell("sign");
        assert_eq!(peer.says("signed "), ADDRESS);
        let processes = [("peer", peer.child.id()), ("signer", signer)];
        assert_eq!(find_needles(&needles, &processes, &[home.dir.path()]), [""; 0]);
        let (found, read_bytes) = find_in_memory(&needles, "peer", peer.child.id());
        assert_eq!(found, [""; 0]);
        assert!(read_bytes > 100_000, "only {read_bytes} bytes of the peer's memory were read");
        kill_process(Pid::from_raw(signer.cast_signed()).unwrap(), signal).unwrap();
        peer.tell("wait");
        assert_eq!(
            peer.says("ended "),
            format!("Some({}) false", signal.as_raw()),
            "it ended otherwise, or dumped core"
        );
        assert_eq!(find_needles(&needles, &[("peer", peer.child.id())], &[home.dir.path()]), [""; 0]);
        assert_eq!(find_in_memory(&needles, "peer", peer.child.id()).0, [""; 0]);
    }
}

/// The search sees what is there: the signer's memory holds the expanded key, or it could not sign.
#[test]
fn the_search_finds_the_key_where_it_must_be() {
    let home = Home::new();
    let mut peer = Peer::start(&home);
    let signer: u32 = peer.says("signer ").parse().unwrap();
    if !rustix::process::geteuid().is_root() {
        // Only root may look: the signer took that right from everybody else.
        assert!(fs::File::open(format!("/proc/{signer}/mem")).is_err());
        return;
    }
    let (found, _) = find_in_memory(&all_needles(), "signer", signer);
    assert!(found.iter().any(|place| place.starts_with("expanded key (raw)")), "{found:?}");
    // What only opened the vault is wiped.
    assert!(
        found.iter().all(|place| place.starts_with("expanded key (raw)") || place.starts_with("nonce (raw)")),
        "{found:?}"
    );
    fs::write(home.dir.path().join("leak"), WORDS).unwrap();
    assert!(!find_needles(&all_needles(), &[], &[home.dir.path()]).is_empty());
}

/// What a process may do with its memory and its files, as the system sees it.
#[test]
fn a_signer_dumps_no_core_and_its_files_are_its_owners() {
    let home = Home::new();
    let mut peer = Peer::start(&home);
    let signer: u32 = peer.says("signer ").parse().unwrap();
    peer.tell("sign");
    peer.says("signed ");
    let limits = fs::read_to_string(format!("/proc/{signer}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    let folder = home.vault().parent().unwrap().to_owned();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", entry.path().display());
    }
}
