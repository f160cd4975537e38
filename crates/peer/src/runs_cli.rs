//! Role `runs`: what a run file says and whether this machine fits it, run folders from links, links from run folders.
//!
//! In: a signed run file, a folder that holds one, or a link (all hostile: bounded and checked like any other). Out: its facts as
//! sentences or one JSON object; `add` writes a run folder. It trains nothing and registers nobody.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use engine::{Machine, memory_plan};
use serde::Serialize;
use types::manifest::{Clock, MAX_MANIFEST_BYTES, RunId};
use types::{ByteCount, Hotkey, JoinLink, MAX_LINK_CHARS, SignedManifest};

use crate::invitation::{LINK_FILE, picture};
use crate::places::{RUN_FILE, read_bounded};

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: RunsAction,
}

/// What can be done with run files.
#[derive(Debug, Subcommand)]
pub enum RunsAction {
    /// Show a run file's facts and whether this machine fits the run.
    Show(ShowArgs),
    /// Make a run folder from a link or a run file: asks the run's nodes for its manifest and checks it. Fetches no data.
    Add(AddArgs),
    /// Print the link of a run in a folder, as its seed wrote it or as it was joined.
    Link(LinkArgs),
}

/// Arguments of `runs add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The run's link (`covey://join/…`), a file with a link, or a run file.
    pub what: String,
    /// With a run file: multiaddress of a node that knows the run, with its `/p2p/`. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub at: Vec<String>,
    /// The run folder; by default one in the user's data folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Memory of the card to plan for, in bytes; 0 for the processor.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub vram: u64,
    /// No QUIC, for routers that cannot bear UDP.
    #[arg(long)]
    pub tcp_only: bool,
    /// One JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `runs link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// Only the link, without a picture.
    #[arg(long)]
    pub plain: bool,
}

/// Arguments of `runs show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A run file, or a folder with one.
    pub file: PathBuf,
    /// Memory of the card to plan for, in bytes; 0 for the processor.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub vram: u64,
    /// One JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// A run's facts, and how it fits a machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunShown {
    /// Its identity.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Who founded it.
    pub founder: Hotkey,
    /// Model preset or name.
    pub model: String,
    /// Parameters of the model.
    pub model_params: u64,
    /// Tokens of a sequence.
    pub sequence_tokens: u32,
    /// Inner steps of a round.
    pub inner_steps: u32,
    /// Sequences of an inner step.
    pub batch_sequences: u32,
    /// Validators that the run file names.
    pub validators: u64,
    /// `ledger` or `subtensor`.
    pub chain: &'static str,
    /// Subnet on Bittensor.
    pub netuid: Option<u16>,
    /// Seconds of a round; unknown where the clock waits for the peers.
    pub round_secs: Option<f64>,
    /// Largest honest upload of a round.
    pub upload_bytes: ByteCount,
    /// Seed of the initial parameters.
    pub seed: u64,
    /// Whether this machine holds the run.
    pub fits: bool,
    /// Why, or why not, in one sentence.
    pub reason: String,
    /// Needed on the card; 0 on the processor.
    pub device_bytes: ByteCount,
    /// Needed in main memory.
    pub host_bytes: ByteCount,
    /// Needed on disk.
    pub disk_bytes: ByteCount,
    /// Sequences computed at once.
    pub micro_batch: u64,
}

/// Runs the role.
///
/// # Errors
/// A file that cannot be read or is no sound run file.
pub fn run(args: &RunsArgs) -> anyhow::Result<()> {
    let args = match &args.action {
        RunsAction::Show(args) => args,
        RunsAction::Link(args) => return link(args),
        RunsAction::Add(args) => return crate::join::add_and_say(args),
    };
    let machine = Machine { vram_bytes: args.vram, ..crate::doctor::machine() };
    let shown = show(&args.file, machine)?;
    if args.json {
        println!("{}", serde_json::to_string(&shown)?);
    } else {
        say(&shown);
    }
    Ok(())
}

/// The facts of a run file, or of the one in a folder.
///
/// # Errors
/// As [`run`].
pub fn show(file: &Path, machine: Machine) -> anyhow::Result<RunShown> {
    let file = if file.is_dir() { file.join(RUN_FILE) } else { file.to_owned() };
    let signed = SignedManifest::from_bytes(&read_bounded(&file, MAX_MANIFEST_BYTES as u64)?)?;
    let manifest = &signed.manifest;
    let layout = sparseloco::Layout::new(&manifest.model.tensors(), &manifest.sparseloco)?;
    let sequence = manifest.data.sequence_tokens;
    let plan = memory_plan(&manifest.model, &manifest.inner, usize::try_from(sequence)?, machine);
    let round_secs = match manifest.chain.clock {
        Clock::Interval { block_ms } => Some(manifest.rounds.blocks as f64 * block_ms as f64 / 1000.0),
        Clock::Paced { .. } => None,
    };
    Ok(RunShown {
        run: manifest.id(),
        name: manifest.name.clone(),
        founder: signed.founder,
        model: manifest.model.name.clone(),
        model_params: manifest.model.parameter_count(),
        sequence_tokens: sequence,
        inner_steps: manifest.inner.steps,
        batch_sequences: manifest.inner.batch_sequences,
        validators: manifest.chain.validators.len() as u64,
        chain: if manifest.chain.subtensor.is_some() { "subtensor" } else { "ledger" },
        netuid: manifest.chain.subtensor.map(|subtensor| subtensor.netuid),
        round_secs,
        upload_bytes: ByteCount(layout.max_submission_bytes() as u64),
        seed: manifest.seed,
        fits: plan.fits,
        reason: plan.reason,
        device_bytes: ByteCount(plan.device_bytes),
        host_bytes: ByteCount(plan.host_bytes),
        disk_bytes: ByteCount(plan.disk_bytes),
        micro_batch: plan.micro_batch as u64,
    })
}

/// The run's link: the one that a seed on this machine keeps, else the nodes that this machine joined through.
fn link(args: &LinkArgs) -> anyhow::Result<()> {
    let run = crate::places::RunFolder::open(&args.run)?;
    let kept = read_bounded(&args.run.join(LINK_FILE), MAX_LINK_CHARS as u64 + 1).ok();
    let kept = kept.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<JoinLink>().ok());
    let joined = || {
        let bootstrap = run.places.network.as_ref().map(|network| network.bootstrap.clone()).unwrap_or_default();
        JoinLink::new(run.id(), bootstrap)
    };
    let link = match kept.filter(|link| link.run == run.id()) {
        Some(link) => link,
        None => joined().context("this run names no node that others could join through")?,
    };
    if !args.plain
        && let Some(picture) = picture(&link)
    {
        println!("{picture}");
    }
    println!("{link}");
    Ok(())
}

/// The facts of a run in sentences.
pub(crate) fn say(shown: &RunShown) {
    println!("{} (run {})", shown.name, shown.run);
    println!(
        "Model {}: {:.1} M parameters, {} tokens a sequence",
        shown.model,
        shown.model_params as f64 / 1e6,
        shown.sequence_tokens
    );
    println!(
        "A round: {} inner steps of {} sequences, at most {} bytes to upload",
        shown.inner_steps, shown.batch_sequences, shown.upload_bytes
    );
    match shown.netuid {
        Some(netuid) => println!("Chain: Bittensor, subnet {netuid}"),
        None => println!("Chain: a ledger of its own; what it pays is worth nothing"),
    }
    let fits = if shown.fits { "Fits this machine" } else { "Does not fit this machine" };
    println!("{fits}: {}", shown.reason);
}
