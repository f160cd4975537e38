//! The runtime pack: the part of libtorch that this machine needs, which no installer carries.
//!
//! In: a signed description (which files of which archives, by place, size and hash; the addresses are data in it), sources or
//! local files, a folder. Out: a [`Shelf`] with whole packs, each there by one rename, and the variables by which the peer
//! finds them. Of an archive only the bytes of wanted files are fetched, chunk by chunk, so that a kill, a cut line or a bad
//! byte costs one chunk. Refused: paths that leave the pack, files longer than signed, anything that no trusted key signed.
//! It does not decide when a download may run, and loads nothing.

mod describe;
mod fits;
mod get;
mod limits;
mod manifest;
mod shelf;

pub use describe::{DescribeError, describe};
pub use fits::{Machine, Unfit, fits};
pub use get::{Getter, PackError, Progress};
pub use manifest::{Kind, Member, Method, Needs, Pack, PackArchive, PackManifest, PackManifestError};
pub use shelf::{SEARCH_PATH, Shelf};

/// The torch that this workspace's peer is linked to: tch 0.26 speaks exactly this one.
pub const TORCH: &str = "2.13.0";
