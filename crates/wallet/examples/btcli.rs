//! Drives the key-file code for `tests/oracle/wallet_roundtrip.py`, with test keys only.
//!
//! In: a command and paths; words, derivation path and passphrase as lines on standard input. Out: addresses.

use std::io::Read;
use std::path::Path;

use wallet::{BtcliWallet, ColdkeyFile, KeyfileBytes, Passphrase, RecoveryWords, WalletSecret, export_btcli};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let lines: Vec<&str> = input.lines().collect();
    let line = |i: usize| lines.get(i).copied().unwrap_or_default();
    let passphrase = |text: &str| Passphrase::new(text.to_owned()).ok();
    let secret = || -> Result<WalletSecret, Box<dyn std::error::Error>> {
        Ok(WalletSecret::from_words(RecoveryWords::parse(line(0))?, line(1))?)
    };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["show", folder] => {
            let wallet = BtcliWallet::read(Path::new(folder))?;
            if let Some(coldkey) = wallet.coldkey() {
                println!("coldkey {coldkey}");
            }
            wallet.hotkeys().iter().for_each(|name| println!("{name}"));
        }
        ["open", file] => {
            println!("{}", KeyfileBytes::read(Path::new(file))?.open(passphrase(line(0)).as_ref())?.hotkey());
        }
        ["export", wallets, name, coldkey] => {
            let lock = passphrase(line(2));
            export_btcli(Path::new(wallets), name, "default", &secret()?, Some(coldkey.parse()?), lock.as_ref())?;
        }
        ["coldkey", file] => {
            let lock = Passphrase::new(line(2).to_owned())?;
            println!("{}", ColdkeyFile::create(Path::new(file), &secret()?, &lock)?.address());
        }
        _ => return Err("show FOLDER | open FILE | export WALLETS NAME COLDKEY | coldkey FILE".into()),
    }
    Ok(())
}
