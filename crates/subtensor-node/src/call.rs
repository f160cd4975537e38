//! The calls this node applies, from their SCALE.
//!
//! In: hostile bytes, indices resolved by the metadata. Out: a typed call, or why not. Every length is bounded by what the
//! pallet allows; no call nests another, so nothing recurses.

use subxt::ext::codec::{Compact, Decode};
use types::Hotkey;

use crate::extrinsic::FormatError;
use crate::runtime::Runtime;

/// `Commitments.MaxFields`.
const MAX_FIELDS: u32 = 3;
/// Longest `TimelockEncrypted` and `BigRaw`, in bytes, as the pallet bounds them.
const MAX_TIMELOCKED: usize = 1024;
const MAX_BIG_RAW: usize = 512;
/// Most entries of a weights vector; the chain's uids are fewer.
const MAX_WEIGHTS: usize = 4096;

/// A call with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// `SubtensorModule.burned_register` and `register_limit`.
    Register {
        /// Subnet.
        netuid: u16,
        /// The key to register.
        hotkey: Hotkey,
        /// Most rao to be paid; `None` for whatever it costs.
        limit: Option<u64>,
    },
    /// `Commitments.set_commitment`.
    SetCommitment {
        /// Subnet.
        netuid: u16,
        /// `CommitmentInfo` as it was sent.
        info: Vec<u8>,
        /// Bytes that count towards the space limit.
        space: u64,
    },
    /// `SubtensorModule.set_weights`.
    SetWeights {
        /// Subnet.
        netuid: u16,
        /// Uids.
        dests: Vec<u16>,
        /// Their weights.
        weights: Vec<u16>,
        /// Version of the validator's rules.
        version_key: u64,
    },
    /// `SubtensorModule.set_coldkey_auto_stake_hotkey`.
    AutoStake {
        /// Subnet.
        netuid: u16,
        /// Where the coldkey's incentive goes.
        hotkey: Hotkey,
    },
    /// `SubtensorModule.swap_hotkey`, on all subnets or one.
    SwapHotkey {
        /// The key in use.
        hotkey: Hotkey,
        /// The key to use.
        new_hotkey: Hotkey,
        /// Subnet; `None` for all.
        netuid: Option<u16>,
    },
    /// `Balances.transfer_keep_alive`.
    Transfer {
        /// Who gets it.
        dest: Hotkey,
        /// In rao.
        value: u64,
    },
    /// `System.remark`, which does nothing.
    Remark,
}

impl Call {
    /// Whether the sender pays a fee (`Pays::Yes`).
    pub fn pays(&self) -> bool {
        !matches!(self, Self::SetCommitment { .. } | Self::SetWeights { .. })
    }

    /// Reads a call, all of `bytes`.
    pub(crate) fn decode(mut bytes: &[u8], runtime: &Runtime) -> Result<Self, FormatError> {
        let input = &mut bytes;
        let [pallet, call] = <[u8; 2]>::decode(input)?;
        let (pallet, name) = runtime.call(pallet, call).ok_or(FormatError::UnknownCall { pallet, call })?;
        let call = match (pallet, name) {
            ("SubtensorModule", "burned_register") => {
                Self::Register { netuid: u16::decode(input)?, hotkey: account(input)?, limit: None }
            }
            ("SubtensorModule", "register_limit") => {
                let (netuid, hotkey) = (u16::decode(input)?, account(input)?);
                Self::Register { netuid, hotkey, limit: Some(u64::decode(input)?) }
            }
            ("SubtensorModule", "set_weights") => Self::SetWeights {
                netuid: u16::decode(input)?,
                dests: numbers(input)?,
                weights: numbers(input)?,
                version_key: u64::decode(input)?,
            },
            ("SubtensorModule", "set_coldkey_auto_stake_hotkey") => {
                Self::AutoStake { netuid: u16::decode(input)?, hotkey: account(input)? }
            }
            ("SubtensorModule", "swap_hotkey") => Self::SwapHotkey {
                hotkey: account(input)?,
                new_hotkey: account(input)?,
                netuid: Option::<u16>::decode(input)?,
            },
            ("Commitments", "set_commitment") => {
                let netuid = u16::decode(input)?;
                let info = input.to_vec();
                let space = commitment_space(input)?;
                Self::SetCommitment { netuid, info, space }
            }
            ("Balances", "transfer_keep_alive") => {
                if u8::decode(input)? != 0 {
                    return Err(FormatError::Address);
                }
                Self::Transfer { dest: account(input)?, value: Compact::<u64>::decode(input)?.0 }
            }
            ("System", "remark") => {
                let length = Compact::<u32>::decode(input)?.0 as usize;
                *input = input.get(length..).ok_or(FormatError::Short)?;
                Self::Remark
            }
            _ => return Err(FormatError::Unsupported { pallet: pallet.into(), call: name.into() }),
        };
        if input.is_empty() { Ok(call) } else { Err(FormatError::TrailingBytes) }
    }
}

fn account(input: &mut &[u8]) -> Result<Hotkey, FormatError> {
    Ok(Hotkey(<[u8; 32]>::decode(input)?))
}

fn numbers(input: &mut &[u8]) -> Result<Vec<u16>, FormatError> {
    let count = Compact::<u32>::decode(input)?.0 as usize;
    if count > MAX_WEIGHTS || input.len() < 2 * count {
        return Err(FormatError::TooLong);
    }
    (0..count).map(|_| Ok(u16::decode(input)?)).collect()
}

/// Reads `CommitmentInfo` and counts its bytes as the pallet does.
fn commitment_space(input: &mut &[u8]) -> Result<u64, FormatError> {
    let fields = Compact::<u32>::decode(input)?.0;
    if fields > MAX_FIELDS {
        return Err(FormatError::TooLong);
    }
    let mut space = 0;
    for _ in 0..fields {
        let (counted, skipped) = match u8::decode(input)? {
            0 | 135 => (0, 0),
            raw @ 1..=129 => (usize::from(raw) - 1, 0),
            130..=133 => (32, 0),
            // Followed by the round in which it opens.
            134 => (bounded_length(input, MAX_TIMELOCKED)?, 8),
            136 => (bounded_length(input, MAX_BIG_RAW)?, 0),
            _ => return Err(FormatError::Variant),
        };
        *input = input.get(counted + skipped..).ok_or(FormatError::Short)?;
        space += counted as u64;
    }
    Ok(space)
}

fn bounded_length(input: &mut &[u8], most: usize) -> Result<usize, FormatError> {
    let length = Compact::<u32>::decode(input)?.0 as usize;
    if length > most { Err(FormatError::TooLong) } else { Ok(length) }
}
