//! Vault operations with a keychain made of memory that fails in every way one can.

use std::collections::HashMap;
use std::fs;
use std::sync::{Condvar, Mutex};

use keychain::{KeyId, KeychainError};
use view_model::ImportFrom;
use wallet::WrappingKey;

use super::*;

pub(crate) const PASSPHRASE: &str = "four bears in a boat";
/// A published test phrase of Substrate and its address.
pub(crate) const WORDS: &str = "caution juice atom organ advance problem want pledge someone senior holiday very";
pub(crate) const ADDRESS: &str = "5Gv8YYFu8H1btvmrJy9FjjAWfb99wrhV3uhPFoNEr918utyR";
/// `//Alice` of Substrate's development phrase.
pub(crate) const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const DEV: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

/// A keychain in memory.
#[derive(Default)]
pub(crate) struct Memory {
    items: Mutex<HashMap<String, [u8; 32]>>,
    fails: Mutex<Option<KeychainError>>,
    shut: Mutex<bool>,
    opened: Condvar,
}

impl Memory {
    pub(crate) fn fail(&self, error: Option<KeychainError>) {
        *self.fails.lock().unwrap() = error;
    }

    /// Calls hang as long as it is shut.
    pub(crate) fn shut(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }

    pub(crate) fn items(&self) -> usize {
        self.items.lock().unwrap().len()
    }

    fn state(&self) -> Result<(), KeychainError> {
        drop(self.opened.wait_while(self.shut.lock().unwrap(), |shut| *shut).unwrap());
        self.fails.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Keychain for Memory {
    fn get(&self, id: &KeyId) -> Result<WrappingKey, KeychainError> {
        self.state()?;
        let key = self.items.lock().unwrap().get(id.as_str()).copied();
        key.map(|key| WrappingKey::from_bytes(&key)).ok_or_else(|| KeychainError::Lost { id: id.to_string() })
    }

    fn set(&self, id: &KeyId, key: &WrappingKey) -> Result<(), KeychainError> {
        self.state()?;
        self.items.lock().unwrap().insert(id.to_string(), *key.expose());
        Ok(())
    }

    fn delete(&self, id: &KeyId) -> Result<(), KeychainError> {
        self.state()?;
        let removed = self.items.lock().unwrap().remove(id.as_str());
        removed.map(drop).ok_or_else(|| KeychainError::Lost { id: id.to_string() })
    }
}

/// The four ways in which a keychain is not there for somebody, with the code of what is said.
pub(crate) fn unusable() -> [(KeychainError, &'static str); 4] {
    [
        (KeychainError::Absent { why: "no bus".into() }, "keychain_absent"),
        (KeychainError::Locked, "keychain_locked"),
        (KeychainError::Denied, "keychain_denied"),
        (KeychainError::Slow { limit_s: 10 }, "keychain_slow"),
    ]
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

struct Home {
    dir: tempfile::TempDir,
    keychain: Arc<Memory>,
    vaults: Vaults,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keychain = Arc::new(Memory::default());
        let vaults = Vaults::new(dir.path().join("wallets"), Arc::clone(&keychain) as Arc<dyn Keychain>);
        Self { dir, keychain, vaults }
    }

    /// With a wallet `default` in the keychain, from [`WORDS`].
    fn with_wallet() -> Self {
        let home = Self::new();
        home.import("default", words(WORDS, ""), None).unwrap();
        home
    }

    fn import(&self, name: &str, from: ImportFrom, passphrase: Option<&str>) -> Result<String, String> {
        let made = self.vaults.import(name, from, passphrase.map(secret));
        made.map(|info| info.hotkey.ss58()).map_err(|problem| problem.code)
    }

    /// Every file of the folder with its bytes.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.vaults.folder()).into_iter().flatten().flatten();
        let mut files: Vec<_> =
            entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
        files.sort();
        files
    }

    fn rows(&self) -> Vec<WalletRow> {
        self.vaults.rows(&BTreeMap::new()).0
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).into_os_string().into_string().unwrap()
    }
}

fn words(words: &str, path: &str) -> ImportFrom {
    ImportFrom::Words { words: secret(words), path: path.to_owned() }
}

fn key_file(path: String, password: Option<&str>) -> ImportFrom {
    ImportFrom::KeyFile { path, password: password.map(secret) }
}

/// A file that btcli wrote, of the wallet crate's vectors.
fn vector(name: &str) -> String {
    format!("{}/../wallet/fixtures/btcli/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn code<T>(result: Result<T, Problem>) -> String {
    result.err().expect("it should have been refused").code
}

fn asked(backup: &Backup) -> Vec<Secret> {
    let all = backup.words();
    backup.numbers().into_iter().map(|number| secret(all[number as usize - 1].expose())).collect()
}

#[test]
fn a_new_wallet_is_in_the_keychain_and_counts_as_backed_up_once_three_words_are_known() {
    let home = Home::new();
    for (name, count) in [("twelve", 12), ("twenty-four", 24)] {
        let (info, mut backup) = home.vaults.create(name, count, None).unwrap();
        assert_eq!((backup.words().len(), backup.numbers().len()), (count as usize, 3));
        let row = |home: &Home| home.rows().into_iter().find(|row| row.name == name).unwrap();
        assert_eq!((row(&home).backed_up, row(&home).keychain, row(&home).has_words), (false, true, true));
        assert_eq!(row(&home).hotkey, info.hotkey.ss58());
        let wrong: Vec<Secret> = ["a", "b", "c"].map(secret).into();
        for _ in 0..3 {
            assert!(!backup.check(&wrong).unwrap());
            backup.ask_others().unwrap();
        }
        assert!(!backup.check(&asked(&backup)[..2]).unwrap(), "two are not three");
        assert!(!row(&home).backed_up);
        assert!(backup.check(&asked(&backup)).unwrap());
        assert!(row(&home).backed_up);
    }
    assert_eq!(home.keychain.items(), 2);
    assert_eq!(code(home.vaults.create("odd", 13, None).map(drop)), "word_count");
}

#[test]
fn a_keychain_that_is_not_there_says_which_way_and_leaves_the_folder_untouched() {
    let home = Home::with_wallet();
    let before = home.files();
    for (error, expected) in unusable() {
        home.keychain.fail(Some(error));
        let KeychainState::Unusable(problem) = home.vaults.probe() else { panic!("{expected}: usable") };
        assert_eq!(problem.code, expected);
        assert_eq!(code(home.vaults.create("new", 12, None).map(drop)), expected);
        assert_eq!(home.import("new", words(DEV, ""), None), Err(expected.to_owned()));
        assert_eq!(code(home.vaults.begin_backup("default", None).map(drop)), expected);
        assert_eq!(code(home.vaults.set_payout(Some("default"), ALICE).map(drop)), expected);
        let target = home.path("away");
        assert_eq!(code(home.vaults.export("default", None, secret(PASSPHRASE), &target)), expected);
        assert_eq!(code(home.vaults.migrate("default", None, secret(PASSPHRASE), target.as_ref(), &[])), expected);
        assert!(!Path::new(&target).exists());
        assert_eq!(home.files(), before, "{expected}");
    }
    // A passphrase is the way around it, when somebody chooses that.
    home.vaults.create("new", 12, Some(secret(PASSPHRASE))).unwrap();
    home.keychain.fail(None);
    assert_eq!(home.vaults.probe(), KeychainState::Ready);
    home.vaults.begin_backup("default", None).unwrap();
    assert_eq!(home.keychain.items(), 1, "probes leave nothing");
}

#[test]
fn a_lost_keychain_item_is_no_lost_wallet() {
    let home = Home::with_wallet();
    let before = home.files();
    home.keychain.items.lock().unwrap().clear();
    assert_eq!(code(home.vaults.begin_backup("default", None).map(drop)), "keychain_item_lost");
    assert_eq!(home.files(), before);
    assert_eq!(home.rows()[0].hotkey, ADDRESS);
}

#[test]
fn a_name_that_is_taken_is_never_overwritten_and_a_bad_name_is_none() {
    let home = Home::with_wallet();
    let before = home.files();
    assert_eq!(code(home.vaults.create("default", 12, None).map(drop)), "wallet_exists");
    assert_eq!(home.import("default", words(DEV, ""), None), Err("wallet_exists".to_owned()));
    for name in ["", "../up", "a/b", ".hidden", "con\n"] {
        assert_eq!(code(home.vaults.create(name, 12, None).map(drop)), "wallet_name", "{name:?}");
        assert_eq!(code(home.vaults.begin_backup(name, None).map(drop)), "wallet_name", "{name:?}");
        assert_eq!(code(home.vaults.remove(name, name)), "wallet_name", "{name:?}");
    }
    assert_eq!((home.files(), home.keychain.items()), (before, 1));
}

#[test]
fn a_folder_that_cannot_be_written_says_so_and_leaves_no_key_behind() {
    let home = Home::new();
    // A file where the folder should be: no right and no user makes a folder of it.
    fs::write(home.vaults.folder(), b"in the way").unwrap();
    for passphrase in [None, Some(secret(PASSPHRASE))] {
        assert_eq!(code(home.vaults.create("default", 12, passphrase).map(drop)), "wallet_folder");
    }
    assert_eq!(home.keychain.items(), 0);
    assert_eq!(fs::read(home.vaults.folder()).unwrap(), b"in the way");
}

#[test]
fn words_a_path_and_a_seed_give_substrates_addresses() {
    let home = Home::new();
    let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
    assert_eq!(home.import("a", words(WORDS, ""), None).as_deref(), Ok(ADDRESS));
    assert_eq!(home.import("b", words(&DEV.to_uppercase(), " //Alice "), None).as_deref(), Ok(ALICE));
    assert_eq!(home.import("c", words(&format!("{DEV} //Alice"), ""), None).as_deref(), Ok(ALICE));
    assert_eq!(home.import("d", ImportFrom::Seed { hex: secret(seed) }, None).as_deref(), Ok(ALICE));
    let has_words: Vec<bool> = home.rows().iter().map(|row| row.has_words).collect();
    assert_eq!(has_words, [true, true, true, false]);
    assert!(home.rows().iter().all(|row| row.backed_up), "they came from a backup");
    assert_eq!(code(home.vaults.begin_backup("d", None).map(drop)), "no_words");
    let before = home.files();
    for (from, expected) in [
        (words("caution juice", ""), "words_wrong"),
        (words(&WORDS.replace("atom", "atomm"), ""), "words_wrong"),
        (words(WORDS, "Alice"), "path_wrong"),
        (words(&format!("{WORDS} //a"), "//b"), "path_twice"),
        (ImportFrom::Seed { hex: secret("e5be") }, "seed_wrong"),
    ] {
        assert_eq!(home.import("e", from, None), Err(expected.to_owned()));
    }
    assert_eq!(home.files(), before);
}

#[test]
fn what_is_wrong_with_typed_words_is_said_without_repeating_them() {
    let home = Home::new();
    let typed = WORDS.replace("organ", "xylophon");
    let problem = home.vaults.import("a", words(&typed, ""), None).err().unwrap();
    let said = problem.to_string();
    assert!(said.contains("ord 4"), "{said}");
    assert!(typed.split(' ').filter(|word| word.len() > 4).all(|word| !said.contains(word)), "{said}");
}

#[test]
fn wallets_that_btcli_made_are_brought_with_their_payout_address() {
    let home = Home::new();
    let btcli = |hotkey: &str| ImportFrom::Btcli { folder: vector(""), hotkey: hotkey.to_owned(), password: None };
    let hotkey = home.import("words", btcli("words"), None).unwrap();
    let payout = home.rows()[0].payout.clone().unwrap();
    payout.parse::<Coldkey>().unwrap();
    assert_eq!(home.import("file", key_file(vector("hotkeys/words"), None), None), Ok(hotkey));
    assert_eq!(home.import("absent", btcli("nobody"), None), Err("btcli_folder".to_owned()));
    assert_eq!(home.import("absent", key_file(home.path("absent"), None), None), Err("key_file".to_owned()));
    let ansible = || vector("hotkeys/ansible");
    assert_eq!(home.import("ansible", key_file(ansible(), None), None), Err("key_file_password".to_owned()));
    assert_eq!(home.import("ansible", key_file(ansible(), Some("wrong")), None), Err("key_file_not_opened".to_owned()));
    home.import("ansible", key_file(ansible(), Some("Correct-Horse-9!")), None).unwrap();
}

#[test]
fn a_wallet_goes_to_btcli_and_back_and_nothing_is_written_over() {
    let home = Home::with_wallet();
    home.vaults.set_payout(Some("default"), ALICE).unwrap();
    let target = home.path("btcli");
    assert_eq!(code(home.vaults.export("default", None, secret("short"), &target)), "passphrase_short");
    assert_eq!(code(home.vaults.export("default", None, secret(WORDS), &target)), "words_in_the_wrong_place");
    let folder = home.vaults.export("default", None, secret(PASSPHRASE), &target).unwrap();
    assert_eq!(code(home.vaults.export("default", None, secret(PASSPHRASE), &target)), "btcli_export");
    let folder = folder.into_os_string().into_string().unwrap();
    let from = ImportFrom::Btcli { folder, hotkey: "default".to_owned(), password: Some(secret(PASSPHRASE)) };
    assert_eq!(home.import("back", from, Some(PASSPHRASE)).as_deref(), Ok(ADDRESS));
    let back = home.rows().into_iter().find(|row| row.name == "back").unwrap();
    assert_eq!((back.payout.as_deref(), back.keychain), (Some(ALICE), false));
}

#[test]
fn a_payout_address_is_checked_and_kept_for_a_wallet_for_a_passphrase_and_for_nobody() {
    let home = Home::new();
    let bad = ALICE.replace("utQY", "utQZ");
    assert_eq!(code(home.vaults.set_payout(None, &bad)), "payout_address");
    assert!(home.files().is_empty());
    home.vaults.set_payout(None, &format!(" {ALICE}\n")).unwrap();
    // The next wallet takes it up.
    home.import("first", words(WORDS, ""), Some(PASSPHRASE)).unwrap();
    assert_eq!(home.rows()[0].payout.as_deref(), Some(ALICE));
    home.import("second", words(DEV, ""), None).unwrap();
    assert_eq!(home.rows()[1].payout, None);
    // A vault with a passphrase is not opened for it; one in the keychain is changed.
    let vault = fs::read(home.vaults.file("first").unwrap()).unwrap();
    home.vaults.set_payout(Some("first"), ADDRESS).unwrap();
    home.vaults.set_payout(Some("second"), ADDRESS).unwrap();
    assert_eq!(fs::read(home.vaults.file("first").unwrap()).unwrap(), vault);
    let payouts: Vec<_> = home.rows().into_iter().map(|row| row.payout).collect();
    assert_eq!(payouts, [Some(ADDRESS.to_owned()), Some(ADDRESS.to_owned())]);
    assert_eq!(code(home.vaults.set_payout(Some("absent"), ALICE)), "wallet_missing");
}

#[test]
fn a_damaged_file_of_payout_addresses_is_said_and_left_as_it_is() {
    let home = Home::new();
    home.vaults.set_payout(None, ALICE).unwrap();
    let file = home.vaults.folder().join("payouts.json");
    for bytes in [b"{".as_slice(), b"{\"version\":2,\"wallets\":{}}", &[b' '; 70_000]] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(code(home.vaults.set_payout(None, ADDRESS)), "payouts_unreadable");
        let (rows, problem) = home.vaults.rows(&BTreeMap::new());
        assert_eq!((rows.len(), problem.unwrap().code.as_str()), (0, "payouts_unreadable"));
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[test]
fn a_capsule_carries_the_wallet_its_payout_address_and_the_parts_that_are_there() {
    let home = Home::with_wallet();
    home.vaults.set_payout(Some("default"), ALICE).unwrap();
    fs::write(home.path("settings.json"), b"{}").unwrap();
    let parts = [("settings", "settings.json"), ("receipts", "absent")]
        .map(|(name, file)| (name.to_owned(), PathBuf::from(home.path(file))));
    let file = PathBuf::from(home.path("moving.capsule"));
    home.vaults.migrate("default", None, secret(PASSPHRASE), &file, &parts).unwrap();
    let bytes = fs::read(&file).unwrap();
    let again = home.vaults.migrate("default", None, secret(PASSPHRASE), &file, &parts);
    assert_eq!((code(again), fs::read(&file).unwrap()), ("capsule_exists".to_owned(), bytes));
    let capsule = Capsule::open(&file, &wallet::Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    assert_eq!(capsule.secret().hotkey().ss58(), ADDRESS);
    assert_eq!(capsule.info().wallet.payout.unwrap().ss58(), ALICE);
    assert_eq!(capsule.parts().names().collect::<Vec<_>>(), ["settings"]);
}

#[test]
fn a_wallet_is_removed_by_its_name_with_its_item_in_the_keychain_and_never_without_a_backup() {
    let home = Home::with_wallet();
    home.vaults.set_payout(None, ALICE).unwrap();
    drop(home.vaults.create("new", 12, None).unwrap());
    assert_eq!(code(home.vaults.remove("new", "new")), "no_backup");
    assert_eq!(code(home.vaults.remove("default", "yes")), "not_confirmed");
    assert_eq!((home.rows().len(), home.keychain.items()), (2, 2));
    home.vaults.remove("default", "default").unwrap();
    assert_eq!((home.rows().len(), home.keychain.items()), (1, 1));
    assert_eq!(code(home.vaults.remove("default", "default")), "wallet_missing");
    // A wallet of the same name later is another wallet.
    home.import("default", words(DEV, "//Alice"), None).unwrap();
    assert_eq!(home.rows()[0].payout, None);
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_recovery_words_are_none() {
    let home = Home::new();
    home.import("default", words(WORDS, ""), Some(PASSPHRASE)).unwrap();
    let before = home.files();
    let open = |text: Option<&str>| home.vaults.begin_backup("default", text.map(secret)).map(drop);
    assert_eq!(code(open(None)), "no_passphrase");
    assert_eq!(code(open(Some("wrong"))), "wallet_not_opened");
    assert_eq!(code(open(Some(WORDS))), "words_in_the_wrong_place");
    assert_eq!(code(home.vaults.create("new", 12, Some(secret("short"))).map(drop)), "passphrase_short");
    open(Some(PASSPHRASE)).unwrap();
    assert_eq!(home.files(), before);
}

#[test]
fn a_file_that_is_no_vault_is_told_and_hides_no_other() {
    let home = Home::with_wallet();
    fs::write(home.vaults.folder().join("torn.vault"), b"CVVAULT").unwrap();
    let (rows, problem) = home.vaults.rows(&BTreeMap::new());
    assert_eq!((rows.len(), rows[0].name.as_str()), (1, "default"));
    assert_eq!(problem.unwrap().code, "wallet_unreadable");
}
