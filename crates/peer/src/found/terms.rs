//! What a run is founded on: raw arguments in, checked terms and the manifest out.
//!
//! In: numbers and words from the command line (hostile), and what the founder's machine has. Out: [`Terms`] within bounds,
//! or the option that is at fault; a model that the founder's own validators could not hold is refused with the numbers. It
//! touches no file.

use engine::{Machine, memory_plan};
use types::manifest::{
    ChainParams, Clock, DataParams, GauntletParams, MANIFEST_VERSION, ModelParams, OuterSchedule, RoundParams,
    RunManifest, SparseLocoParams, TokenizerKind,
};
use types::{Hash32, Hotkey, Rao};

use super::args::FoundArgs;
use crate::rehearse::{inner_params, rehearsal_gauntlet, sparseloco_params};

/// Blocks of a round: as in a rehearsal, so that phases have the proportions that were tried most.
const BLOCKS: u64 = 20;
const COMMIT_BY: u64 = 12;
const ATTEST_BY: u64 = 19;
/// The first round is judged and not applied: nobody's learning rate is warm yet.
const NULL_ROUNDS: u64 = 1;
/// One credit a block.
const RAO_PER_BLOCK: Rao = Rao(Rao::PER_CREDIT);
/// Every validator of the founder's has the same stake; only proportions matter.
const VALIDATOR_STAKE: Rao = Rao(1000 * Rao::PER_CREDIT);
/// Below this, models are toys, and honest peers often choose the same coordinates: rules made for toys apply.
const TOY_PARAMETERS: u64 = 10_000_000;

/// Checked terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The run's name.
    pub name: String,
    /// The model.
    pub model: ModelParams,
    /// Tokens per sequence.
    pub sequence: u32,
    /// Validators on this machine.
    pub validators: u32,
    /// Seed of the initial parameters, and of the built-in stories.
    pub seed: u64,
    /// A `tokenizer.json`; bytes without one.
    pub tokenizer: Option<std::path::PathBuf>,
    inner_steps: u32,
    batch: u32,
    horizon: u64,
    checkpoint_every: u64,
    clock: Clock,
    sparseloco: SparseLocoParams,
}

/// Why a run cannot be founded on these terms.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
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
    /// The founder's own validators do not fit.
    #[error("{validators} validators of model `{model}` do not fit this machine: {reason}")]
    TooLarge {
        /// The preset.
        model: String,
        /// How many validators.
        validators: u32,
        /// The numbers.
        reason: String,
    },
    /// The manifest built from the terms does not hold.
    #[error(transparent)]
    Manifest(#[from] types::ManifestError),
}

impl Terms {
    /// Checks the arguments against their bounds and against the machine.
    ///
    /// # Errors
    /// [`TermsError`] naming the option.
    pub fn check(args: &FoundArgs, machine: Machine) -> Result<Self, TermsError> {
        range("validators", u64::from(args.validators), 1, 8)?;
        range("inner-steps", u64::from(args.inner_steps), 1, 10_000)?;
        range("batch", u64::from(args.batch), 1, 4096)?;
        range("sequence", u64::from(args.sequence), 8, 1 << 16)?;
        range("horizon", args.horizon, 1, 10_000_000)?;
        range("checkpoint-every", args.checkpoint_every, 1, 10_000)?;
        range("phase-secs", args.phase_secs, 1, 86_400)?;
        range("block-ms", args.block_ms, 50, 60_000)?;
        range("expected-peers", u64::from(args.expected_peers), 0, 200)?;
        let clock = match args.round_minutes {
            Some(minutes) => {
                range("round-minutes", u64::from(minutes), 1, 24 * 60)?;
                Clock::Interval { block_ms: u64::from(minutes) * 60_000 / BLOCKS }
            }
            None => Clock::Paced { block_ms: args.block_ms, phase_ms: args.phase_secs * 1000 },
        };
        let known = || ModelParams::preset_names().collect::<Vec<_>>().join(", ");
        let model = ModelParams::preset(&args.model)
            .ok_or_else(|| TermsError::Model { got: args.model.clone(), known: known() })?;
        let outer = OuterSchedule::constant(args.alpha);
        let sparseloco = SparseLocoParams { aggregation: args.rule.into(), outer, ..sparseloco_params() };
        let terms = Self {
            name: args.name.clone(),
            model,
            sequence: args.sequence,
            validators: args.validators,
            seed: args.seed,
            tokenizer: args.tokenizer.clone(),
            inner_steps: args.inner_steps,
            batch: args.batch,
            horizon: args.horizon,
            checkpoint_every: args.checkpoint_every,
            clock,
            sparseloco,
        };
        terms.fits(machine)?;
        // Whatever else the manifest's own rules refuse should be told before an hour of building shards.
        let nobody = Hotkey([0; 32]);
        terms.manifest(Hash32::default(), terms.tokenizer_kind(Hash32::default()), nobody, &[nobody])?;
        Ok(terms)
    }

    fn fits(&self, machine: Machine) -> Result<(), TermsError> {
        let inner = inner_params(self.inner_steps, self.batch, self.horizon);
        let each = u64::from(self.validators.max(1));
        let share = Machine {
            vram_bytes: machine.vram_bytes / each,
            ram_bytes: machine.ram_bytes / each,
            disk_bytes: machine.disk_bytes / each,
        };
        let plan = memory_plan(&self.model, &inner, self.sequence as usize, share);
        if plan.fits {
            return Ok(());
        }
        let (model, validators) = (self.model.name.clone(), self.validators);
        Err(TermsError::TooLarge { model, validators, reason: plan.reason })
    }

    /// How text becomes tokens; `hash` is that of the tokenizer's file, if there is one.
    pub(super) fn tokenizer_kind(&self, hash: Hash32) -> TokenizerKind {
        if self.tokenizer.is_some() { TokenizerKind::File { hash } } else { TokenizerKind::Bytes }
    }

    /// The run on these terms.
    ///
    /// # Errors
    /// [`TermsError::Manifest`].
    pub fn manifest(
        &self,
        dataset: Hash32,
        tokenizer: TokenizerKind,
        sequencer: Hotkey,
        validators: &[Hotkey],
    ) -> Result<RunManifest, TermsError> {
        let toy = self.model.parameter_count() < TOY_PARAMETERS;
        let manifest = RunManifest {
            version: MANIFEST_VERSION,
            name: self.name.clone(),
            seed: self.seed,
            model: self.model.clone(),
            data: DataParams {
                dataset,
                tokenizer,
                sequence_tokens: self.sequence,
                pool_sequences: self.inner_steps.saturating_mul(self.batch),
            },
            inner: inner_params(self.inner_steps, self.batch, self.horizon),
            sparseloco: self.sparseloco.clone(),
            rounds: RoundParams {
                blocks: BLOCKS,
                commit_by: COMMIT_BY,
                attest_by: ATTEST_BY,
                null_rounds: NULL_ROUNDS,
                checkpoint_every: self.checkpoint_every,
            },
            gauntlet: if toy { rehearsal_gauntlet() } else { GauntletParams::default() },
            chain: ChainParams {
                sequencer,
                validators: validators.iter().map(|v| (*v, VALIDATOR_STAKE)).collect(),
                rao_per_block: RAO_PER_BLOCK,
                tempo: BLOCKS,
                owner_cut: 11_796,
                kappa: 32_767,
                bond_alpha: 6_554,
                clock: self.clock,
                subtensor: None,
            },
        };
        manifest.validate()?;
        Ok(manifest)
    }
}

fn range(option: &'static str, got: u64, low: u64, high: u64) -> Result<(), TermsError> {
    if (low..=high).contains(&got) { Ok(()) } else { Err(TermsError::Range { option, low, high, got }) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::command::{Cli, RoleCommand};

    const ROOMY: Machine = Machine { vram_bytes: 0, ram_bytes: 64 << 30, disk_bytes: 1 << 40 };

    fn args(more: &[&str]) -> FoundArgs {
        let words = ["covey-peer", "found", "first light", "--stories"];
        match Cli::try_parse_from(words.iter().chain(more)).unwrap().role {
            RoleCommand::Found(args) => *args,
            _ => unreachable!(),
        }
    }

    #[test]
    fn numbers_out_of_bounds_name_their_option() {
        for (more, option) in [
            (["--validators", "0"], "validators"),
            (["--validators", "9"], "validators"),
            (["--sequence", "4"], "sequence"),
            (["--round-minutes", "0"], "round-minutes"),
            (["--block-ms", "1"], "block-ms"),
        ] {
            let refused = Terms::check(&args(&more), ROOMY).unwrap_err();
            assert!(matches!(refused, TermsError::Range { option: o, .. } if o == option), "{refused}");
        }
        assert!(matches!(Terms::check(&args(&["--model", "huge"]), ROOMY), Err(TermsError::Model { .. })));
    }

    #[test]
    fn validators_that_do_not_fit_are_refused_with_the_numbers() {
        let refused = Terms::check(&args(&["--model", "covenant-72b"]), ROOMY).unwrap_err();
        assert!(matches!(&refused, TermsError::TooLarge { .. }), "{refused}");
        assert!(refused.to_string().contains("GB"), "{refused}");
    }

    #[test]
    fn rounds_have_a_fixed_length_only_if_asked_for() {
        let manifest = |more: &[&str]| {
            let terms = Terms::check(&args(more), ROOMY).unwrap();
            let key = Hotkey([1; 32]);
            terms.manifest(Hash32([2; 32]), TokenizerKind::Bytes, key, &[key]).unwrap()
        };
        assert_eq!(manifest(&["--round-minutes", "10"]).chain.clock, Clock::Interval { block_ms: 30_000 });
        let paced = manifest(&["--phase-secs", "20"]);
        assert_eq!(paced.chain.clock, Clock::Paced { block_ms: 500, phase_ms: 20_000 });
        assert_eq!((paced.name.as_str(), paced.chain.subtensor), ("first light", None));
    }
}
