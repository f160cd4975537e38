//! Every bound of packs, and the reason for each number. Those of the line are in `update::limits`.
//!
//! In: nothing. Out: constants. No bound is written anywhere else.

/// Packs in one description: three systems times two kinds times a few versions.
pub(crate) const MAX_PACKS: usize = 32;

/// Archives of one pack: PyTorch's CUDA half lies in fifteen wheels.
pub(crate) const MAX_ARCHIVES: usize = 32;

/// Files of one pack: libraries and licences; 200 today.
pub(crate) const MAX_FILES: usize = 2_000;

/// Longest file of a pack: libtorch_cuda has 0.5 GB, cublasLt 0.8 GB.
pub(crate) const MAX_FILE_BYTES: u64 = 4 << 30;

/// Longest pack: twice the CUDA half.
pub(crate) const MAX_PACK_BYTES: u64 = 16 << 30;

/// Longest archive.
pub(crate) const MAX_ARCHIVE_BYTES: u64 = 8 << 30;

/// Deflate makes at most 1032 bytes of one.
pub(crate) const MAX_RATIO: u64 = 1032;

/// Bytes unpacked at once.
pub(crate) const PIECE_BYTES: usize = 256 << 10;

/// Files looked at in one archive when it is described: torch's wheel has 14,000.
pub(crate) const MAX_LISTED: usize = 100_000;

/// Longest note of what is on the shelf: a line for each file.
pub(crate) const MAX_NOTE_BYTES: u64 = 1 << 20;
