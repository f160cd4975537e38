//! What was signed for each round, so that nothing else is ever signed for it.
//!
//! In: a run or chain, a round, a digest. Out: whether it may be signed. Memory is bounded: rounds before the oldest that
//! is remembered are refused, so forgetting is safe.

use std::collections::BTreeMap;

use types::{Hash32, Round};

/// Rounds remembered of each.
pub(super) const ROUNDS_KEPT: usize = 4096;
/// Runs or chains remembered; a hotkey takes part in a handful.
const KEYS_MAX: usize = 256;

/// What the guard remembers of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundMemory {
    /// A submission with this digest was signed here.
    Signed(Hash32),
    /// None was signed here.
    NotSigned,
    /// Too long ago to know.
    Forgotten,
}

/// One digest for each round of each run.
pub(super) struct Rounds<K>(BTreeMap<K, BTreeMap<Round, Hash32>>);

impl<K> Default for Rounds<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Rounds<K> {
    /// What is remembered of a round.
    pub(super) fn of(&self, key: &K, round: Round) -> RoundMemory {
        let Some(rounds) = self.0.get(key) else { return RoundMemory::NotSigned };
        match rounds.get(&round) {
            Some(digest) => RoundMemory::Signed(*digest),
            None if is_forgotten(rounds, round) => RoundMemory::Forgotten,
            None => RoundMemory::NotSigned,
        }
    }

    /// Whether `digest` may be signed for a round; `what` it is stands in the reason if not.
    pub(super) fn check(&self, key: &K, round: Round, digest: Hash32, what: &str) -> Result<(), String> {
        if !self.0.contains_key(key) && self.0.len() >= KEYS_MAX {
            return Err(format!("more than {KEYS_MAX} runs"));
        }
        match self.of(key, round) {
            RoundMemory::Signed(earlier) if earlier != digest => {
                Err(format!("another {what} was signed for round {round}"))
            }
            RoundMemory::Forgotten => Err(format!("round {round} is too long ago to know what was signed for it")),
            RoundMemory::Signed(_) | RoundMemory::NotSigned => Ok(()),
        }
    }

    pub(super) fn remember(&mut self, key: K, round: Round, digest: Hash32) {
        let rounds = self.0.entry(key).or_default();
        rounds.insert(round, digest);
        if rounds.len() > ROUNDS_KEPT {
            rounds.pop_first();
        }
    }
}

fn is_forgotten(rounds: &BTreeMap<Round, Hash32>, round: Round) -> bool {
    rounds.len() >= ROUNDS_KEPT && rounds.first_key_value().is_some_and(|(oldest, _)| round < *oldest)
}
