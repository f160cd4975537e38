//! Bittensor as the chain of a run.
//!
//! In: the client of a subnet, and how the run cuts blocks into rounds. Out: [`ChainBackend`], in the run's own block
//! numbers. Heads are finalized blocks: what peers agree on must not be taken back. Pay-outs name what miners got and
//! what was burned because it went to the subnet's owner; the chain does not say exactly what owner and validators got, so
//! those parts are left out of `minted` too.

use std::sync::Arc;

use async_trait::async_trait;
use chain::{
    ChainBackend, ChainError, ChainRecord, EpochReward, Head, MAX_EPOCHS, MAX_RECORDS, NetworkInfo, Neuron, Receipt,
    Registration,
};
use types::manifest::{Clock, RoundParams, RunManifest};
use types::{BlockNumber, Hash32, Rao, Record, Round, Signer, Uid};

use crate::client::Subtensor;
use crate::error::SubtensorError;
use crate::history::{MAX_BLOCKS, Said};
use crate::read::{At, number};
use crate::sieve::{CHECKPOINTS_PER_ROUND, Sieve, window};

const MODULE: &str = "SubtensorModule";
/// First block of Bittensor's main network, "finney" (wallet-chain recipe §7).
const FINNEY: [u8; 32] = [
    0x2f, 0x05, 0x55, 0xcc, 0x76, 0xfc, 0x28, 0x40, 0xa2, 0x5a, 0x6e, 0xa3, 0xb9, 0x63, 0x71, 0x46, 0x80, 0x6f, 0x1f,
    0x44, 0xb0, 0x90, 0xc1, 0x75, 0xff, 0xde, 0x2a, 0x7e, 0x5a, 0xb3, 0x6c, 0x03,
];
/// Rounds back in which a report is looked for before it is published again.
const LOOK_BACK_ROUNDS: u64 = 2;
/// Weights are parts of this.
const WHOLE: u64 = u16::MAX as u64;

/// A run on Bittensor.
#[derive(Debug)]
pub struct SubtensorBackend {
    client: Arc<Subtensor>,
    rounds: RoundParams,
}

impl SubtensorBackend {
    /// The run of a client.
    pub fn new(client: Arc<Subtensor>, rounds: RoundParams) -> Self {
        Self { client, rounds }
    }

    /// Connects to the chain that a manifest names.
    ///
    /// # Errors
    /// [`SubtensorError::Invalid`] if the manifest names none; else as [`Subtensor::connect`].
    pub async fn connect(endpoints: &[String], manifest: &RunManifest) -> Result<Self, SubtensorError> {
        match (manifest.chain.subtensor, manifest.chain.clock) {
            (Some(pin), Clock::Interval { block_ms }) => {
                let client = Subtensor::connect(endpoints, pin, block_ms).await?;
                Ok(Self::new(Arc::new(client), manifest.rounds))
            }
            _ => Err(SubtensorError::invalid("this run does not live on Bittensor")),
        }
    }

    /// The client behind it.
    pub fn client(&self) -> &Arc<Subtensor> {
        &self.client
    }

    /// Everything on chain in the run's blocks `from..to`; `from` begins a round.
    async fn said(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<(BlockNumber, Arc<[Said]>)>, ChainError> {
        if to.0.saturating_sub(from.0) > MAX_BLOCKS {
            return Err(ChainError::TooWide { limit: MAX_BLOCKS });
        }
        let (from, to) = (self.client.absolute(from), self.client.absolute(to));
        let said = self.client.said(from, to).await?;
        Ok(said.into_iter().map(|(n, said)| (self.client.relative(n), said)).collect())
    }

    /// The first block behind those that are final, or `None` before the run has begun.
    async fn end(&self) -> Result<Option<BlockNumber>, ChainError> {
        let finalized = self.client.tip().await?.finalized.number;
        let begun = finalized >= self.client.pin.start_block.0;
        Ok(begun.then(|| BlockNumber(self.client.relative(finalized).0 + 1)))
    }

    /// Whether the key has said this, or something else in its place.
    async fn standing(&self, uid: Uid, record: &Record) -> Result<Option<Receipt>, ChainError> {
        let Some(end) = self.end().await? else { return Ok(None) };
        let now = self.rounds.round_of(BlockNumber(end.0 - 1));
        let from = match record {
            Record::Commit { round, .. } | Record::Attest { round, .. } | Record::Bucket { round, .. } => *round,
            Record::Report { round, .. } => round.next().max(Round(now.0.saturating_sub(LOOK_BACK_ROUNDS))),
            Record::Checkpoint { .. } => now,
        };
        let from = self.rounds.start(from);
        let to = end.min(window(&self.rounds, record).1);
        if from >= to {
            return Ok(None);
        }
        let mut sieve = Sieve::new(&self.rounds);
        let mut checkpoints = 0;
        for (block, said) in self.said(from, to).await? {
            for said in said.iter().filter(|said| said.uid == uid) {
                if !sieve.counts(block, said) {
                    continue;
                }
                let receipt = Receipt { block, index: said.index };
                if said.record == *record {
                    return Ok(Some(receipt));
                }
                match (&said.record, record) {
                    (Record::Checkpoint { .. }, Record::Checkpoint { .. }) => checkpoints += 1,
                    (held, new) if same_place(held, new) => {
                        return Err(ChainError::Duplicate { receipt, same: false });
                    }
                    _ => {}
                }
            }
        }
        if checkpoints >= CHECKPOINTS_PER_ROUND {
            return Err(ChainError::TooOften { limit: CHECKPOINTS_PER_ROUND as u64, per: "round".to_owned() });
        }
        Ok(None)
    }

    /// Blocks left until the record is late, if it were included in the next block.
    async fn time_left(&self, record: &Record) -> Result<u64, ChainError> {
        let (opens, deadline) = window(&self.rounds, record);
        let best = self.client.tip().await?.best.number;
        let block = self.client.relative(best.saturating_add(1));
        in_time(record.round(), opens, deadline, block)?;
        Ok(deadline.0 - block.0)
    }

    /// Weights with the missing share given to the subnet's owner, which burns it.
    async fn with_burn(&self, weights: &[(Uid, u16)]) -> Result<Vec<(Uid, u16)>, ChainError> {
        let invalid = |why: &str| ChainError::Invalid { why: format!("weights: {why}") };
        if !weights.windows(2).all(|w| w[0].0 < w[1].0) {
            return Err(invalid("uids must ascend"));
        }
        let sum: u64 = weights.iter().map(|w| u64::from(w.1)).sum();
        let missing = WHOLE.checked_sub(sum).ok_or_else(|| invalid("their sum is above 65535"))?;
        let mut out: Vec<(Uid, u16)> = weights.iter().filter(|w| w.1 > 0).copied().collect();
        if missing > 0 {
            let netuid = self.client.pin.netuid;
            let ask = |at: Arc<At>| async move {
                let owner = at.account("SubnetOwnerHotkey", vec![number(netuid)]).await?;
                match owner {
                    Some(owner) => at.uid(netuid, &types::Hotkey(owner)).await,
                    None => Ok(None),
                }
            };
            let owner = self.client.at_finalized(ask).await?.map(Uid);
            let owner = owner.ok_or_else(|| invalid("nothing can be burned: the subnet's owner has no uid"))?;
            match out.binary_search_by_key(&owner, |w| w.0) {
                Ok(at) => out[at].1 = (u64::from(out[at].1) + missing) as u16,
                Err(at) => out.insert(at, (owner, missing as u16)),
            }
        }
        Ok(out)
    }
}

/// Whether two records claim the same place of one key.
fn same_place(a: &Record, b: &Record) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b) && a.round() == b.round()
}

fn in_time(round: Round, opens: BlockNumber, deadline: BlockNumber, block: BlockNumber) -> Result<(), ChainError> {
    if block >= deadline {
        Err(ChainError::Late { round, deadline, block })
    } else if block < opens {
        Err(ChainError::Early { round, opens, block })
    } else {
        Ok(())
    }
}

#[async_trait]
impl ChainBackend for SubtensorBackend {
    fn network(&self) -> NetworkInfo {
        let genesis = self.client.pin.genesis;
        let main = genesis == Hash32(FINNEY);
        NetworkInfo {
            name: if main { "Bittensor" } else { "Bittensor test network" }.to_owned(),
            genesis,
            symbol: "α".to_owned(),
            decimals: 9,
            has_value: main,
        }
    }

    /// Before the run's first block there is no head: it is waited for, so that nobody works for a round too early.
    async fn head(&self) -> Result<Head, ChainError> {
        let mut tip = self.client.tip().await?;
        while tip.finalized.number < self.client.pin.start_block.0 {
            tokio::time::sleep(self.client.watch.interval()).await;
            tip = self.client.tip().await?;
        }
        let number = self.client.relative(tip.finalized.number);
        Ok(Head { number, hash: tip.finalized.hash, time_ms: tip.time_ms })
    }

    async fn wait_head(&self, after: BlockNumber) -> Result<Head, ChainError> {
        loop {
            let head = self.head().await?;
            if head.number > after {
                return Ok(head);
            }
            tokio::time::sleep(self.client.watch.interval()).await;
        }
    }

    async fn register(&self, signer: &dyn Signer) -> Result<Registration, ChainError> {
        let hotkey = signer.hotkey();
        if let Some(registration) = self.client.registration(&hotkey).await? {
            return Ok(registration);
        }
        let why = format!(
            "{hotkey} is not registered on subnet {}: a registration is paid by the coldkey, with `covey-peer chain register`",
            self.client.pin.netuid
        );
        Err(ChainError::Invalid { why })
    }

    async fn neurons(&self) -> Result<Vec<Neuron>, ChainError> {
        let netuid = self.client.pin.netuid;
        let raw = self.client.at_finalized(|at| async move { at.neurons(netuid).await }).await?;
        let relative = |neuron: Neuron| Neuron {
            registered_at: self.client.relative(neuron.registered_at.0),
            last_weights: neuron.last_weights.map(|block| self.client.relative(block.0)),
            ..neuron
        };
        Ok(raw.into_iter().map(relative).collect())
    }

    async fn publish(&self, record: &Record, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        let hotkey = signer.hotkey();
        let (netuid, round) = (self.client.pin.netuid, record.round());
        let ask = |at: Arc<At>| async move {
            let uid = at.uid(netuid, &hotkey).await?.ok_or(SubtensorError::NotRegistered { hotkey })?;
            let permits: Option<Vec<bool>> = at.get(MODULE, "ValidatorPermit", vec![number(netuid)]).await?;
            Ok((Uid(uid), permits.is_some_and(|all| all.get(usize::from(uid)) == Some(&true))))
        };
        let (uid, permit) = self.client.at_finalized(ask).await?;
        if matches!(record, Record::Report { .. }) && !permit {
            return Err(ChainError::NotPermitted { operation: "report on a round".to_owned() });
        }
        if let Some(receipt) = self.standing(uid, record).await? {
            return Ok(receipt);
        }
        let life = self.time_left(record).await?;
        let (opens, deadline) = window(&self.rounds, record);
        match self.client.commit_within(record.to_bytes(), signer, life).await {
            Ok(included) => {
                let receipt = self.client.receipt(included);
                in_time(round, opens, deadline, receipt.block).map(|()| receipt)
            }
            // It cannot be included any more; if its time is over too, that is what there is to say.
            Err(error @ SubtensorError::Expired { .. }) => {
                self.time_left(record).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn records(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<ChainRecord>, ChainError> {
        let Some(to) = self.end().await?.map(|end| end.min(to)).filter(|to| from < *to) else { return Ok(Vec::new()) };
        let start = self.rounds.start(self.rounds.round_of(from));
        let mut sieve = Sieve::new(&self.rounds);
        let mut out = Vec::new();
        for (block, said) in self.said(start, to).await? {
            for said in said.iter() {
                if sieve.counts(block, said) && block >= from {
                    let Said { index, uid, hotkey, record, .. } = said.clone();
                    out.push(ChainRecord { block, index, uid, hotkey, record });
                }
            }
        }
        if out.len() > MAX_RECORDS {
            return Err(ChainError::TooWide { limit: MAX_RECORDS as u64 });
        }
        Ok(out)
    }

    async fn set_weights(&self, weights: &[(Uid, u16)], signer: &dyn Signer) -> Result<Receipt, ChainError> {
        let weights = self.with_burn(weights).await?;
        Ok(self.client.set_weights(weights, signer).await?)
    }

    async fn epochs(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<EpochReward>, ChainError> {
        let Some(to) = self.end().await?.map(|end| end.min(to)).filter(|to| from < *to) else { return Ok(Vec::new()) };
        if to.0 - from.0 > MAX_BLOCKS {
            return Err(ChainError::TooWide { limit: MAX_BLOCKS });
        }
        let paid = self.client.paid(self.client.absolute(from), self.client.absolute(to)).await?;
        if paid.len() > MAX_EPOCHS {
            return Err(ChainError::TooWide { limit: MAX_EPOCHS as u64 });
        }
        let reward = |(block, paid): (u64, Arc<crate::history::Paid>)| {
            let miners = paid.miner.iter().fold(0u64, |sum, (_, rao)| sum.saturating_add(rao.0));
            EpochReward {
                block: self.client.relative(block),
                minted: Rao(miners.saturating_add(paid.burned.0)),
                owner: Rao(0),
                burned: paid.burned,
                miner: paid.miner.clone(),
                validator: Vec::new(),
            }
        };
        Ok(paid.into_iter().map(reward).collect())
    }
}

impl At {
    /// All registered keys, in the chain's own block numbers.
    async fn neurons(&self, netuid: u16) -> Result<Vec<Neuron>, SubtensorError> {
        let n = || vec![number(netuid)];
        let hotkeys = self.hotkeys(netuid).await?;
        let permits: Vec<bool> = self.get(MODULE, "ValidatorPermit", n()).await?.unwrap_or_default();
        let incentive: Vec<u16> = self.get(MODULE, "Incentive", n()).await?.unwrap_or_default();
        let dividends: Vec<u16> = self.get(MODULE, "Dividends", n()).await?.unwrap_or_default();
        let emission: Vec<u64> = self.get(MODULE, "Emission", n()).await?.unwrap_or_default();
        let updates: Vec<u64> = self.get(MODULE, "LastUpdate", n()).await?.unwrap_or_default();
        let places = hotkeys.iter().map(|(uid, _)| vec![number(netuid), number(*uid)]).collect();
        let registered: Vec<Option<u64>> = self.many(MODULE, "BlockAtRegistration", places).await?;
        let stakes = hotkeys.iter().map(|(_, key)| vec![crate::read::account(&key.0), number(netuid)]).collect();
        let stakes: Vec<Option<u64>> = self.many(MODULE, "TotalHotkeyAlpha", stakes).await?;
        let mut neurons = Vec::with_capacity(hotkeys.len());
        for ((uid, hotkey), (at, stake)) in hotkeys.into_iter().zip(registered.into_iter().zip(stakes)) {
            let i = usize::from(uid);
            let (is_validator, at) = (permits.get(i) == Some(&true), at.unwrap_or_default());
            let stake = Rao(stake.unwrap_or_default());
            // A key that has never set weights has its registration there.
            let update = updates.get(i).copied().filter(|update| is_validator && *update > at);
            neurons.push(Neuron {
                uid: Uid(uid),
                hotkey,
                stake,
                is_validator,
                registered_at: BlockNumber(at),
                incentive: incentive.get(i).copied().unwrap_or_default(),
                dividends: dividends.get(i).copied().unwrap_or_default(),
                emission: Rao(emission.get(i).copied().unwrap_or_default()),
                // What a key is paid is staked on it.
                balance: stake,
                last_weights: update.map(BlockNumber),
            });
        }
        Ok(neurons)
    }
}
