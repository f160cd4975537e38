//! `covey-peer wallet …`: a person makes, restores, looks at, backs up and removes wallets on this machine.
//!
//! In: arguments (paths, public facts, never a secret), a terminal or lines on standard input, the keychain. Out: files,
//! and one answer as sentences or JSON. A command that fails says one sentence and has changed nothing.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use keychain::{Keychain, OsKeychain};
use serde_json::{Value, json};
use types::{Coldkey, Hotkey, Problem};
use wallet::WalletInfo;

mod capsule;
mod console;
mod create;
mod export;
mod import;
mod lock;
mod place;
mod protect;
mod remove;
mod show;

use console::{Console, Terminal};
use place::Place;

/// Arguments of `wallet`.
#[derive(Debug, Args)]
pub struct WalletArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: WalletCommand,
    /// Which wallet.
    #[arg(long, global = true, default_value = "default", value_name = "NAME", value_parser = wallet_name)]
    pub wallet: String,
    /// Folder of wallets; by default `covey/wallets` in this user's data folder.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// The answer as JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with wallets.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Make a new wallet: its recovery words are shown once and asked back.
    Create(CreateArgs),
    /// Restore a wallet: from recovery words, a seed, a wallet of btcli or a capsule.
    Import(ImportArgs),
    /// Show a wallet's public facts. Never a secret.
    Show,
    /// Back a wallet up: show its recovery words and ask them back, or write a folder for btcli.
    Export(ExportArgs),
    /// Write an encrypted file with the wallet and what belongs to it, for another machine.
    Capsule(CapsuleArgs),
    /// Choose what locks a wallet: the system's keychain or a passphrase.
    Protect(ProtectArgs),
    /// Remove a wallet from this machine.
    Remove(RemoveArgs),
}

/// What locks a new wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LockChoice {
    /// The keychain if it works, else a passphrase; says which.
    Auto,
    /// The system's keychain.
    Keychain,
    /// A passphrase.
    Passphrase,
}

/// How a new wallet is kept.
#[derive(Debug, Args)]
pub struct KeepArgs {
    /// What locks it.
    #[arg(long, value_enum, default_value_t = LockChoice::Auto)]
    pub lock: LockChoice,
    /// File with the passphrase (mode 600), instead of asking for it.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Address of the coldkey that owns what is earned. Only its address: its key stays elsewhere.
    #[arg(long, value_name = "ADDRESS", value_parser = coldkey)]
    pub payout: Option<Coldkey>,
}

/// Arguments of `wallet create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// How many recovery words.
    #[arg(long, default_value_t = 12, value_parser = word_count)]
    pub words: u8,
    /// Without a terminal: write the recovery words into this new file (mode 600).
    #[arg(long, value_name = "FILE")]
    pub words_to: Option<PathBuf>,
    /// How it is kept.
    #[command(flatten)]
    pub keep: KeepArgs,
}

/// Arguments of `wallet import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// From where.
    #[command(flatten)]
    pub from: ImportFrom,
    /// The hotkey's name in the folder of btcli.
    #[arg(long, default_value = "default", requires = "btcli", value_name = "NAME")]
    pub hotkey: String,
    /// File with the words or the seed (mode 600), instead of asking for them.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["btcli", "keyfile", "capsule"])]
    pub secret_file: Option<PathBuf>,
    /// File with the passphrase of the key file or capsule (mode 600), instead of asking for it.
    #[arg(long, value_name = "FILE")]
    pub source_passphrase_file: Option<PathBuf>,
    /// New folder for what else the capsule carries: the peer's identity, receipts, settings.
    #[arg(long, value_name = "FOLDER", requires = "capsule")]
    pub parts_to: Option<PathBuf>,
    /// The address that must come out; another one is refused.
    #[arg(long, value_name = "ADDRESS", value_parser = hotkey)]
    pub expect: Option<Hotkey>,
    /// Do not ask whether the address is the right one.
    #[arg(long)]
    pub yes: bool,
    /// How it is kept.
    #[command(flatten)]
    pub keep: KeepArgs,
}

/// Where a wallet comes from; by default, recovery words are asked for.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct ImportFrom {
    /// A 32-byte seed in hexadecimal.
    #[arg(long)]
    pub seed: bool,
    /// A wallet's folder of btcli, for example `~/.bittensor/wallets/default`.
    #[arg(long, value_name = "FOLDER")]
    pub btcli: Option<PathBuf>,
    /// A single key file of btcli.
    #[arg(long, value_name = "FILE")]
    pub keyfile: Option<PathBuf>,
    /// A capsule of another machine.
    #[arg(long, value_name = "FILE")]
    pub capsule: Option<PathBuf>,
}

/// Arguments of `wallet export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Write a wallet that btcli opens into this folder of wallets, instead of showing the words.
    #[arg(long, value_name = "FOLDER")]
    pub btcli: Option<PathBuf>,
    /// The hotkey's name there.
    #[arg(long, default_value = "default", requires = "btcli", value_name = "NAME")]
    pub hotkey: String,
    /// Leave the file for btcli unencrypted, as btcli does with hotkeys: whoever reads it has the wallet.
    #[arg(long, requires = "btcli")]
    pub plain: bool,
    /// File with the wallet's passphrase (mode 600).
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// File with the passphrase for btcli's file (mode 600).
    #[arg(long, value_name = "FILE", requires = "btcli", conflicts_with = "plain")]
    pub new_passphrase_file: Option<PathBuf>,
}

/// Arguments of `wallet capsule`.
#[derive(Debug, Args)]
pub struct CapsuleArgs {
    /// The capsule to make; never overwritten.
    pub file: PathBuf,
    /// Something that goes with the wallet: `receipts`, `peer-identity` or `settings`, and its file.
    #[arg(long = "include", value_name = "NAME=FILE", value_parser = part)]
    pub include: Vec<(String, PathBuf)>,
    /// File with the wallet's passphrase (mode 600).
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// File with the capsule's passphrase (mode 600).
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}

/// Arguments of `wallet protect`.
#[derive(Debug, Args)]
pub struct ProtectArgs {
    /// What shall lock it.
    #[arg(value_enum)]
    pub by: Protection,
    /// File with the present passphrase (mode 600).
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// File with the new passphrase (mode 600).
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}

/// The two locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protection {
    /// The system's keychain.
    Keychain,
    /// A passphrase.
    Passphrase,
}

/// Arguments of `wallet remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The wallet's name once more, instead of asking for it.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Remove it although its recovery words were never asked back.
    #[arg(long)]
    pub even_without_backup: bool,
}

/// What a command has to say at its end.
pub(crate) struct Report {
    json: Value,
    text: String,
}

/// Runs a command of this process's person, keychain and standard output.
///
/// # Errors
/// One sentence; nothing has changed.
pub fn run(args: &WalletArgs) -> anyhow::Result<()> {
    crate::harden::process();
    let mut out = std::io::stdout();
    run_with(args, &mut Terminal::new(), &OsKeychain::new(), &mut out)
}

fn run_with(
    args: &WalletArgs,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let result = place::of(args).and_then(|place| command(&args.command, &place, console, keychain));
    match &result {
        Ok(report) if args.json => writeln!(out, "{}", report.json)?,
        Ok(report) => write!(out, "{}", report.text)?,
        Err(error) if args.json => writeln!(out, "{}", json!({ "problem": problem(error) }))?,
        Err(_) => {}
    }
    result.map(drop)
}

fn command(
    command: &WalletCommand,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    match command {
        WalletCommand::Create(args) => create::run(args, place, console, keychain),
        WalletCommand::Import(args) => import::run(args, place, console, keychain),
        WalletCommand::Show => show::run(place),
        WalletCommand::Export(args) => export::run(args, place, console, keychain),
        WalletCommand::Capsule(args) => capsule::run(args, place, console, keychain),
        WalletCommand::Protect(args) => protect::run(args, place, console, keychain),
        WalletCommand::Remove(args) => remove::run(args, place, console, keychain),
    }
}

/// An error as a problem: its own, or its sentence.
fn problem(error: &anyhow::Error) -> Problem {
    match error.downcast_ref::<Problem>() {
        Some(problem) => problem.clone(),
        None => Problem::new("wallet_failed", "The wallet's command failed", format!("{error:#}")),
    }
}

/// Milliseconds since 1970, for the date in a wallet's facts.
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| time.as_millis() as u64)
}

fn refuse(code: &str, title: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Problem::new(code, title, hint).into()
}

fn wallet_name(text: &str) -> Result<String, String> {
    WalletInfo::new(text, Hotkey([0; 32]), 0).map(|info| info.name).map_err(|error| error.to_string())
}

fn word_count(text: &str) -> Result<u8, String> {
    match text {
        "12" => Ok(12),
        "24" => Ok(24),
        _ => Err("there are 12 or 24 words".into()),
    }
}

fn part(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("it is NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

fn coldkey(text: &str) -> Result<Coldkey, String> {
    text.parse().map_err(|error: types::KeyError| error.to_string())
}

fn hotkey(text: &str) -> Result<Hotkey, String> {
    text.parse().map_err(|error: types::KeyError| error.to_string())
}

#[cfg(test)]
mod tests;
