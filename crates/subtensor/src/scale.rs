//! SCALE values of types that a hostile node described.
//!
//! In: a type registry from a node's metadata, and bytes. Out: where a value ends, or the value itself. Refused: values
//! nested deeper than [`MAX_DEPTH`] or with more parts than [`MAX_PARTS`], left-over bytes, and registries whose types
//! contain themselves without end: each of these would otherwise exhaust the stack or the day.

use scale_decode::DecodeAsType;
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive};

/// Deepest nesting of a value or of a type.
const MAX_DEPTH: u8 = 64;
/// Most parts of one value.
const MAX_PARTS: u32 = 4_000_000;

/// Bytes that are no such value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// The bytes end within the value.
    #[error("the bytes end too early")]
    Short,
    /// Bytes are left over behind the value.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// Too deep, or too many parts.
    #[error("nested too deep or too long")]
    Bounds,
    /// A type or variant that the registry does not have, or a kind of type that no Bittensor value has.
    #[error("unknown type or variant {0}")]
    Unknown(u32),
    /// The value has another shape than was asked for.
    #[error("another shape than expected: {0}")]
    Shape(String),
}

/// Takes `count` bytes off the front.
pub(crate) fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], ScaleError> {
    let (head, tail) = input.split_at_checked(count).ok_or(ScaleError::Short)?;
    *input = tail;
    Ok(head)
}

/// Takes a fixed number of bytes off the front.
pub(crate) fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], ScaleError> {
    let mut out = [0; N];
    out.copy_from_slice(take(input, N)?);
    Ok(out)
}

/// Takes one byte off the front.
pub(crate) fn take_byte(input: &mut &[u8]) -> Result<u8, ScaleError> {
    Ok(take_array::<1>(input)?[0])
}

/// A compact integer of up to 32 bits.
pub(crate) fn take_compact(input: &mut &[u8]) -> Result<u32, ScaleError> {
    let first = *input.first().ok_or(ScaleError::Short)?;
    match first & 3 {
        0 => Ok(u32::from(take_byte(input)? >> 2)),
        1 => Ok(u32::from(u16::from_le_bytes(take_array(input)?) >> 2)),
        2 => Ok(u32::from_le_bytes(take_array(input)?) >> 2),
        _ if first == 3 => {
            take(input, 1)?;
            Ok(u32::from_le_bytes(take_array(input)?))
        }
        _ => Err(ScaleError::Bounds),
    }
}

/// Refuses a registry in which a type contains itself, or nests deeper than [`MAX_DEPTH`], before any byte is read.
pub(crate) fn check_types(types: &PortableRegistry) -> Result<(), ScaleError> {
    let mut known = vec![0u8; types.types.len()];
    (0..types.types.len() as u32).try_for_each(|id| height(types, id, &mut known, MAX_DEPTH).map(|_| ()))
}

/// How deep a type nests without a variant or a sequence in between, which cost bytes.
fn height(types: &PortableRegistry, id: u32, known: &mut [u8], left: u8) -> Result<u8, ScaleError> {
    match known.get(id as usize) {
        None => return Err(ScaleError::Unknown(id)),
        Some(0) => {}
        Some(height) => return Ok(*height),
    }
    let left = left.checked_sub(1).ok_or(ScaleError::Bounds)?;
    let kind = types.resolve(id).ok_or(ScaleError::Unknown(id))?;
    let parts: Vec<u32> = match &kind.type_def {
        TypeDef::Composite(composite) => composite.fields.iter().map(|f| f.ty.id).collect(),
        TypeDef::Tuple(tuple) => tuple.fields.iter().map(|f| f.id).collect(),
        TypeDef::Array(array) => vec![array.type_param.id],
        TypeDef::Compact(compact) => vec![compact.type_param.id],
        TypeDef::Variant(_) | TypeDef::Sequence(_) | TypeDef::Primitive(_) | TypeDef::BitSequence(_) => Vec::new(),
    };
    let mut highest = 0;
    for part in parts {
        highest = highest.max(height(types, part, known, left)?);
    }
    if highest >= MAX_DEPTH {
        return Err(ScaleError::Bounds);
    }
    known[id as usize] = highest + 1;
    Ok(highest + 1)
}

/// Moves `input` behind one value of type `id`.
pub(crate) fn skip(types: &PortableRegistry, id: u32, input: &mut &[u8]) -> Result<(), ScaleError> {
    let mut parts = MAX_PARTS;
    value(types, id, input, MAX_DEPTH, &mut parts)
}

fn value(types: &PortableRegistry, id: u32, input: &mut &[u8], depth: u8, parts: &mut u32) -> Result<(), ScaleError> {
    let depth = depth.checked_sub(1).ok_or(ScaleError::Bounds)?;
    *parts = parts.checked_sub(1).ok_or(ScaleError::Bounds)?;
    let kind = types.resolve(id).ok_or(ScaleError::Unknown(id))?;
    match &kind.type_def {
        TypeDef::Composite(composite) => {
            composite.fields.iter().try_for_each(|f| value(types, f.ty.id, input, depth, parts))
        }
        TypeDef::Tuple(tuple) => tuple.fields.iter().try_for_each(|f| value(types, f.id, input, depth, parts)),
        TypeDef::Variant(variants) => {
            let index = take_byte(input)?;
            let variant = variants.variants.iter().find(|v| v.index == index);
            let variant = variant.ok_or(ScaleError::Unknown(u32::from(index)))?;
            variant.fields.iter().try_for_each(|f| value(types, f.ty.id, input, depth, parts))
        }
        TypeDef::Sequence(sequence) => {
            let count = take_compact(input)?;
            many(types, sequence.type_param.id, count, input, depth, parts)
        }
        TypeDef::Array(array) => many(types, array.type_param.id, array.len, input, depth, parts),
        TypeDef::Compact(_) => {
            let first = *input.first().ok_or(ScaleError::Short)?;
            let bytes = match first & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => usize::from(first >> 2) + 5,
            };
            take(input, bytes).map(|_| ())
        }
        TypeDef::Primitive(TypeDefPrimitive::Str) => {
            let bytes = take_compact(input)?;
            take(input, bytes as usize).map(|_| ())
        }
        TypeDef::Primitive(primitive) => take(input, width(primitive)).map(|_| ()),
        TypeDef::BitSequence(_) => Err(ScaleError::Unknown(id)),
    }
}

fn many(
    types: &PortableRegistry,
    id: u32,
    count: u32,
    input: &mut &[u8],
    depth: u8,
    parts: &mut u32,
) -> Result<(), ScaleError> {
    // Byte strings are the bulk of a block's events: one step instead of one per byte.
    if let Some(TypeDef::Primitive(primitive)) = types.resolve(id).map(|t| &t.type_def)
        && *primitive != TypeDefPrimitive::Str
    {
        let bytes = (count as usize).checked_mul(width(primitive)).ok_or(ScaleError::Bounds)?;
        return take(input, bytes).map(|_| ());
    }
    (0..count).try_for_each(|_| value(types, id, input, depth, parts))
}

/// Bytes of a primitive that is no string.
fn width(primitive: &TypeDefPrimitive) -> usize {
    match primitive {
        TypeDefPrimitive::Bool | TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => 1,
        TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 2,
        TypeDefPrimitive::Char | TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => 4,
        TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 8,
        TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 16,
        TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => 32,
        TypeDefPrimitive::Str => 0,
    }
}

/// Reads all of `bytes` as one value.
pub(crate) fn decode<T: DecodeAsType>(types: &PortableRegistry, id: u32, bytes: &[u8]) -> Result<T, ScaleError> {
    let mut rest = bytes;
    skip(types, id, &mut rest)?;
    if !rest.is_empty() {
        return Err(ScaleError::LeftOver(rest.len()));
    }
    T::decode_as_type(&mut &bytes[..], id, types).map_err(|e| ScaleError::Shape(crate::error::tame(&e.to_string())))
}

#[cfg(test)]
mod tests;
