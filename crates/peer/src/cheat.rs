//! The rehearsal's dishonest peers: each does one known wrong thing, through the same code path as everybody else.
//!
//! In: what an honest peer would submit. Out: what this kind of cheater submits instead. It exists so that a rehearsal can
//! show each kind being caught; nothing outside a rehearsal can turn it on (see `covey-peer train --help`).

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sparseloco::{Draft, Expected, Layout, SubmissionHeader};
use types::Round;
use types::manifest::InnerParams;

use crate::trainer::TrainerError;

/// A copycat waits this long for its victim's payload, then submits its own.
const COPY_PATIENCE: Duration = Duration::from_secs(15);
/// A norm bomb is this much larger than an honest update.
const BOMB_FACTOR: f32 = 1000.0;
/// A lone-index attacker's values are this much larger than an honest peer's.
const LONE_FACTOR: f32 = 4.0;

/// Kinds of dishonest peers (faults.md §4.4, §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheatKind {
    /// Submits noise of an honest norm.
    Noise,
    /// Re-signs another peer's payload, which it gets to see before anybody should.
    Copycat,
    /// Takes one inner step and scales it up.
    Lazy,
    /// Submits its update a thousand times too large.
    NormBomb,
    /// Puts NaN into the payload.
    Nan,
    /// Picks indices nobody else picks, to escape dilution.
    LoneIndex,
    /// Submits its first update again and again.
    Stale,
}

/// Every kind with its word on the command line.
const KINDS: [(&str, CheatKind); 7] = [
    ("noise", CheatKind::Noise),
    ("copycat", CheatKind::Copycat),
    ("lazy", CheatKind::Lazy),
    ("norm-bomb", CheatKind::NormBomb),
    ("nan", CheatKind::Nan),
    ("lone-index", CheatKind::LoneIndex),
    ("stale", CheatKind::Stale),
];

impl CheatKind {
    /// The words, in the order of the documentation.
    pub fn words() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(word, _)| *word)
    }

    /// This kind's word.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

impl FromStr for CheatKind {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let known = || CheatKind::words().collect::<Vec<_>>().join(", ");
        KINDS
            .iter()
            .find(|(word, _)| *word == s)
            .map(|(_, kind)| *kind)
            .ok_or_else(|| format!("no cheater kind `{s}`; there are: {}", known()))
    }
}

/// A cheater at work.
#[derive(Debug)]
pub struct Cheat {
    kind: CheatKind,
    /// Seed of noise and lone indices.
    seed: u64,
    /// The victim's outbox, for the copycat.
    victim: Option<PathBuf>,
    /// What the stale peer submits for ever.
    first: Option<Vec<f32>>,
}

impl Cheat {
    /// A cheater of this kind.
    pub fn new(kind: CheatKind, seed: u64, victim: Option<PathBuf>) -> Self {
        Self { kind, seed, victim, first: None }
    }

    /// Inner steps it takes.
    pub fn inner_steps(&self, inner: &InnerParams) -> u32 {
        match self.kind {
            CheatKind::Lazy => 1,
            // Their update does not come from training at all, but a peer that took no step submits nothing.
            CheatKind::Noise | CheatKind::Copycat | CheatKind::LoneIndex => 1,
            CheatKind::NormBomb | CheatKind::Nan | CheatKind::Stale => inner.steps,
        }
    }

    /// What it submits.
    ///
    /// # Errors
    /// [`TrainerError`] if even the fraud cannot be compressed.
    pub fn draft(
        &mut self,
        layout: &Layout,
        header: SubmissionHeader,
        anchor: &[f32],
        local: &[f32],
        steps: u32,
    ) -> Result<Draft, TrainerError> {
        let honest: Vec<f32> = anchor.iter().zip(local).map(|(a, l)| a - l).collect();
        // One AdamW step moves every coordinate by about lr; an honest round moves about as far as sqrt(H) to H steps.
        let scale = steps as f32;
        let round = header.round;
        let dense = match self.kind {
            CheatKind::Lazy => scaled(&honest, scale),
            CheatKind::NormBomb => scaled(&honest, BOMB_FACTOR),
            CheatKind::Noise => self.noise(round, norm(&honest) * scale.sqrt(), honest.len()),
            CheatKind::LoneIndex => self.lone(round, norm(&honest) * scale.sqrt() * LONE_FACTOR, honest.len()),
            CheatKind::Copycat => self.stolen(layout, &header).unwrap_or(honest),
            CheatKind::Stale => self.first.get_or_insert(honest).clone(),
            CheatKind::Nan => honest,
        };
        Ok(sparseloco::compress_dense(layout, header, &dense)?)
    }

    /// Damage done to the container before it is signed.
    pub fn corrupt(&self, unsigned: &mut [u8]) {
        if self.kind == CheatKind::Nan {
            // A body begins with levels: all ones is NaN in bf16 and f32 alike.
            unsigned[sparseloco::HEADER_BYTES..][..4].fill(0xff);
        }
    }

    fn noise(&self, round: Round, norm: f32, n: usize) -> Vec<f32> {
        let mut state = self.seed ^ round.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let raw: Vec<f32> = (0..n).map(|_| uniform(&mut state) + uniform(&mut state)).collect();
        let now = self::norm(&raw);
        scaled(&raw, norm / now.max(f32::MIN_POSITIVE))
    }

    /// A few large values at places chosen by a coin, one per 64: nobody's top-k will be the same.
    fn lone(&self, round: Round, norm: f32, n: usize) -> Vec<f32> {
        let mut state = self.seed ^ round.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995;
        let mut raw = vec![0.0f32; n];
        for chunk in raw.chunks_mut(64) {
            let at = (next(&mut state) % chunk.len() as u64) as usize;
            chunk[at] = if uniform(&mut state) > 0.0 { 1.0 } else { -1.0 };
        }
        let now = self::norm(&raw);
        scaled(&raw, norm / now.max(f32::MIN_POSITIVE))
    }

    /// The victim's update of this round, as soon as it lies in its outbox.
    fn stolen(&self, layout: &Layout, header: &SubmissionHeader) -> Option<Vec<f32>> {
        let path = self.victim.as_ref()?.join(format!("round-{}.payload", header.round));
        let began = Instant::now();
        while began.elapsed() < COPY_PATIENCE {
            if let Ok(bytes) = std::fs::read(&path)
                && let Some((uid, hotkey)) = read_owner(&path)
            {
                let expected = Expected { run: header.run, round: header.round, uid, hotkey, theta: None };
                if let Ok(submission) = sparseloco::decode(&bytes, layout, &expected) {
                    let mut dense = vec![0.0; layout.parameter_count()];
                    submission.add_to(&mut dense, 1.0);
                    return Some(dense);
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

/// The owner of a payload stands beside it: `<uid> <address>`.
fn read_owner(payload: &std::path::Path) -> Option<(types::Uid, types::Hotkey)> {
    let text = std::fs::read_to_string(payload.with_file_name("owner")).ok()?;
    let (uid, hotkey) = text.trim().split_once(' ')?;
    Some((types::Uid(uid.parse().ok()?), hotkey.parse().ok()?))
}

fn scaled(values: &[f32], by: f32) -> Vec<f32> {
    values.iter().map(|v| v * by).collect()
}

fn norm(values: &[f32]) -> f32 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt() as f32
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Uniform in -1..1.
fn uniform(state: &mut u64) -> f32 {
    (next(state) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}
