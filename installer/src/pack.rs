//! The two formats inside all packages: tar as GNU writes it, and zstd.
//!
//! In: a tree. Out: bytes that depend on the tree and one time only: sorted, owned by 0, modes 755 and 644.

use crate::PackError;
use crate::tree::{Entry, Tree};
use std::io::Write as _;
use tar::{Builder, EntryType, Header};

/// Slow to write and quick to read; 19 is the highest level without a larger window, which old readers refuse.
const ZSTD_LEVEL: i32 = 19;

/// A tar of `tree`, each path after `before` (`./` in Debian's packages, nothing elsewhere).
pub(crate) fn tar(tree: &Tree, before: &str, time: u32) -> Result<Vec<u8>, PackError> {
    let fault = || PackError::io("the archive can't be written");
    let mut tar = Builder::new(Vec::new());
    if !before.is_empty() {
        tar.append(&header(EntryType::Directory, before, 0o755, 0, time)?, &[][..]).map_err(fault())?;
    }
    for folder in tree.folders() {
        let header = header(EntryType::Directory, &format!("{before}{folder}/"), 0o755, 0, time)?;
        tar.append(&header, &[][..]).map_err(fault())?;
    }
    for (path, entry) in tree.entries() {
        let path = format!("{before}{path}");
        match entry {
            Entry::File { bytes, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                let header = header(EntryType::Regular, &path, mode, bytes.len() as u64, time)?;
                tar.append(&header, bytes.as_slice()).map_err(fault())?;
            }
            Entry::Link(target) => {
                let mut header = header(EntryType::Symlink, &path, 0o777, 0, time)?;
                header.set_link_name_literal(target).map_err(fault())?;
                header.set_cksum();
                tar.append(&header, &[][..]).map_err(fault())?;
            }
        }
    }
    tar.into_inner().map_err(fault())
}

/// One header. The path is written as it is: the library's own setter drops a leading `./`.
fn header(kind: EntryType, path: &str, mode: u32, size: u64, time: u32) -> Result<Header, PackError> {
    let mut header = Header::new_gnu();
    let field = &mut header.as_gnu_mut().ok_or_else(|| PackError::Path(path.to_owned()))?.name;
    if path.len() >= field.len() {
        return Err(PackError::Path(path.to_owned()));
    }
    field[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(u64::from(time));
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// Compressed by one thread, so that the bytes do not depend on the number of cores.
pub(crate) fn zstd(bytes: &[u8]) -> Result<Vec<u8>, PackError> {
    let fault = || PackError::io("the archive can't be compressed");
    let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(fault())?;
    encoder.include_checksum(true).and_then(|()| encoder.write_all(bytes)).map_err(fault())?;
    encoder.finish().map_err(fault())
}
