//! What a rehearsal is to do: raw arguments in, a checked plan out.
//!
//! In: numbers and words from the command line (hostile). Out: a [`Plan`] within bounds, and the run manifest it founds. It
//! touches no file and starts nothing.

use std::path::PathBuf;

use types::manifest::{
    AggregationRule, ChainParams, Clock, CodebookScope, DataParams, GauntletParams, IndexCoding, InnerParams,
    InnerSchedule, MANIFEST_VERSION, ModelParams, OuterSchedule, RoundParams, RunManifest, SparseLocoParams,
    SubtensorParams, TokenizerKind,
};
use types::{Hash32, Hotkey, Rao};

use super::setting::{ChainKind, Disturb, ExchangeKind};
use crate::cheat::CheatKind;

/// Each peer is a process of some 300 MB.
const MAX_PEERS: u32 = 64;
/// A rehearsal is to be watched, not lived through.
const MAX_ROUNDS: u64 = 100_000;
/// With half of all fetches lost, a payload still comes within seconds; with more, a round is luck.
const MAX_LOSS: u64 = 50;
/// Whose node the others of a rehearsal look for first.
pub(super) const MEETING_POINT: &str = "validator-1";
/// Blocks of a rehearsal round; phases are cut at these offsets.
pub(super) const ROUND: RoundParams =
    RoundParams { blocks: 20, commit_by: 12, attest_by: 19, null_rounds: 1, checkpoint_every: 4 };
/// One credit per block: twenty a round.
const RAO_PER_BLOCK: Rao = Rao(Rao::PER_CREDIT);
/// Stake of a rehearsal's validators; only its proportion matters.
pub(super) const VALIDATOR_STAKE: Rao = Rao(1000 * Rao::PER_CREDIT);

/// Raw arguments.
#[derive(Debug, Clone)]
pub struct PlanInput {
    /// Honest peers.
    pub peers: u32,
    /// Validators.
    pub validators: u32,
    /// Rounds, the first of which is judged but not applied.
    pub rounds: u64,
    /// Model preset.
    pub model: String,
    /// Inner steps per round.
    pub inner_steps: u32,
    /// Sequences per inner step.
    pub batch: u32,
    /// Tokens per sequence.
    pub sequence: u32,
    /// Seed of everything.
    pub seed: u64,
    /// One more peer for each, that cheats.
    pub cheaters: Vec<CheatKind>,
    /// Round at which one more honest peer joins.
    pub join_at: Option<u64>,
    /// Round after which the last honest peer leaves.
    pub leave_at: Option<u64>,
    /// Round in which a process is killed with SIGKILL and started again.
    pub kill_at: Option<u64>,
    /// Which process is killed.
    pub kill: String,
    /// Longest time a phase may take.
    pub phase_secs: u64,
    /// Outer learning rate.
    pub alpha: f32,
    /// Aggregation rule.
    pub rule: AggregationRule,
    /// The chain.
    pub chain: ChainKind,
    /// Milliseconds per block of a chain whose clock waits for nobody.
    pub block_ms: u64,
    /// What happens to the node, and in which round.
    pub disturb: Vec<Disturb>,
    /// Percent of payload fetches that fail on the way.
    pub loss: u8,
    /// How payloads travel.
    pub exchange: ExchangeKind,
}

/// Why a plan makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A number is out of bounds.
    #[error("`--{option}` must lie in {low}..={high}, is {got}")]
    Range {
        /// The option.
        option: &'static str,
        /// Smallest value.
        low: u64,
        /// Largest value.
        high: u64,
        /// What was given.
        got: u64,
    },
    /// No such model.
    #[error("no model `{got}`; there are: {known}")]
    Model {
        /// What was given.
        got: String,
        /// The presets.
        known: String,
    },
    /// A rehearsal trains on bytes or a small vocabulary, on this machine, several times over.
    #[error(
        "model `{model}` has {millions} million parameters; {peers} peers of it need {gb} GB of memory, more than the {have} GB here"
    )]
    TooLarge {
        /// The preset.
        model: String,
        /// Its size.
        millions: u64,
        /// Peers asked for.
        peers: u32,
        /// Memory it would take.
        gb: u64,
        /// Memory there is.
        have: u64,
    },
    /// The embedded ledger has neither a network nor forks.
    #[error("`--disturb` needs `--chain subtensor`")]
    Disturb,
    /// No process of that name takes part.
    #[error("`--kill {0}`: no such process; there are: {1}")]
    Process(String, String),
    /// The manifest built from the plan does not hold.
    #[error(transparent)]
    Manifest(#[from] types::ManifestError),
}

/// A checked plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The raw arguments, all within bounds.
    pub input: PlanInput,
    /// The model.
    pub model: ModelParams,
}

impl Plan {
    /// Checks the arguments; `memory_bytes` is what this machine has.
    ///
    /// # Errors
    /// [`PlanError`] naming the option.
    pub fn check(input: PlanInput, memory_bytes: Option<u64>) -> Result<Self, PlanError> {
        range("peers", u64::from(input.peers), 1, u64::from(MAX_PEERS))?;
        range("validators", u64::from(input.validators), 1, 8)?;
        range("rounds", input.rounds, 1, MAX_ROUNDS)?;
        range("inner-steps", u64::from(input.inner_steps), 1, 10_000)?;
        range("batch", u64::from(input.batch), 1, 4096)?;
        range("sequence", u64::from(input.sequence), 8, 1 << 16)?;
        range("phase-secs", input.phase_secs, 1, 86_400)?;
        range("loss", u64::from(input.loss), 0, MAX_LOSS)?;
        range("block-ms", input.block_ms, 50, 60_000)?;
        if !input.disturb.is_empty() && input.chain == ChainKind::Ledger {
            return Err(PlanError::Disturb);
        }
        for disturb in &input.disturb {
            range("disturb", disturb.round, 0, input.rounds.saturating_sub(1))?;
        }
        for (option, at) in [("join-at", input.join_at), ("leave-at", input.leave_at), ("kill-at", input.kill_at)] {
            if let Some(at) = at {
                range(option, at, 0, input.rounds.saturating_sub(1))?;
            }
        }
        let known = || ModelParams::preset_names().collect::<Vec<_>>().join(", ");
        let model = ModelParams::preset(&input.model)
            .ok_or_else(|| PlanError::Model { got: input.model.clone(), known: known() })?;
        let plan = Self { input, model };
        if !plan.processes().contains(&plan.input.kill) {
            return Err(PlanError::Process(plan.input.kill.clone(), plan.processes().join(", ")));
        }
        plan.fits(memory_bytes)?;
        Ok(plan)
    }

    /// Names of all processes that ever take part.
    pub fn processes(&self) -> Vec<String> {
        let mut names = Vec::new();
        if self.input.chain == ChainKind::Ledger {
            names.push("ledger".to_owned());
        }
        names.extend((1..=self.input.validators).map(|i| format!("validator-{i}")));
        names.extend(self.honest());
        names.extend(self.cheaters().into_iter().map(|(name, _)| name));
        names
    }

    /// Names of the honest peers, the late joiner last.
    pub fn honest(&self) -> Vec<String> {
        let joins = u32::from(self.input.join_at.is_some());
        (1..=self.input.peers + joins).map(|i| format!("peer-{i}")).collect()
    }

    /// The late joiner, if there is one.
    pub fn joiner(&self) -> Option<String> {
        self.input.join_at.and_then(|_| self.honest().pop())
    }

    /// Names and kinds of the cheaters.
    pub fn cheaters(&self) -> Vec<(String, CheatKind)> {
        self.input.cheaters.iter().enumerate().map(|(i, kind)| (format!("cheater-{}", i + 1), *kind)).collect()
    }

    /// Peers that are there from the start.
    pub fn first_peers(&self) -> u32 {
        self.input.peers + u32::try_from(self.input.cheaters.len()).unwrap_or(u32::MAX)
    }

    /// Names of the peers that are there from the start.
    pub fn first_names(&self) -> Vec<String> {
        let joiner = self.joiner();
        let honest = self.honest().into_iter().filter(|name| Some(name) != joiner.as_ref());
        honest.chain(self.cheaters().into_iter().map(|(name, _)| name)).collect()
    }

    /// Where a process of the swarm keeps its files; the ledger's database lies in the run folder itself.
    pub fn state_of(&self, run: &std::path::Path, name: &str) -> PathBuf {
        run.join("peers").join(name)
    }

    fn fits(&self, memory_bytes: Option<u64>) -> Result<(), PlanError> {
        let processes = u64::from(self.first_peers() + self.input.validators);
        // θ, anchor, gradient, m, v, error feedback and one copy on the way to disk, and the process itself.
        let bytes = processes * (self.model.parameter_count() * 32 + (300 << 20));
        match memory_bytes {
            Some(have) if bytes > have => Err(PlanError::TooLarge {
                model: self.model.name.clone(),
                millions: self.model.parameter_count() / 1_000_000,
                peers: self.first_peers(),
                gb: bytes >> 30,
                have: have >> 30,
            }),
            _ => Ok(()),
        }
    }

    /// The run this plan founds.
    ///
    /// # Errors
    /// [`PlanError::Manifest`].
    pub fn manifest(
        &self,
        dataset: Hash32,
        sequencer: Hotkey,
        validators: &[Hotkey],
        subtensor: Option<SubtensorParams>,
    ) -> Result<RunManifest, PlanError> {
        let input = &self.input;
        let clock = match input.chain {
            ChainKind::Ledger => Clock::Paced { block_ms: 200, phase_ms: input.phase_secs * 1000 },
            ChainKind::Subtensor => Clock::Interval { block_ms: input.block_ms },
        };
        let manifest = RunManifest {
            version: MANIFEST_VERSION,
            name: "rehearsal".into(),
            seed: input.seed,
            model: self.model.clone(),
            data: DataParams {
                dataset,
                tokenizer: TokenizerKind::Bytes,
                sequence_tokens: input.sequence,
                pool_sequences: input.inner_steps.saturating_mul(input.batch),
            },
            inner: inner_params(input.inner_steps, input.batch, input.rounds),
            sparseloco: SparseLocoParams {
                aggregation: input.rule,
                outer: OuterSchedule::constant(input.alpha),
                ..sparseloco_params()
            },
            rounds: ROUND,
            gauntlet: rehearsal_gauntlet(),
            chain: ChainParams {
                sequencer,
                validators: validators.iter().map(|v| (*v, VALIDATOR_STAKE)).collect(),
                rao_per_block: RAO_PER_BLOCK,
                tempo: ROUND.blocks,
                owner_cut: 11_796,
                kappa: 32_767,
                bond_alpha: 6_554,
                clock,
                subtensor,
            },
        };
        manifest.validate()?;
        Ok(manifest)
    }
}

/// The reference's constants, but nothing is burned, and the copy check fits a toy model: early in training honest peers of a
/// one-million-parameter model choose many of the same coordinates, so only near-identical choices count as copies.
pub fn rehearsal_gauntlet() -> GauntletParams {
    let mut params = GauntletParams::default();
    params.weights.burn_rate = 0.0;
    // By rank, of five peers even the last would earn half of the first's pay, however little it did.
    params.weights.power = Some(1.0);
    params.min_relative_gain = 0.5;
    // Of four equal peers one is always last; it has worked as well as the others.
    params.openskill.ordinal_sigmas = 1.0;
    // Twice the reference's sample: with a handful of peers each draw decides more.
    params.eval_sequences = 16;
    params.overlap.high = 0.85;
    params.overlap.max = 0.9;
    params.overlap.mega = 0.9;
    params
}

/// Inner optimizer of a rehearsal of so many rounds.
pub fn inner_params(steps: u32, batch_sequences: u32, rounds: u64) -> InnerParams {
    InnerParams {
        steps,
        batch_sequences,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
        schedule: InnerSchedule {
            // The rate at which a one-million-parameter model on bytes was measured (performance.md §5.1).
            peak: 2e-3,
            warmup_steps: u64::from(steps),
            cosine_steps: rounds.saturating_mul(u64::from(steps)).max(1),
            floor_fraction: 0.1,
            flat: None,
            anneal: None,
            restart_warmup_steps: 0,
        },
    }
}

/// Compression of a rehearsal: the paper's k and β, Covey's codebook and index coding.
pub fn sparseloco_params() -> SparseLocoParams {
    SparseLocoParams {
        k: 64,
        chunk_edge: 64,
        chunk_1d: 64,
        codebook: CodebookScope::Chunk,
        indices: IndexCoding::Rice,
        ef_decay: 0.95,
        aggregation: AggregationRule::MeanOverAll,
        outer: OuterSchedule::constant(1.0),
    }
}

fn range(option: &'static str, got: u64, low: u64, high: u64) -> Result<(), PlanError> {
    if (low..=high).contains(&got) { Ok(()) } else { Err(PlanError::Range { option, low, high, got }) }
}
