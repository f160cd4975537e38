//! The ledger's rules: which transaction changes the state how, and what an epoch pays.
//!
//! In: a state, a place in the chain, a transaction. Out: the next state, or a typed refusal that changes nothing.
//! Signatures are checked beside it, by [`check_signature`].

use types::{BlockNumber, Hash32, Rao, Record, Round, Uid};

use super::block::{Call, Transaction};
use super::genesis::Genesis;
use super::state::{Account, RoundSlots, Standing, State};
use crate::yuma::{Epoch, ONE, PARTS, Vote};
use crate::{ChainError, EpochReward, MAX_UIDS, Receipt};

/// Rounds after which a report is late: a validator that was away for so long starts afresh.
const REPORT_ROUNDS: u64 = 16;
/// Checkpoints a key may announce per round: its own, and some it mirrors.
const CHECKPOINTS_PER_ROUND: usize = 4;
/// A validator whose weights are older does not vote (Bittensor's default activity cut-off).
const ACTIVITY_BLOCKS: u64 = 5_000;

/// Whether the key signed this call for this ledger.
pub(crate) fn check_signature(genesis: Hash32, transaction: &Transaction) -> Result<(), ChainError> {
    let payload = transaction.payload(genesis).to_bytes();
    transaction.hotkey.verify(&payload, &transaction.signature).map_err(|_| ChainError::BadSignature)
}

impl State {
    /// Applies a transaction as the one at `place`.
    pub(crate) fn apply(&mut self, rules: &Genesis, place: Receipt, t: &Transaction) -> Result<(), ChainError> {
        let Some((uid, account)) = self.account(&t.hotkey) else {
            return self.register(place, t);
        };
        let identity = t.identity();
        if let Some((_, receipt)) = account.last.filter(|(last, _)| *last == identity) {
            return Err(ChainError::Duplicate { receipt, same: true });
        }
        if t.nonce != account.nonce {
            return Err(ChainError::Nonce { expected: account.nonce, got: t.nonce });
        }
        match &t.call {
            Call::Register => return Err(ChainError::Duplicate { receipt: account.registered, same: true }),
            Call::Publish(record) => self.publish(rules, place, uid, record)?,
            Call::SetWeights(weights) => self.set_weights(place, uid, weights)?,
        }
        let account = &mut self.accounts[usize::from(uid.0)];
        account.nonce += 1;
        account.last = Some((identity, place));
        Ok(())
    }

    fn register(&mut self, place: Receipt, t: &Transaction) -> Result<(), ChainError> {
        if t.call != Call::Register {
            return Err(ChainError::NotRegistered { hotkey: t.hotkey });
        }
        if t.nonce != 0 {
            return Err(ChainError::Nonce { expected: 0, got: t.nonce });
        }
        if self.accounts.len() >= MAX_UIDS {
            return Err(ChainError::Full { limit: MAX_UIDS as u64 });
        }
        let mut account = Account::new(t.hotkey, place, None);
        account.nonce = 1;
        account.last = Some((t.identity(), place));
        self.accounts.push(account);
        Ok(())
    }

    fn publish(&mut self, rules: &Genesis, place: Receipt, uid: Uid, record: &Record) -> Result<(), ChainError> {
        let standing = Standing { record: Hash32::of(&record.to_bytes()), receipt: place };
        let round = record.round();
        let now = rules.rounds.round_of(place.block);
        // What stands already is answered first, so that a peer that asks again after a restart learns where it stands.
        match record {
            Record::Commit { .. } => {
                check_free(self.slots(round).commits.get(&uid), standing.record)?;
                within(round, rules.rounds.start(round), rules.rounds.commit_deadline(round), place.block)?;
                self.rounds.entry(round).or_default().commits.insert(uid, standing);
            }
            Record::Attest { .. } => {
                check_free(self.slots(round).attests.get(&uid), standing.record)?;
                let (opens, deadline) = (rules.rounds.commit_deadline(round), rules.rounds.attest_deadline(round));
                within(round, opens, deadline, place.block)?;
                self.rounds.entry(round).or_default().attests.insert(uid, standing);
            }
            Record::Report { .. } => {
                if !self.accounts[usize::from(uid.0)].is_validator {
                    return Err(ChainError::NotPermitted { operation: "report on a round".to_owned() });
                }
                check_free(self.slots(round).reports.get(&uid), standing.record)?;
                let deadline = rules.rounds.start(Round(round.0.saturating_add(REPORT_ROUNDS + 1)));
                within(round, rules.rounds.start(round.next()), deadline, place.block)?;
                self.rounds.entry(round).or_default().reports.insert(uid, standing);
                self.rounds.entry(now).or_default().reporters.insert(uid);
            }
            Record::Checkpoint { .. } => self.announce(rules, uid, round, standing)?,
            Record::Bucket { .. } => {
                check_free(self.slots(round).buckets.get(&uid), standing.record)?;
                within(round, rules.rounds.start(round), rules.rounds.start(round.next()), place.block)?;
                self.rounds.entry(round).or_default().buckets.insert(uid, standing);
            }
        }
        Ok(())
    }

    fn announce(&mut self, rules: &Genesis, uid: Uid, round: Round, standing: Standing) -> Result<(), ChainError> {
        let block = standing.receipt.block;
        let own = |slots: &RoundSlots| slots.checkpoints.iter().filter(|c| c.0 == uid).map(|c| c.1).collect::<Vec<_>>();
        let mut earlier = self.rounds.values().flat_map(own);
        if let Some(same) = earlier.find(|s| s.record == standing.record) {
            return Err(ChainError::Duplicate { receipt: same.receipt, same: true });
        }
        // The parameters at the start of a round are known when the round before it has settled.
        let opens = rules.rounds.start(round.previous().unwrap_or_default());
        within(round, opens, BlockNumber(u64::MAX), block)?;
        let slots = self.rounds.entry(rules.rounds.round_of(block)).or_default();
        if slots.checkpoints.iter().filter(|c| c.0 == uid).count() >= CHECKPOINTS_PER_ROUND {
            return Err(ChainError::TooOften { limit: CHECKPOINTS_PER_ROUND as u64, per: "round".to_owned() });
        }
        slots.checkpoints.push((uid, standing));
        Ok(())
    }

    fn set_weights(&mut self, place: Receipt, uid: Uid, weights: &[(Uid, u16)]) -> Result<(), ChainError> {
        let count = self.accounts.len();
        let account = &mut self.accounts[usize::from(uid.0)];
        if !account.is_validator {
            return Err(ChainError::NotPermitted { operation: "set weights".to_owned() });
        }
        if !weights.windows(2).all(|w| w[0].0 < w[1].0) {
            return Err(ChainError::invalid("weights: uids must ascend"));
        }
        if weights.last().is_some_and(|(last, _)| usize::from(last.0) >= count) {
            return Err(ChainError::invalid("weights: unknown uid"));
        }
        if weights.iter().map(|(_, w)| u64::from(*w)).sum::<u64>() > PARTS {
            return Err(ChainError::invalid("weights: their sum is above 65535"));
        }
        if account.weights.as_ref().is_some_and(|(block, _)| *block == place.block) {
            return Err(ChainError::TooOften { limit: 1, per: "block".to_owned() });
        }
        account.weights = Some((place.block, weights.to_vec()));
        Ok(())
    }

    /// Ends a block: pays out if it ends an epoch, and forgets rounds nothing can be said about any more.
    pub(crate) fn close(&mut self, rules: &Genesis, block: BlockNumber) -> Option<EpochReward> {
        let oldest = rules.rounds.round_of(block).0.saturating_sub(REPORT_ROUNDS);
        self.rounds = self.rounds.split_off(&Round(oldest));
        (block.0 > 0 && block.0.is_multiple_of(rules.chain.tempo)).then(|| self.pay(rules, block))
    }

    fn pay(&mut self, rules: &Genesis, block: BlockNumber) -> EpochReward {
        let chain = &rules.chain;
        let minted = Rao(chain.rao_per_block.0.saturating_mul(chain.tempo));
        let votes: Vec<Vote> = self.votes(block);
        let epoch = Epoch {
            uids: self.accounts.len(),
            votes: &votes,
            kappa: chain.kappa,
            bond_alpha: chain.bond_alpha,
            owner_cut: chain.owner_cut,
            minted,
        };
        let mut payout = epoch.pay();
        for (account, (pay, share)) in self.accounts.iter_mut().zip(payout.miner.iter().zip(&payout.incentive)) {
            account.emission = *pay;
            account.incentive = parts(*share);
            account.dividends = 0;
        }
        for (i, vote) in votes.iter().enumerate() {
            let account = &mut self.accounts[usize::from(vote.uid.0)];
            account.emission = Rao(account.emission.0.saturating_add(payout.validator[i].0));
            account.dividends = parts(payout.dividends[i]);
            account.bonds = std::mem::take(&mut payout.bonds[i]);
        }
        for account in &mut self.accounts {
            account.balance = Rao(account.balance.0.saturating_add(account.emission.0));
        }
        let miner = payout.miner.iter().enumerate().map(|(uid, pay)| (Uid(uid as u16), *pay));
        let validator = votes.iter().map(|v| v.uid).zip(payout.validator);
        EpochReward {
            block,
            minted,
            owner: payout.owner,
            burned: payout.burned,
            miner: miner.filter(|(_, pay)| pay.0 > 0).collect(),
            validator: validator.filter(|(_, pay)| pay.0 > 0).collect(),
        }
    }

    /// Votes of the validators that have set weights lately.
    fn votes(&self, block: BlockNumber) -> Vec<Vote> {
        let vote = |(uid, account): (usize, &Account)| {
            let (set_at, weights) = account.weights.as_ref().filter(|_| account.is_validator)?;
            let active = set_at.0.saturating_add(ACTIVITY_BLOCKS) >= block.0;
            active.then(|| Vote {
                uid: Uid(uid as u16),
                stake: account.stake,
                weights: weights.clone(),
                bonds: account.bonds.clone(),
            })
        };
        self.accounts.iter().enumerate().filter_map(vote).collect()
    }
}

/// A share of 2^32 as parts of 65,535, rounded down.
fn parts(share: u64) -> u16 {
    (u128::from(share) * u128::from(PARTS) / u128::from(ONE)) as u16
}

fn check_free(standing: Option<&Standing>, record: Hash32) -> Result<(), ChainError> {
    match standing {
        None => Ok(()),
        Some(s) => Err(ChainError::Duplicate { receipt: s.receipt, same: s.record == record }),
    }
}

/// `opens <= block < deadline`, or why not.
fn within(round: Round, opens: BlockNumber, deadline: BlockNumber, block: BlockNumber) -> Result<(), ChainError> {
    if block >= deadline {
        Err(ChainError::Late { round, deadline, block })
    } else if block < opens {
        Err(ChainError::Early { round, opens, block })
    } else {
        Ok(())
    }
}
