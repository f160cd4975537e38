//! Places in the subnet: registration against a burn, replacement, a changed hotkey.
//!
//! In: who wants which key registered. Out: a place, the burn taken and raised. A full subnet gives the place of the uid
//! that earned least and is not immune.

use types::Hotkey;

use super::Failure;
use crate::events::Events;
use crate::genesis::RAISE;
use crate::layer::{Layer, key, n};

/// A registration asked for.
pub(super) struct Wish {
    pub(super) netuid: u16,
    pub(super) hotkey: Hotkey,
    pub(super) coldkey: Hotkey,
    pub(super) limit: Option<u64>,
}

pub(super) fn register(
    state: &mut Layer<'_>,
    events: &mut Events<'_>,
    height: u32,
    wish: &Wish,
) -> Result<(), Failure> {
    let Wish { netuid, hotkey, coldkey, limit } = *wish;
    let net = [n(netuid)];
    if !state.sub::<bool>("NetworksAdded", &net) {
        return Err(Failure::subtensor("MechanismDoesNotExist"));
    }
    if !state.sub::<bool>("NetworkRegistrationAllowed", &net) {
        return Err(Failure::subtensor("SubNetRegistrationDisabled"));
    }
    let this_block: u16 = state.sub("RegistrationsThisBlock", &net);
    if this_block >= state.sub("MaxRegistrationsPerBlock", &net) {
        return Err(Failure::subtensor("TooManyRegistrationsThisBlock"));
    }
    if state.uid(netuid, hotkey).is_some() {
        return Err(Failure::subtensor("HotKeyAlreadyRegisteredInSubNet"));
    }
    let burn: u64 = state.sub("Burn", &net);
    let (nonce, free) = state.account(coldkey);
    let left = free.checked_sub(burn).ok_or(Failure::subtensor("NotEnoughBalanceToStake"))?;
    if limit.is_some_and(|limit| burn > limit) {
        return Err(Failure::subtensor("SlippageTooHigh"));
    }
    if state.owner(hotkey).is_some_and(|owner| owner != coldkey) {
        return Err(Failure::subtensor("NonAssociatedColdKey"));
    }
    let uid = free_place(state, netuid, height)?;
    state.set_account(coldkey, nonce, left);
    if state.owner(hotkey).is_none() {
        state.set_sub("Owner", &[key(hotkey)], &coldkey.0);
        let owned = [key(coldkey)];
        let mut hotkeys: Vec<[u8; 32]> = state.sub("OwnedHotkeys", &owned);
        hotkeys.push(hotkey.0);
        state.set_sub("OwnedHotkeys", &owned, &hotkeys);
    }
    seat(state, netuid, uid, hotkey, height);
    let recycled: u64 = state.sub("RAORecycledForRegistration", &net);
    state.set_sub("RAORecycledForRegistration", &net, &recycled.saturating_add(burn));
    let raised = raised(burn, state.raw(RAISE)).min(state.sub("MaxBurn", &net));
    state.set_sub("Burn", &net, &raised.max(burn.min(state.sub("MaxBurn", &net))));
    state.set_sub("RegistrationsThisBlock", &net, &this_block.saturating_add(1));
    events.push("SubtensorModule", "NeuronRegistered", &(netuid, uid, hotkey.0));
    Ok(())
}

/// The price after one more registration.
fn raised(burn: u64, percent: Option<&[u8]>) -> u64 {
    let percent = percent.and_then(|p| p.try_into().ok()).map_or(0, u32::from_le_bytes);
    let raised = u128::from(burn) * (100 + u128::from(percent)) / 100;
    u64::try_from(raised).unwrap_or(u64::MAX)
}

/// A new uid, or that of the neuron which has to go.
fn free_place(state: &mut Layer<'_>, netuid: u16, height: u32) -> Result<u16, Failure> {
    let count: u16 = state.sub("SubnetworkN", &[n(netuid)]);
    if count < state.sub("MaxAllowedUids", &[n(netuid)]) {
        return Ok(count);
    }
    let immunity = u64::from(state.sub::<u16>("ImmunityPeriod", &[n(netuid)]));
    let emission: Vec<u64> = state.sub("Emission", &[n(netuid)]);
    let owner = state.owner_hotkey(netuid);
    let candidate = (0..count)
        .filter(|uid| state.hotkey(netuid, *uid) != owner)
        .map(|uid| {
            let since: u64 = state.sub("BlockAtRegistration", &[n(netuid), n(uid)]);
            (emission.get(usize::from(uid)).copied().unwrap_or(0), since, uid)
        })
        .filter(|(_, since, _)| u64::from(height).saturating_sub(*since) >= immunity)
        .min();
    let (_, _, uid) = candidate.ok_or(Failure::subtensor("NoNeuronIdAvailable"))?;
    Ok(uid)
}

/// Puts a hotkey into a slot, whose occupant leaves.
pub(crate) fn seat(state: &mut Layer<'_>, netuid: u16, uid: u16, hotkey: Hotkey, height: u32) {
    let net = [n(netuid)];
    if let Some(old) = state.hotkey(netuid, uid) {
        state.remove_sub("Uids", &[n(netuid), key(old)]);
        state.remove_sub("IsNetworkMember", &[key(old), n(netuid)]);
        state.remove_sub("Weights", &[n(netuid), n(uid)]);
        state.remove_sub("Bonds", &[n(netuid), n(uid)]);
        state.remove_sub("Axons", &[n(netuid), key(old)]);
    }
    let count = state.sub::<u16>("SubnetworkN", &net).max(uid.saturating_add(1));
    state.set_sub("SubnetworkN", &net, &count);
    state.set_sub("Uids", &[n(netuid), key(hotkey)], &uid);
    state.set_sub("Keys", &[n(netuid), n(uid)], &hotkey.0);
    state.set_sub("IsNetworkMember", &[key(hotkey), n(netuid)], &true);
    state.set_sub("BlockAtRegistration", &[n(netuid), n(uid)], &u64::from(height));
    let place = (usize::from(uid), usize::from(count));
    set_at(state, netuid, "Emission", place, 0u64);
    set_at(state, netuid, "LastUpdate", place, u64::from(height));
    for entry in ["Incentive", "Dividends", "Consensus", "ValidatorTrust", "StakeWeight", "Rank", "Trust"] {
        set_at(state, netuid, entry, place, 0u16);
    }
    set_at(state, netuid, "PruningScores", place, u16::MAX);
    set_at(state, netuid, "ValidatorPermit", place, false);
    set_at(state, netuid, "Active", place, true);
}

/// Sets one element of a per-uid vector, which gets one element per uid.
pub(crate) fn set_at<T>(state: &mut Layer<'_>, netuid: u16, entry: &str, (uid, count): (usize, usize), value: T)
where
    T: subxt::ext::codec::Codec + Default + Clone,
{
    let mut values: Vec<T> = state.sub(entry, &[n(netuid)]);
    values.resize(count, T::default());
    if let Some(slot) = values.get_mut(uid) {
        *slot = value;
    }
    state.set_sub(entry, &[n(netuid)], &values);
}

/// Takes a uid's hotkey out of the subnet, as if it had been replaced: a made-up key sits in its place.
pub(crate) fn deregister(state: &mut Layer<'_>, events: &mut Events<'_>, netuid: u16, uid: u16, height: u32) {
    if uid >= state.sub("SubnetworkN", &[n(netuid)]) {
        return;
    }
    let usurper = Hotkey(crate::extrinsic::blake2_256(format!("usurper of {netuid}/{uid} at {height}").as_bytes()));
    seat(state, netuid, uid, usurper, height);
    events.push("SubtensorModule", "NeuronRegistered", &(netuid, uid, usurper.0));
}

pub(super) fn swap(
    state: &mut Layer<'_>,
    events: &mut Events<'_>,
    coldkey: Hotkey,
    (old, new): (Hotkey, Hotkey),
    netuid: Option<u16>,
) -> Result<(), Failure> {
    if state.owner(old) != Some(coldkey) {
        return Err(Failure::subtensor("NonAssociatedColdKey"));
    }
    if old == new {
        return Err(Failure::subtensor("NewHotKeyIsSameWithOld"));
    }
    // There is one subnet; without a netuid the caller means all of them.
    let netuid = netuid.unwrap_or_else(|| crate::genesis::netuid(state));
    if state.uid(netuid, new).is_some() || state.owner(new).is_some_and(|owner| owner != coldkey) {
        return Err(Failure::subtensor("HotKeyAlreadyRegisteredInSubNet"));
    }
    let uid = state.uid(netuid, old).ok_or(Failure::subtensor("HotKeyNotRegisteredInSubNet"))?;
    state.remove_sub("Uids", &[n(netuid), key(old)]);
    state.remove_sub("IsNetworkMember", &[key(old), n(netuid)]);
    state.set_sub("Owner", &[key(new)], &coldkey.0);
    state.set_sub("Uids", &[n(netuid), key(new)], &uid);
    state.set_sub("Keys", &[n(netuid), n(uid)], &new.0);
    state.set_sub("IsNetworkMember", &[key(new), n(netuid)], &true);
    let stake = state.stake(netuid, old);
    state.set_stake(netuid, old, 0);
    let sum = state.stake(netuid, new).saturating_add(stake);
    state.set_stake(netuid, new, sum);
    events.push("SubtensorModule", "HotkeySwappedOnSubnet", &(coldkey.0, old.0, new.0, netuid));
    Ok(())
}
