//! The run manifest: everything two peers must agree on, validated once, signed by the founder.
//!
//! In: JSON text from a founder (hostile). Out: a checked [`RunManifest`] and its [`RunId`], the BLAKE3 of its canonical
//! JSON. It does not know where the run's peers are or how blobs travel.

mod gauntlet;
mod model;
mod optimizer;
mod rounds;

use serde::{Deserialize, Serialize};

pub use gauntlet::{GauntletParams, OpenSkillParams, OverlapParams, WeightParams};
pub use model::ModelParams;
pub use optimizer::{
    AggregationRule, AnnealSchedule, CodebookScope, FlatWindow, IndexCoding, InnerParams, InnerSchedule, OuterSchedule,
    SparseLocoParams,
};
pub use rounds::{ChainParams, Clock, DataParams, Phase, RoundParams, SubtensorParams, TokenizerKind};

use crate::{Hash32, Hotkey, KeyError, SignPayload, Signature};

/// The manifest version this build speaks.
pub const MANIFEST_VERSION: u32 = 1;
/// A manifest is a page of numbers; anything longer is refused unread.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;

/// Identity of a run: BLAKE3 of `covey/manifest/v1\0` and the manifest's canonical JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Hash32);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunId({})", self.0.short())
    }
}

/// A run's agreed parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunManifest {
    /// Format version, [`MANIFEST_VERSION`].
    pub version: u32,
    /// What people call the run; at most 64 characters.
    pub name: String,
    /// Seed of the initial parameters.
    pub seed: u64,
    /// The transformer.
    pub model: ModelParams,
    /// Text, tokenizer, sequence length and assignment.
    pub data: DataParams,
    /// Inner optimizer.
    pub inner: InnerParams,
    /// Pseudo-gradient compression and the outer step.
    pub sparseloco: SparseLocoParams,
    /// How a round is cut into blocks.
    pub rounds: RoundParams,
    /// Validation.
    pub gauntlet: GauntletParams,
    /// The chain the run lives on.
    pub chain: ChainParams,
}

/// Why a manifest was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Longer than [`MAX_MANIFEST_BYTES`].
    #[error("the manifest has {0} bytes, more than {MAX_MANIFEST_BYTES}")]
    TooLong(usize),
    /// Not the JSON of a manifest.
    #[error("the manifest does not read: {0}")]
    Syntax(String),
    /// Made by a newer (or much older) Covey.
    #[error("the manifest has version {got}; this build speaks version {MANIFEST_VERSION}")]
    Version {
        /// Version found.
        got: u32,
    },
    /// A number that makes no sense.
    #[error("manifest field `{field}`: {why}")]
    Field {
        /// Dotted path.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The founder's signature does not hold.
    #[error("the founder's signature does not hold: {0}")]
    Signature(#[from] KeyError),
}

impl RunManifest {
    /// Canonical bytes: compact JSON in field order.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain structs of numbers and strings: serialisation has no failing case.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads and validates.
    ///
    /// # Errors
    /// [`ManifestError`] for anything that is not a sound manifest of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLong(bytes.len()));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| ManifestError::Syntax(e.to_string()))?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// The run's identity.
    pub fn id(&self) -> RunId {
        let mut bytes = b"covey/manifest/v1\0".to_vec();
        bytes.extend(self.to_bytes());
        RunId(Hash32::of(&bytes))
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// The first field that does not hold, with the reason.
    pub fn validate(&self) -> Result<(), ManifestError> {
        if self.version != MANIFEST_VERSION {
            return Err(ManifestError::Version { got: self.version });
        }
        check("name", (1..=64).contains(&self.name.chars().count()), "must have 1 to 64 characters")?;
        check("name", !self.name.chars().any(char::is_control), "must have no control characters")?;
        self.model.validate()?;
        self.data.validate(&self.model)?;
        self.inner.validate()?;
        self.sparseloco.validate()?;
        self.rounds.validate()?;
        self.gauntlet.validate()?;
        self.chain.validate()
    }
}

/// A manifest with its founder's signature: what travels as a run file or behind a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedManifest {
    /// The run's parameters.
    pub manifest: RunManifest,
    /// Who founded the run.
    pub founder: Hotkey,
    /// The founder's signature over [`SignPayload::Manifest`].
    pub signature: Signature,
}

impl SignedManifest {
    /// Reads, validates and checks the signature.
    ///
    /// # Errors
    /// [`ManifestError`] as for [`RunManifest::from_bytes`], and for a signature that does not hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLong(bytes.len()));
        }
        let signed: Self = serde_json::from_slice(bytes).map_err(|e| ManifestError::Syntax(e.to_string()))?;
        signed.manifest.validate()?;
        let payload = SignPayload::Manifest { run: signed.manifest.id() };
        signed.founder.verify(&payload.to_bytes(), &signed.signature)?;
        Ok(signed)
    }
}

/// `Ok` if `holds`, else the field's error.
fn check(field: &'static str, holds: bool, why: impl Into<String>) -> Result<(), ManifestError> {
    if holds { Ok(()) } else { Err(ManifestError::Field { field, why: why.into() }) }
}

/// A finite number within `low..=high`.
fn check_range(field: &'static str, value: f64, low: f64, high: f64) -> Result<(), ManifestError> {
    check(field, value.is_finite() && (low..=high).contains(&value), format!("must lie in {low}..={high}, is {value}"))
}

#[cfg(test)]
mod tests;
