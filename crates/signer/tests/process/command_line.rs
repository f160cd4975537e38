//! `wallet` without a terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::machine::{ADDRESS, Machine, PASSPHRASE, WORDS, run};

#[test]
fn a_wallet_is_made_without_a_terminal_only_if_its_words_have_somewhere_to_go() {
    let machine = Machine::new();
    assert_eq!(machine.wallet(&["create"], &format!("{PASSPHRASE}\n")).problem(), "nobody_to_show_to");
    assert!(machine.files().is_empty());
    let made = machine.wallet(&["create", "--words", "24", "--words-to", "w"], &format!("{PASSPHRASE}\n")).fine();
    // Nobody has shown to know them.
    assert_eq!((made["backed_up"].as_bool(), made["locked_by"].as_str()), (Some(false), Some("passphrase")));
    let words = machine.home().join("w");
    assert_eq!(fs::metadata(&words).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&words).unwrap();
    assert_eq!(text.split_whitespace().count(), 24);
    let words = words.to_str().unwrap();
    let again = ["import", "--wallet", "again", "--secret-file", words, "--yes"];
    assert_eq!(machine.wallet(&again, &format!("{PASSPHRASE}\n")).fine()["hotkey"], made["hotkey"]);
    // The file is not overwritten, and a wallet whose words got lost on the way is not made.
    let two = machine.wallet(&["create", "--wallet", "two", "--words-to", words], &format!("{PASSPHRASE}\n"));
    assert_eq!((two.code, fs::read_to_string(words).unwrap()), (Some(1), text));
    assert!(!machine.files().iter().any(|file| file.ends_with("two.vault")));
}

#[test]
fn an_import_without_a_terminal_needs_the_address_or_a_yes() {
    let machine = Machine::new();
    let input = format!("{WORDS}\n{PASSPHRASE}\n");
    assert_eq!(machine.wallet(&["import"], &input).problem(), "no_terminal");
    let other = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    assert_eq!(machine.wallet(&["import", "--expect", other], &input).problem(), "other_address");
    assert!(machine.files().is_empty(), "{:?}", machine.files());
    let made = machine.wallet(&["import", "--expect", ADDRESS, "--payout", other], &input).fine();
    assert_eq!((made["hotkey"].as_str(), made["payout"].as_str()), (Some(ADDRESS), Some(other)));
    assert_eq!(machine.wallet(&["show"], "").fine(), made);
}

#[test]
fn a_file_with_a_secret_that_others_may_read_is_refused_and_nothing_is_written() {
    let machine = Machine::new();
    let (words, open) = (machine.secret("words", WORDS), machine.file("open", PASSPHRASE, 0o644));
    let before = machine.files();
    let ended = machine.wallet(&["import", "--yes", "--secret-file", &words, "--passphrase-file", &open], "");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("mode 644") && ended.stderr.contains("chmod 600"), "{}", ended.stderr);
    assert_eq!(machine.files(), before);
}

#[test]
fn a_capsule_carries_a_wallet_to_another_machine_with_all_that_belongs_to_it() {
    let (here, there) = (Machine::with_wallet(), Machine::new());
    let receipts = here.file("receipts.jsonl", "one\ntwo\n", 0o644);
    let capsule = here.home().join("moving.capsule");
    let capsule = capsule.to_str().unwrap();
    let include = format!("receipts={receipts}");
    let secrets = format!("{PASSPHRASE}\nand a long one for the capsule\n");
    let made = here.wallet(&["capsule", capsule, "--include", &include], &secrets).fine();
    assert_eq!((made["hotkey"].as_str(), made["parts"][0].as_str()), (Some(ADDRESS), Some("receipts")));
    assert_eq!(here.wallet(&["capsule", capsule], &secrets).problem(), "capsule_exists");
    let parts = there.home().join("parts");
    let import = ["import", "--capsule", capsule, "--expect", ADDRESS, "--parts-to", parts.to_str().unwrap()];
    let wrong = there.wallet(&import, &format!("not the capsule's\n{PASSPHRASE}\n"));
    assert!(wrong.code == Some(1) && wrong.stderr.contains("wrong passphrase"), "{}", wrong.stderr);
    assert!(there.files().is_empty());
    let moved = there.wallet(&import, &format!("and a long one for the capsule\n{PASSPHRASE}\n")).fine();
    assert_eq!((moved["hotkey"].as_str(), moved["backed_up"].as_bool()), (Some(ADDRESS), Some(true)));
    assert_eq!(fs::read_to_string(parts.join("receipts")).unwrap(), "one\ntwo\n");
    assert_eq!(fs::metadata(parts.join("receipts")).unwrap().permissions().mode() & 0o077, 0);
}

#[test]
fn a_wallet_goes_to_btcli_and_comes_back_with_its_payout_address() {
    let (machine, payout) = (Machine::new(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    machine.wallet(&["import", "--yes", "--payout", payout], &format!("{WORDS}\n{PASSPHRASE}\n")).fine();
    let export = ["export", "--btcli", "wallets", "--hotkey", "miner", "--plain"];
    machine.wallet(&export, &format!("{PASSPHRASE}\n")).fine();
    let folder = machine.home().join("wallets/default");
    let folder = folder.to_str().unwrap();
    let import = ["import", "--wallet", "back", "--btcli", folder, "--hotkey", "miner", "--expect", ADDRESS];
    let back = machine.wallet(&import, &format!("{PASSPHRASE}\n")).fine();
    assert_eq!((back["hotkey"].as_str(), back["payout"].as_str()), (Some(ADDRESS), Some(payout)));
    let other = ["import", "--wallet", "other", "--btcli", folder, "--hotkey", "nobody", "--yes"];
    let missing = machine.wallet(&other, &format!("{PASSPHRASE}\n"));
    assert!(missing.code == Some(1) && missing.stderr.contains("it has: miner"), "{}", missing.stderr);
    // Words go to nobody's screen.
    assert_eq!(machine.wallet(&["export"], &format!("{PASSPHRASE}\n")).problem(), "nobody_to_show_to");
}

#[test]
fn a_wrong_passphrase_leaves_the_wallet_as_it_is() {
    let machine = Machine::with_wallet();
    let before = fs::read(machine.vault()).unwrap();
    let secrets = "not this one\nanother long one\n";
    assert_eq!(machine.wallet(&["protect", "passphrase"], secrets).problem(), "wallet_not_opened");
    assert_eq!(machine.wallet(&["capsule", "c"], secrets).problem(), "wallet_not_opened");
    assert_eq!(machine.wallet(&["protect", "keychain"], &format!("{PASSPHRASE}\n")).problem(), "keychain_absent");
    assert_eq!(fs::read(machine.vault()).unwrap(), before);
    machine.wallet(&["protect", "passphrase"], &format!("{PASSPHRASE}\nanother long one\n")).fine();
    assert_eq!(machine.wallet(&["remove"], "").problem(), "no_terminal");
    machine.wallet(&["remove", "--confirm", "default"], "").fine();
    assert_eq!(machine.wallet(&["show"], "").problem(), "wallet_missing");
}

#[test]
fn recovery_words_among_the_arguments_are_refused_and_not_repeated() {
    let machine = Machine::new();
    let mut apart = machine.program();
    apart.args(["wallet", "import"]).args(WORDS.split(' '));
    let mut whole = machine.program();
    whole.args(["wallet", "create", "--payout", WORDS]);
    for command in [&mut apart, &mut whole] {
        let ended = run(command, &format!("{WORDS}\n"));
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("history") && !ended.stderr.contains("caution"), "{}", ended.stderr);
    }
}
