//! What stands in a block: commitments in its transactions, and what its events say about them.
//!
//! In: a block's extrinsics, its `System.Events`, a `CommitmentOf` value, the runtime's metadata; all from an untrusted
//! node. Out: commitments with author and bytes, which extrinsics failed and why, and what miners were paid. A commitment
//! is what a hotkey signed itself, as one extrinsic of version 4 with one raw field; whatever is wrapped in another call
//! is nobody's word, so that all readers agree.

use std::collections::BTreeMap;

use scale_info::TypeDef;
use subxt::metadata::Metadata;
use types::{Hotkey, MAX_RECORD_BYTES};

use crate::error::SubtensorError;
use crate::scale::{self, ScaleError, take, take_array, take_byte, take_compact};

/// `Commitments.set_commitment`, as `types::SubtensorCall` writes it.
const SET_COMMITMENT: [u8; 2] = [18, 0];
/// Storage indices of a subnet's further mechanisms lie this far apart.
const MECHANISM_STEP: u16 = 4096;
/// Phase of a block's events: before its transactions.
const INITIALIZATION: u8 = 2;

/// A commitment in an extrinsic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Who signed it.
    pub author: Hotkey,
    /// On which subnet.
    pub netuid: u16,
    /// What was said.
    pub data: Vec<u8>,
}

/// The commitment that an extrinsic makes, if it makes one.
pub fn commitment_in(extrinsic: &[u8]) -> Option<Commitment> {
    read_commitment(extrinsic).ok().flatten()
}

fn read_commitment(extrinsic: &[u8]) -> Result<Option<Commitment>, ScaleError> {
    let mut input = extrinsic;
    if take_compact(&mut input)? as usize != input.len() || take_byte(&mut input)? != 0x84 {
        return Ok(None);
    }
    if take_byte(&mut input)? != 0 {
        return Ok(None);
    }
    let author = Hotkey(take_array(&mut input)?);
    match take_byte(&mut input)? {
        0 | 1 => take(&mut input, 64)?,
        2 => take(&mut input, 65)?,
        _ => return Ok(None),
    };
    // CheckMortality, CheckNonce, the tip, CheckMetadataHash.
    if take_byte(&mut input)? != 0 {
        take_byte(&mut input)?;
    }
    take_compact(&mut input)?;
    skip_compact(&mut input)?;
    take_byte(&mut input)?;
    if take_array(&mut input)? != SET_COMMITMENT {
        return Ok(None);
    }
    let netuid = u16::from_le_bytes(take_array(&mut input)?);
    let data = one_raw_field(&mut input)?;
    Ok(data.filter(|_| input.is_empty()).map(|data| Commitment { author, netuid, data: data.to_vec() }))
}

/// A tip may have more than 32 bits.
fn skip_compact(input: &mut &[u8]) -> Result<(), ScaleError> {
    let first = *input.first().ok_or(ScaleError::Short)?;
    let bytes = match first & 3 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => usize::from(first >> 2) + 5,
    };
    take(input, bytes).map(|_| ())
}

/// `CommitmentInfo` with exactly one field, `Data::RawN`.
fn one_raw_field<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, ScaleError> {
    if take_compact(input)? != 1 {
        return Ok(None);
    }
    match usize::from(take_byte(input)?) {
        variant @ 1.. if variant - 1 <= MAX_RECORD_BYTES => take(input, variant - 1).map(Some),
        _ => Ok(None),
    }
}

/// The bytes of a `Commitments.CommitmentOf` value with one raw field: deposit, block, fields.
pub fn committed(value: &[u8]) -> Option<Vec<u8>> {
    let mut input = value;
    take(&mut input, 8 + 4).ok()?;
    let data = one_raw_field(&mut input).ok().flatten()?;
    input.is_empty().then(|| data.to_vec())
}

/// What a block's events say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockEvents {
    /// How each extrinsic ended, by its place in the block.
    pub outcomes: BTreeMap<u32, Result<(), Failure>>,
    /// What miners were paid.
    pub incentives: Vec<Incentive>,
}

/// What the miners of one mechanism of a subnet were paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incentive {
    /// The subnet's number plus 4096 for each of its further mechanisms.
    pub index: u16,
    /// Rao of alpha by uid.
    pub emissions: Vec<u64>,
    /// Whether it was before the block's transactions: then uids are those of the block before.
    pub first: bool,
}

/// Why an extrinsic failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Pallet that refused, or `System`.
    pub pallet: String,
    /// Name of the error.
    pub name: String,
    /// The runtime's words for it.
    pub why: String,
}

impl From<Failure> for SubtensorError {
    fn from(failure: Failure) -> Self {
        Self::Dispatch { pallet: failure.pallet, name: failure.name, why: failure.why }
    }
}

impl BlockEvents {
    /// Miners' pay on a subnet, all its mechanisms together.
    pub fn paid_on(&self, netuid: u16) -> Option<Incentive> {
        let mut ours = self.incentives.iter().filter(|paid| paid.index % MECHANISM_STEP == netuid);
        let mut sum = ours.next()?.clone();
        sum.index = netuid;
        for Incentive { emissions, .. } in ours {
            sum.emissions.resize(sum.emissions.len().max(emissions.len()), 0);
            sum.emissions.iter_mut().zip(emissions).for_each(|(sum, paid)| *sum = sum.saturating_add(*paid));
        }
        Some(sum)
    }
}

/// Reads a `System.Events` value.
///
/// # Errors
/// [`ScaleError`] for bytes that this runtime cannot have written.
pub fn read_events(metadata: &Metadata, bytes: &[u8]) -> Result<BlockEvents, ScaleError> {
    let mut events = BlockEvents::default();
    if bytes.is_empty() {
        return Ok(events);
    }
    let mut input = bytes;
    for _ in 0..take_compact(&mut input)? {
        read_event(metadata, &mut input, &mut events)?;
    }
    if input.is_empty() { Ok(events) } else { Err(ScaleError::LeftOver(input.len())) }
}

fn read_event(metadata: &Metadata, input: &mut &[u8], events: &mut BlockEvents) -> Result<(), ScaleError> {
    let phase = take_byte(input)?;
    let extrinsic = match phase {
        0 => Some(u32::from_le_bytes(take_array(input)?)),
        1 | INITIALIZATION => None,
        other => return Err(ScaleError::Unknown(u32::from(other))),
    };
    let (pallet_index, event_index) = (take_byte(input)?, take_byte(input)?);
    let unknown = ScaleError::Unknown(u32::from(pallet_index) << 8 | u32::from(event_index));
    let pallet = metadata.pallet_by_event_index(pallet_index).ok_or(unknown.clone())?;
    let event = pallet.event_variant_by_index(event_index).ok_or(unknown)?;
    let mut fields = Vec::with_capacity(event.fields.len());
    for field in &event.fields {
        let before = *input;
        scale::skip(metadata.types(), field.ty.id, input)?;
        fields.push((field.ty.id, &before[..before.len() - input.len()]));
    }
    let topics = take_compact(input)? as usize;
    take(input, topics.checked_mul(32).ok_or(ScaleError::Bounds)?)?;
    match (pallet.name(), event.name.as_str(), extrinsic, fields.as_slice()) {
        ("System", "ExtrinsicSuccess", Some(index), _) => {
            events.outcomes.insert(index, Ok(()));
        }
        ("System", "ExtrinsicFailed", Some(index), [(id, bytes), ..]) => {
            events.outcomes.insert(index, Err(failure(metadata, *id, bytes)?));
        }
        ("SubtensorModule", "IncentiveAlphaEmittedToMiners", _, [(netuid, n), (emissions, e)]) => {
            let index = scale::decode(metadata.types(), *netuid, n)?;
            let emissions = scale::decode(metadata.types(), *emissions, e)?;
            events.incentives.push(Incentive { index, emissions, first: phase == INITIALIZATION });
        }
        _ => {}
    }
    Ok(())
}

/// The name of a `DispatchError`.
fn failure(metadata: &Metadata, id: u32, bytes: &[u8]) -> Result<Failure, ScaleError> {
    let mut input = bytes;
    let index = take_byte(&mut input)?;
    let named = |id: u32, index: u8| match metadata.types().resolve(id).map(|t| &t.type_def) {
        Some(TypeDef::Variant(variants)) => variants.variants.iter().find(|v| v.index == index),
        _ => None,
    };
    let variant = named(id, index).ok_or(ScaleError::Unknown(u32::from(index)))?;
    if variant.name == "Module" {
        let (pallet, error) = (take_byte(&mut input)?, take_byte(&mut input)?);
        let pallet = metadata.pallet_by_error_index(pallet).ok_or(ScaleError::Unknown(u32::from(pallet)))?;
        let error = pallet.error_variant_by_index(error).ok_or(ScaleError::Unknown(u32::from(error)))?;
        let why = crate::error::tame(&error.docs.join(" "));
        return Ok(Failure { pallet: pallet.name().to_owned(), name: error.name.clone(), why });
    }
    // `Token(FundsUnavailable)` and its like have their reason one level down.
    let detail = variant.fields.first().and_then(|field| named(field.ty.id, *input.first()?));
    let name = detail.map_or_else(|| variant.name.clone(), |detail| format!("{}.{}", variant.name, detail.name));
    Ok(Failure { pallet: "System".to_owned(), name, why: String::new() })
}

#[cfg(test)]
mod tests;
