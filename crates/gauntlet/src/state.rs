//! What a validator remembers of every peer, and how one round changes it.
//!
//! In: the facts of a finished round. Out: one verdict per registered uid, the next gather list, scores for the weights.
//! The state is plain data with a version, so that a killed validator goes on where it stood; judging is deterministic.

mod facts;
mod judge;
mod record;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::manifest::GauntletParams;
use types::{Hash32, Round, Uid};

pub use self::facts::{CommitFacts, Exclusion, PeerFacts, PeerJudgement, RoundFacts, RoundJudgement};
pub use self::record::PeerRecord;

/// Version of the serialised state.
pub const STATE_VERSION: u32 = 1;
/// A run's uids are 0..=255; room for more costs nothing.
const MAX_PEERS: usize = 4096;

/// Everything Gauntlet remembers between rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StateFile")]
pub struct State {
    version: u32,
    /// First round this state judged.
    started: Option<Round>,
    /// Last round this state judged.
    last: Option<Round>,
    peers: BTreeMap<Uid, PeerRecord>,
}

/// Why a state or a round was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Written by a newer (or much older) Covey.
    #[error("the validator's state has version {0}; this build speaks version {STATE_VERSION}")]
    Version(u32),
    /// A number that no honest state holds.
    #[error("the validator's state is damaged at uid {0}")]
    Damaged(Uid),
    /// More peers than a run can have.
    #[error("the validator's state names {0} peers, more than {MAX_PEERS}")]
    TooMany(usize),
    /// The round was judged already; judging it again would count everything twice.
    #[error("round {asked} was asked for, but round {last} is judged")]
    JudgedAlready {
        /// Round asked for.
        asked: Round,
        /// Last round judged.
        last: Round,
    },
}

/// The state as it is read, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    version: u32,
    started: Option<Round>,
    last: Option<Round>,
    peers: BTreeMap<Uid, PeerRecord>,
}

impl TryFrom<StateFile> for State {
    type Error = StateError;

    fn try_from(file: StateFile) -> Result<Self, StateError> {
        let StateFile { version, started, last, peers } = file;
        if version != STATE_VERSION {
            return Err(StateError::Version(version));
        }
        if peers.len() > MAX_PEERS {
            return Err(StateError::TooMany(peers.len()));
        }
        if let Some((uid, _)) = peers.iter().find(|(_, record)| !record.is_sound()) {
            return Err(StateError::Damaged(*uid));
        }
        Ok(Self { version, started, last, peers })
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// A validator that has seen nothing.
    pub fn new() -> Self {
        Self { version: STATE_VERSION, started: None, last: None, peers: BTreeMap::new() }
    }

    /// The last round judged.
    pub fn last_round(&self) -> Option<Round> {
        self.last
    }

    /// What is remembered of a uid.
    pub fn peer(&self, uid: Uid) -> Option<&PeerRecord> {
        self.peers.get(&uid)
    }

    /// All records, ascending by uid.
    pub fn peers(&self) -> impl Iterator<Item = (Uid, &PeerRecord)> {
        self.peers.iter().map(|(uid, record)| (*uid, record))
    }

    /// Digest of a peer's last update that decoded, for the check against sending it again.
    pub fn previous_body(&self, uid: Uid) -> Option<Hash32> {
        self.peers.get(&uid).and_then(|record| record.last_body)
    }

    /// Draws up to `n` of the `eligible` uids for evaluation, ascending: weighted by rounds since the last evaluation,
    /// without replacement (protocol.md §5.2). Peers on the naughty list are left out. Same seed, same draw, whatever the
    /// order of `eligible`.
    pub fn select(&self, round: Round, eligible: &[Uid], n: usize, seed: u64) -> Vec<Uid> {
        let mut keyed: Vec<(f64, Uid)> = eligible
            .iter()
            .filter(|uid| self.peers.get(uid).is_none_or(|record| record.naughty_at(round).is_none()))
            .map(|uid| (draw_key(seed, round, *uid, self.waiting(*uid)), *uid))
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        keyed.dedup_by_key(|(_, uid)| *uid);
        let mut drawn: Vec<Uid> = keyed.into_iter().take(n).map(|(_, uid)| uid).collect();
        drawn.sort_unstable();
        drawn
    }

    fn waiting(&self, uid: Uid) -> u64 {
        self.peers.get(&uid).map_or(1, |record| record.waiting.max(1))
    }

    /// Judges a finished round: exactly one verdict per registered uid.
    ///
    /// # Errors
    /// [`StateError::JudgedAlready`] for a round that is not after the last one; nothing is changed then.
    pub fn apply_round(&mut self, params: &GauntletParams, facts: &RoundFacts) -> Result<RoundJudgement, StateError> {
        if let Some(last) = self.last.filter(|last| facts.round <= *last) {
            return Err(StateError::JudgedAlready { asked: facts.round, last });
        }
        Ok(judge::judge(self, params, facts))
    }

    /// The gather list for the round after `round`: active, good when last evaluated, not excluded; best score first, at
    /// most `gather_peers`; ascending by uid.
    pub fn gather_list(&self, params: &GauntletParams, round: Round) -> Vec<Uid> {
        let listable =
            |record: &PeerRecord| record.good && record.active_at(round) && record.exclusion(params, round).is_none();
        let mut ranked: Vec<(f64, Uid)> = self
            .peers
            .iter()
            .filter(|(_, record)| listable(record))
            .map(|(uid, record)| (record.score, *uid))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut list: Vec<Uid> =
            ranked.into_iter().take(usize::from(params.gather_peers)).map(|(_, uid)| uid).collect();
        list.sort_unstable();
        list
    }

    /// What weights are made of: every peer's score, 0 for those that are excluded or were refused when last evaluated.
    pub fn scores(&self, params: &GauntletParams, round: Round) -> Vec<(Uid, f64)> {
        let score = |record: &PeerRecord| {
            if record.good && record.exclusion(params, round).is_none() { record.score } else { 0.0 }
        };
        self.peers.iter().map(|(uid, record)| (*uid, score(record))).collect()
    }
}

/// Key of one uid in the draw: the n smallest of `−ln(u)/weight` are a weighted sample without replacement (Efraimidis
/// and Spirakis 2006). `u` comes from a hash, so that no draw depends on who else is eligible.
fn draw_key(seed: u64, round: Round, uid: Uid, weight: u64) -> f64 {
    let mut bytes = b"covey/gauntlet/select/v1\0".to_vec();
    bytes.extend(seed.to_le_bytes());
    bytes.extend(round.0.to_le_bytes());
    bytes.extend(uid.0.to_le_bytes());
    let Hash32(hash) = Hash32::of(&bytes);
    let word = hash[..8].iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let uniform = ((word >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -uniform.ln() / weight as f64
}

#[cfg(test)]
mod tests;
