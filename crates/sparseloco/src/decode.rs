//! From container bytes of a stranger to a [`Submission`], or a typed reason why not.
//!
//! In: any bytes, the layout, and what this submission must be. Out: a submission of which every byte was checked. It
//! allocates nothing before the whole body is found sound, except one offset per unit of work and one norm per tensor.

use types::manifest::{CodebookScope, RunId};
use types::{Hash32, Hotkey, RejectReason, Round, SignPayload, Signature, Uid};

use crate::container::{HEADER_BYTES, MAGIC, SIGNATURE_BYTES, SubmissionHeader, VERSION, codebook_code, index_code};
use crate::cpu::specialised;
use crate::indices::IndexError;
use crate::layout::{ChunkShape, Layout};
use crate::quantise::{LevelError, TENSOR_CODEBOOK_BYTES, TensorCodebook};
use crate::record::{self, RecordError};
use crate::submission::Submission;

/// What the submission must say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// Whose slot it was fetched for.
    pub uid: Uid,
    /// The key registered in that slot.
    pub hotkey: Hotkey,
    /// The run's parameters at the start of the round; `None` where the caller cannot know them.
    pub theta: Option<Hash32>,
}

/// Why a container was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than any honest container.
    #[error("the container has {got} bytes, more than {max}")]
    Oversize {
        /// Its length.
        got: usize,
        /// [`Layout::max_submission_bytes`].
        max: usize,
    },
    /// It ends too early.
    #[error("the container ends after {got} bytes")]
    Truncated {
        /// Its length.
        got: usize,
    },
    /// It goes on after its end.
    #[error("{surplus} bytes follow the container's end")]
    TrailingBytes {
        /// How many.
        surplus: usize,
    },
    /// Not a container at all.
    #[error("not a submission container")]
    Magic,
    /// Made by another version.
    #[error("the container has version {got}; this build reads version {VERSION}")]
    Version {
        /// Version found.
        got: u8,
    },
    /// Coded otherwise than the run's manifest says.
    #[error("the container's coding is not the run's")]
    Coding,
    /// Signed for another run.
    #[error("made for run {got}")]
    WrongRun {
        /// The run it names.
        got: RunId,
    },
    /// Signed for another round.
    #[error("made in round {got}, expected round {expected}")]
    WrongRound {
        /// The round it names.
        got: Round,
        /// The round wanted.
        expected: Round,
    },
    /// Names another slot.
    #[error("made by uid {got}, expected uid {expected}")]
    WrongUid {
        /// The uid it names.
        got: Uid,
        /// The uid wanted.
        expected: Uid,
    },
    /// Names another key.
    #[error("made by hotkey {got}")]
    WrongHotkey {
        /// The key it names.
        got: Hotkey,
    },
    /// The signature does not hold.
    #[error("the signature does not hold")]
    BadSignature,
    /// Computed from other parameters.
    #[error("computed from parameters {got}, the run has {expected}")]
    Desynced {
        /// The hash it names.
        got: Hash32,
        /// The run's.
        expected: Hash32,
    },
    /// A loss in the header is NaN or infinite.
    #[error("the header's loss is not finite")]
    NonFiniteLoss,
    /// The body ends inside a record, or goes on after the last.
    #[error("the body's {got} bytes do not fit the run's tensors: they end in tensor {tensor}")]
    Shape {
        /// Length of the body.
        got: usize,
        /// Tensor being read; the number of tensors if bytes were left over.
        tensor: usize,
    },
    /// A level is NaN or infinite.
    #[error("a level is not finite in tensor {tensor}, chunk {chunk}")]
    NonFinite {
        /// The tensor.
        tensor: usize,
        /// The chunk in it.
        chunk: usize,
    },
    /// A level is subnormal, too large, negative or out of order.
    #[error("a level is out of bounds in tensor {tensor}, chunk {chunk}")]
    Codebook {
        /// The tensor.
        tensor: usize,
        /// The chunk in it.
        chunk: usize,
    },
    /// An index does not lie in its chunk.
    #[error("an index is out of range in tensor {tensor}, chunk {chunk}")]
    IndexOutOfRange {
        /// The tensor.
        tensor: usize,
        /// The chunk in it.
        chunk: usize,
    },
    /// An index occurs twice.
    #[error("an index repeats in tensor {tensor}, chunk {chunk}")]
    DuplicateIndex {
        /// The tensor.
        tensor: usize,
        /// The chunk in it.
        chunk: usize,
    },
    /// Indices do not ascend.
    #[error("indices do not ascend in tensor {tensor}, chunk {chunk}")]
    UnsortedIndex {
        /// The tensor.
        tensor: usize,
        /// The chunk in it.
        chunk: usize,
    },
    /// Padding bits are not zero.
    #[error("padding is not zero in tensor {tensor}, chunk {chunk}")]
    Padding {
        /// The tensor.
        tensor: usize,
        /// The chunk in it.
        chunk: usize,
    },
}

impl DecodeError {
    /// The verdict this error leads to.
    pub fn reject_reason(&self) -> RejectReason {
        match self {
            Self::BadSignature => RejectReason::Signature,
            Self::WrongRun { .. } | Self::WrongRound { .. } | Self::WrongUid { .. } | Self::WrongHotkey { .. } => {
                RejectReason::WrongHeader
            }
            Self::Desynced { .. } => RejectReason::Desynced,
            _ => RejectReason::Format,
        }
    }
}

/// Reads and checks a container.
///
/// Order of checks, cheap before dear: size; magic, version, coding; lengths; run, round, uid, hotkey; signature; what the
/// signer claims (θ, losses); body. So nothing about a peer is believed before its signature holds, and no body is parsed
/// that it did not sign.
///
/// Memory: a copy of the body, 8 bytes per unit of at least 2^18 parameters (or one band of chunks), 4 to 20 per tensor.
///
/// # Errors
/// [`DecodeError`]; its [`DecodeError::reject_reason`] is the peer's verdict.
pub fn decode(bytes: &[u8], layout: &Layout, expected: &Expected) -> Result<Submission, DecodeError> {
    let (header, body) = open(bytes, layout, expected)?;
    let checked = check_body(body, layout)?;
    Ok(checked.submission(header, layout, body.to_vec(), 0..body.len()))
}

/// As [`decode`], for bytes the caller no longer needs: they are kept instead of copied.
///
/// # Errors
/// As [`decode`].
pub fn decode_owned(bytes: Vec<u8>, layout: &Layout, expected: &Expected) -> Result<Submission, DecodeError> {
    let (header, body) = open(&bytes, layout, expected)?;
    let body_len = body.len();
    let checked = check_body(body, layout)?;
    Ok(checked.submission(header, layout, bytes, HEADER_BYTES..HEADER_BYTES + body_len))
}

/// All checks before the body's own.
fn open<'a>(
    bytes: &'a [u8],
    layout: &Layout,
    expected: &Expected,
) -> Result<(SubmissionHeader, &'a [u8]), DecodeError> {
    let max = layout.max_submission_bytes();
    if bytes.len() > max {
        return Err(DecodeError::Oversize { got: bytes.len(), max });
    }
    let truncated = DecodeError::Truncated { got: bytes.len() };
    let head = bytes.first_chunk::<HEADER_BYTES>().ok_or(truncated.clone())?;
    check_coding(head, layout)?;
    let (header, body_len) = SubmissionHeader::read(head);
    let rest = &bytes[HEADER_BYTES..];
    let body_len = usize::try_from(body_len).map_err(|_| truncated.clone())?;
    let whole = body_len.checked_add(SIGNATURE_BYTES).ok_or(truncated.clone())?;
    if rest.len() < whole {
        return Err(truncated);
    }
    if rest.len() > whole {
        return Err(DecodeError::TrailingBytes { surplus: rest.len() - whole });
    }
    check_addressee(&header, expected)?;
    let (signed, signature) = bytes.split_at(HEADER_BYTES + body_len);
    check_signature(&header, signed, signature)?;
    check_claims(&header, expected)?;
    Ok((header, &rest[..body_len]))
}

fn check_coding(head: &[u8; HEADER_BYTES], layout: &Layout) -> Result<(), DecodeError> {
    let [m0, m1, m2, m3, version, codebook, index, zero, ..] = *head;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(DecodeError::Magic);
    }
    if version != VERSION {
        return Err(DecodeError::Version { got: version });
    }
    let right = codebook == codebook_code(layout) && index == index_code(layout) && zero == 0;
    if right { Ok(()) } else { Err(DecodeError::Coding) }
}

fn check_addressee(header: &SubmissionHeader, expected: &Expected) -> Result<(), DecodeError> {
    if header.run != expected.run {
        return Err(DecodeError::WrongRun { got: header.run });
    }
    if header.round != expected.round {
        return Err(DecodeError::WrongRound { got: header.round, expected: expected.round });
    }
    if header.uid != expected.uid {
        return Err(DecodeError::WrongUid { got: header.uid, expected: expected.uid });
    }
    if header.hotkey != expected.hotkey {
        return Err(DecodeError::WrongHotkey { got: header.hotkey });
    }
    Ok(())
}

fn check_signature(header: &SubmissionHeader, signed: &[u8], signature: &[u8]) -> Result<(), DecodeError> {
    let signature = Signature(signature.try_into().map_err(|_| DecodeError::BadSignature)?);
    let digest = Hash32(*blake3::hash(signed).as_bytes());
    let payload = SignPayload::Submission { run: header.run, round: header.round, digest };
    header.hotkey.verify(&payload.to_bytes(), &signature).map_err(|_| DecodeError::BadSignature)
}

fn check_claims(header: &SubmissionHeader, expected: &Expected) -> Result<(), DecodeError> {
    match expected.theta {
        Some(theta) if theta != header.theta => {
            return Err(DecodeError::Desynced { got: header.theta, expected: theta });
        }
        _ => {}
    }
    let finite = header.loss_first.is_finite() && header.loss_last.is_finite();
    if finite { Ok(()) } else { Err(DecodeError::NonFiniteLoss) }
}

/// What checking a body yields beside "it is sound".
pub(crate) struct CheckedBody {
    unit_starts: Vec<u64>,
    tensor_levels: Vec<[f32; 4]>,
    norms: Vec<f32>,
}

impl CheckedBody {
    pub(crate) fn submission(
        self,
        header: SubmissionHeader,
        layout: &Layout,
        bytes: Vec<u8>,
        body: std::ops::Range<usize>,
    ) -> Submission {
        let Self { unit_starts, tensor_levels, norms } = self;
        Submission { header, layout: layout.clone(), bytes, body, unit_starts, tensor_levels, norms }
    }
}

/// Checks every record and remembers where each unit begins.
pub(crate) fn check_body(body: &[u8], layout: &Layout) -> Result<CheckedBody, DecodeError> {
    let tensors = layout.tensors();
    let mut unit_starts = Vec::with_capacity(layout.units().len());
    let mut norms = Vec::with_capacity(tensors.len());
    let per_tensor = layout.params().codebook == CodebookScope::Tensor;
    let mut tensor_levels = Vec::with_capacity(if per_tensor { tensors.len() } else { 0 });
    let mut at = 0;
    for (number, tensor) in tensors.iter().enumerate() {
        let mut levels = [0.0; 4];
        if per_tensor {
            let short = DecodeError::Shape { got: body.len(), tensor: number };
            let raw = body[at..].first_chunk::<TENSOR_CODEBOOK_BYTES>().ok_or(short)?;
            levels = TensorCodebook::levels_from_bytes(raw).map_err(|e| level_error(e, number, 0))?;
            tensor_levels.push(levels);
            at += TENSOR_CODEBOOK_BYTES;
        }
        let mut squares = 0.0;
        for unit in &layout.units()[tensor.first_unit..][..tensor.units] {
            unit_starts.push(at as u64);
            let chunks = unit.bands * tensor.chunks_per_band;
            let (len, sum) = specialised(
                #[inline(always)]
                || check_records(&tensor.shape, &body[at..], levels, chunks, squares),
            )
            .map_err(|(chunk, e)| record_error(e, body.len(), number, unit.first_chunk + chunk))?;
            at += len;
            squares = sum;
        }
        norms.push(squares.sqrt() as f32);
    }
    if at != body.len() {
        return Err(DecodeError::Shape { got: body.len(), tensor: tensors.len() });
    }
    Ok(CheckedBody { unit_starts, tensor_levels, norms })
}

/// Checks the `chunks` records at the start of `bytes`: gives their length, and `squares` plus their squared values; or
/// which record is wrong, and how.
#[inline(always)]
fn check_records(
    shape: &ChunkShape,
    bytes: &[u8],
    levels: [f32; 4],
    chunks: usize,
    mut squares: f64,
) -> Result<(usize, f64), (usize, RecordError)> {
    let mut at = 0;
    for chunk in 0..chunks {
        let checked = record::check(shape, &bytes[at..], levels).map_err(|e| (chunk, e))?;
        at += checked.len;
        squares += checked.squares;
    }
    Ok((at, squares))
}

fn level_error(error: LevelError, tensor: usize, chunk: usize) -> DecodeError {
    match error {
        LevelError::NonFinite => DecodeError::NonFinite { tensor, chunk },
        LevelError::OutOfBounds => DecodeError::Codebook { tensor, chunk },
    }
}

fn record_error(error: RecordError, got: usize, tensor: usize, chunk: usize) -> DecodeError {
    match error {
        RecordError::Levels(e) => level_error(e, tensor, chunk),
        RecordError::Indices(IndexError::Truncated) => DecodeError::Shape { got, tensor },
        RecordError::Indices(IndexError::OutOfRange) => DecodeError::IndexOutOfRange { tensor, chunk },
        RecordError::Indices(IndexError::Duplicate) => DecodeError::DuplicateIndex { tensor, chunk },
        RecordError::Indices(IndexError::Unsorted) => DecodeError::UnsortedIndex { tensor, chunk },
        RecordError::Indices(IndexError::Padding) => DecodeError::Padding { tensor, chunk },
    }
}
