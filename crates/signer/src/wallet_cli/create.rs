//! `wallet create`: new recovery words, shown once and asked back, in a vault that was opened again.
//!
//! In: how many words and what locks them. Out: a saved wallet and its public facts. Without a person to show the words
//! to, they go into a file that is named, or no wallet is made.

use std::path::Path;

use anyhow::Context as _;
use keychain::Keychain;
use wallet::{RecoveryWords, WalletInfo, WalletSecret, WordCount};
use zeroize::Zeroizing;

use super::console::Console;
use super::place::Place;
use super::{CreateArgs, Report, lock, refuse, show};

/// How often the words are shown and asked again before the wallet is saved without a proven backup.
const ROUNDS: usize = 3;
/// Words on a line of the screen that shows them.
const COLUMNS: usize = 4;

pub(super) fn run(
    args: &CreateArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    place.must_be_free()?;
    if !console.interactive() && args.words_to.is_none() {
        return Err(refuse(
            "nobody_to_show_to",
            "Nobody is there to whom the recovery words could be shown",
            "Run it at a terminal, or name a new file for them with --words-to FILE. No wallet was made.",
        ));
    }
    let count = if args.words == 24 { WordCount::TwentyFour } else { WordCount::Twelve };
    let words = RecoveryWords::generate(count)?;
    let secret = WalletSecret::from_words(words, "")?;
    let words = secret.words().context("a new wallet has words")?;
    let lock = lock::choose(&args.keep, console, keychain)?;
    let mut info = WalletInfo::new(&place.name, secret.hotkey(), super::now_ms())?;
    info.payout = args.keep.payout;
    match &args.words_to {
        Some(file) => write_words(file, words)?,
        None => info.backed_up = back_up(words, console)?,
    }
    if let Err(error) = lock::save(place, &info, &secret, &lock, keychain) {
        if let Some(file) = &args.words_to {
            // Words of a wallet that does not exist would only be taken for another's.
            let _ = std::fs::remove_file(file);
        }
        return Err(error);
    }
    show::report(place)
}

/// Shows the words and asks three of them back; whether they were known.
pub(super) fn back_up(words: &RecoveryWords, console: &mut dyn Console) -> anyhow::Result<bool> {
    for round in 1..=ROUNDS {
        console.show_secret(&screen(words))?;
        console.tell("Three of them, please; what you type is not shown.")?;
        let quiz = words.quiz()?;
        let mut typed = Vec::new();
        for number in quiz.numbers() {
            typed.push(console.ask_secret(&format!("Word {number}:"))?);
        }
        let typed: Vec<&str> = typed.iter().map(|word| word.as_str()).collect();
        if quiz.passes(words, &typed) {
            console.tell("Right. Whoever has these words has the wallet: keep them where nobody looks.")?;
            return Ok(true);
        }
        if round < ROUNDS {
            console.tell("That is not what was shown. Here are the words again.")?;
        }
    }
    console.tell("The words were not known, so this wallet counts as not backed up.")?;
    Ok(false)
}

/// What stands on the screen.
fn screen(words: &RecoveryWords) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str("Recovery words of this wallet. Write them down on paper, in order; nothing else brings it back.\n");
    text.push_str("Nobody who helps you ever needs them.\n");
    for (i, word) in words.reveal().enumerate() {
        text.push_str(if i % COLUMNS == 0 { "\n  " } else { "" });
        text.push_str(&format!("{:>2}. {word:<10}", i + 1));
    }
    text
}

fn write_words(file: &Path, words: &RecoveryWords) -> anyhow::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(256));
    for word in words.reveal() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    Ok(crate::secret_file::write_new(file, &text)?)
}
