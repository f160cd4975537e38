//! `covey-release`: what a maintainer does for a release, and what a machine without a window does for its engine.
//!
//! In: archives, a key file, addresses. Out: descriptions on standard output or signed into a file, a pack on a shelf; exit
//! code 1 with a sentence when it fails. A key never leaves its file but as a signature.

mod make;
mod shelve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Describes and signs releases and packs; fetches a pack.
#[derive(Parser)]
#[command(version)]
struct Flags {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Makes a signing key in a new file that only its owner reads, and prints the public key
    Key {
        /// The new file
        file: PathBuf,
    },
    /// Describes a runtime pack out of archives such as wheels
    Pack(PackArgs),
    /// Describes a version of the programs out of their archive
    Release(ReleaseArgs),
    /// Signs descriptions as one file to be published
    Sign(SignArgs),
    /// Fetches the pack for this machine
    Fetch(FetchArgs),
}

#[derive(Args)]
struct PackArgs {
    /// What it is for
    #[arg(long)]
    kind: KindArg,
    /// System and processor
    #[arg(long, default_value_t = update::manifest::platform())]
    platform: String,
    /// Version of torch
    #[arg(long, default_value = pack::TORCH)]
    torch: String,
    /// CUDA that the driver must speak, as 13.0
    #[arg(long, value_parser = make::pair)]
    cuda: Option<(u32, u32)>,
    /// What a card must compute, as 7.5
    #[arg(long, value_parser = make::pair)]
    compute: Option<(u32, u32)>,
    /// Beginnings of wanted paths, each for the archives that have it: `FILE:torch/lib/libc10.so`
    #[arg(long, value_name = "FILE:PREFIX", required = true)]
    want: Vec<String>,
    /// An archive and where users find it: `PATH=URL`, or `PATH` alone where only local files are used
    #[arg(long, value_name = "PATH=URL", required = true)]
    archive: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindArg {
    /// For the processor
    Cpu,
    /// The CUDA half
    Cuda,
}

#[derive(Args)]
struct ReleaseArgs {
    /// The archive with both programs
    archive: PathBuf,
    /// Version
    #[arg(long)]
    version: String,
    /// Whether only testers get it
    #[arg(long)]
    preview: bool,
    /// System and processor
    #[arg(long, default_value_t = update::manifest::platform())]
    platform: String,
    /// Folder in the archive that the programs lie in
    #[arg(long, default_value = "")]
    folder: String,
    /// Share of machines that get it now
    #[arg(long, default_value_t = 100)]
    percent: u8,
    /// What is new
    #[arg(long, default_value = "")]
    notes: String,
    /// Where the archive will lie
    #[arg(long, required = true)]
    url: Vec<String>,
}

#[derive(Args)]
struct SignArgs {
    /// What they describe
    #[arg(long = "for")]
    purpose: PurposeArg,
    /// The signing key's file; two while keys change
    #[arg(long, required = true)]
    key: Vec<PathBuf>,
    /// Number of the description; else the minutes since 2026
    #[arg(long)]
    sequence: Option<u64>,
    /// How long it is good, in days
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// The file to be published
    #[arg(long)]
    out: PathBuf,
    /// Files that `pack` or `release` printed
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PurposeArg {
    /// Versions of the programs
    Updates,
    /// Runtime packs
    Packs,
}

#[derive(Args)]
struct FetchArgs {
    /// Address of the signed description, or a local file
    #[arg(long)]
    description: String,
    /// Trusted public keys in hex, separated by commas; else those of this build
    #[arg(long)]
    keys: Option<String>,
    /// Version of torch
    #[arg(long, default_value = pack::TORCH)]
    torch: String,
    /// What the pack is for
    #[arg(long, default_value = "cpu")]
    kind: KindArg,
    /// The folder of packs
    #[arg(long)]
    into: PathBuf,
    /// A folder with archives; they are used before any server
    #[arg(long)]
    local: Option<PathBuf>,
    /// Asks no server
    #[arg(long)]
    offline: bool,
}

fn main() -> ExitCode {
    let done = match Flags::parse().task {
        Task::Key { file } => make::key(&file),
        Task::Pack(args) => make::pack(&args),
        Task::Release(args) => make::release(args),
        Task::Sign(args) => make::sign(&args),
        Task::Fetch(args) => shelve::fetch(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("covey-release: {error:#}");
            ExitCode::FAILURE
        }
    }
}
