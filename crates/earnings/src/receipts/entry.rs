//! What a receipt says, and its canonical bytes.
//!
//! In: typed facts. Out: compact JSON with the fields in the order of their declaration, unknown ones `null`. These bytes are
//! hashed; they are frozen (ARCHITECTURE.md, "Frozen bytes").

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hash32, Hotkey, Rao, Round, RunId, Uid, Verdict};

use crate::energy::EnergySource;

/// Version of a receipt's bytes.
pub const RECEIPT_VERSION: u16 = 1;

/// Energy of a round and how it was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundEnergy {
    /// Millijoules.
    pub millijoules: u64,
    /// How they were learnt.
    pub source: EnergySource,
}

/// Who gave a verdict, and where that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedBy {
    /// The validator.
    pub validator: Hotkey,
    /// BLAKE3 of its report's body, as on chain.
    pub report_root: Hash32,
    /// Block in which the report's record stands.
    pub report_block: BlockNumber,
}

/// A finished round: measured here. What others say of it follows in lines of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundReceipt {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// Our slot then.
    pub uid: Uid,
    /// Our key.
    pub hotkey: Hotkey,
    /// Digest of the samples trained on.
    pub data_digest: Hash32,
    /// BLAKE3 of the payload; `None` if nothing was sealed.
    pub payload_root: Option<Hash32>,
    /// Its bytes.
    pub payload_bytes: Option<u64>,
    /// Inner steps done.
    pub inner_steps: u32,
    /// Tokens trained on.
    pub tokens: u64,
    /// When it began, milliseconds since 1970.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: u64,
    /// Energy; `None` if it was not measured.
    pub energy: Option<RoundEnergy>,
    /// Block of our commitment, if it stands on chain.
    pub commit_block: Option<BlockNumber>,
    /// Its place in that block.
    pub commit_index: Option<u32>,
}

/// Our commitment was found on chain after the receipt was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitFound {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// Its block.
    pub commit_block: BlockNumber,
    /// Its place in that block.
    pub commit_index: u32,
}

/// A verdict on a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictGiven {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// The verdict.
    pub outcome: Verdict,
    /// Who gave it.
    pub judged_by: JudgedBy,
}

/// A share of a pay-out that was attributed to a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardShare {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// Block of the pay-out.
    pub reward_block: BlockNumber,
    /// The share.
    pub attributed: Rao,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A round ended.
    Round(RoundReceipt),
    /// Its commitment was found.
    Commit(CommitFound),
    /// Its verdict is known.
    Verdict(VerdictGiven),
    /// It was paid.
    Reward(RewardShare),
}

impl What {
    /// The run it speaks of.
    pub fn run(&self) -> RunId {
        match self {
            Self::Round(r) => r.run,
            Self::Commit(c) => c.run,
            Self::Verdict(v) => v.run,
            Self::Reward(r) => r.run,
        }
    }

    /// The round it speaks of.
    pub fn round(&self) -> Round {
        match self {
            Self::Round(r) => r.round,
            Self::Commit(c) => c.round,
            Self::Verdict(v) => v.round,
            Self::Reward(r) => r.round,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Round(_) => Kind::Round,
            Self::Commit(_) => Kind::Commit,
            Self::Verdict(_) => Kind::Verdict,
            Self::Reward(_) => Kind::Reward,
        }
    }

    /// Holds for every line that this program writes; the field that does not hold otherwise.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let Self::Round(r) = self else { return Ok(()) };
        let fields = [
            ("payload_bytes", r.payload_bytes.is_some() == r.payload_root.is_some()),
            ("ended_ms", r.ended_ms >= r.began_ms),
            ("commit_index", r.commit_index.is_some() == r.commit_block.is_some()),
            ("commit_block", r.commit_block.is_none() || r.payload_root.is_some()),
        ];
        fields.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(field, _)| Err(field))
    }
}

/// One line: what it says, and the hash of the line before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Hash of the entry before; zeros for the first one.
    pub previous: Hash32,
    /// What it says.
    pub what: What,
}

/// The kinds of lines. Their names and fields are frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Round,
    Commit,
    Verdict,
    Reward,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Round, Self::Commit, Self::Verdict, Self::Reward];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Commit => "commit",
            Self::Verdict => "verdict",
            Self::Reward => "reward",
        }
    }

    /// The fields after `version` and `previous`, in their order.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Round => &[
                "run",
                "round",
                "uid",
                "hotkey",
                "data_digest",
                "payload_root",
                "payload_bytes",
                "inner_steps",
                "tokens",
                "began_ms",
                "ended_ms",
                "energy",
                "commit_block",
                "commit_index",
            ],
            Self::Commit => &["run", "round", "commit_block", "commit_index"],
            Self::Verdict => &["run", "round", "outcome", "judged_by"],
            Self::Reward => &["run", "round", "reward_block", "attributed"],
        }
    }
}

impl Entry {
    /// The canonical text.
    pub fn to_text(&self) -> String {
        let body = match &self.what {
            What::Round(r) => serde_json::to_string(r),
            What::Commit(c) => serde_json::to_string(c),
            What::Verdict(v) => serde_json::to_string(v),
            What::Reward(r) => serde_json::to_string(r),
        };
        // Plain structs of numbers and strings: serialisation has no failing case.
        let body = body.unwrap_or_default();
        let (kind, previous) = (self.what.kind().name(), self.previous);
        format!("{{\"kind\":\"{kind}\",\"version\":{RECEIPT_VERSION},\"previous\":\"{previous}\",\"body\":{body}}}")
    }

    /// The entry's hash: BLAKE3 with its own context, so that no other text of ours has the same one.
    pub fn hash(&self) -> Hash32 {
        hash_of(&self.to_text())
    }
}

/// Hash of an entry's text.
pub(crate) fn hash_of(text: &str) -> Hash32 {
    Hash32(blake3::derive_key("covey 2026-11-24 round receipt v1", text.as_bytes()))
}
