//! Minting, and who gets it: one step per block, one Yuma epoch per tempo.
//!
//! In: the state after a block's extrinsics. Out: pending emission, and at the end of an epoch pay, shares, stake and the
//! event that names what miners got. All integers; the split of 41/41/18 and Yuma itself are `chain::yuma`'s.
//!
//! Differences from the pallet: epochs end where `tempo` divides the block number (the pallet's period is one longer and
//! shifted by the netuid); permits do not change; validators that never set weights do not count; nobody's take is cut.

use chain::yuma::{Epoch, Payout, Vote, split};
use types::{Hotkey, Rao, Uid};

use crate::events::Events;
use crate::genesis::{FULL_BURN, MINTED, number};
use crate::layer::{Layer, key, n};

/// The owner's cut in parts of 65,535 (`InitialSubnetOwnerCut`): 18 %.
pub(crate) const OWNER_CUT: u16 = 11_796;
/// Weight of the newest bonds in parts of 65,535: 0.1, as 1 − `InitialBondsMovingAverage`.
const BOND_ALPHA: u16 = 6_553;
/// What weights sum to.
const WHOLE: u64 = 65_535;

/// The epoch that block `height` belongs to, counted from 0.
pub(crate) fn index(state: &Layer<'_>, netuid: u16, height: u32) -> u64 {
    u64::from(height) / u64::from(state.sub::<u16>("Tempo", &[n(netuid)]).max(1))
}

/// Mints for block `height` and ends the epoch if it is time.
pub(crate) fn step(state: &mut Layer<'_>, events: &mut Events<'_>, netuid: u16, height: u32) {
    let net = [n(netuid)];
    let pending = |state: &Layer<'_>, entry: &str| state.sub::<u64>(entry, &[n(netuid)]);
    let minted = number(state, MINTED)
        .saturating_add(pending(state, "PendingOwnerCut"))
        .saturating_add(pending(state, "PendingServerEmission"))
        .saturating_add(pending(state, "PendingValidatorEmission"));
    let tempo = u32::from(state.sub::<u16>("Tempo", &net).max(1));
    if !height.is_multiple_of(tempo) {
        // Split from the sum, so that what is pending is what the epoch will pay.
        let owner = (u128::from(minted) * u128::from(OWNER_CUT) / u128::from(WHOLE)) as u64;
        let servers = (minted - owner) / 2;
        set_pending(state, netuid, [owner, servers, minted - owner - servers]);
        let blocks: u64 = state.sub("BlocksSinceLastStep", &net);
        state.set_sub("BlocksSinceLastStep", &net, &blocks.saturating_add(1));
        return;
    }
    set_pending(state, netuid, [0; 3]);
    end_epoch(state, events, netuid, (height, minted));
    state.set_sub("BlocksSinceLastStep", &net, &0u64);
    state.set_sub("LastMechansimStepBlock", &net, &u64::from(height));
}

fn set_pending(state: &mut Layer<'_>, netuid: u16, [owner, servers, validators]: [u64; 3]) {
    state.set_sub("PendingOwnerCut", &[n(netuid)], &owner);
    state.set_sub("PendingServerEmission", &[n(netuid)], &servers);
    state.set_sub("PendingValidatorEmission", &[n(netuid)], &validators);
}

fn end_epoch(state: &mut Layer<'_>, events: &mut Events<'_>, netuid: u16, (height, minted): (u32, u64)) {
    let count = state.sub::<u16>("SubnetworkN", &[n(netuid)]);
    let votes = votes(state, netuid, height, count);
    let kappa: u16 = state.sub("Kappa", &[n(netuid)]);
    let epoch = Epoch {
        uids: usize::from(count),
        votes: &votes,
        kappa,
        bond_alpha: BOND_ALPHA,
        owner_cut: OWNER_CUT,
        minted: Rao(minted),
    };
    let payout = epoch.pay();
    let pay = Pay::of(state, netuid, count, &votes, &payout);
    publish(state, netuid, &votes, &payout, &pay);
    credit(state, events, netuid, &pay);
    write_stake_weights(state, netuid);
    events.push("SubtensorModule", "IncentiveAlphaEmittedToMiners", &(netuid, &pay.miner));
}

/// Who gets how much, per uid.
struct Pay {
    owner: u64,
    miner: Vec<u64>,
    validator: Vec<u64>,
}

impl Pay {
    /// As the pallet does it: if no miner has incentive, the validators get the miners' half too, by stake.
    fn of(state: &Layer<'_>, netuid: u16, count: u16, votes: &[Vote], payout: &Payout) -> Self {
        let miner: Vec<u64> = payout.miner.iter().map(|rao| rao.0).collect();
        let mut validator = vec![0u64; usize::from(count)];
        for (vote, rao) in votes.iter().zip(&payout.validator) {
            if let Some(slot) = validator.get_mut(usize::from(vote.uid.0)) {
                *slot = rao.0;
            }
        }
        if miner.iter().all(|rao| *rao == 0) {
            let stakes: Vec<u64> = (0..count).map(|uid| permitted_stake(state, netuid, uid)).collect();
            for (slot, share) in validator.iter_mut().zip(split(payout.burned.0, &stakes)) {
                *slot += share;
            }
        }
        Self { owner: payout.owner.0, miner, validator }
    }
}

fn permitted_stake(state: &Layer<'_>, netuid: u16, uid: u16) -> u64 {
    let permits: Vec<bool> = state.sub("ValidatorPermit", &[n(netuid)]);
    let permitted = permits.get(usize::from(uid)).copied().unwrap_or(false);
    state.hotkey(netuid, uid).filter(|_| permitted).map_or(0, |hotkey| state.stake(netuid, hotkey))
}

/// The weights of permitted, active validators with stake, uids ascending.
fn votes(state: &Layer<'_>, netuid: u16, height: u32, count: u16) -> Vec<Vote> {
    let updates: Vec<u64> = state.sub("LastUpdate", &[n(netuid)]);
    let cutoff = u64::from(state.sub::<u16>("ActivityCutoff", &[n(netuid)]));
    let registered: Vec<u64> = (0..count).map(|uid| state.sub("BlockAtRegistration", &[n(netuid), n(uid)])).collect();
    let owner = state.owner_hotkey(netuid).and_then(|hotkey| state.uid(netuid, hotkey));
    let full_burn = state.raw(FULL_BURN).is_some();
    let last_step: u64 = state.sub("LastMechansimStepBlock", &[n(netuid)]);
    let mut votes = Vec::new();
    for uid in 0..count {
        let stake = permitted_stake(state, netuid, uid);
        let updated = updates.get(usize::from(uid)).copied().unwrap_or(0);
        let row: Vec<(u16, u16)> = match (full_burn, owner) {
            (true, Some(owner)) => vec![(owner, u16::MAX)],
            // Without an owner's uid, an empty row is Yuma's own way to burn all.
            (true, None) => Vec::new(),
            (false, _) => state.sub("Weights", &[n(netuid), n(uid)]),
        };
        let known = |dest: u16| registered.get(usize::from(dest)).is_some_and(|since| *since <= updated);
        let row: Vec<(u16, u16)> = row.into_iter().filter(|(dest, _)| full_burn || known(*dest)).collect();
        let weights: Vec<u64> = row.iter().map(|(_, weight)| u64::from(*weight)).collect();
        let active = updated.saturating_add(cutoff) >= u64::from(height);
        let says_something = weights.iter().any(|weight| *weight > 0);
        if stake == 0 || !active || !(says_something || full_burn) {
            continue;
        }
        let shares = split(if says_something { WHOLE } else { 0 }, &weights);
        let weights = row.iter().zip(shares).map(|((dest, _), share)| (Uid(*dest), share as u16)).collect();
        let bonds = old_bonds(state, netuid, uid, &registered, last_step);
        votes.push(Vote { uid: Uid(uid), stake: Rao(stake), weights, bonds });
    }
    votes
}

/// Where a validator's exact bonds are kept; the metadata's own are too coarse.
fn bonds_place(netuid: u16, uid: u16) -> Vec<u8> {
    format!(":test_node:bonds:{netuid}:{uid}").into_bytes()
}

/// Bonds of the last epoch; none to a uid that changed hands since.
fn old_bonds(state: &Layer<'_>, netuid: u16, uid: u16, registered: &[u64], last_step: u64) -> Vec<u64> {
    use subxt::ext::codec::Decode as _;
    if registered.get(usize::from(uid)).is_none_or(|since| *since > last_step) {
        return Vec::new();
    }
    let bytes = state.raw(&bonds_place(netuid, uid)).unwrap_or_default();
    let mut bonds = Vec::<u64>::decode(&mut &*bytes).unwrap_or_default();
    let miners = bonds.len().saturating_sub(1);
    for (bond, since) in bonds[..miners].iter_mut().zip(registered) {
        if *since > last_step {
            *bond = 0;
        }
    }
    bonds
}

fn publish(state: &mut Layer<'_>, netuid: u16, votes: &[Vote], payout: &Payout, pay: &Pay) {
    use subxt::ext::codec::Encode as _;
    let net = [n(netuid)];
    let part = |share: u64| ((u128::from(share) * u128::from(WHOLE)) >> 32) as u16;
    let emission: Vec<u64> = pay.miner.iter().zip(&pay.validator).map(|(m, v)| m.saturating_add(*v)).collect();
    state.set_sub("Emission", &net, &emission);
    let incentive: Vec<u16> = payout.incentive.iter().copied().map(part).collect();
    state.set_sub("Incentive", &net, &incentive);
    let mut dividends = vec![0u16; pay.validator.len()];
    for (vote, share) in votes.iter().zip(&payout.dividends) {
        if let Some(slot) = dividends.get_mut(usize::from(vote.uid.0)) {
            *slot = part(*share);
        }
    }
    state.set_sub("Dividends", &net, &dividends);
    for (vote, bonds) in votes.iter().zip(&payout.bonds) {
        state.set_raw(bonds_place(netuid, vote.uid.0), Some(bonds.encode()));
        let shown: Vec<(u16, u16)> =
            (0u16..).zip(&bonds[..bonds.len().saturating_sub(1)]).map(|(uid, b)| (uid, part(*b))).collect();
        let shown: Vec<(u16, u16)> = shown.into_iter().filter(|(_, bond)| *bond > 0).collect();
        state.set_sub("Bonds", &[n(netuid), n(vote.uid.0)], &shown);
    }
    let active: Vec<bool> = {
        let voting: Vec<u16> = votes.iter().map(|vote| vote.uid.0).collect();
        (0..pay.miner.len() as u16).map(|uid| voting.contains(&uid)).collect()
    };
    state.set_sub("Active", &net, &active);
}

/// Adds pay to stake. The owner's hotkey gets its cut and no incentive: that is how a subnet burns.
fn credit(state: &mut Layer<'_>, events: &mut Events<'_>, netuid: u16, pay: &Pay) {
    let owner = state.owner_hotkey(netuid);
    let mut out = 0u64;
    let mut add = |state: &mut Layer<'_>, hotkey: Hotkey, rao: u64| {
        let sum = state.stake(netuid, hotkey).saturating_add(rao);
        state.set_stake(netuid, hotkey, sum);
        out = out.saturating_add(rao);
    };
    if let Some(owner) = owner {
        add(state, owner, pay.owner);
    }
    for (uid, (miner, validator)) in (0u16..).zip(pay.miner.iter().zip(&pay.validator)) {
        let Some(hotkey) = state.hotkey(netuid, uid) else { continue };
        if *validator > 0 {
            add(state, hotkey, *validator);
        }
        if *miner == 0 || Some(hotkey) == owner {
            continue;
        }
        let coldkey = state.owner(hotkey).unwrap_or(hotkey);
        let elsewhere = state.get("SubtensorModule", "AutoStakeDestination", &[key(coldkey), n(netuid)]).map(Hotkey);
        match elsewhere.filter(|dest| *dest != hotkey) {
            Some(dest) => {
                add(state, dest, *miner);
                events.push("SubtensorModule", "AutoStakeAdded", &(netuid, dest.0, hotkey.0, coldkey.0, *miner));
            }
            None => add(state, hotkey, *miner),
        }
    }
    let before: u64 = state.sub("SubnetAlphaOut", &[n(netuid)]);
    state.set_sub("SubnetAlphaOut", &[n(netuid)], &before.saturating_add(out));
}

/// Writes `StakeWeight`: each uid's stake in parts of 65,535 of the largest.
pub(crate) fn write_stake_weights(state: &mut Layer<'_>, netuid: u16) {
    let count: u16 = state.sub("SubnetworkN", &[n(netuid)]);
    let stakes: Vec<u64> =
        (0..count).map(|uid| state.hotkey(netuid, uid).map_or(0, |hotkey| state.stake(netuid, hotkey))).collect();
    let most = u128::from(stakes.iter().copied().max().unwrap_or(0)).max(1);
    let weights: Vec<u16> = stakes.iter().map(|s| (u128::from(*s) * u128::from(WHOLE) / most) as u16).collect();
    state.set_sub("StakeWeight", &[n(netuid)], &weights);
}
