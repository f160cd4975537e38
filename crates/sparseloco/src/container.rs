//! The submission container: header, body, signature.
//!
//! In: what a peer says about its round, and the records of its chunks. Out: bytes to sign and to send. The key is not
//! here: a [`Draft`] names what is to be signed and takes the signature.
//!
//! All integers little-endian:
//!
//! | Bytes | Field |
//! |---|---|
//! | 4 | magic `CVSL` |
//! | 1 | version, 1 |
//! | 1 | codebook scope: 0 tensor, 1 chunk |
//! | 1 | index coding: 0 Rice, 1 Packed12 |
//! | 1 | zero |
//! | 32, 8, 2, 32 | run, round, uid, hotkey |
//! | 32 | BLAKE3 of the parameters the peer started from |
//! | 16, 4 | sample digest and sample count |
//! | 8, 4 | tokens, inner steps |
//! | 4, 4 | first and last loss, f32, nats per token |
//! | 8 | length of the body |
//! | … | body: records (see [`crate::record`]) |
//! | 64 | sr25519 signature over `SignPayload::Submission` with BLAKE3 of everything before it |

use types::manifest::{CodebookScope, IndexCoding, RunId};
use types::{Hash32, Hotkey, Round, SignPayload, Signature, Uid};

use crate::compress::{CompressError, Packed};
use crate::layout::Layout;

/// First bytes of every container.
pub const MAGIC: [u8; 4] = *b"CVSL";
/// Version of the container that this build writes and reads.
pub const VERSION: u8 = 1;
/// Bytes before the body.
pub const HEADER_BYTES: usize = 8 + 32 + 8 + 2 + 32 + 32 + 16 + 4 + 8 + 4 + 4 + 4 + 8;
/// Bytes after the body.
pub const SIGNATURE_BYTES: usize = 64;

/// What a peer states about its submission (protocol.md §4.3; architecture: "One training round").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubmissionHeader {
    /// The run.
    pub run: RunId,
    /// The round the pseudo-gradient was computed in.
    pub round: Round,
    /// The peer's slot.
    pub uid: Uid,
    /// The key that signs.
    pub hotkey: Hotkey,
    /// Hash of the parameters the peer started from, see [`crate::theta_hash`].
    pub theta: Hash32,
    /// Digest of the samples trained on (protocol.md §7).
    pub sample_digest: [u8; 16],
    /// Samples trained on.
    pub sample_count: u32,
    /// Tokens trained on.
    pub tokens: u64,
    /// Inner steps taken.
    pub inner_steps: u32,
    /// Loss of the first inner step, nats per token; finite.
    pub loss_first: f32,
    /// Loss of the last inner step, nats per token; finite.
    pub loss_last: f32,
}

impl SubmissionHeader {
    pub(crate) fn write(&self, layout: &Layout, body_len: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, codebook_code(layout), index_code(layout), 0]);
        out.extend_from_slice(&self.run.0.0);
        out.extend_from_slice(&self.round.0.to_le_bytes());
        out.extend_from_slice(&self.uid.0.to_le_bytes());
        out.extend_from_slice(&self.hotkey.0);
        out.extend_from_slice(&self.theta.0);
        out.extend_from_slice(&self.sample_digest);
        out.extend_from_slice(&self.sample_count.to_le_bytes());
        out.extend_from_slice(&self.tokens.to_le_bytes());
        out.extend_from_slice(&self.inner_steps.to_le_bytes());
        out.extend_from_slice(&self.loss_first.to_le_bytes());
        out.extend_from_slice(&self.loss_last.to_le_bytes());
        out.extend_from_slice(&(body_len as u64).to_le_bytes());
    }

    /// Reads the fields after the first eight bytes; the last of them is the body's length.
    pub(crate) fn read(bytes: &[u8; HEADER_BYTES]) -> (Self, u64) {
        let mut fields = Fields(&bytes[8..]);
        let header = Self {
            run: RunId(Hash32(fields.take())),
            round: Round(u64::from_le_bytes(fields.take())),
            uid: Uid(u16::from_le_bytes(fields.take())),
            hotkey: Hotkey(fields.take()),
            theta: Hash32(fields.take()),
            sample_digest: fields.take(),
            sample_count: u32::from_le_bytes(fields.take()),
            tokens: u64::from_le_bytes(fields.take()),
            inner_steps: u32::from_le_bytes(fields.take()),
            loss_first: f32::from_le_bytes(fields.take()),
            loss_last: f32::from_le_bytes(fields.take()),
        };
        (header, u64::from_le_bytes(fields.take()))
    }
}

/// Cuts fixed-size fields off the front of a header whose size was checked.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((head, tail)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = tail;
        *head
    }
}

pub(crate) fn codebook_code(layout: &Layout) -> u8 {
    match layout.params().codebook {
        CodebookScope::Tensor => 0,
        CodebookScope::Chunk => 1,
    }
}

pub(crate) fn index_code(layout: &Layout) -> u8 {
    match layout.params().indices {
        IndexCoding::Rice => 0,
        IndexCoding::Packed12 => 1,
    }
}

/// Figures about a draft, for logs and telemetry; nothing depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DraftStats {
    /// Bytes of the finished container.
    pub container_bytes: usize,
    /// L2 norm of the error feedback after the step; 0 where none is kept.
    pub error_feedback_norm: f64,
    /// L2 norm of what is sent, after quantisation.
    pub sent_norm: f64,
}

/// A container that lacks its signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    bytes: Vec<u8>,
    header: SubmissionHeader,
    stats: DraftStats,
}

impl Draft {
    /// Puts header and body parts together.
    pub(crate) fn assemble(layout: &Layout, header: &SubmissionHeader, parts: &[Packed], stats: DraftStats) -> Self {
        let body_len = parts.iter().map(|p| p.bytes.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body_len + SIGNATURE_BYTES);
        header.write(layout, body_len, &mut bytes);
        parts.iter().for_each(|part| bytes.extend_from_slice(&part.bytes));
        let stats = DraftStats { container_bytes: bytes.len() + SIGNATURE_BYTES, ..stats };
        Self { bytes, header: *header, stats }
    }

    /// Builds a draft from chosen indices and values, without top-k and error feedback.
    ///
    /// For every tensor and chunk, in order, `fill(tensor, chunk, indices, values)` gets two slices of the chunk's k
    /// elements to overwrite. The values are then quantised as usual. This is how a rehearsal plays a peer that does not
    /// follow top-k; nothing that a peer could not build by itself can be built here.
    ///
    /// # Errors
    /// [`CompressError::Indices`] if a chunk's indices are not strictly ascending and within the chunk, and the value
    /// errors of [`crate::compress`].
    pub fn from_chunks(
        layout: &Layout,
        header: &SubmissionHeader,
        fill: impl FnMut(usize, usize, &mut [u16], &mut [f32]),
    ) -> Result<Self, CompressError> {
        crate::compress::from_chunks(layout, header, fill)
    }

    /// BLAKE3 of all bytes before the signature.
    pub fn digest(&self) -> Hash32 {
        Hash32(*blake3::hash(&self.bytes).as_bytes())
    }

    /// What the peer's hotkey has to sign.
    pub fn sign_payload(&self) -> SignPayload {
        SignPayload::Submission { run: self.header.run, round: self.header.round, digest: self.digest() }
    }

    /// All bytes before the signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The header.
    pub fn header(&self) -> &SubmissionHeader {
        &self.header
    }

    /// Sizes and norms.
    pub fn stats(&self) -> DraftStats {
        self.stats
    }

    /// Appends the signature: the container that travels.
    pub fn finish(self, signature: Signature) -> Vec<u8> {
        let mut bytes = self.bytes;
        bytes.extend_from_slice(&signature.0);
        bytes
    }
}
