//! The words after `covey-peer found`.
//!
//! In: argv (hostile). Out: [`FoundArgs`], whose numbers [`super::Terms`] checks. No secret can be given here.

use std::path::PathBuf;

use clap::Args;

use super::settings::FoundSettings;
use crate::command::{PrecisionArg, Rule};

/// Arguments of `found`.
#[derive(Debug, Clone, Args)]
#[group(id = "text", required = true, multiple = true)]
pub struct FoundArgs {
    /// What people will call the run; 1 to 64 characters.
    pub name: String,
    /// Text files, or folders of them. May be given several times.
    #[arg(long, value_name = "PATH", group = "text")]
    pub corpus: Vec<PathBuf>,
    /// Built-in stories instead of text of your own.
    #[arg(long, group = "text", conflicts_with = "corpus")]
    pub stories: bool,
    /// A `tokenizer.json`; bytes without one.
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// Model preset.
    #[arg(long, default_value = "tiny")]
    pub model: String,
    /// Inner steps per round.
    #[arg(long, default_value_t = 30)]
    pub inner_steps: u32,
    /// Sequences per inner step and peer.
    #[arg(long, default_value_t = 4)]
    pub batch: u32,
    /// Tokens per sequence.
    #[arg(long, default_value_t = 128)]
    pub sequence: u32,
    /// Seed of the initial parameters.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Outer learning rate.
    #[arg(long, default_value_t = 1.0)]
    pub alpha: f32,
    /// Aggregation rule.
    #[arg(long, value_enum, default_value_t = Rule::MeanOverAll)]
    pub rule: Rule,
    /// Rounds over which the inner learning rate falls.
    #[arg(long, default_value_t = 1000, value_name = "ROUNDS")]
    pub horizon: u64,
    /// Rounds between checkpoints: a newcomer replays at most so many outer steps.
    #[arg(long, default_value_t = 10, value_name = "ROUNDS")]
    pub checkpoint_every: u64,
    /// Rounds of so many minutes, whoever is late. Without it, a round goes on as soon as every active peer has done its part.
    #[arg(long, value_name = "MINUTES")]
    pub round_minutes: Option<u32>,
    /// Longest time a phase waits for a peer, in seconds, where rounds have no fixed length.
    #[arg(long, default_value_t = 600, conflicts_with = "round_minutes", value_name = "SECONDS")]
    pub phase_secs: u64,
    /// Milliseconds between blocks within a phase, where rounds have no fixed length.
    #[arg(long, default_value_t = 500, conflicts_with = "round_minutes", value_name = "MS")]
    pub block_ms: u64,
    /// Validators on this machine.
    #[arg(long, default_value_t = 1)]
    pub validators: u32,
    /// Peers to wait for before the first round.
    #[arg(long, default_value_t = 1)]
    pub expected_peers: u32,
    /// Multiaddress to listen at, for example `/ip4/0.0.0.0/tcp/4001`. May be given several times. Without one: a free port,
    /// TCP and QUIC, kept for the run's life.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Vec<String>,
    /// Multiaddress at which others reach this machine, if it is another than the one it listens at. May be given several
    /// times.
    #[arg(long, value_name = "ADDRESS")]
    pub external: Vec<String>,
    /// No QUIC.
    #[arg(long)]
    pub tcp_only: bool,
    /// The founder's key file; by default one is made in the run folder.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The run folder; by default one in the user's data folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// CPU threads of each validator; 0 for as many as there are cores, less one.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Where validators compute: `auto`, `cpu` or `cuda:N`.
    #[arg(long, default_value = "auto", value_parser = crate::command::device_word)]
    pub device: String,
    /// Working precision of validators.
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    /// JSON lines on standard output: the link, and what each process says.
    #[arg(long)]
    pub json: bool,
}

impl FoundArgs {
    /// What of it must survive a restart.
    pub(super) fn settings(&self) -> FoundSettings {
        FoundSettings {
            version: super::settings::VERSION,
            listen: self.listen.clone(),
            external: self.external.clone(),
            tcp_only: self.tcp_only,
            validators: self.validators,
            expected_peers: self.expected_peers,
        }
    }

    /// The run's name as a folder's.
    pub(super) fn folder_name(&self) -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String = self.name.chars().take(48).map(letter).collect();
        let name = name.trim_matches('-');
        if name.is_empty() { "run".to_owned() } else { name.to_owned() }
    }
}
