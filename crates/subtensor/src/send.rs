//! Transactions: commitments, weights, registrations.
//!
//! In: typed calls and a signer. Out: where the transaction stands in a finalized block, or why it does not. Nothing is
//! signed before the chain's own metadata agrees with the bytes; nothing is signed twice while the first may still count.

use std::time::Duration;

use chain::{Receipt, Registration};
use tokio::time::Instant;
use types::{CommitData, Era, Extrinsic, Hotkey, Rao, SignPayload, Signer, SubtensorCall, Uid, Weights};

use crate::client::Subtensor;
use crate::error::SubtensorError;
use crate::read::{At, account, number};
use crate::watch::Tip;

const MODULE: &str = "SubtensorModule";
/// Bounds of a transaction's life in blocks. The shortest still leaves room behind a finalized head that lags.
const SHORTEST_LIFE: u64 = 8;
const LONGEST_LIFE: u64 = 64;
/// How often a transaction is made anew because its counter or runtime was overtaken.
const ATTEMPTS: u32 = 4;
/// A transaction is handed in again so often while it is waited for: nodes forget, and endpoints change.
const HAND_IN_AGAIN: Duration = Duration::from_secs(12);
/// An outage of this length ends the wait for a transaction.
const LONGEST_OUTAGE: Duration = Duration::from_secs(120);

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Included {
    pub(crate) block: u64,
    pub(crate) index: u32,
}

impl Subtensor {
    /// Says something on the subnet as the signer's hotkey; at most 128 bytes.
    ///
    /// # Errors
    /// [`SubtensorError::NotRegistered`], [`SubtensorError::TooOften`] once the key has used up its space of this epoch,
    /// and whatever keeps a transaction from being included.
    pub async fn commit(&self, data: Vec<u8>, signer: &dyn Signer) -> Result<Receipt, SubtensorError> {
        let included = self.commit_within(data, signer, LONGEST_LIFE).await?;
        Ok(self.receipt(included))
    }

    pub(crate) async fn commit_within(
        &self,
        data: Vec<u8>,
        signer: &dyn Signer,
        life: u64,
    ) -> Result<Included, SubtensorError> {
        let data = CommitData::new(data).map_err(|e| SubtensorError::invalid(e.to_string()))?;
        let call = SubtensorCall::Commit { netuid: self.pin.netuid, data };
        match self.send(&call, signer, life).await {
            Err(SubtensorError::Dispatch { name, .. }) if name == "AccountNotAllowedCommit" => {
                Err(SubtensorError::NotRegistered { hotkey: signer.hotkey() })
            }
            Err(SubtensorError::Dispatch { name, .. }) if name == "SpaceLimitExceeded" => {
                // Each commitment counts as 100 bytes at least (wallet-chain recipe §8).
                let space =
                    self.at_finalized(|at| async move { at.get::<u32>("Commitments", "MaxSpace", vec![]).await });
                let limit = u64::from(space.await.ok().flatten().unwrap_or(3100) / 100);
                Err(SubtensorError::TooOften { limit, per: "epoch of the subnet".to_owned() })
            }
            other => other,
        }
    }

    /// Sets a validator's weights, uids ascending. If the same weights stand already, where they stand.
    ///
    /// # Errors
    /// [`SubtensorError::TimeLocked`], [`SubtensorError::NotRegistered`], [`SubtensorError::NoPermit`],
    /// [`SubtensorError::TooOften`].
    pub async fn set_weights(&self, weights: Vec<(Uid, u16)>, signer: &dyn Signer) -> Result<Receipt, SubtensorError> {
        let weights = Weights::new(weights).map_err(|e| SubtensorError::invalid(e.to_string()))?;
        let (netuid, hotkey) = (self.pin.netuid, signer.hotkey());
        let tip = self.tip().await?;
        let facts = self.at(tip.finalized.hash, |at| async move { at.weight_facts(netuid, &hotkey).await }).await?;
        let since = tip.best.number.saturating_add(1).saturating_sub(facts.last_update);
        if facts.last_update > 0 && since < facts.rate_limit {
            if stands(&facts.standing, weights.as_slice()) {
                return Ok(Receipt { block: self.relative(facts.last_update), index: 0 });
            }
            let per = format!("{} blocks", facts.rate_limit);
            return Err(SubtensorError::TooOften { limit: 1, per });
        }
        let call = SubtensorCall::SetWeights { netuid, weights, version_key: facts.version_key };
        match self.send(&call, signer, LONGEST_LIFE).await {
            Ok(included) => Ok(self.receipt(included)),
            Err(SubtensorError::Dispatch { name, .. }) if name == "CommitRevealEnabled" => {
                Err(SubtensorError::TimeLocked)
            }
            Err(SubtensorError::Dispatch { name, .. }) if name == "SettingWeightsTooFast" => {
                Err(SubtensorError::TooOften { limit: 1, per: format!("{} blocks", facts.rate_limit) })
            }
            Err(SubtensorError::Dispatch { name, .. }) if name == "NeuronNoValidatorPermit" => {
                Err(SubtensorError::NoPermit { hotkey })
            }
            Err(error) => Err(error),
        }
    }

    /// Registers a hotkey, paid by `coldkey`, unless that costs more than `limit`. A registered key gets the uid it has.
    ///
    /// # Errors
    /// [`SubtensorError::TooDear`], [`SubtensorError::Poor`], [`SubtensorError::Closed`], or the chain's reason.
    pub async fn register(
        &self,
        hotkey: Hotkey,
        coldkey: &dyn Signer,
        limit: Rao,
    ) -> Result<Registration, SubtensorError> {
        if let Some(registration) = self.registration(&hotkey).await? {
            return Ok(registration);
        }
        let netuid = self.pin.netuid;
        let payer = types::Coldkey(coldkey.hotkey().0);
        let ask = |at: std::sync::Arc<At>| async move {
            let limited = at.runtime().has_call(MODULE, "register_limit");
            Ok((at.status(netuid, &hotkey, Some(&payer)).await?, limited))
        };
        let (status, limited) = self.at_finalized(ask).await?;
        if status.registration_allowed == Some(false) {
            return Err(SubtensorError::Closed);
        }
        let cost = status.burn.ok_or_else(|| SubtensorError::missing("price of a registration"))?;
        if cost > limit {
            return Err(SubtensorError::TooDear { cost, limit });
        }
        if let Some(free) = status.free.filter(|free| *free < cost) {
            return Err(SubtensorError::Poor { cost, free });
        }
        // Without `register_limit` the price may still rise until inclusion: so the transaction dies soon.
        let (call, life) = match limited {
            true => (SubtensorCall::RegisterLimit { netuid, hotkey, limit_price: limit }, LONGEST_LIFE),
            false => (SubtensorCall::Register { netuid, hotkey }, SHORTEST_LIFE),
        };
        match self.send(&call, coldkey, life).await {
            Ok(_) => {}
            Err(SubtensorError::Dispatch { name, .. }) if name == "HotKeyAlreadyRegisteredInSubNet" => {}
            Err(error) => return Err(error),
        }
        let registration = self.registration(&hotkey).await?;
        registration.ok_or(SubtensorError::NotRegistered { hotkey })
    }

    /// A key's place on the subnet, as of the newest finalized block.
    ///
    /// # Errors
    /// [`SubtensorError`].
    pub async fn registration(&self, hotkey: &Hotkey) -> Result<Option<Registration>, SubtensorError> {
        let netuid = self.pin.netuid;
        let ask = |at: std::sync::Arc<At>| async move {
            let Some(uid) = at.uid(netuid, hotkey).await? else { return Ok(None) };
            let block: Option<u64> = at.find(MODULE, "BlockAtRegistration", vec![number(netuid), number(uid)]).await?;
            Ok(Some((uid, block.unwrap_or_default())))
        };
        let found = self.at_finalized(ask).await?;
        Ok(found.map(|(uid, block)| Registration { uid: Uid(uid), block: self.relative(block) }))
    }

    pub(crate) fn receipt(&self, included: Included) -> Receipt {
        Receipt { block: self.relative(included.block), index: included.index }
    }

    /// Signs, hands in, and waits until the transaction stands in a finalized block and has succeeded.
    async fn send(&self, call: &SubtensorCall, signer: &dyn Signer, life: u64) -> Result<Included, SubtensorError> {
        let _one = self.sending.lock().await;
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let tip = self.tip().await?;
            let (extrinsic, transaction) = match self.sign(call, signer, tip, life).await {
                Ok(signed) => signed,
                // The best block may be gone by now, or not have reached the next endpoint yet.
                Err(error @ SubtensorError::Endpoint { .. }) => {
                    refused = Some(error);
                    tokio::time::sleep(self.watch.interval()).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let handed_in = self.pool.run(|node| {
                let transaction = &transaction;
                async move { node.submit(transaction).await }
            });
            let era = &extrinsic.era;
            match handed_in.await {
                Ok(()) => {
                    let found = self.find(&transaction, era.block() + 1, era.death()).await?;
                    return self.outcome(found.ok_or(SubtensorError::Expired { death: era.death() })?).await;
                }
                Err(error @ SubtensorError::Refused { .. }) if overtaken(&error) => {
                    // It may have got in by an endpoint that then broke off: only when it surely has not, again.
                    let until = self.tip().await?.best.number + 1;
                    if let Some(found) = self.find(&transaction, era.block() + 1, until).await? {
                        return self.outcome(found).await;
                    }
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused.unwrap_or_else(|| SubtensorError::Unavailable { why: "not tried".to_owned() }))
    }

    async fn sign(
        &self,
        call: &SubtensorCall,
        signer: &dyn Signer,
        tip: Tip,
        life: u64,
    ) -> Result<(Extrinsic, Vec<u8>), SubtensorError> {
        let key = signer.hotkey();
        // The transaction is checked against the state of the best block; it is born in a block that stays.
        let ask =
            |at: std::sync::Arc<At>| async move { Ok((at.nonce(&key).await?, std::sync::Arc::clone(at.runtime()))) };
        let (nonce, runtime) = self.at(tip.best.hash, ask).await?;
        let lag = tip.best.number.saturating_sub(tip.finalized.number);
        let period = power_below(life.saturating_add(lag));
        let era = Era::mortal(period, tip.finalized.number, tip.finalized.hash)
            .map_err(|e| SubtensorError::invalid(e.to_string()))?;
        let extrinsic = Extrinsic {
            genesis: self.pin.genesis,
            spec_version: runtime.spec_version(),
            transaction_version: runtime.transaction_version(),
            nonce,
            era,
            call: call.clone(),
        };
        runtime.check(&extrinsic)?;
        let payload = SignPayload::Extrinsic(extrinsic.clone());
        let signature = signer.sign(&payload).await?;
        key.verify(&payload.to_bytes(), &signature)
            .map_err(|_| SubtensorError::invalid("the signer signed with another key"))?;
        let transaction = extrinsic.signed(&key, &signature);
        Ok((extrinsic, transaction))
    }

    /// Looks for a transaction in the finalized blocks `from..until`, as they come.
    async fn find(&self, transaction: &[u8], from: u64, until: u64) -> Result<Option<Included>, SubtensorError> {
        let mut next = from;
        let (mut well, mut handed_in) = (Instant::now(), Instant::now());
        loop {
            match self.tip().await {
                Ok(tip) => {
                    well = Instant::now();
                    while next <= tip.finalized.number && next < until {
                        let block = self.pool.run(|node| async move { node.block(next).await }).await?;
                        if let Some(index) = block.extrinsics.iter().position(|bytes| bytes == transaction) {
                            return Ok(Some(Included { block: next, index: index as u32 }));
                        }
                        next += 1;
                    }
                    if next >= until {
                        return Ok(None);
                    }
                }
                Err(error) if well.elapsed() > LONGEST_OUTAGE => return Err(error),
                Err(error @ (SubtensorError::WrongChain { .. } | SubtensorError::Format { .. })) => return Err(error),
                Err(_) => {}
            }
            if handed_in.elapsed() > HAND_IN_AGAIN {
                handed_in = Instant::now();
                if let Ok((_, node)) = self.pool.node().await {
                    // It may be there, or in a block already: then this is refused, which says nothing new.
                    let _ = node.submit(transaction).await;
                }
            }
            tokio::time::sleep(self.watch.interval()).await;
        }
    }

    /// Whether an included transaction succeeded.
    async fn outcome(&self, included: Included) -> Result<Included, SubtensorError> {
        let events = self.pool.run(|node| async move {
            let none = || SubtensorError::endpoint(node.url(), "it has lost a block");
            let hash = node.hash_of(included.block).await?.ok_or_else(none)?;
            At::new(node, hash).await?.events().await
        });
        match events.await?.outcomes.remove(&included.index) {
            Some(Ok(())) => Ok(included),
            Some(Err(failure)) => Err(failure.into()),
            None => Err(SubtensorError::Unavailable { why: "the block has no outcome of the transaction".to_owned() }),
        }
    }
}

/// Refusals that a transaction made anew may escape: another transaction of the same key came first, or the runtime was
/// upgraded between signing and handing in.
fn overtaken(error: &SubtensorError) -> bool {
    match error {
        SubtensorError::Refused { code: 1012 | 1014, .. } => true,
        SubtensorError::Refused { code: 1010, reason } => {
            let reason = reason.to_lowercase();
            ["outdated", "stale", "future", "bad signature", "bad proof"].iter().any(|word| reason.contains(word))
        }
        _ => false,
    }
}

/// The largest power of two up to `life`, within the bounds.
fn power_below(life: u64) -> u32 {
    let life = life.clamp(SHORTEST_LIFE, LONGEST_LIFE) as u32;
    1 << life.ilog2()
}

/// What the chain needs to know before it takes weights.
struct WeightFacts {
    rate_limit: u64,
    last_update: u64,
    version_key: u64,
    standing: Vec<(u16, u16)>,
}

impl At {
    /// The key's transaction counter.
    async fn nonce(&self, key: &Hotkey) -> Result<u32, SubtensorError> {
        let nonce: Option<u32> = self.api("AccountNonceApi", "account_nonce", vec![account(&key.0)]).await?;
        nonce.ok_or_else(|| SubtensorError::missing("runtime API AccountNonceApi.account_nonce"))
    }

    async fn weight_facts(&self, netuid: u16, hotkey: &Hotkey) -> Result<WeightFacts, SubtensorError> {
        let n = || vec![number(netuid)];
        let uid = self.uid(netuid, hotkey).await?.ok_or(SubtensorError::NotRegistered { hotkey: *hotkey })?;
        if self.get::<bool>(MODULE, "CommitRevealWeightsEnabled", n()).await? == Some(true) {
            return Err(SubtensorError::TimeLocked);
        }
        let permits: Option<Vec<bool>> = self.get(MODULE, "ValidatorPermit", n()).await?;
        if permits.is_some_and(|all| all.get(usize::from(uid)) != Some(&true)) {
            return Err(SubtensorError::NoPermit { hotkey: *hotkey });
        }
        let updates: Option<Vec<u64>> = self.get(MODULE, "LastUpdate", n()).await?;
        let standing = self.find(MODULE, "Weights", vec![number(netuid), number(uid)]).await?;
        Ok(WeightFacts {
            rate_limit: self.get(MODULE, "WeightsSetRateLimit", n()).await?.unwrap_or_default(),
            last_update: updates.and_then(|all| all.get(usize::from(uid)).copied()).unwrap_or_default(),
            version_key: self.get(MODULE, "WeightsVersionKey", n()).await?.unwrap_or_default(),
            standing: standing.unwrap_or_default(),
        })
    }
}

/// Whether the chain holds these weights. It scales them so that the largest is 65,535, and may round.
fn stands(standing: &[(u16, u16)], weights: &[(Uid, u16)]) -> bool {
    let most = weights.iter().map(|w| u64::from(w.1)).max().unwrap_or_default().max(1);
    let same = |(held, ours): (&(u16, u16), &(Uid, u16))| {
        let scaled = u64::from(ours.1) * u64::from(u16::MAX) / most;
        held.0 == ours.0.0 && u64::from(held.1).abs_diff(scaled) <= 1
    };
    standing.len() == weights.len() && standing.iter().zip(weights).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_power_of_two_within_bounds() {
        let lives = [(0, 8), (8, 8), (15, 8), (16, 16), (63, 32), (64, 64), (9999, 64)];
        lives.iter().for_each(|(life, period)| assert_eq!(power_below(*life), *period, "{life}"));
    }

    #[test]
    fn weights_that_the_chain_has_scaled_up_stand() {
        let ours = [(Uid(1), 20_000), (Uid(4), 10_000)];
        assert!(stands(&[(1, 65_535), (4, 32_767)], &ours));
        assert!(stands(&[(1, 65_535), (4, 32_768)], &ours));
        assert!(!stands(&[(1, 65_535), (4, 30_000)], &ours));
        assert!(!stands(&[(1, 65_535), (5, 32_767)], &ours));
        assert!(!stands(&[(1, 65_535)], &ours));
    }
}
