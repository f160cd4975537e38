//! What the chain begins with: one subnet, its keys and its numbers.
//!
//! In: a [`Genesis`], from JSON or built. Out: the storage of block 0, in finney's places. Numbers that no chain could have
//! are refused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use types::{Hotkey, Rao};

use crate::NodeError;
use crate::dispatch::seat;
use crate::layer::{Layer, key, n};

/// Where the per-registration rise of the burn is kept: percent, little-endian. Not in the metadata, so no client sees it.
pub(crate) const RAISE: &[u8] = b":test_node:burn_raise_percent";
/// Present if every validator's weight goes to the owner's uid.
pub(crate) const FULL_BURN: &[u8] = b":test_node:full_burn";
/// Minted alpha per block in rao, little-endian.
pub(crate) const MINTED: &[u8] = b":test_node:minted_per_block";
/// Fee per byte of an extrinsic in rao, little-endian.
pub(crate) const FEE: &[u8] = b":test_node:fee_per_byte";
/// The subnet's number, little-endian.
const NETUID: &[u8] = b":test_node:netuid";
/// Makes genesis hashes differ.
const SEED: &[u8] = b":test_node:seed";
/// Most keys and accounts in a genesis.
const MAX_KEYS: usize = 4096;

/// A key that is registered from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// The key.
    pub hotkey: Hotkey,
    /// Who owns it.
    pub coldkey: Hotkey,
    /// Alpha staked to it.
    #[serde(default)]
    pub stake: Rao,
    /// Whether it may set weights.
    #[serde(default)]
    pub permit: bool,
}

/// A balance from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endowment {
    /// Whose.
    pub account: Hotkey,
    /// How much TAO.
    pub free: Rao,
}

/// The first block. Whatever is left out of the JSON has finney's value or a small one that suits tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// Genesis hashes of different seeds differ.
    pub seed: u64,
    /// The subnet.
    pub netuid: u16,
    /// The subnet's owner.
    pub owner_coldkey: Option<Hotkey>,
    /// The owner's hotkey; incentive given to it is burned.
    pub owner_hotkey: Option<Hotkey>,
    /// Balances.
    pub endowments: Vec<Endowment>,
    /// Registered keys, uids from 0.
    pub seats: Vec<Seat>,
    /// Price of a registration.
    pub burn: Rao,
    /// How much each registration raises it, in percent.
    pub burn_raise_percent: u32,
    /// It never rises above this.
    pub max_burn: Rao,
    /// Whether anybody may register.
    pub registration_allowed: bool,
    /// Most registrations in one block.
    pub max_registrations_per_block: u16,
    /// Blocks per epoch: block `n` ends one if `tempo` divides `n`.
    pub tempo: u16,
    /// Most uids.
    pub max_uids: u16,
    /// Blocks for which a newcomer cannot be replaced.
    pub immunity: u16,
    /// Blocks between two weight settings of one validator.
    pub weights_rate_limit: u64,
    /// Least version that `set_weights` must name; 0 for any.
    pub weights_version: u64,
    /// Fewest uids in a validator's weights.
    pub min_allowed_weights: u16,
    /// Blocks after which a validator that set no weights does not count.
    pub activity_cutoff: u16,
    /// Bytes of commitments per hotkey and epoch.
    pub commit_space: u32,
    /// Alpha minted per block.
    pub minted_per_block: Rao,
    /// TAO in the pool: the price of alpha is `tao_in / alpha_in`.
    pub tao_in: Rao,
    /// Alpha in the pool.
    pub alpha_in: Rao,
    /// Fee per byte of an extrinsic.
    pub fee_per_byte: Rao,
    /// Storage items (`Pallet.Item`) and runtime API methods (`Trait.method`) that the runtime lacks.
    pub without: BTreeSet<String>,
    /// Time of block 0 in milliseconds since 1970.
    pub time_ms: u64,
}

impl Default for Genesis {
    fn default() -> Self {
        Self {
            seed: 0,
            netuid: 3,
            owner_coldkey: None,
            owner_hotkey: None,
            endowments: Vec::new(),
            seats: Vec::new(),
            burn: Rao(500_000_000),
            burn_raise_percent: 0,
            max_burn: Rao(100 * Rao::PER_CREDIT),
            registration_allowed: true,
            max_registrations_per_block: 64,
            tempo: 360,
            max_uids: 256,
            immunity: 4096,
            weights_rate_limit: 100,
            weights_version: 0,
            min_allowed_weights: 1,
            activity_cutoff: 5000,
            commit_space: 3100,
            minted_per_block: Rao(Rao::PER_CREDIT),
            tao_in: Rao(25_000 * Rao::PER_CREDIT),
            alpha_in: Rao(1_000_000 * Rao::PER_CREDIT),
            fee_per_byte: Rao(1_000),
            without: BTreeSet::new(),
            time_ms: 1_700_000_000_000,
        }
    }
}

impl Genesis {
    /// Refuses what no chain could have.
    pub(crate) fn check(&self) -> Result<(), NodeError> {
        let bad = |why: &str| Err(NodeError::Genesis(why.into()));
        if self.tempo == 0 {
            return bad("a tempo of 0 blocks");
        }
        if self.max_uids == 0 || self.seats.len() > usize::from(self.max_uids) {
            return bad("more seats than uids");
        }
        if self.seats.len() > MAX_KEYS || self.endowments.len() > MAX_KEYS {
            return bad("too many keys");
        }
        if self.tao_in.0 == 0 || self.alpha_in.0 == 0 {
            return bad("an empty pool has no price");
        }
        let hotkeys: BTreeSet<Hotkey> = self.seats.iter().map(|seat| seat.hotkey).collect();
        if hotkeys.len() != self.seats.len() {
            return bad("a hotkey has two seats");
        }
        Ok(())
    }

    /// Writes block 0.
    pub(crate) fn write(&self, state: &mut Layer<'_>) {
        state.set_raw(SEED.to_vec(), Some(self.seed.to_le_bytes().to_vec()));
        state.set_raw(NETUID.to_vec(), Some(self.netuid.to_le_bytes().to_vec()));
        state.set_raw(RAISE.to_vec(), Some(self.burn_raise_percent.to_le_bytes().to_vec()));
        state.set_raw(MINTED.to_vec(), Some(self.minted_per_block.0.to_le_bytes().to_vec()));
        state.set_raw(FEE.to_vec(), Some(self.fee_per_byte.0.to_le_bytes().to_vec()));
        let issued = self.endowments.iter().fold(0u64, |sum, e| sum.saturating_add(e.free.0));
        state.put("Balances", "TotalIssuance", &[], &issued);
        for endowment in &self.endowments {
            state.set_account(endowment.account, 0, endowment.free.0);
        }
        state.put("Commitments", "MaxSpace", &[], &self.commit_space);
        self.write_subnet(state);
        for (uid, place) in self.seats.iter().enumerate() {
            let uid = uid as u16;
            state.set_sub("Owner", &[key(place.hotkey)], &place.coldkey.0);
            seat(state, self.netuid, uid, place.hotkey, 0);
            let count = usize::from(uid) + 1;
            crate::dispatch::set_at(state, self.netuid, "ValidatorPermit", (usize::from(uid), count), place.permit);
            if place.stake.0 > 0 {
                state.set_stake(self.netuid, place.hotkey, place.stake.0);
            }
        }
        crate::epoch::write_stake_weights(state, self.netuid);
    }

    fn write_subnet(&self, state: &mut Layer<'_>) {
        let net = &[n(self.netuid)];
        state.set_sub("NetworksAdded", net, &true);
        state.set_sub("TotalNetworks", &[], &2u16);
        state.set_sub("SubtokenEnabled", net, &true);
        state.set_sub("NetworkRegistrationAllowed", net, &self.registration_allowed);
        state.set_sub("MaxRegistrationsPerBlock", net, &self.max_registrations_per_block);
        state.set_sub("RegistrationsThisBlock", net, &0u16);
        state.set_sub("Burn", net, &self.burn.0);
        state.set_sub("MinBurn", net, &self.burn.0);
        state.set_sub("MaxBurn", net, &self.max_burn.0);
        state.set_sub("Tempo", net, &self.tempo);
        state.set_sub("BlocksSinceLastStep", net, &0u64);
        state.set_sub("SubnetworkN", net, &0u16);
        state.set_sub("MaxAllowedUids", net, &self.max_uids);
        state.set_sub("ImmunityPeriod", net, &self.immunity);
        state.set_sub("Kappa", net, &32_767u16);
        state.set_sub("ActivityCutoff", net, &self.activity_cutoff);
        state.set_sub("WeightsSetRateLimit", net, &self.weights_rate_limit);
        state.set_sub("WeightsVersionKey", net, &self.weights_version);
        state.set_sub("MinAllowedWeights", net, &self.min_allowed_weights);
        state.set_sub("CommitRevealWeightsEnabled", net, &false);
        state.set_sub("StakeThreshold", &[], &0u64);
        state.set_sub("SubnetOwnerCut", &[], &crate::epoch::OWNER_CUT);
        state.set_sub("SubnetTAO", net, &self.tao_in.0);
        state.set_sub("SubnetAlphaIn", net, &self.alpha_in.0);
        state.set_sub("SubnetAlphaOut", net, &0u64);
        for pending in ["PendingServerEmission", "PendingValidatorEmission", "PendingOwnerCut"] {
            state.set_sub(pending, net, &0u64);
        }
        if let Some(coldkey) = self.owner_coldkey {
            state.set_sub("SubnetOwner", net, &coldkey.0);
        }
        if let Some(hotkey) = self.owner_hotkey {
            state.set_sub("SubnetOwnerHotkey", net, &hotkey.0);
            if let Some(coldkey) = self.owner_coldkey {
                state.set_sub("Owner", &[key(hotkey)], &coldkey.0);
            }
        }
    }
}

/// The subnet of this chain.
pub(crate) fn netuid(state: &Layer<'_>) -> u16 {
    state.raw(NETUID).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// A number of the node's own, 0 if absent.
pub(crate) fn number(state: &Layer<'_>, place: &[u8]) -> u64 {
    state.raw(place).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
