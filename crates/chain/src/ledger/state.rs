//! What the ledger knows after a block.
//!
//! In: nothing but the transactions the rules let through. Out: accounts, standing records, Yuma's memory, and one hash
//! over all of it. It is a plain value: no file, no clock, no key.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hash32, Hotkey, Rao, Round, Uid};

use super::genesis::Genesis;
use crate::{Neuron, Receipt};

/// Everything the rules look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// By uid.
    pub(crate) accounts: Vec<Account>,
    /// What was said in and about the newest rounds.
    pub(crate) rounds: BTreeMap<Round, RoundSlots>,
}

/// One registered key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) hotkey: Hotkey,
    pub(crate) stake: Rao,
    pub(crate) is_validator: bool,
    pub(crate) registered: Receipt,
    /// Counter of its next transaction.
    pub(crate) nonce: u64,
    /// Its newest transaction, so that sending it twice is harmless.
    pub(crate) last: Option<(Hash32, Receipt)>,
    pub(crate) balance: Rao,
    pub(crate) incentive: u16,
    pub(crate) dividends: u16,
    pub(crate) emission: Rao,
    pub(crate) weights: Option<(BlockNumber, Vec<(Uid, u16)>)>,
    /// Yuma's bonds, see [`crate::yuma::Vote`].
    pub(crate) bonds: Vec<u64>,
}

/// What was said in, and about, one round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoundSlots {
    /// Commitments of this round.
    pub(crate) commits: BTreeMap<Uid, Standing>,
    /// Attestations of this round.
    pub(crate) attests: BTreeMap<Uid, Standing>,
    /// Reports about this round.
    pub(crate) reports: BTreeMap<Uid, Standing>,
    /// Validators that reported (about an earlier round) while this round ran.
    pub(crate) reporters: BTreeSet<Uid>,
    /// Checkpoints announced while this round ran.
    pub(crate) checkpoints: Vec<(Uid, Standing)>,
    /// Buckets named in this round. Left out while there are none: ledgers that began before this keep their hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) buckets: BTreeMap<Uid, Standing>,
}

/// A record that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// BLAKE3 of its bytes.
    pub(crate) record: Hash32,
    pub(crate) receipt: Receipt,
}

impl State {
    /// The state after block 0: validators with their stake.
    pub(crate) fn at_genesis(genesis: &Genesis) -> Self {
        let receipt = Receipt { block: BlockNumber(0), index: 0 };
        let accounts = genesis.chain.validators.iter().map(|(key, stake)| Account::new(*key, receipt, Some(*stake)));
        Self { accounts: accounts.collect(), rounds: BTreeMap::new() }
    }

    /// Canonical bytes: compact JSON in field order, maps by key.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Plain structs, integer map keys: serialisation has no failing case.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn hash(&self) -> Hash32 {
        Hash32::of(&self.to_bytes())
    }

    /// A key's uid and account.
    pub(crate) fn account(&self, hotkey: &Hotkey) -> Option<(Uid, &Account)> {
        // At most 256 of them: a scan beats an index that must be kept in step.
        self.accounts.iter().enumerate().find(|(_, a)| a.hotkey == *hotkey).map(|(uid, a)| (Uid(uid as u16), a))
    }

    /// Slots of a round, empty if nothing was said.
    pub(crate) fn slots(&self, round: Round) -> &RoundSlots {
        static EMPTY: RoundSlots = RoundSlots {
            commits: BTreeMap::new(),
            attests: BTreeMap::new(),
            reports: BTreeMap::new(),
            reporters: BTreeSet::new(),
            checkpoints: Vec::new(),
            buckets: BTreeMap::new(),
        };
        self.rounds.get(&round).unwrap_or(&EMPTY)
    }

    /// Every key as the outside sees it.
    pub(crate) fn neurons(&self) -> Vec<Neuron> {
        self.accounts.iter().enumerate().map(|(uid, account)| account.neuron(Uid(uid as u16))).collect()
    }
}

impl Account {
    /// A new account; one with stake is a validator.
    pub(crate) fn new(hotkey: Hotkey, registered: Receipt, stake: Option<Rao>) -> Self {
        Self {
            hotkey,
            stake: stake.unwrap_or_default(),
            is_validator: stake.is_some(),
            registered,
            nonce: 0,
            last: None,
            balance: Rao(0),
            incentive: 0,
            dividends: 0,
            emission: Rao(0),
            weights: None,
            bonds: Vec::new(),
        }
    }

    fn neuron(&self, uid: Uid) -> Neuron {
        Neuron {
            uid,
            hotkey: self.hotkey,
            stake: self.stake,
            is_validator: self.is_validator,
            registered_at: self.registered.block,
            incentive: self.incentive,
            dividends: self.dividends,
            emission: self.emission,
            balance: self.balance,
            last_weights: self.weights.as_ref().map(|(block, _)| *block),
        }
    }
}
