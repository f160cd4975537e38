//! Runtime APIs, as `state_call` asks for them.
//!
//! In: a method's name, its SCALE arguments, the state of a block. Out: SCALE, or why not.

use subxt::ext::codec::{Compact, Decode, Encode};
use types::Hotkey;

use crate::extrinsic::{MAX_EXTRINSIC, Signed};
use crate::genesis::{FEE, number};
use crate::layer::{Layer, key, n};

/// Fee of a swap in parts of 65,535: 0.05 %, as `Swap.FeeRate` of finney.
const SWAP_FEE: u128 = 33;
/// `AxonInfo` (34 bytes) and `PrometheusInfo` (31 bytes) of a key that serves nothing.
const NO_AXON: [u8; 34] = [0; 34];
const NO_PROMETHEUS: [u8; 31] = [0; 31];

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The runtime has no such method, or this node does not answer it.
    Missing,
    /// The arguments are not what the method takes.
    Arguments(String),
}

impl From<subxt::ext::codec::Error> for ApiError {
    fn from(error: subxt::ext::codec::Error) -> Self {
        Self::Arguments(error.to_string())
    }
}

/// Answers a runtime API call.
pub(crate) fn call(state: &Layer<'_>, method: &str, arguments: &[u8]) -> Result<Vec<u8>, ApiError> {
    let runtime = state.runtime();
    if !runtime.has_api(method) {
        return Err(ApiError::Missing);
    }
    let input = &mut &*arguments;
    let latest = || runtime.metadata_bytes().to_vec();
    Ok(match method {
        "Core_version" => runtime.version_bytes(),
        "Metadata_metadata_versions" => vec![16u32].encode(),
        "Metadata_metadata_at_version" => (u32::decode(input)? == 16).then(latest).encode(),
        "Metadata_metadata" => latest().encode(),
        "AccountNonceApi_account_nonce" => state.account(account(input)?).0.encode(),
        "TransactionPaymentApi_query_info" => payment(state, arguments)?,
        "SwapRuntimeApi_current_alpha_price" => price(state, u16::decode(input)?).encode(),
        "SwapRuntimeApi_sim_swap_alpha_for_tao" => {
            let (tao, alpha) = pool(state, u16::decode(input)?);
            let paid = u64::decode(input)?;
            let (got, fee) = swap(alpha, tao, paid);
            (got, paid, 0u64, fee).encode()
        }
        "SwapRuntimeApi_sim_swap_tao_for_alpha" => {
            let (tao, alpha) = pool(state, u16::decode(input)?);
            let paid = u64::decode(input)?;
            let (got, fee) = swap(tao, alpha, paid);
            (paid, got, fee, 0u64).encode()
        }
        "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid" => {
            let (hotkey, coldkey) = (account(input)?, account(input)?);
            stake_info(state, u16::decode(input)?, hotkey, coldkey).encode()
        }
        "NeuronInfoRuntimeApi_get_neurons_lite" => neurons(state, u16::decode(input)?),
        "NeuronInfoRuntimeApi_get_neuron_lite" => {
            let (netuid, uid) = (u16::decode(input)?, u16::decode(input)?);
            match neuron(state, netuid, uid) {
                Some(neuron) => [vec![1], neuron].concat(),
                None => vec![0],
            }
        }
        "SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey" => {
            let coldkey = account(input)?;
            let place = [key(coldkey), n(u16::decode(input)?)];
            state.get::<[u8; 32]>("SubtensorModule", "AutoStakeDestination", &place).encode()
        }
        _ => return Err(ApiError::Missing),
    })
}

fn account(input: &mut &[u8]) -> Result<Hotkey, ApiError> {
    Ok(Hotkey(<[u8; 32]>::decode(input)?))
}

/// The pool's TAO and alpha in rao.
fn pool(state: &Layer<'_>, netuid: u16) -> (u64, u64) {
    (state.sub("SubnetTAO", &[n(netuid)]), state.sub("SubnetAlphaIn", &[n(netuid)]))
}

/// Rao of TAO per alpha.
fn price(state: &Layer<'_>, netuid: u16) -> u64 {
    let (tao, alpha) = pool(state, netuid);
    u64::try_from(u128::from(tao) * 1_000_000_000 / u128::from(alpha).max(1)).unwrap_or(u64::MAX)
}

/// What a constant-product pool pays for `paid`, and the fee kept of it.
fn swap(pool_in: u64, pool_out: u64, paid: u64) -> (u64, u64) {
    let fee = u128::from(paid) * SWAP_FEE / 65_535;
    let net = u128::from(paid) - fee;
    let got = u128::from(pool_out) * net / (u128::from(pool_in) + net).max(1);
    (u64::try_from(got).unwrap_or(u64::MAX), u64::try_from(fee).unwrap_or(u64::MAX))
}

/// `RuntimeDispatchInfo`: weight, class, fee. The arguments are an extrinsic and its length.
fn payment(state: &Layer<'_>, arguments: &[u8]) -> Result<Vec<u8>, ApiError> {
    let short = || ApiError::Arguments("no extrinsic and length".into());
    let raw = &arguments[..arguments.len().checked_sub(4).ok_or_else(short)?];
    if raw.len() > MAX_EXTRINSIC {
        return Err(short());
    }
    let signed = Signed::decode(raw, state.runtime()).map_err(|e| ApiError::Arguments(e.to_string()))?;
    let fee = fee(state, &signed, raw.len());
    Ok((Compact(0u64), Compact(0u64), 0u8, fee).encode())
}

/// What the signer pays, tip included, in rao.
pub(crate) fn fee(state: &Layer<'_>, signed: &Signed, length: usize) -> u64 {
    let base = if signed.call.pays() { number(state, FEE).saturating_mul(length as u64) } else { 0 };
    base.saturating_add(signed.tip)
}

type StakeInfo =
    ([u8; 32], [u8; 32], Compact<u16>, Compact<u64>, Compact<u64>, Compact<u64>, Compact<u64>, Compact<u64>, bool);

fn stake_info(state: &Layer<'_>, netuid: u16, hotkey: Hotkey, coldkey: Hotkey) -> Option<StakeInfo> {
    // All stake of a hotkey belongs to its coldkey; a known hotkey answers with 0 for any other, as the pallet does.
    let owner = state.owner(hotkey)?;
    let stake = if owner == coldkey { state.stake(netuid, hotkey) } else { 0 };
    let uid = state.uid(netuid, hotkey);
    let emission = uid.map_or(0, |uid| at::<u64>(state, "Emission", netuid, uid));
    let zero = Compact(0u64);
    Some((hotkey.0, coldkey.0, Compact(netuid), Compact(stake), zero, Compact(emission), zero, zero, uid.is_some()))
}

fn at<T: Decode + Default + Copy>(state: &Layer<'_>, entry: &str, netuid: u16, uid: u16) -> T {
    state.sub::<Vec<T>>(entry, &[n(netuid)]).get(usize::from(uid)).copied().unwrap_or_default()
}

fn neurons(state: &Layer<'_>, netuid: u16) -> Vec<u8> {
    let count: u16 = state.sub("SubnetworkN", &[n(netuid)]);
    let neurons: Vec<Vec<u8>> = (0..count).filter_map(|uid| neuron(state, netuid, uid)).collect();
    let mut out = Compact(neurons.len() as u32).encode();
    out.extend(neurons.concat());
    out
}

/// `NeuronInfoLite` in SCALE.
fn neuron(state: &Layer<'_>, netuid: u16, uid: u16) -> Option<Vec<u8>> {
    let hotkey = state.hotkey(netuid, uid)?;
    let coldkey = state.owner(hotkey).unwrap_or(hotkey);
    let share = |entry: &str| Compact(at::<u16>(state, entry, netuid, uid));
    let long = |entry: &str| Compact(at::<u64>(state, entry, netuid, uid));
    let who = (hotkey.0, coldkey.0, Compact(uid), Compact(netuid), at::<bool>(state, "Active", netuid, uid));
    let stake = vec![(coldkey.0, Compact(state.stake(netuid, hotkey)))];
    let shares = (share("Rank"), long("Emission"), share("Incentive"), share("Consensus"), share("Trust"));
    let rest = (
        share("ValidatorTrust"),
        share("Dividends"),
        long("LastUpdate"),
        at::<bool>(state, "ValidatorPermit", netuid, uid),
        share("PruningScores"),
    );
    Some((who, NO_AXON, NO_PROMETHEUS, stake, shares, rest).encode())
}
