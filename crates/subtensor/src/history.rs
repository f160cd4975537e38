//! What finalized blocks say: records by their authors, and pay-outs.
//!
//! In: blocks by number. Out: per block, each commitment on our subnet that succeeded and that reads as a record, and what
//! miners were paid. A block is read once and kept; each must name the one before it as its parent, so that an endpoint
//! cannot mix two histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use chain::MAX_UIDS;
use subxt::ext::futures::{StreamExt as _, TryStreamExt as _, stream};
use subxt::utils::AccountId32;
use tokio::sync::Mutex;
use types::{Hash32, Hotkey, Rao, Record, Uid};

use crate::client::Subtensor;
use crate::error::SubtensorError;
use crate::node::{Block, Node};
use crate::read::{At, account, number};
use crate::wire::{BlockEvents, commitment_in};

/// Blocks asked for at once.
const AT_ONCE: usize = 8;
/// Blocks kept: nine days of Bittensor's.
const MAX_KEPT: usize = 65_536;
/// Most blocks one question may cover.
pub(crate) const MAX_BLOCKS: u64 = 65_536;

/// A record as its block has it, before anybody asks whether it was in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) index: u32,
    pub(crate) uid: Uid,
    pub(crate) hotkey: Hotkey,
    pub(crate) may_report: bool,
    pub(crate) record: Record,
}

/// What miners were paid in a block; `burned` is what went to keys of the subnet's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) burned: Rao,
    pub(crate) miner: Vec<(Uid, Rao)>,
}

#[derive(Debug, Clone)]
struct Kept {
    hash: Hash32,
    parent: Hash32,
    said: Arc<[Said]>,
    /// `None` until somebody asks.
    paid: Option<Option<Arc<Paid>>>,
}

#[derive(Default)]
pub(crate) struct History {
    blocks: Mutex<BTreeMap<u64, Kept>>,
}

impl Subtensor {
    /// Records of the chain blocks `from..to`, all of them finalized, in chain order.
    pub(crate) async fn said(&self, from: u64, to: u64) -> Result<Vec<(u64, Arc<[Said]>)>, SubtensorError> {
        let mut blocks = self.history.blocks.lock().await;
        self.fill(&mut blocks, from, to, false).await?;
        Ok(blocks.range(from..to).map(|(n, kept)| (*n, Arc::clone(&kept.said))).collect())
    }

    /// Pay-outs of the chain blocks `from..to`, all of them finalized.
    pub(crate) async fn paid(&self, from: u64, to: u64) -> Result<Vec<(u64, Arc<Paid>)>, SubtensorError> {
        let mut blocks = self.history.blocks.lock().await;
        self.fill(&mut blocks, from, to, true).await?;
        let paid = |(n, kept): (&u64, &Kept)| Some((*n, kept.paid.clone().flatten()?));
        Ok(blocks.range(from..to).filter_map(paid).collect())
    }

    /// Reads what is not kept yet.
    async fn fill(
        &self,
        blocks: &mut BTreeMap<u64, Kept>,
        from: u64,
        to: u64,
        with_pay: bool,
    ) -> Result<(), SubtensorError> {
        let is_kept = |n: &u64| blocks.get(n).is_some_and(|kept| !with_pay || kept.paid.is_some());
        let wanted: Vec<u64> = (from..to).filter(|n| !is_kept(n)).collect();
        let mut reads = stream::iter(wanted)
            .map(|n| async move {
                let read = |node: Arc<Node>| self.read_block(node, n, with_pay);
                Ok::<_, SubtensorError>((n, self.pool.run(read).await?))
            })
            .buffered(AT_ONCE);
        while let Some((n, kept)) = reads.try_next().await? {
            join(blocks, n, &kept)?;
            blocks.insert(n, kept);
            if blocks.len() > MAX_KEPT {
                // Never one that was asked for: a question covers fewer blocks than are kept.
                match blocks.first_key_value().map(|(first, _)| *first) {
                    Some(first) if first < from => blocks.pop_first(),
                    _ => blocks.pop_last(),
                };
            }
        }
        Ok(())
    }

    async fn read_block(&self, node: Arc<Node>, n: u64, with_pay: bool) -> Result<Kept, SubtensorError> {
        let block = node.block(n).await?;
        let commitments = records_in(&block, self.pin.netuid);
        let (hash, parent) = (block.header.hash, block.header.parent);
        if commitments.is_empty() && !with_pay {
            return Ok(Kept { hash, parent, said: Arc::from([]), paid: None });
        }
        let at = At::new(Arc::clone(&node), hash).await?;
        let events = at.events().await?;
        let said = at.said(self.pin.netuid, commitments, &events).await?;
        let paid = match events.paid_on(self.pin.netuid) {
            Some(incentive) if with_pay => {
                // Bittensor pays before a block's transactions: whose uid was whose stands in the block before.
                let then = if incentive.first { At::new(node, parent).await? } else { at };
                Some(Some(Arc::new(then.paid(self.pin.netuid, &incentive.emissions).await?)))
            }
            _ => with_pay.then_some(None),
        };
        Ok(Kept { hash, parent, said: said.into(), paid })
    }
}

/// Whether a block fits its neighbours.
fn join(blocks: &BTreeMap<u64, Kept>, n: u64, kept: &Kept) -> Result<(), SubtensorError> {
    let before = n.checked_sub(1).and_then(|before| blocks.get(&before));
    let fits = before.is_none_or(|before| before.hash == kept.parent)
        && blocks.get(&(n + 1)).is_none_or(|after| after.parent == kept.hash)
        && blocks.get(&n).is_none_or(|same| same.hash == kept.hash);
    if fits {
        return Ok(());
    }
    let why = "it does not fit the finalized blocks read before".to_owned();
    Err(SubtensorError::Disagree { block: n, why })
}

/// Commitments of a block on a subnet that read as records, by place.
fn records_in(block: &Block, netuid: u16) -> Vec<(u32, Hotkey, Record)> {
    let read = |(index, extrinsic): (usize, &Vec<u8>)| {
        let commitment = commitment_in(extrinsic).filter(|c| c.netuid == netuid)?;
        let record = Record::from_bytes(&commitment.data).ok()?;
        Some((u32::try_from(index).ok()?, commitment.author, record))
    };
    block.extrinsics.iter().enumerate().filter_map(read).collect()
}

impl At {
    pub(crate) async fn events(&self) -> Result<BlockEvents, SubtensorError> {
        let key = self.runtime().key("System", "Events", Vec::new())?;
        let bytes = self.node().storage(&key, self.hash()).await?.unwrap_or_default();
        self.runtime().events(&bytes).map_err(|e| SubtensorError::endpoint(self.node().url(), format!("events: {e}")))
    }

    /// The commitments that succeeded and whose author has a uid.
    async fn said(
        &self,
        netuid: u16,
        commitments: Vec<(u32, Hotkey, Record)>,
        events: &BlockEvents,
    ) -> Result<Vec<Said>, SubtensorError> {
        let mut said = Vec::new();
        let mut permits: Option<Vec<bool>> = None;
        for (index, hotkey, record) in commitments {
            if !matches!(events.outcomes.get(&index), Some(Ok(()))) {
                continue;
            }
            let Some(uid) = self.uid(netuid, &hotkey).await?.filter(|uid| usize::from(*uid) < MAX_UIDS) else {
                continue;
            };
            let may_report = match record {
                Record::Report { .. } => {
                    if permits.is_none() {
                        permits = self.get("SubtensorModule", "ValidatorPermit", vec![number(netuid)]).await?;
                    }
                    permits.as_ref().is_some_and(|all| all.get(usize::from(uid)) == Some(&true))
                }
                _ => true,
            };
            said.push(Said { index, uid: Uid(uid), hotkey, may_report, record });
        }
        Ok(said)
    }

    /// Who of the subnet's keys belongs to its owner: their part is burned.
    async fn owner_uids(&self, netuid: u16) -> Result<Vec<u16>, SubtensorError> {
        let mut keys: Vec<[u8; 32]> = Vec::new();
        keys.extend(self.account("SubnetOwnerHotkey", vec![number(netuid)]).await?);
        if let Some(owner) = self.account("SubnetOwner", vec![number(netuid)]).await? {
            let owned: Option<Vec<AccountId32>> =
                self.get("SubtensorModule", "OwnedHotkeys", vec![account(&owner)]).await?;
            keys.extend(owned.unwrap_or_default().into_iter().map(|key| key.0));
        }
        keys.sort_unstable();
        keys.dedup();
        // An owner may own thousands of keys, but no more than all of the subnet's count here.
        let ours = self.hotkeys(netuid).await?;
        Ok(ours.into_iter().filter(|(_, key)| keys.binary_search(&key.0).is_ok()).map(|(uid, _)| uid).collect())
    }

    async fn paid(&self, netuid: u16, emissions: &[u64]) -> Result<Paid, SubtensorError> {
        let owners = self.owner_uids(netuid).await?;
        let mut paid = Paid { burned: Rao(0), miner: Vec::new() };
        for (uid, rao) in emissions.iter().enumerate().take(MAX_UIDS).filter(|(_, rao)| **rao > 0) {
            let uid = uid as u16;
            if owners.contains(&uid) {
                paid.burned = Rao(paid.burned.0.saturating_add(*rao));
            } else {
                paid.miner.push((Uid(uid), Rao(*rao)));
            }
        }
        Ok(paid)
    }
}
