//! What a contributor wants to know of a subnet and its own place on it.
//!
//! In: a hotkey, perhaps a payout address. Out: numbers of one finalized block, each of them optional, and what this
//! chain does not have.

use scale_decode::DecodeAsType;
use serde::{Deserialize, Serialize};
use subxt::utils::AccountId32;
use types::{BlockNumber, Coldkey, Hotkey, Rao, Uid};

use crate::error::SubtensorError;
use crate::read::{At, account, number};

const MODULE: &str = "SubtensorModule";

/// A subnet and one key's place on it, as of one finalized block. What is `None` is unknown, and never zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The block, counted from the run's start.
    pub block: BlockNumber,
    /// The same block by the chain's own count.
    pub chain_block: u64,
    /// Its time in milliseconds since 1970.
    pub time_ms: u64,
    /// Version of the chain's runtime.
    pub spec_version: u32,
    /// The key's slot; `None` if it is not registered.
    pub uid: Option<Uid>,
    /// Chain block in which it was registered.
    pub registered_at: Option<u64>,
    /// Chain block up to which a registered key cannot lose its slot.
    pub immune_until: Option<u64>,
    /// The coldkey that owns the hotkey.
    pub owner: Option<Coldkey>,
    /// Whether that coldkey is the payout address asked about.
    pub owner_is_payout: Option<bool>,
    /// Hotkey on which the payout address' rewards are staked instead, if it says so.
    pub auto_stake: Option<Hotkey>,
    /// Price of a registration.
    pub burn: Option<Rao>,
    /// Whether the subnet takes registrations.
    pub registration_allowed: Option<bool>,
    /// Blocks between two pay-outs.
    pub tempo: Option<u16>,
    /// Blocks since the last pay-out.
    pub blocks_since_step: Option<u64>,
    /// Registered keys.
    pub size: Option<u16>,
    /// Most keys there can be.
    pub max_size: Option<u16>,
    /// The key's share of the miners' part in the last epoch, parts of 65,535.
    pub incentive: Option<u16>,
    /// Paid to the key in the last epoch, rao of alpha.
    pub emission: Option<Rao>,
    /// The key's stake on the subnet, rao of alpha.
    pub stake: Option<Rao>,
    /// The payout address' free balance, rao of TAO.
    pub free: Option<Rao>,
    /// What one alpha costs, rao of TAO.
    pub alpha_price: Option<Rao>,
    /// What the whole stake would bring if it were sold now, after slippage and fee; rao of TAO.
    pub stake_value: Option<Rao>,
    /// Whether weights are encrypted until later.
    pub commit_reveal: Option<bool>,
    /// Miners' pay waiting for the next epoch, rao of alpha.
    pub pending: Option<Rao>,
    /// Hotkey of the subnet's owner; what it is given is burned.
    pub subnet_owner: Option<Hotkey>,
    /// Items this chain does not have.
    pub missing: Vec<String>,
}

/// What an alpha cost in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The block, counted from the run's start.
    pub block: BlockNumber,
    /// The same block by the chain's own count.
    pub chain_block: u64,
    /// Its time in milliseconds since 1970.
    pub time_ms: u64,
    /// Rao of TAO per alpha; `None` if the chain does not say.
    pub alpha_price: Option<Rao>,
}

#[derive(DecodeAsType)]
struct AccountInfo {
    data: AccountData,
}

#[derive(DecodeAsType)]
struct AccountData {
    free: u64,
}

#[derive(DecodeAsType)]
struct StakeInfo {
    stake: u64,
}

#[derive(DecodeAsType)]
struct SimSwap {
    tao_amount: u64,
}

impl At {
    /// Everything about a subnet, and about a key on it.
    pub(crate) async fn status(
        &self,
        netuid: u16,
        hotkey: &Hotkey,
        payout: Option<&Coldkey>,
    ) -> Result<Status, SubtensorError> {
        let n = || vec![number(netuid)];
        let mut status = Status {
            spec_version: self.runtime().spec_version(),
            time_ms: self.time_ms().await?,
            burn: self.get(MODULE, "Burn", n()).await?.map(Rao),
            registration_allowed: self.get(MODULE, "NetworkRegistrationAllowed", n()).await?,
            tempo: self.get(MODULE, "Tempo", n()).await?,
            blocks_since_step: self.get(MODULE, "BlocksSinceLastStep", n()).await?,
            size: self.get(MODULE, "SubnetworkN", n()).await?,
            max_size: self.get(MODULE, "MaxAllowedUids", n()).await?,
            commit_reveal: self.get(MODULE, "CommitRevealWeightsEnabled", n()).await?,
            pending: self.get(MODULE, "PendingServerEmission", n()).await?.map(Rao),
            subnet_owner: self.account("SubnetOwnerHotkey", n()).await?.map(Hotkey),
            alpha_price: self.alpha_price(netuid).await?,
            ..Status::default()
        };
        self.add_key(&mut status, netuid, hotkey).await?;
        self.add_owner(&mut status, netuid, hotkey, payout).await?;
        status.missing = self.missing();
        Ok(status)
    }

    /// Rao of TAO per alpha.
    pub(crate) async fn alpha_price(&self, netuid: u16) -> Result<Option<Rao>, SubtensorError> {
        Ok(self.api("SwapRuntimeApi", "current_alpha_price", vec![number(netuid)]).await?.map(Rao))
    }

    /// The key's slot and what it brought.
    async fn add_key(&self, status: &mut Status, netuid: u16, hotkey: &Hotkey) -> Result<(), SubtensorError> {
        let Some(uid) = self.uid(netuid, hotkey).await? else { return Ok(()) };
        let n = || vec![number(netuid)];
        status.uid = Some(Uid(uid));
        status.registered_at = self.find(MODULE, "BlockAtRegistration", vec![number(netuid), number(uid)]).await?;
        let immunity: Option<u16> = self.get(MODULE, "ImmunityPeriod", n()).await?;
        status.immune_until = status.registered_at.zip(immunity).map(|(at, period)| at.saturating_add(period.into()));
        let incentive: Option<Vec<u16>> = self.get(MODULE, "Incentive", n()).await?;
        status.incentive = incentive.and_then(|all| all.get(usize::from(uid)).copied());
        let emission: Option<Vec<u64>> = self.get(MODULE, "Emission", n()).await?;
        status.emission = emission.and_then(|all| all.get(usize::from(uid)).copied()).map(Rao);
        Ok(())
    }

    /// Who owns the key, and what it has earned so far.
    async fn add_owner(
        &self,
        status: &mut Status,
        netuid: u16,
        hotkey: &Hotkey,
        payout: Option<&Coldkey>,
    ) -> Result<(), SubtensorError> {
        status.owner = self.account("Owner", vec![account(&hotkey.0)]).await?.map(Coldkey);
        let Some(coldkey) = payout.or(status.owner.as_ref()).copied() else { return Ok(()) };
        status.owner_is_payout = payout.and_then(|payout| status.owner.map(|owner| owner == *payout));
        let info: Option<AccountInfo> = self.get("System", "Account", vec![account(&coldkey.0)]).await?;
        status.free = info.map(|info| Rao(info.data.free));
        let keys = vec![account(&coldkey.0), number(netuid)];
        status.auto_stake = self.account("AutoStakeDestination", keys).await?.map(Hotkey);
        let keys = vec![account(&hotkey.0), account(&coldkey.0), number(netuid)];
        let (api, method) = ("StakeInfoRuntimeApi", "get_stake_info_for_hotkey_coldkey_netuid");
        let stake: Option<Option<StakeInfo>> = self.api(api, method, keys).await?;
        status.stake = stake.map(|stake| Rao(stake.map_or(0, |stake| stake.stake)));
        if let Some(Rao(alpha)) = status.stake.filter(|stake| stake.0 > 0) {
            let arguments = vec![number(netuid), number(alpha)];
            let swap: Option<SimSwap> = self.api("SwapRuntimeApi", "sim_swap_alpha_for_tao", arguments).await?;
            status.stake_value = swap.map(|swap| Rao(swap.tao_amount));
        }
        Ok(())
    }

    /// All registered keys by uid.
    pub(crate) async fn hotkeys(&self, netuid: u16) -> Result<Vec<(u16, Hotkey)>, SubtensorError> {
        let size: Option<u16> = self.get(MODULE, "SubnetworkN", vec![number(netuid)]).await?;
        let size = size.unwrap_or_default().min(chain::MAX_UIDS as u16);
        let keys = (0..size).map(|uid| vec![number(netuid), number(uid)]).collect();
        let found: Vec<Option<AccountId32>> = self.many(MODULE, "Keys", keys).await?;
        Ok((0..size).zip(found).filter_map(|(uid, key)| Some((uid, Hotkey(key?.0)))).collect())
    }
}
