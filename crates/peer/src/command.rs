//! The command line of `covey-peer`: raw words in, one checked command out.
//!
//! In: argv (hostile). Out: a [`Cli`]. No secret can be given here: keys come from files or a signer.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use signer::KeySource;
use types::Hotkey;
use types::manifest::AggregationRule;

use crate::cheat::CheatKind;
use crate::rehearse::{ChainKind, Disturb, ExchangeKind};

/// The training peer of Covey.
#[derive(Debug, Parser)]
#[command(name = "covey-peer", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub role: RoleCommand,
}

/// Roles.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// Rehearse: a whole swarm on this machine, worth nothing and faking nothing.
    ///
    /// Real peers, a validator and a ledger train a small model on real text, each as a process of its own. Cheaters, leavers,
    /// killed processes and a bad line can be had; the app can pause, slow down and stop it, and ask the model for text.
    Rehearse(Box<RehearseArgs>),
    /// Train in a run.
    Train(TrainArgs),
    /// Judge the peers of a run.
    Validate(WorkArgs),
    /// Keep a run's embedded ledger.
    Ledger(LedgerArgs),
    /// Found a run of your own: builds its data, signs its manifest, keeps its ledger, validators and seed, and prints its link.
    Found(Box<crate::found::FoundArgs>),
    /// Join a run by its link and train in it.
    Join(Box<JoinArgs>),
    /// Serve a run to others: manifest, data, checkpoints, the way to the ledger. For machines that others can reach.
    Seed(SeedArgs),
    /// Hold the key of a wallet or a key file and sign for a peer on stdin and stdout.
    Signer(signer::SourceArgs),
    /// Make, restore, look at, back up and remove wallets.
    Wallet(Box<signer::wallet_cli::WalletArgs>),
    /// Make a key file for rehearsals and test runs (plain text, never for a wallet).
    Key(KeyArgs),
    /// Build, check and look at data sets.
    Data(crate::data::DataArgs),
    /// Write a checkpoint as a folder that `transformers` loads.
    Export(ExportArgs),
    /// Look through a Hugging Face folder of the LLaMA family, and say what it holds.
    Import(crate::import_cli::ImportArgs),
    /// How good a model is: loss on held-out text, and multiple choice.
    Eval(Box<crate::eval::EvalArgs>),
    /// What the chain says of a hotkey; registration; bucket commitments.
    Chain(crate::chain_cli::ChainArgs),
    /// Check a bucket of your own, and tell a run's peers where to read it.
    Bucket(Box<crate::bucket_cli::BucketArgs>),
    /// What a peer earned, from the chain, exactly.
    Earnings(crate::account_cli::EarningsArgs),
    /// The hash-chained record of a peer's rounds; `verify` holds it against the chain.
    Receipts(crate::account_cli::ReceiptsArgs),
    /// Facts of a run file, and whether this machine fits it.
    Runs(crate::runs_cli::RunsArgs),
    /// Measure this machine: training speed, compression, memory plan.
    Bench(crate::bench::BenchArgs),
    /// Check what this machine can do and what is missing.
    Doctor(crate::doctor::DoctorArgs),
}

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Honest peers.
    #[arg(long, default_value_t = 4)]
    pub peers: u32,
    /// Validators.
    #[arg(long, default_value_t = 1)]
    pub validators: u32,
    /// Rounds; the first is judged but not applied.
    #[arg(long, default_value_t = 12)]
    pub rounds: u64,
    /// Model preset.
    #[arg(long, default_value = "tiny")]
    pub model: String,
    /// Inner steps per round.
    #[arg(long, default_value_t = 15)]
    pub inner_steps: u32,
    /// Sequences per inner step and peer.
    #[arg(long, default_value_t = 4)]
    pub batch: u32,
    /// Tokens per sequence.
    #[arg(long, default_value_t = 128)]
    pub sequence: u32,
    /// A text file or folder; by default the text that set-up fetched, else built-in stories.
    #[arg(long)]
    pub corpus: Option<PathBuf>,
    /// Seed of parameters, keys and assignment.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// One more peer that cheats: noise, copycat, lazy, norm-bomb, nan, lone-index, stale. May be given several times.
    #[arg(long = "cheater", value_name = "KIND")]
    pub cheaters: Vec<CheatKind>,
    /// One more peer joins in this round.
    #[arg(long, value_name = "ROUND")]
    pub join_at: Option<u64>,
    /// The last peer leaves after this round.
    #[arg(long, value_name = "ROUND")]
    pub leave_at: Option<u64>,
    /// A process is killed in this round (SIGKILL) and started again.
    #[arg(long, value_name = "ROUND")]
    pub kill_at: Option<u64>,
    /// Which process is killed: peer-1, validator-1, ledger, …
    #[arg(long, default_value = "peer-1", value_name = "NAME")]
    pub kill: String,
    /// Longest time a phase may take, in seconds.
    #[arg(long, default_value_t = 45)]
    pub phase_secs: u64,
    /// Outer learning rate.
    #[arg(long, default_value_t = 2.0)]
    pub alpha: f32,
    /// Aggregation rule.
    #[arg(long, value_enum, default_value_t = Rule::MeanOverAll)]
    pub rule: Rule,
    /// The chain: the embedded ledger, or a Subtensor node for tests (built beside this program, never installed).
    #[arg(long, value_enum, default_value_t = ChainKind::Ledger)]
    pub chain: ChainKind,
    /// Milliseconds per block with `--chain subtensor`; a round has 20 blocks and waits for nobody.
    #[arg(long, default_value_t = 1000)]
    pub block_ms: u64,
    /// With `--chain subtensor`: outage, reorg, stall or upgrade in that round. May be given several times.
    #[arg(long = "disturb", value_name = "KIND@ROUND")]
    pub disturb: Vec<Disturb>,
    /// Percent of payload fetches that fail on the way and are asked for again, 0 to 50; the seed says which.
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    pub loss: u8,
    /// How payloads travel: from peer to peer as over the internet, or through folders.
    #[arg(long, value_enum, default_value_t = ExchangeKind::Network)]
    pub exchange: ExchangeKind,
    /// JSON lines on standard output, a summary as the last.
    #[arg(long)]
    pub json: bool,
    /// For the app: `--json`, and commands on standard input (hello, pause, resume, stop, shutdown, snapshot, sample, pace). When
    /// standard input ends, the rehearsal does.
    #[arg(long)]
    pub app: bool,
    /// Figures on request.
    #[command(flatten)]
    pub metrics: crate::metrics::MetricsArgs,
    /// Work folder; kept. By default one in the cache that is removed at the end.
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

/// Aggregation rules by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// The sum over all submissions divided by their number (paper, Eq 2).
    MeanOverAll,
    /// Each coordinate's mean over those that sent it (reference code).
    MeanOverSenders,
}

impl From<Rule> for AggregationRule {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::MeanOverAll => Self::MeanOverAll,
            Rule::MeanOverSenders => Self::MeanOverSenders,
        }
    }
}

/// Who signs.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct SignArgs {
    /// Events, commands and signatures over stdin and stdout: for the app and the rehearsal.
    #[arg(long, requires = "hotkey", conflicts_with_all = ["key", "vault"])]
    pub ipc: bool,
    /// Public key behind the signatures that come over stdin.
    #[arg(long, requires = "ipc")]
    pub hotkey: Option<Hotkey>,
    /// Key file; a signer process of its own opens it.
    #[arg(long, conflicts_with = "vault")]
    pub key: Option<PathBuf>,
    /// A wallet's file; a signer process of its own unlocks it with the keychain, a systemd credential or a passphrase.
    #[arg(long, value_name = "FILE")]
    pub vault: Option<PathBuf>,
    /// File with the wallet's passphrase (mode 600), instead of asking for it.
    #[arg(long, value_name = "FILE", requires = "vault")]
    pub passphrase_file: Option<PathBuf>,
}

impl SignArgs {
    /// Where the key is, if a signer process is to be started.
    pub fn source(&self) -> Option<KeySource> {
        match (&self.vault, &self.key) {
            (Some(path), _) => {
                Some(KeySource::Vault { path: path.clone(), passphrase_file: self.passphrase_file.clone() })
            }
            (None, key) => key.clone().map(KeySource::KeyFile),
        }
    }
}

/// Arguments of every role that works in a run.
#[derive(Debug, Args)]
pub struct WorkArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// This process's name: its folder within the run folder.
    #[arg(long, default_value = "peer", value_parser = name)]
    pub name: String,
    /// CPU threads; 0 for as many as there are cores, less one.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// `auto`, `cpu` or `cuda:N`.
    #[arg(long, default_value = "auto", value_parser = device)]
    pub device: engine::DeviceChoice,
    /// Working precision.
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    /// Who signs.
    #[command(flatten)]
    pub sign: SignArgs,
    /// JSON lines on standard output instead of sentences.
    #[arg(long, conflicts_with = "ipc")]
    pub json: bool,
    /// For the app: events on standard output and commands on standard input, as with `--ipc`; the key is opened by a signer
    /// process of its own. When standard input ends, the work does.
    #[arg(long, conflicts_with_all = ["ipc", "json"])]
    pub app: bool,
    /// The line and how others find this machine.
    #[command(flatten)]
    pub network: crate::network::NetworkArgs,
    /// Figures on request.
    #[command(flatten)]
    pub metrics: crate::metrics::MetricsArgs,
    /// Rehearsals only: percent of payload fetches that fail.
    #[arg(long, hide = true, requires = "ipc", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub loss: u8,
}

/// Precisions by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionArg {
    /// 32-bit throughout.
    F32,
    /// 32-bit parameters, bfloat16 arithmetic.
    Bf16,
}

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// As for every role.
    #[command(flatten)]
    pub work: WorkArgs,
    /// Text is sampled from the model in every so many rounds; 0 for never.
    #[arg(long, default_value_t = 4, value_name = "ROUNDS")]
    pub sample_every: u64,
    /// Rehearsals only: be this kind of cheater.
    #[arg(long, hide = true, requires = "ipc")]
    pub cheat: Option<CheatKind>,
    /// Rehearsals only: whom the copycat copies.
    #[arg(long, hide = true, requires = "cheat")]
    pub victim: Option<PathBuf>,
}

/// Arguments of `ledger`.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// Peers to wait for before the first round.
    #[arg(long, default_value_t = 1)]
    pub expected_peers: u32,
    /// Who signs blocks.
    #[command(flatten)]
    pub sign: SignArgs,
    /// For a supervisor: events on standard output and commands on standard input; when that ends, the ledger does.
    #[arg(long, conflicts_with = "ipc")]
    pub app: bool,
}

/// Arguments of `join`.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The run's link (`covey://join/…`), a file with a link, a run file or a run folder.
    pub link: String,
    /// With a run file: multiaddress of a node that knows the run, with its `/p2p/`. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub at: Vec<String>,
    /// The run folder; by default one in the user's data folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// This process's name: its folder within the run folder.
    #[arg(long, default_value = "peer", value_parser = name)]
    pub name: String,
    /// Key file. Without key and wallet one is made in the run folder: for runs on a ledger of their own, whose credits are
    /// worth nothing.
    #[arg(long, conflicts_with = "vault")]
    pub key: Option<PathBuf>,
    /// A wallet's file.
    #[arg(long, value_name = "FILE")]
    pub vault: Option<PathBuf>,
    /// File with the wallet's passphrase (mode 600), instead of asking for it.
    #[arg(long, value_name = "FILE", requires = "vault")]
    pub passphrase_file: Option<PathBuf>,
    /// CPU threads; 0 for as many as there are cores, less one.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// `auto`, `cpu` or `cuda:N`.
    #[arg(long, default_value = "auto", value_parser = device)]
    pub device: engine::DeviceChoice,
    /// Working precision.
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    /// Memory of the card to plan for, in bytes; 0 for the processor.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    pub vram: u64,
    /// The line and how others find this machine.
    #[command(flatten)]
    pub network: crate::network::NetworkArgs,
    /// Figures on request.
    #[command(flatten)]
    pub metrics: crate::metrics::MetricsArgs,
    /// Text is sampled from the model in every so many rounds; 0 for never.
    #[arg(long, default_value_t = 4, value_name = "ROUNDS")]
    pub sample_every: u64,
    /// JSON lines on standard output instead of sentences.
    #[arg(long)]
    pub json: bool,
    /// For the app: events on standard output and commands on standard input. When standard input ends, the work does.
    #[arg(long, conflicts_with = "json")]
    pub app: bool,
}

impl JoinArgs {
    /// The words after `train` in a run folder that is there.
    pub fn train(self, run: PathBuf, key: Option<PathBuf>) -> TrainArgs {
        let sign = SignArgs { ipc: false, hotkey: None, key, vault: self.vault, passphrase_file: self.passphrase_file };
        let work = WorkArgs {
            run,
            name: self.name,
            threads: self.threads,
            device: self.device,
            precision: self.precision,
            sign,
            json: self.json,
            app: self.app,
            network: self.network,
            metrics: self.metrics,
            loss: 0,
        };
        TrainArgs { work, sample_every: self.sample_every, cheat: None, victim: None }
    }
}

/// Arguments of `seed`.
#[derive(Debug, Args)]
pub struct SeedArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// This process's name: its folder within the run folder.
    #[arg(long, default_value = "seed", value_parser = name)]
    pub name: String,
    /// The line and how others find this machine.
    #[command(flatten)]
    pub network: crate::network::NetworkArgs,
    /// Figures on request.
    #[command(flatten)]
    pub metrics: crate::metrics::MetricsArgs,
    /// File that the run's link is written to; by default `link.txt` in the run folder.
    #[arg(long, value_name = "FILE")]
    pub link_file: Option<PathBuf>,
    /// Who binds the network key: the sequencer's key, or one of your own that is registered in the run.
    #[command(flatten)]
    pub sign: SignArgs,
    /// JSON lines on standard output instead of sentences.
    #[arg(long, conflicts_with = "ipc")]
    pub json: bool,
    /// For a supervisor: events on standard output and commands on standard input; when that ends, the seed does.
    #[arg(long, conflicts_with_all = ["ipc", "json"])]
    pub app: bool,
}

/// Arguments of `key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// The file to make; never overwritten.
    pub file: PathBuf,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// Whose saved state is exported.
    #[arg(long, default_value = "validator-1", value_parser = name)]
    pub name: String,
    /// The folder to make; never overwritten.
    #[arg(long)]
    pub out: PathBuf,
}

/// A process's name is a folder's name: nothing that could lead elsewhere.
pub(crate) fn name(s: &str) -> Result<String, String> {
    let fine = (1..=64).contains(&s.len()) && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if fine { Ok(s.to_owned()) } else { Err("a name has 1 to 64 letters, digits, `-` or `_`".into()) }
}

/// A device's word, checked and kept as it is: for a process that this one starts.
pub(crate) fn device_word(s: &str) -> Result<String, String> {
    device(s).map(|_| s.to_owned())
}

pub(crate) fn device(s: &str) -> Result<engine::DeviceChoice, String> {
    match s {
        "auto" => Ok(engine::DeviceChoice::Auto),
        "cpu" => Ok(engine::DeviceChoice::Cpu),
        _ => s
            .strip_prefix("cuda:")
            .and_then(|n| n.parse().ok())
            .map(engine::DeviceChoice::Cuda)
            .ok_or_else(|| format!("`{s}` is no device; there are: auto, cpu, cuda:N")),
    }
}

impl From<PrecisionArg> for engine::Precision {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}
