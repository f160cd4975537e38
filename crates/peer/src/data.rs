//! Role `data`: builds, checks and shows data sets.
//!
//! In: text files and folders, a tokenizer. Out: a shard set and its hash, a progress bar on the way. An interrupted build
//! goes on where it stopped; a finished one is found finished.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dataset::build::{BuildOptions, Progress, build};
use dataset::{Dataset, Tokenizer};
use indicatif::{ProgressBar, ProgressStyle};

/// Arguments of `data`.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: DataAction,
}

/// What can be done with data sets.
#[derive(Debug, Subcommand)]
pub enum DataAction {
    /// Make shards from text, `.jsonl`, `.parquet`, `.gz` and `.dz` files, or folders of them.
    Build(BuildArgs),
    /// Read every shard and hold it against its hash.
    Verify {
        /// The data set's folder.
        dir: PathBuf,
    },
    /// Show what a data set holds, and the first tokens of a sequence as text.
    Show {
        /// The data set's folder.
        dir: PathBuf,
        /// Which sequence.
        #[arg(long, default_value_t = 0)]
        sequence: u64,
    },
}

/// Arguments of `data build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Text files and folders.
    #[arg(required = true)]
    pub inputs: Vec<PathBuf>,
    /// Folder of the data set.
    #[arg(long)]
    pub out: PathBuf,
    /// A `tokenizer.json`; bytes without one.
    #[arg(long)]
    pub tokenizer: Option<PathBuf>,
    /// Tokens per sequence.
    #[arg(long, default_value_t = 2048)]
    pub sequence: u32,
    /// Sequences held out of training.
    #[arg(long, default_value_t = 64)]
    pub held_out: u64,
    /// Name of the set.
    #[arg(long, default_value = "corpus")]
    pub name: String,
    /// Field or column that holds the text.
    #[arg(long, default_value = "text")]
    pub field: String,
}

/// Runs the role.
///
/// # Errors
/// Whatever keeps the set from being built or read, with the file's name.
pub fn run(args: DataArgs) -> anyhow::Result<()> {
    match args.action {
        DataAction::Build(args) => build_set(args),
        DataAction::Verify { dir } => verify(&dir),
        DataAction::Show { dir, sequence } => show(&dir, sequence),
    }
}

fn build_set(args: BuildArgs) -> anyhow::Result<()> {
    let tokenizer = match &args.tokenizer {
        Some(path) => Tokenizer::from_file(path)?,
        None => Tokenizer::bytes(),
    };
    let mut options = BuildOptions::new(args.inputs, args.out, tokenizer);
    options.sequence_tokens = args.sequence;
    options.held_out_sequences = args.held_out;
    options.name = args.name;
    options.text_field = args.field;
    let bar = bar();
    let report = build(&options, &mut |progress| show_progress(&bar, progress))?;
    bar.finish_and_clear();
    let what = if report.unchanged { "already there" } else { "built" };
    println!(
        "{what}: {} documents, {:.1} MB of text, {} shards in {}",
        report.counts.documents,
        report.counts.text_bytes as f64 / 1e6,
        report.manifest.shards.len(),
        options.out.display()
    );
    if report.counts.lossy_pieces > 0 {
        println!("{} pieces held bytes that are not UTF-8; they became U+FFFD", report.counts.lossy_pieces);
    }
    if report.skipped_files > 0 {
        println!("{} files of unknown kinds were left out", report.skipped_files);
    }
    println!("hash {}", report.hash);
    Ok(())
}

/// A bar for builds; hidden where there is no terminal.
pub fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("building shards: {pos} of {len} files, {msg}, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// Shows a build's progress on a bar.
pub fn show_progress(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.files_total);
    bar.set_position(progress.files_done);
    bar.set_message(format!("{:.1} M tokens, {} shards", progress.tokens as f64 / 1e6, progress.shards));
}

fn verify(dir: &Path) -> anyhow::Result<()> {
    let dataset = Dataset::open(dir)?;
    let bar = ProgressBar::new(0);
    dataset.verify_with(&mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    println!("every shard holds; hash {}", dataset.hash());
    Ok(())
}

fn show(dir: &Path, sequence: u64) -> anyhow::Result<()> {
    let dataset = Dataset::open(dir)?;
    let manifest = dataset.manifest();
    println!("{}: {} shards, tokenizer {:?}", manifest.name, manifest.shards.len(), manifest.tokenizer);
    println!(
        "{} sequences of {} tokens to train on, {} held out",
        dataset.sequences(),
        dataset.sequence_tokens(),
        dataset.held_out_sequences()
    );
    println!("hash {}", dataset.hash());
    let mut tokens = Vec::new();
    dataset.sequence(sequence, &mut tokens).with_context(|| format!("sequence {sequence}"))?;
    println!("sequence {sequence}: {:?}", dataset.tokenizer()?.decode(&tokens));
    Ok(())
}
