//! The chain's head as the endpoints tell it, and whether to believe them.
//!
//! In: headers. Out: a finalized head that never goes back, and the best head. An endpoint is left when its head stands
//! still, when its chain does not contain a block that was final before, or when the other endpoints name another hash
//! for the same finalized block. If nothing tells who lies, nobody is believed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use types::Hash32;

use crate::error::SubtensorError;
use crate::node::{Header, Node};
use crate::pool::{EndpointState, Pool};
use crate::read::At;

/// Block times without a new head after which the next endpoint is asked.
const STALLED_BLOCKS: u32 = 10;
/// At least this long, however short the block time.
const STALLED_AT_LEAST: Duration = Duration::from_secs(3);
/// Most blocks walked back from a new final head to the one before.
const LONGEST_WALK: u32 = 16;
/// Time for another endpoint to say what it thinks of a head.
const SECOND_OPINION: Duration = Duration::from_secs(2);

/// The heads of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) best: Header,
    pub(crate) finalized: Header,
    /// Time of the finalized block, as its author said.
    pub(crate) time_ms: u64,
}

/// What was seen of the chain and its endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// All endpoints.
    pub endpoints: Vec<EndpointState>,
    /// Newest block of the chain, not final yet.
    pub best: Option<u64>,
    /// Newest finalized block of the chain.
    pub finalized: Option<u64>,
    /// How often the best chain went back on itself.
    pub reorgs: u64,
    /// How often an endpoint was left because its head stood still.
    pub stalls: u64,
    /// How often an endpoint was left because it told another chain than the others, or than before.
    pub lies: u64,
}

#[derive(Default)]
struct Known {
    tip: Option<Tip>,
    asked: Option<Instant>,
    moved: Option<Instant>,
    reorgs: u64,
    stalls: u64,
    lies: u64,
}

pub(crate) struct Watch {
    pool: Arc<Pool>,
    block: Duration,
    known: Mutex<Known>,
    /// One looks, all see.
    gate: tokio::sync::Mutex<()>,
}

impl Watch {
    pub(crate) fn new(pool: Arc<Pool>, block: Duration) -> Self {
        Self { pool, block, known: Mutex::default(), gate: tokio::sync::Mutex::default() }
    }

    /// How long to wait between two looks.
    pub(crate) fn interval(&self) -> Duration {
        (self.block / 4).clamp(Duration::from_millis(20), Duration::from_secs(3))
    }

    fn stalled(&self) -> Duration {
        (self.block * STALLED_BLOCKS).max(STALLED_AT_LEAST)
    }

    /// The heads; as of half an interval ago at most.
    pub(crate) async fn tip(&self) -> Result<Tip, SubtensorError> {
        let _gate = self.gate.lock().await;
        if let Known { tip: Some(tip), asked: Some(asked), .. } = &*self.lock()
            && asked.elapsed() < self.interval() / 2
        {
            return Ok(*tip);
        }
        let mut trouble = None;
        for _ in 0..2 * self.pool.len() {
            let (index, node) = self.pool.node().await?;
            match self.look(index, &node).await {
                Ok(tip) => {
                    if self.adopt(tip) {
                        self.pool.succeed(index).await;
                    } else if self.has_stalled() {
                        let why = SubtensorError::endpoint(node.url(), "its head stands still");
                        self.pool.fail(index, &node, &why).await;
                        trouble = Some(why);
                        continue;
                    }
                    return self.lock().tip.ok_or_else(|| SubtensorError::endpoint(node.url(), "it has no head"));
                }
                Err(error) if error.is_the_endpoints() => {
                    self.pool.fail(index, &node, &error).await;
                    trouble = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        // A chain that stands still everywhere still has the head it had.
        let known = self.lock().tip;
        match (known, trouble) {
            (Some(tip), Some(SubtensorError::Endpoint { why, .. })) if why.contains("stands still") => Ok(tip),
            (_, trouble) => Err(trouble.unwrap_or(SubtensorError::Unavailable { why: "no endpoint".to_owned() })),
        }
    }

    /// What one endpoint says, if it fits what was known.
    async fn look(&self, index: usize, node: &Arc<Node>) -> Result<Tip, SubtensorError> {
        let none = || SubtensorError::endpoint(node.url(), "it has no newest block");
        let finalized = node.finalized().await?;
        let best = node.header(None).await?.ok_or_else(none)?;
        if best.number < finalized.number {
            return Err(SubtensorError::endpoint(node.url(), "its newest block is older than its newest final one"));
        }
        let known = self.lock().tip;
        if let Some(known) = known.filter(|known| known.finalized.hash == finalized.hash) {
            return Ok(Tip { best, ..known });
        }
        self.continues(node, known.map(|known| known.finalized), finalized).await?;
        self.compare(index, node, finalized).await?;
        let time_ms = At::new(Arc::clone(node), finalized.hash).await?.time_ms().await?;
        Ok(Tip { best, finalized, time_ms })
    }

    /// Whether the endpoint's chain leads to the block that was final before, block by block; to any two ancestors if
    /// none was known. One that is merely behind does not lie.
    async fn continues(&self, node: &Arc<Node>, before: Option<Header>, now: Header) -> Result<(), SubtensorError> {
        let lie = |why: String| {
            self.lock().lies += 1;
            Err(SubtensorError::endpoint(node.url(), why))
        };
        let steps = if before.is_some() { LONGEST_WALK } else { 2 };
        let mut at = now;
        for _ in 0..steps {
            match before {
                Some(before) if at.number < before.number => return Ok(()),
                Some(before) if at.number == before.number && at.hash == before.hash => return Ok(()),
                Some(before) if at.number == before.number => {
                    return lie(format!("it has replaced block {}, which was final", before.number));
                }
                _ if at.number == 0 => return Ok(()),
                Some(before) if at.number == before.number + 1 && at.parent == before.hash => return Ok(()),
                _ => {}
            }
            match node.header(Some(at.parent)).await? {
                Some(parent) if parent.number + 1 == at.number => at = parent,
                _ => return lie(format!("its final block {} has no parent", at.number)),
            }
        }
        match before {
            Some(before) if node.hash_of(before.number).await? != Some(before.hash) => {
                lie(format!("it has replaced block {}, which was final", before.number))
            }
            _ => Ok(()),
        }
    }

    /// Asks the other endpoints for the same block.
    async fn compare(&self, index: usize, node: &Arc<Node>, head: Header) -> Result<(), SubtensorError> {
        let mut said: Vec<(usize, Arc<Node>, Hash32)> = vec![(index, Arc::clone(node), head.hash)];
        for other in (0..self.pool.len()).filter(|other| *other != index) {
            let opinion = async {
                let node = self.pool.open(other).await?;
                let hash = node.hash_of(head.number).await?;
                Ok::<_, SubtensorError>((node, hash))
            };
            if let Ok(Ok((node, Some(hash)))) = tokio::time::timeout(SECOND_OPINION, opinion).await {
                said.push((other, node, hash));
            }
        }
        if said.iter().all(|(_, _, hash)| *hash == head.hash) {
            return Ok(());
        }
        self.settle(node, head, &said).await
    }

    /// Somebody lies: whoever does not continue the known chain, else the minority, else nobody is believed.
    async fn settle(
        &self,
        node: &Arc<Node>,
        head: Header,
        said: &[(usize, Arc<Node>, Hash32)],
    ) -> Result<(), SubtensorError> {
        let known = self.lock().tip;
        let mut honest: Vec<&(usize, Arc<Node>, Hash32)> = Vec::new();
        for voice in said {
            let continues = match known {
                Some(known) => {
                    voice.1.hash_of(known.finalized.number).await.ok().flatten() == Some(known.finalized.hash)
                }
                None => true,
            };
            if continues {
                honest.push(voice);
            }
        }
        let votes = |hash: Hash32| honest.iter().filter(|voice| voice.2 == hash).count();
        let Some(winner) = honest.iter().map(|voice| voice.2).find(|hash| 2 * votes(*hash) > honest.len()) else {
            let list = said.iter().map(|(_, node, hash)| format!("{}: {}", node.url(), hash.short()));
            let why = list.collect::<Vec<_>>().join(", ");
            return Err(SubtensorError::Disagree { block: head.number, why });
        };
        let lie = |node: &Node| {
            SubtensorError::endpoint(node.url(), format!("it tells another block {} than the others", head.number))
        };
        self.lock().lies += 1;
        for (index, other, hash) in said {
            if *hash != winner && !Arc::ptr_eq(other, node) {
                self.pool.fail(*index, other, &lie(other)).await;
            }
        }
        if head.hash == winner { Ok(()) } else { Err(lie(node)) }
    }

    /// Takes a tip over. Returns whether anything moved on.
    fn adopt(&self, tip: Tip) -> bool {
        let mut known = self.lock();
        let now = Instant::now();
        known.asked = Some(now);
        let Some(before) = known.tip else {
            known.tip = Some(tip);
            known.moved = Some(now);
            return true;
        };
        let (old, new) = (before.best, tip.best);
        let back = new.number <= old.number && new.hash != old.hash;
        let aside = new.number == old.number + 1 && new.parent != old.hash;
        if back || aside {
            known.reorgs += 1;
            tracing::info!(from = old.number, to = new.number, "the best chain went back on itself");
        }
        let forward = tip.finalized.number > before.finalized.number;
        let moved = forward || tip.best.number > old.number;
        // An endpoint that is behind is asked on, but what was final stays final.
        let finalized = if forward { (tip.finalized, tip.time_ms) } else { (before.finalized, before.time_ms) };
        let best = if new.number < finalized.0.number { old } else { new };
        known.tip = Some(Tip { best, finalized: finalized.0, time_ms: finalized.1 });
        if moved {
            known.moved = Some(now);
        }
        moved
    }

    /// Whether nothing has moved for too long. Starts the clock anew, so that the next endpoint gets its time.
    fn has_stalled(&self) -> bool {
        let limit = self.stalled();
        let mut known = self.lock();
        let stalled = known.moved.is_some_and(|moved| moved.elapsed() > limit);
        if stalled {
            known.moved = Some(Instant::now());
            known.stalls += 1;
        }
        stalled
    }

    pub(crate) async fn health(&self) -> Health {
        let endpoints = self.pool.states().await;
        let known = self.lock();
        Health {
            endpoints,
            best: known.tip.map(|tip| tip.best.number),
            finalized: known.tip.map(|tip| tip.finalized.number),
            reorgs: known.reorgs,
            stalls: known.stalls,
            lies: known.lies,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
