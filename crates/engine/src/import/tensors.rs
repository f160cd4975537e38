//! Headers and values of safetensors files.
//!
//! In: paths, a shape. Out: where each tensor of the model lies, and its values as f32. A header is bounded before it is
//! read and held against the file's length, so that nothing is allocated that does not lie on the disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use types::manifest::ModelParams;

use super::Names;
use super::error::ImportError;
use super::files;
use super::limits::MAX_HEADER_BYTES;

/// Bytes of a header's own length.
const LENGTH_BYTES: u64 = 8;

/// A tensor's place.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) name: String,
    /// Index of the file.
    pub(super) file: usize,
    /// Whether its rows hold rotary pairs side by side.
    pub(super) interleaved: bool,
    /// First byte within the file.
    offset: u64,
    format: Format,
}

/// Number formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    F32,
    F16,
    Bf16,
}

impl Format {
    fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

/// What a header says of a tensor.
struct Entry {
    file: usize,
    offset: u64,
    dtype: Dtype,
    shape: Vec<usize>,
}

/// Finds every tensor of the model, in the order of the flat buffer; refuses tensors that belong to no such model.
pub(super) fn locate(files: &[PathBuf], model: &ModelParams) -> Result<Vec<Stored>, ImportError> {
    let mut entries = BTreeMap::new();
    for (file, path) in files.iter().enumerate() {
        for (name, entry) in entries_of(path, file)? {
            if entries.insert(name.clone(), entry).is_some() {
                return Err(ImportError::Twice { tensor: name });
            }
        }
    }
    let names = Names::recognise(|name| entries.contains_key(name));
    let mut found = Vec::new();
    for spec in model.tensors() {
        let name = names.stored(&spec.name);
        let Some(Entry { file, offset, dtype, shape }) = entries.remove(&name) else {
            return Err(ImportError::Missing { tensor: name });
        };
        if shape != spec.shape {
            return Err(ImportError::Shape { tensor: name, expected: spec.shape, got: shape });
        }
        let format = match dtype {
            Dtype::F32 => Format::F32,
            Dtype::F16 => Format::F16,
            Dtype::BF16 => Format::Bf16,
            other => return Err(ImportError::Format { tensor: name, got: format!("{other:?}") }),
        };
        found.push(Stored { interleaved: names.interleaved(&spec.name), name, file, offset, format });
    }
    match entries.into_keys().find(|name| !names.ignorable(name, model.tied)) {
        Some(tensor) => Err(ImportError::Unknown { tensor }),
        None => Ok(found),
    }
}

fn entries_of(path: &Path, file: usize) -> Result<Vec<(String, Entry)>, ImportError> {
    let (start, metadata) = header(path)?;
    let tensors = metadata.tensors().into_iter().map(|(name, info)| {
        let offset = start + info.data_offsets.0 as u64;
        (name, Entry { file, offset, dtype: info.dtype, shape: info.shape.clone() })
    });
    Ok(tensors.collect())
}

/// First byte of the values, and what lies where. The safetensors crate checks that tensors follow each other without gaps and
/// are as long as their shapes say.
fn header(path: &Path) -> Result<(u64, Metadata), ImportError> {
    let io = |source| ImportError::Io { path: path.to_owned(), source };
    let mut file = files::open(path)?;
    let length = file.metadata().map_err(io)?.len();
    let mut word = [0u8; LENGTH_BYTES as usize];
    file.read_exact(&mut word).map_err(io)?;
    let got = u64::from_le_bytes(word);
    if got > MAX_HEADER_BYTES {
        return Err(ImportError::TooLong { path: path.to_owned(), what: "its header", got, max: MAX_HEADER_BYTES });
    }
    let start = LENGTH_BYTES + got;
    let mut text = Vec::new();
    file.take(got).read_to_end(&mut text).map_err(io)?;
    if text.len() as u64 != got {
        return Err(ImportError::FileLength { path: path.to_owned(), expected: start, got: length });
    }
    let metadata: Metadata = files::parse(path, &text)?;
    let expected = start.saturating_add(metadata.data_len() as u64);
    if expected == length {
        Ok((start, metadata))
    } else {
        Err(ImportError::FileLength { path: path.to_owned(), expected, got: length })
    }
}

/// Reads a tensor's values piece by piece.
pub(super) fn read(path: &Path, stored: &Stored, values: &mut [f32], staging: &mut [u8]) -> Result<(), ImportError> {
    let io = |source| ImportError::Io { path: path.to_owned(), source };
    let mut file: File = files::open(path)?;
    file.seek(SeekFrom::Start(stored.offset)).map_err(io)?;
    let width = stored.format.bytes();
    for part in values.chunks_mut(staging.len() / width) {
        let bytes = &mut staging[..part.len() * width];
        file.read_exact(bytes).map_err(io)?;
        match stored.format {
            Format::F32 => fill(part, bytes, f32::from_le_bytes),
            Format::F16 => fill(part, bytes, |b| half::f16::from_le_bytes(b).to_f32()),
            Format::Bf16 => fill(part, bytes, |b| half::bf16::from_le_bytes(b).to_f32()),
        }
    }
    Ok(())
}

fn fill<const N: usize>(out: &mut [f32], bytes: &[u8], number: impl Fn([u8; N]) -> f32) {
    for (x, word) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *x = number(*word);
    }
}
