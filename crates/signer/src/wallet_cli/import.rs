//! `wallet import`: a wallet comes back from its recovery words or its seed.
//!
//! In: the secret, from a prompt, a file or standard input. Out: a saved wallet, after the person saw its address and
//! said that it is the right one. Another address than expected is refused before anything is written.

use std::path::Path;

use anyhow::Context as _;
use keychain::Keychain;
use types::Coldkey;
use wallet::{BtcliWallet, Capsule, KeyfileBytes, KeyfileKind, Passphrase, RecoveryWords, WalletInfo, WalletSecret};

use super::console::Console;
use super::place::Place;
use super::{ImportArgs, Report, capsule, lock, refuse, show};
use crate::passphrase;
use crate::secret_file::{self, From};

/// What was read; nothing of it is saved yet.
struct Found {
    from: Origin,
    payout: Option<Coldkey>,
}

/// A capsule keeps its secret to itself.
enum Origin {
    Secret(WalletSecret),
    Capsule(Capsule),
}

impl Found {
    fn of(secret: WalletSecret) -> Self {
        Self { from: Origin::Secret(secret), payout: None }
    }

    fn secret(&self) -> &WalletSecret {
        match &self.from {
            Origin::Secret(secret) => secret,
            Origin::Capsule(capsule) => capsule.secret(),
        }
    }

    fn capsule(&self) -> Option<&Capsule> {
        match &self.from {
            Origin::Secret(_) => None,
            Origin::Capsule(capsule) => Some(capsule),
        }
    }
}

pub(super) fn run(
    args: &ImportArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    place.must_be_free()?;
    let found = read(args, console)?;
    confirm(args, found.secret(), console)?;
    let mut info = WalletInfo::new(&place.name, found.secret().hotkey(), super::now_ms())?;
    info.payout = args.keep.payout.or(found.payout);
    info.peer_id = found.capsule().and_then(|capsule| capsule.info().wallet.peer_id.clone());
    // It came from a backup.
    info.backed_up = true;
    let lock = lock::choose(&args.keep, console, keychain)?;
    if let (Some(folder), Some(capsule)) = (&args.parts_to, found.capsule()) {
        capsule::unpack(capsule.parts(), folder)?;
    }
    if let Err(error) = lock::save(place, &info, found.secret(), &lock, keychain) {
        if let Some(folder) = &args.parts_to {
            // Made a moment ago by this command.
            let _ = std::fs::remove_dir_all(folder);
        }
        return Err(error);
    }
    let left: Vec<&str> = found.capsule().into_iter().flat_map(|capsule| capsule.parts().names()).collect();
    if !left.is_empty() && args.parts_to.is_none() {
        console.tell(&format!("The capsule also carries {}; --parts-to FOLDER would write them.", left.join(", ")))?;
    }
    show::report(place)
}

fn read(args: &ImportArgs, console: &mut dyn Console) -> anyhow::Result<Found> {
    let from = &args.from;
    if let Some(folder) = &from.btcli {
        let wallet = BtcliWallet::read(folder)?;
        let file = wallet.hotkey(&args.hotkey).with_context(|| format!("it has: {}", wallet.hotkeys().join(", ")))?;
        let secret = open_keyfile(args, &file, console)?;
        return Ok(Found { payout: wallet.coldkey(), ..Found::of(secret) });
    }
    if let Some(file) = &from.keyfile {
        return open_keyfile(args, &KeyfileBytes::read(file)?, console).map(Found::of);
    }
    if let Some(file) = &from.capsule {
        return open_capsule(args, file, console);
    }
    let question = if from.seed { "Seed (64 hexadecimal digits):" } else { "Recovery words:" };
    let text = match &args.secret_file {
        Some(file) => secret_file::read(file, From::Person).context("the secret's file cannot be used")?,
        None => console.ask_secret(question)?,
    };
    if from.seed { Ok(Found::of(WalletSecret::from_seed_hex(&text)?)) } else { words(&text).map(Found::of) }
}

fn open_keyfile(args: &ImportArgs, file: &KeyfileBytes, console: &mut dyn Console) -> anyhow::Result<WalletSecret> {
    if file.kind() == KeyfileKind::Plain {
        return Ok(file.open(None)?);
    }
    let passphrase = source_passphrase(args, "Passphrase of that key file:", console)?;
    if file.kind() == KeyfileKind::Nacl {
        console.tell("btcli's encryption takes 512 MiB of memory and a few seconds.")?;
    }
    Ok(file.open(Some(&passphrase))?)
}

fn open_capsule(args: &ImportArgs, file: &Path, console: &mut dyn Console) -> anyhow::Result<Found> {
    let whose = Capsule::inspect(file)?.wallet;
    console.tell(&format!("A capsule of wallet `{}` ({}).", whose.name, whose.hotkey))?;
    let passphrase = source_passphrase(args, "Passphrase of the capsule:", console)?;
    let capsule = Capsule::open(file, &passphrase)?;
    Ok(Found { payout: capsule.info().wallet.payout, from: Origin::Capsule(capsule) })
}

fn source_passphrase(args: &ImportArgs, question: &str, console: &mut dyn Console) -> anyhow::Result<Passphrase> {
    let passphrase = match &args.source_passphrase_file {
        Some(file) => passphrase::from_file(file, From::Person),
        None => passphrase::checked(console.ask_secret(question)?),
    };
    passphrase.map_err(anyhow::Error::msg)
}

/// Words, and after them perhaps a derivation path as Substrate writes it.
fn words(text: &str) -> anyhow::Result<WalletSecret> {
    let (words, path) = match text.find('/') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let words = RecoveryWords::parse(words).context("these are no recovery words")?;
    WalletSecret::from_words(words, path.trim_end()).context("the path behind the words does not read")
}

/// The address is shown before anything is saved (a wallet restored to another address is the oldest complaint there is).
fn confirm(args: &ImportArgs, secret: &WalletSecret, console: &mut dyn Console) -> anyhow::Result<()> {
    let address = secret.hotkey();
    if let Some(expected) = args.expect {
        if expected != address {
            return Err(refuse(
                "other_address",
                format!("This secret gives {address}, not {expected}"),
                "Check the order of the words and the derivation path behind them. Nothing was saved.",
            ));
        }
        return Ok(());
    }
    if args.yes {
        return Ok(());
    }
    let answer = console.ask(&format!("This is the wallet with the address {address}. Is that yours? [y/N]"))?;
    if answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes") {
        return Ok(());
    }
    Err(refuse("not_confirmed", "The wallet was not imported", "Nothing was saved."))
}
