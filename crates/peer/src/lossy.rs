//! A transport that fails now and then, for rehearsals: what a bad line does to a swarm, without one.
//!
//! In: a real source, a share of requests to fail, a seed. Out: the source's answers, or a failure that a peer treats as any
//! other: it asks again. Which requests fail is a matter of the seed alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use exchange::{BlobId, ChunkSource, CostClass, Have, Manifest, SourceError, SourceFailure};

/// Blobs whose requests are counted; a rehearsal's round has a few dozen.
const COUNTED: usize = 4096;

/// How much of what is asked for gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// In percent, at most 50.
    pub percent: u8,
    /// Which requests.
    pub seed: u64,
}

/// A bad line: all sources of a process are behind the same one.
#[derive(Debug)]
pub struct BadLine {
    loss: Loss,
    asked: Mutex<HashMap<(BlobId, u32), u64>>,
}

/// A source behind a bad line.
pub struct Lossy {
    source: Arc<dyn ChunkSource>,
    line: Arc<BadLine>,
}

impl Lossy {
    /// Puts the bad line before a source.
    pub fn new(source: Arc<dyn ChunkSource>, line: Arc<BadLine>) -> Self {
        Self { source, line }
    }
}

impl BadLine {
    /// A line that loses so much.
    pub fn new(loss: Loss) -> Arc<Self> {
        Arc::new(Self { loss, asked: Mutex::default() })
    }

    /// Whether this request is lost: the n-th for the same piece has a fate of its own.
    fn is_lost(&self, id: &BlobId, index: u32) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= COUNTED {
            asked.clear();
        }
        let count = asked.entry((*id, index)).or_default();
        *count += 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.loss.seed.to_le_bytes()).update(&id.root.0);
        hasher.update(&index.to_le_bytes()).update(&count.to_le_bytes());
        let draw = hasher.finalize().as_bytes()[..4].iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        draw * 100 < u64::from(self.loss.percent) << 32
    }
}

#[async_trait::async_trait]
impl ChunkSource for Lossy {
    fn name(&self) -> String {
        format!("{} over a line that loses {} %", self.source.name(), self.line.loss.percent)
    }

    fn class(&self) -> CostClass {
        self.source.class()
    }

    async fn have(&self, id: &BlobId) -> Result<Have, SourceError> {
        self.source.have(id).await
    }

    async fn manifest(&self, id: &BlobId) -> Result<Option<Manifest>, SourceError> {
        self.source.manifest(id).await
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError> {
        if self.line.is_lost(id, index) {
            return Err(SourceError::Unavailable("lost on the way".into()));
        }
        self.source.chunk(id, index).await
    }

    fn blame(&self, failure: &SourceFailure) {
        self.source.blame(failure);
    }
}

#[cfg(test)]
mod tests {
    use types::Hash32;

    use super::*;

    fn fates(percent: u8, seed: u64) -> Vec<bool> {
        let lossy = BadLine::new(Loss { percent, seed });
        let id = |n: u64| BlobId { root: Hash32::of(&n.to_le_bytes()), bytes: 1 };
        (0..2000).map(|n| lossy.is_lost(&id(n / 4), 0)).collect()
    }

    #[test]
    fn as_many_are_lost_as_asked_for_and_the_same_ones_again() {
        let lost = |percent| fates(percent, 7).iter().filter(|lost| **lost).count();
        assert_eq!(lost(0), 0);
        assert!((500..700).contains(&lost(30)), "{}", lost(30));
        assert_eq!(fates(30, 7), fates(30, 7));
        assert_ne!(fates(30, 7), fates(30, 8));
    }
}
