//! Planted secrets in the app: a wallet is made, its words are shown and known, another one is brought, unlocked, signed
//! with and locked; then the app's memory is searched. The app runs in this test's own executable, started again, and is
//! searched from outside, because whoever searches holds what is looked for.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use custody::{DeskEvent, DeskOrder, Wizard, WizardEffect};
use schnorrkel::{ExpansionMode, MiniSecretKey};
use view_model::{ImportFrom, Secret, WizardIntent};
use zeroize::Zeroizing;

use crate::app::{ADDRESS, App, lock, submission};
use crate::needles::{Needle, find_in_memory, find_needles, of_bytes, of_text, of_words};
use crate::signing::Nothing;

const PASSPHRASE: &str = "canary passphrase 4711";
const PLANTED: &str = "caution juice atom organ advance problem want pledge someone senior holiday very";
const ASKED: &str = "COVEY_TEST_CANARY_APP";
/// Longest secret that is handed over.
const MAX: usize = 512;

/// Everything by which a wallet's secret could be known again.
fn needles_of(words: &str) -> Vec<Needle> {
    let mut needles = of_words(words);
    let parsed = bip39::Mnemonic::parse_normalized(words).unwrap();
    let (entropy, length) = parsed.to_entropy_array();
    needles.extend(of_bytes("entropy", &entropy[..length]));
    let places: Vec<u8> = parsed.word_indices().flat_map(|place| (place as u16).to_le_bytes()).collect();
    // Half of the words' places is more than anybody may have.
    needles.extend(of_bytes("places of the words", &places[..12]));
    let seed = seed_of(&entropy[..length]);
    let pair = MiniSecretKey::from_bytes(&seed).unwrap().expand_to_keypair(ExpansionMode::Ed25519).secret.to_bytes();
    needles.extend(of_bytes("seed", &seed));
    needles.extend(of_bytes("expanded key", &pair[..32]));
    needles.extend(of_bytes("nonce", &pair[32..]));
    needles
}

struct AppProcess {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl AppProcess {
    fn start(home: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "canary::the_app_itself", "--nocapture"]).env(ASKED, home.join("wallets"));
        let log = File::create(home.join("app.log")).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).env("COVEY_LOG", "trace");
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    /// The next line that the app says, after `word`.
    fn says(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0, "the app ended before `{word}`");
            if let Some(at) = line.find(word) {
                return line[at + word.len()..].trim().to_owned();
            }
        }
    }

    fn hears(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }
}

impl Drop for AppProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn after_the_wizard_closes_and_the_wallet_is_locked_no_secret_is_left_in_the_app() {
    let home = tempfile::tempdir().unwrap();
    let mut app = AppProcess::start(home.path());
    let pid = app.child.id();
    app.hears(PASSPHRASE);
    app.hears(PLANTED);
    let new = app.says("words ");
    let mut needles = needles_of(PLANTED);
    needles.extend(needles_of(&new));
    needles.push(of_text("passphrase", PASSPHRASE));
    // The search sees what is there: the desk holds the words as long as they are shown.
    let (found, _) = find_in_memory(&needles, "the app", pid);
    assert!(found.iter().any(|place| place.starts_with("places of the words")), "{found:?}");
    app.hears("go on");
    assert_eq!(app.says("signed "), ADDRESS);
    let signer: u32 = app.says("signer ").parse().unwrap();
    let (found, bytes) = find_in_memory(&needles, "the app", pid);
    assert_eq!(found, [""; 0], "while it signs");
    assert!(bytes > 1_000_000, "only {bytes} bytes of the app's memory were read");
    assert_eq!(find_needles(&needles, &[("the app", pid), ("the signer", signer)], &[home.path()]), [""; 0]);
    app.hears("lock");
    app.says("locked");
    assert_eq!(find_in_memory(&needles, "the app", pid).0, [""; 0], "after the lock");
    assert!(!Path::new(&format!("/proc/{signer}")).exists(), "the key's process is gone");
    assert_eq!(find_needles(&needles, &[("the app", pid)], &[home.path()]), [""; 0]);
}

/// A line of standard input past every buffer, as the app reads the window's pipe into memory that it wipes.
fn hear() -> Secret {
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let (mut line, mut byte) = (Zeroizing::new(String::with_capacity(MAX)), [0u8]);
    loop {
        input.read_exact(&mut byte).unwrap();
        match byte[0] {
            b'\n' => return Secret::new(line),
            byte => line.push(char::from(byte)),
        }
    }
}

fn say(parts: &[&str]) {
    // Past every buffer, for the same reason.
    let mut output = File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
    for part in parts {
        output.write_all(part.as_bytes()).unwrap();
    }
    output.write_all(b"\n").unwrap();
}

/// The app; a test like any other only in that it can be started so. It works on several threads, like the real one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_itself() {
    let Some(folder) = std::env::var_os(ASKED) else { return };
    let mut app = App::start(Path::new(&folder), Arc::new(Nothing)).await;
    let passphrase = hear();
    let same = |passphrase: &Secret| Some(Secret::new(passphrase.expose().to_owned()));
    let words = hear();
    make_with_the_wizard(&mut app, same(&passphrase)).await;
    let from = ImportFrom::Words { words, path: String::new() };
    let brought = app.answer(DeskOrder::Import { name: "brought".into(), from, passphrase: same(&passphrase) }).await;
    assert!(matches!(brought[..], [DeskEvent::Made { .. }]), "{brought:?}");
    app.answer(DeskOrder::Unlock { name: "brought".into(), passphrase: Some(passphrase) }).await;
    let hotkey = ADDRESS.parse().unwrap();
    app.signing.sign(hotkey, submission(1, 1)).await.unwrap();
    say(&["signed ", ADDRESS]);
    say(&["signer ", &app.signing.processes().await[0].to_string()]);
    assert_eq!(hear().expose(), "lock");
    app.answer(lock("brought")).await;
    say(&["locked"]);
    // Searched until the test ends it.
    hear();
}

/// A wallet is made, its words are shown and known, and the wizard closes.
async fn make_with_the_wizard(app: &mut App, passphrase: Option<Secret>) {
    let mut wizard = Wizard::new();
    wizard.press(WizardIntent::OpenWallet);
    wizard.press(WizardIntent::Create);
    let mut shown = Vec::new();
    let make = WizardIntent::Make { name: "made".into(), words: 12, passphrase };
    let effects = wizard.press(make);
    perform(app, &mut wizard, effects, &mut shown).await;
    let numbers = {
        let spaced: Vec<&str> = shown.iter().flat_map(|word: &Secret| [word.expose(), " "]).collect();
        let mut line = vec!["words "];
        line.extend(&spaced[..spaced.len() - 1]);
        say(&line);
        // The test searches now.
        assert_eq!(hear().expose(), "go on");
        let words: Vec<Secret> = std::mem::take(&mut shown);
        let effects = wizard.press(WizardIntent::Next);
        perform(app, &mut wizard, effects, &mut shown).await;
        let view_model::WizardStep::Quiz { numbers } = wizard.view().unwrap().step else { panic!("no quiz") };
        let asked = |number: &u32| Secret::new(words[*number as usize - 1].expose().to_owned());
        WizardIntent::Quiz { words: numbers.iter().map(asked).collect() }
    };
    let effects = wizard.press(numbers);
    perform(app, &mut wizard, effects, &mut shown).await;
    assert!(app.view.wallets.iter().any(|row| row.name == "made" && row.backed_up), "{:?}", app.view);
    wizard.press(WizardIntent::Close);
}

async fn perform(app: &mut App, wizard: &mut Wizard, effects: Vec<WizardEffect>, shown: &mut Vec<Secret>) {
    let mut open = effects;
    while !open.is_empty() {
        let mut next = Vec::new();
        for effect in open {
            match effect {
                WizardEffect::Ask(DeskOrder::WipeWords) => app.orders.send(DeskOrder::WipeWords).await.unwrap(),
                WizardEffect::Ask(order) => {
                    for mut event in app.answer(order).await {
                        next.extend(wizard.told(&mut event));
                    }
                }
                WizardEffect::Words(words) => *shown = words.unwrap_or_default(),
                _ => {}
            }
        }
        open = next;
    }
}

/// Substrate's seed: its PBKDF2 over the entropy, without a passphrase.
fn seed_of(entropy: &[u8]) -> [u8; 32] {
    let mut seed = [0u8; 64];
    pbkdf2::pbkdf2_hmac::<sha2::Sha512>(entropy, b"mnemonic", 2048, &mut seed);
    seed[..32].try_into().unwrap()
}
