//! The wallet's commands with a person and a keychain made of memory.

use std::collections::HashMap;
use std::sync::Mutex;

use clap::Parser;
use keychain::{KeyId, KeychainError};
use wallet::WrappingKey;
use zeroize::Zeroizing;

use super::*;

/// A published test phrase and the address that Substrate gives it (`subkey inspect`).
const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    wallet: WalletArgs,
}

/// A person who reads what is shown and answers what is asked.
struct Person {
    /// Answers to questions and secrets, by a part of the question; `{n}` words are looked up on the screen shown last.
    answers: Vec<(&'static str, String)>,
    shown: Vec<String>,
    told: Vec<String>,
    asked: Vec<String>,
}

impl Person {
    fn who_says(answers: &[(&'static str, &str)]) -> Self {
        let answers = answers.iter().map(|(question, answer)| (*question, (*answer).to_owned())).collect();
        Self { answers, shown: Vec::new(), told: Vec::new(), asked: Vec::new() }
    }

    fn answer(&mut self, question: &str) -> anyhow::Result<String> {
        self.asked.push(question.to_owned());
        let mut fitting = self.answers.iter().filter(|(part, _)| question.contains(part));
        match fitting.next() {
            Some((_, answer)) => Ok(answer.clone()),
            None => match question.strip_prefix("Word ").and_then(|rest| rest.strip_suffix(':')) {
                Some(number) => Ok(self.word(number.parse().unwrap())),
                None => Err(anyhow::anyhow!("nobody answers {question}")),
            },
        }
    }

    /// The n-th word as it stood on the screen.
    fn word(&self, number: usize) -> String {
        let screen = self.shown.last().unwrap();
        let at = screen.find(&format!("{number:>2}. ")).unwrap();
        screen[at + 4..].split_whitespace().next().unwrap().to_owned()
    }
}

impl Console for Person {
    fn interactive(&self) -> bool {
        true
    }

    fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        self.told.push(line.to_owned());
        Ok(())
    }

    fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        self.answer(question)
    }

    fn ask_secret(&mut self, question: &str) -> anyhow::Result<Zeroizing<String>> {
        self.answer(question).map(Zeroizing::new)
    }

    fn show_secret(&mut self, text: &str) -> anyhow::Result<()> {
        self.shown.push(text.to_owned());
        Ok(())
    }
}

#[derive(Default)]
struct Memory {
    items: Mutex<HashMap<String, [u8; 32]>>,
    broken: bool,
}

impl Keychain for Memory {
    fn get(&self, id: &KeyId) -> Result<WrappingKey, KeychainError> {
        let key = self.items.lock().unwrap().get(id.as_str()).copied();
        key.map(|key| WrappingKey::from_bytes(&key)).ok_or_else(|| KeychainError::Lost { id: id.to_string() })
    }

    fn set(&self, id: &KeyId, key: &WrappingKey) -> Result<(), KeychainError> {
        if self.broken {
            return Err(KeychainError::Absent { why: "no bus".into() });
        }
        self.items.lock().unwrap().insert(id.to_string(), *key.expose());
        Ok(())
    }

    fn delete(&self, id: &KeyId) -> Result<(), KeychainError> {
        let removed = self.items.lock().unwrap().remove(id.as_str());
        removed.map(drop).ok_or_else(|| KeychainError::Lost { id: id.to_string() })
    }
}

struct Machine {
    dir: tempfile::TempDir,
    keychain: Memory,
}

impl Machine {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), keychain: Memory::default() }
    }

    fn without_keychain() -> Self {
        Self { keychain: Memory { broken: true, ..Memory::default() }, ..Self::new() }
    }

    /// Runs a command; its JSON, or the code of its problem.
    fn run(&self, person: &mut Person, args: &[&str]) -> Result<Value, String> {
        let folder = self.folder();
        let always = ["wallet", "--json", "--dir", folder.to_str().unwrap()];
        let args = always.iter().chain(args).copied();
        let cli = Cli::try_parse_from(args).unwrap();
        let mut out = Vec::new();
        let result = run_with(&cli.wallet, person, &self.keychain, &mut out);
        let json: Value = serde_json::from_slice(&out).unwrap();
        result.map(|()| json.clone()).map_err(|_| json["problem"]["code"].as_str().unwrap().to_owned())
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("wallets")
    }

    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        files.map(|file| file.file_name().into_string().unwrap()).collect()
    }

    fn items(&self) -> usize {
        self.keychain.items.lock().unwrap().len()
    }
}

#[test]
fn a_new_wallet_shows_its_words_once_asks_them_back_and_is_kept_by_the_keychain() {
    let (machine, mut person) = (Machine::new(), Person::who_says(&[]));
    let made = machine.run(&mut person, &["create"]).unwrap();
    assert_eq!((person.shown.len(), person.asked.len()), (1, 3));
    assert_eq!((&made["backed_up"], &made["locked_by"]), (&json!(true), &json!("keychain")));
    assert_eq!((machine.files(), machine.items()), (vec!["default.vault".to_owned()], 1));
    let shown: Vec<String> = (1..=12).map(|number| person.word(number)).collect();
    assert!(!made.to_string().contains(&shown[0]) || !made.to_string().contains(&shown[1]), "words in the answer");
    assert_eq!(machine.run(&mut Person::who_says(&[]), &["show"]).unwrap(), made);
}

#[test]
fn words_that_are_not_known_are_shown_again_and_then_count_as_no_backup() {
    let (machine, mut person) = (Machine::new(), Person::who_says(&[("Word", "wrong")]));
    let made = machine.run(&mut person, &["create", "--words", "24"]).unwrap();
    assert_eq!((person.shown.len(), &made["backed_up"]), (3, &json!(false)));
    // And such a wallet is not removed by mistake.
    let mut person = Person::who_says(&[("name", "default")]);
    assert_eq!(machine.run(&mut person, &["remove"]), Err("no_backup".to_owned()));
    machine.run(&mut person, &["remove", "--even-without-backup"]).unwrap();
    assert_eq!((machine.files().len(), machine.items()), (0, 0));
}

#[test]
fn without_a_keychain_the_person_is_told_and_types_a_passphrase_twice() {
    let machine = Machine::without_keychain();
    let mut person = Person::who_says(&[("passphrase", "four bears in a boat"), ("same", "four bears in a boat")]);
    let made = machine.run(&mut person, &["create"]).unwrap();
    assert_eq!(made["locked_by"], "passphrase");
    assert!(person.told.iter().any(|line| line.contains("no keychain") && line.contains("passphrase instead")));
    let mut person = Person::who_says(&[("passphrase", "four bears in a boat"), ("same", "other")]);
    let other = ["create", "--wallet", "two"];
    assert_eq!(machine.run(&mut person, &other), Err("passphrases_differ".to_owned()));
    assert_eq!(
        machine.run(
            &mut Person::who_says(&[("Recovery words", WORDS), ("passphrase", "short")]),
            &["import", "--yes", "--wallet", "two"]
        ),
        Err("passphrase_short".into())
    );
    let insist = ["create", "--wallet", "two", "--lock", "keychain"];
    assert_eq!(machine.run(&mut person, &insist), Err("keychain_absent".to_owned()));
    assert_eq!(machine.files(), ["default.vault"], "nothing was written by the three that failed");
}

#[test]
fn an_import_shows_the_address_first_and_saves_only_what_was_confirmed() {
    let machine = Machine::new();
    let address = wallet::WalletSecret::from_words(wallet::RecoveryWords::parse(WORDS).unwrap(), "").unwrap().hotkey();
    let mut no = Person::who_says(&[("Recovery words", WORDS), ("Is that yours", "n")]);
    assert_eq!(machine.run(&mut no, &["import"]), Err("not_confirmed".to_owned()));
    assert!(no.asked.last().unwrap().contains(&address.ss58()));
    let mut expects = Person::who_says(&[("Recovery words", WORDS)]);
    let other = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    assert_eq!(machine.run(&mut expects, &["import", "--expect", other]), Err("other_address".to_owned()));
    assert_eq!((machine.files().len(), machine.items()), (0, 0));
    let mut yes = Person::who_says(&[("Recovery words", WORDS), ("Is that yours", "y")]);
    let made = machine.run(&mut yes, &["import", "--payout", other]).unwrap();
    assert_eq!((made["hotkey"].as_str(), made["payout"].as_str()), (Some(address.ss58().as_str()), Some(other)));
    assert_eq!(machine.run(&mut yes, &["import"]), Err("wallet_exists".to_owned()));
}

#[test]
fn a_path_behind_the_words_and_a_seed_give_substrates_addresses() {
    let machine = Machine::new();
    // The development phrase, its `//Alice`, and her seed.
    let dev = "bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice";
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
    let mut words = Person::who_says(&[("Recovery words", dev)]);
    machine.run(&mut words, &["import", "--expect", alice, "--wallet", "a"]).unwrap();
    let mut seeds = Person::who_says(&[("Seed", seed)]);
    machine.run(&mut seeds, &["import", "--seed", "--expect", alice, "--wallet", "b"]).unwrap();
    for bad in ["", "e5be9a", "zz".repeat(32).as_str()] {
        let mut seeds = Person::who_says(&[("Seed", bad)]);
        assert_eq!(
            machine.run(&mut seeds, &["import", "--seed", "--yes", "--wallet", "c"]),
            Err("wallet_failed".to_owned())
        );
    }
    assert_eq!(
        machine.run(&mut Person::who_says(&[]), &["show", "--wallet", "a"]).unwrap()["other_wallets"],
        json!(["b"])
    );
    assert_eq!(machine.run(&mut Person::who_says(&[]), &["show"]), Err("wallet_missing".to_owned()));
}

#[test]
fn a_wallet_changes_its_lock_and_stays_the_same_wallet() {
    let machine = Machine::new();
    let made = machine.run(&mut Person::who_says(&[]), &["create"]).unwrap();
    let (old, new) = ("four bears in a boat", "five bears in a boat");
    let mut person = Person::who_says(&[("New", old), ("same", old)]);
    let locked = machine.run(&mut person, &["protect", "passphrase"]).unwrap();
    assert_eq!((&locked["locked_by"], &locked["hotkey"]), (&json!("passphrase"), &made["hotkey"]));
    assert_eq!(machine.items(), 0);
    let mut wrong = Person::who_says(&[("Present", new), ("New", new), ("same", new)]);
    assert_eq!(machine.run(&mut wrong, &["protect", "passphrase"]), Err("wallet_not_opened".to_owned()));
    assert_eq!(machine.run(&mut wrong, &["protect", "keychain"]), Err("wallet_not_opened".to_owned()));
    let mut right = Person::who_says(&[("Present", old), ("New", new), ("same", new)]);
    machine.run(&mut right, &["protect", "passphrase"]).unwrap();
    let mut right = Person::who_says(&[("Present", new)]);
    let kept = machine.run(&mut right, &["protect", "keychain"]).unwrap();
    assert_eq!((&kept["locked_by"], &kept["hotkey"], machine.items()), (&json!("keychain"), &made["hotkey"], 1));
}

#[test]
fn a_wallet_is_removed_only_by_its_name() {
    let machine = Machine::new();
    machine.run(&mut Person::who_says(&[]), &["create"]).unwrap();
    let mut person = Person::who_says(&[("name", "yes")]);
    assert_eq!(machine.run(&mut person, &["remove"]), Err("not_confirmed".to_owned()));
    assert_eq!((machine.files().len(), machine.items()), (1, 1));
    assert!(person.told[0].contains("Only its recovery words"));
    machine.run(&mut person, &["remove", "--confirm", "default"]).unwrap();
    assert_eq!((machine.files().len(), machine.items()), (0, 0));
}

#[test]
fn an_address_with_a_mistyped_character_is_no_payout_address() {
    let bad = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ";
    let error = Cli::try_parse_from(["wallet", "create", "--payout", bad]).err().unwrap().to_string();
    assert!(error.contains("checksum"), "{error}");
    for name in ["../up", "", "a/b"] {
        assert!(Cli::try_parse_from(["wallet", "show", "--wallet", name]).is_err(), "{name:?}");
    }
}
