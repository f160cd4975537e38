//! What the calls do, in the pallets' order of checks.
//!
//! In: a verified call and its signer. Out: a changed state and events, or the pallet's own error. A failed call changes
//! nothing; the caller takes it back.

use subxt::ext::codec::Encode;
use types::Hotkey;

use crate::call::Call;
use crate::epoch;
use crate::events::Events;
use crate::layer::{Layer, key, n};
use crate::runtime::Runtime;

mod register;
mod weights;

pub(crate) use register::{deregister, seat, set_at};

/// `Balances.ExistentialDeposit`, in rao.
const EXISTENTIAL_DEPOSIT: u64 = 500;
/// A commitment counts as at least so many bytes.
const MIN_SPACE: u64 = 100;
/// Bytes of commitments a hotkey has per epoch, where `Commitments.MaxSpace` is not set.
const MAX_SPACE: u32 = 3100;

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An error of a pallet.
    Module(&'static str, &'static str),
    /// `TokenError::FundsUnavailable`.
    FundsUnavailable,
    /// `TokenError::NotExpendable`.
    NotExpendable,
}

impl Failure {
    fn subtensor(name: &'static str) -> Self {
        Self::Module("SubtensorModule", name)
    }

    /// `DispatchError` in SCALE.
    pub(crate) fn encode(self, runtime: &Runtime) -> Vec<u8> {
        match self {
            Self::Module(pallet, name) => match runtime.error(pallet, name) {
                Some([pallet, error]) => vec![3, pallet, error, 0, 0, 0],
                // A runtime without this error: `DispatchError::Other`.
                None => vec![0],
            },
            Self::FundsUnavailable => vec![7, 0],
            Self::NotExpendable => vec![7, 8],
        }
    }
}

/// Applies a call in block `height`.
pub(crate) fn apply(
    call: &Call,
    who: Hotkey,
    height: u32,
    state: &mut Layer<'_>,
    events: &mut Events<'_>,
) -> Result<(), Failure> {
    match call {
        Call::Register { netuid, hotkey, limit } => register::register(
            state,
            events,
            height,
            &register::Wish { netuid: *netuid, hotkey: *hotkey, coldkey: who, limit: *limit },
        ),
        Call::SetCommitment { netuid, info, space } => commit(state, events, height, (*netuid, who), info, *space),
        Call::SetWeights { netuid, dests, weights, version_key } => weights::set(
            state,
            events,
            height,
            &weights::Ballot { netuid: *netuid, who, dests, weights, version_key: *version_key },
        ),
        Call::AutoStake { netuid, hotkey } => auto_stake(state, *netuid, who, *hotkey),
        Call::SwapHotkey { hotkey, new_hotkey, netuid } => {
            register::swap(state, events, who, (*hotkey, *new_hotkey), *netuid)
        }
        Call::Transfer { dest, value } => transfer(state, events, who, *dest, *value),
        Call::Remark => Ok(()),
    }
}

fn transfer(
    state: &mut Layer<'_>,
    events: &mut Events<'_>,
    from: Hotkey,
    to: Hotkey,
    amount: u64,
) -> Result<(), Failure> {
    let (nonce, free) = state.account(from);
    let left = free.checked_sub(amount).ok_or(Failure::FundsUnavailable)?;
    if left < EXISTENTIAL_DEPOSIT {
        return Err(Failure::NotExpendable);
    }
    if from != to {
        let (to_nonce, to_free) = state.account(to);
        let sum = to_free.checked_add(amount).ok_or(Failure::FundsUnavailable)?;
        state.set_account(from, nonce, left);
        state.set_account(to, to_nonce, sum);
    }
    events.push("Balances", "Transfer", &(from.0, to.0, amount));
    Ok(())
}

fn commit(
    state: &mut Layer<'_>,
    events: &mut Events<'_>,
    height: u32,
    (netuid, who): (u16, Hotkey),
    info: &[u8],
    space: u64,
) -> Result<(), Failure> {
    if state.uid(netuid, who).is_none() {
        return Err(Failure::Module("Commitments", "AccountNotAllowedCommit"));
    }
    let place = [n(netuid), key(who)];
    let epoch = epoch::index(state, netuid, height);
    let (last, used): (u64, u64) = state.get("Commitments", "UsedSpaceOf", &place).unwrap_or_default();
    let used = if last == epoch { used } else { 0 };
    let used = used.saturating_add(space.max(MIN_SPACE));
    let most = state.get("Commitments", "MaxSpace", &[]).unwrap_or(MAX_SPACE);
    if used > u64::from(most) {
        return Err(Failure::Module("Commitments", "SpaceLimitExceeded"));
    }
    state.put("Commitments", "UsedSpaceOf", &place, &(epoch, used));
    // Registration: deposit, block, info.
    let mut registration = (0u64, height).encode();
    registration.extend_from_slice(info);
    if let Some(key) = state.runtime().key("Commitments", "CommitmentOf", &place) {
        state.set_raw(key, Some(registration));
    }
    state.put("Commitments", "LastCommitment", &place, &height);
    events.push("Commitments", "Commitment", &(netuid, who.0));
    Ok(())
}

fn auto_stake(state: &mut Layer<'_>, netuid: u16, coldkey: Hotkey, hotkey: Hotkey) -> Result<(), Failure> {
    if state.uid(netuid, hotkey).is_none() {
        return Err(Failure::subtensor("HotKeyNotRegisteredInSubNet"));
    }
    let place = [key(coldkey), n(netuid)];
    if state.get("SubtensorModule", "AutoStakeDestination", &place) == Some(hotkey.0) {
        return Err(Failure::subtensor("SameAutoStakeHotkeyAlreadySet"));
    }
    state.set_sub("AutoStakeDestination", &place, &hotkey.0);
    Ok(())
}
