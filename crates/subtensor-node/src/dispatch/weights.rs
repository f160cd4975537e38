//! A validator's weights.
//!
//! In: uids and weights as sent. Out: the row of the weight matrix, scaled so that its largest weight is 65,535.

use std::collections::BTreeSet;

use types::Hotkey;

use super::{Failure, register};
use crate::events::Events;
use crate::layer::{Layer, n};

/// Weights asked for.
pub(super) struct Ballot<'a> {
    pub(super) netuid: u16,
    pub(super) who: Hotkey,
    pub(super) dests: &'a [u16],
    pub(super) weights: &'a [u16],
    pub(super) version_key: u64,
}

pub(super) fn set(
    state: &mut Layer<'_>,
    events: &mut Events<'_>,
    height: u32,
    ballot: &Ballot<'_>,
) -> Result<(), Failure> {
    let Ballot { netuid, who, dests, weights, version_key } = *ballot;
    let net = [n(netuid)];
    if state.sub::<bool>("CommitRevealWeightsEnabled", &net) {
        return Err(Failure::subtensor("CommitRevealEnabled"));
    }
    if dests.len() != weights.len() {
        return Err(Failure::subtensor("WeightVecNotEqualSize"));
    }
    if !state.sub::<bool>("NetworksAdded", &net) {
        return Err(Failure::subtensor("MechanismDoesNotExist"));
    }
    let count: u16 = state.sub("SubnetworkN", &net);
    if dests.len() > usize::from(count) {
        return Err(Failure::subtensor("UidsLengthExceedUidsInSubNet"));
    }
    let uid = state.uid(netuid, who).ok_or(Failure::subtensor("HotKeyNotRegisteredInSubNet"))?;
    if state.stake(netuid, who) < state.sub("StakeThreshold", &[]) {
        return Err(Failure::subtensor("NotEnoughStakeToSetWeights"));
    }
    let wanted: u64 = state.sub("WeightsVersionKey", &net);
    if wanted != 0 && version_key < wanted {
        return Err(Failure::subtensor("IncorrectWeightVersionKey"));
    }
    let updates: Vec<u64> = state.sub("LastUpdate", &net);
    let last = updates.get(usize::from(uid)).copied().unwrap_or(0);
    let voted = state.get::<Vec<(u16, u16)>>("SubtensorModule", "Weights", &[n(netuid), n(uid)]).is_some();
    if voted && u64::from(height).saturating_sub(last) < state.sub("WeightsSetRateLimit", &net) {
        return Err(Failure::subtensor("SettingWeightsTooFast"));
    }
    let permits: Vec<bool> = state.sub("ValidatorPermit", &net);
    let own_only = dests == [uid];
    if !own_only && !permits.get(usize::from(uid)).copied().unwrap_or(false) {
        return Err(Failure::subtensor("NeuronNoValidatorPermit"));
    }
    if dests.iter().collect::<BTreeSet<_>>().len() != dests.len() {
        return Err(Failure::subtensor("DuplicateUids"));
    }
    if dests.iter().any(|dest| *dest >= count) {
        return Err(Failure::subtensor("UidVecContainInvalidOne"));
    }
    let fewest: u16 = state.sub("MinAllowedWeights", &net);
    if !own_only && dests.len() < usize::from(fewest) {
        return Err(Failure::subtensor("WeightVecLengthIsLow"));
    }
    let mut row: Vec<(u16, u16)> = dests.iter().copied().zip(upscaled(weights)).collect();
    row.sort_unstable();
    state.set_sub("Weights", &[n(netuid), n(uid)], &row);
    let place = (usize::from(uid), usize::from(count));
    register::set_at(state, netuid, "LastUpdate", place, u64::from(height));
    events.push("SubtensorModule", "WeightsSet", &(netuid, uid));
    Ok(())
}

/// Scales weights so that the largest is 65,535, rounding down; all zero stays so.
fn upscaled(weights: &[u16]) -> Vec<u16> {
    let most = u64::from(weights.iter().copied().max().unwrap_or(0)).max(1);
    weights.iter().map(|w| (u64::from(*w) * u64::from(u16::MAX) / most) as u16).collect()
}

#[cfg(test)]
mod tests {
    use super::upscaled;

    #[test]
    fn the_largest_weight_becomes_the_whole() {
        assert_eq!(upscaled(&[1, 2, 0]), [32_767, 65_535, 0]);
        assert_eq!(upscaled(&[0, 0]), [0, 0]);
        assert_eq!(upscaled(&[65_535, 1]), [65_535, 1]);
    }
}
