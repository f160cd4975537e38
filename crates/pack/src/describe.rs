//! Describes an archive for a pack: what the release's maintainer does once per version of libtorch.
//!
//! In: a zip archive (a wheel is one), the beginnings of wanted paths. Out: where the packed bytes of each wanted file lie,
//! and all hashes. Refused: what a user's machine would refuse: paths that leave the pack, encrypted files, links, other
//! packings than none and deflate, a file that is longer than its entry says.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;
use update::limits::CHUNK_BYTES;
use update::place::{PlaceError, Source, plain_name, plain_path};
use zip::{CompressionMethod, ZipArchive};

use crate::limits::{MAX_FILE_BYTES, MAX_FILES, MAX_LISTED};
use crate::manifest::{Member, Method, PackArchive};

/// Why an archive cannot be described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// It does not read.
    #[error("the archive does not read: {0}")]
    Disk(#[from] io::Error),
    /// It is no zip archive.
    #[error("this is no zip archive that can be read: {0}")]
    Zip(String),
    /// A name or path.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A file that no pack may have.
    #[error("`{path}` cannot be part of a pack: {why}")]
    File {
        /// Its path.
        path: String,
        /// Why not.
        why: &'static str,
    },
    /// Too many.
    #[error("the archive has more files than are looked at")]
    TooMany,
    /// Nothing was found.
    #[error("nothing in the archive begins with `{0}`")]
    Nothing(String),
}

/// Describes the files of `archive` whose path begins with one of `wanted`.
///
/// # Errors
/// [`DescribeError`].
pub fn describe(archive: &Path, urls: Vec<Source>, wanted: &[String]) -> Result<PackArchive, DescribeError> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    plain_name(&name)?;
    let bytes = File::open(archive)?.metadata()?.len();
    let zip_error = |error: zip::result::ZipError| DescribeError::Zip(error.to_string());
    let mut zip = ZipArchive::new(io::BufReader::new(File::open(archive)?)).map_err(zip_error)?;
    if zip.len() > MAX_LISTED {
        return Err(DescribeError::TooMany);
    }
    let mut members = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(zip_error)?;
        let path = entry.name().map_err(zip_error)?.into_owned();
        if !entry.is_file() || !wanted.iter().any(|wanted| path.starts_with(wanted.as_str())) {
            continue;
        }
        let refuse = |why| DescribeError::File { path: path.clone(), why };
        plain_path(&path)?;
        let method = match entry.compression() {
            _ if entry.encrypted() || entry.is_symlink() => return Err(refuse("it is encrypted or a link")),
            CompressionMethod::Stored => Method::Stored,
            CompressionMethod::Deflated => Method::Deflate,
            _ => return Err(refuse("its packing is not known")),
        };
        let at = entry.data_start().ok_or_else(|| refuse("it has no place"))?;
        let (packed, size) = (entry.compressed_size(), entry.size());
        if !(1..=MAX_FILE_BYTES).contains(&size) {
            return Err(refuse("it is empty or too long"));
        }
        drop(entry);
        let chunks = chunks(archive, at, packed)?;
        let blake3 =
            content(archive, at, packed, method, size)?.ok_or_else(|| refuse("it is not what its entry says"))?;
        members.push(Member { to: path, at, packed, method, bytes: size, blake3, chunks });
        if members.len() > MAX_FILES {
            return Err(DescribeError::TooMany);
        }
    }
    if let Some(none) =
        wanted.iter().find(|wanted| !members.iter().any(|member| member.to.starts_with(wanted.as_str())))
    {
        return Err(DescribeError::Nothing(none.clone()));
    }
    Ok(PackArchive { file: name, bytes, urls, members })
}

fn range(archive: &Path, at: u64, packed: u64) -> io::Result<io::Take<File>> {
    let mut file = File::open(archive)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(file.take(packed))
}

fn chunks(archive: &Path, at: u64, packed: u64) -> io::Result<Vec<String>> {
    let mut range = range(archive, at, packed)?;
    let mut chunks = Vec::new();
    loop {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(range.by_ref().take(CHUNK_BYTES))?;
        if hasher.count() == 0 {
            return Ok(chunks);
        }
        chunks.push(hasher.finalize().to_hex().to_string());
    }
}

/// Hash of the unpacked file; `None` if it has not `size` bytes. Never reads more than one byte beyond.
fn content(archive: &Path, at: u64, packed: u64, method: Method, size: u64) -> io::Result<Option<String>> {
    let range = range(archive, at, packed)?;
    let mut hasher = blake3::Hasher::new();
    match method {
        Method::Stored => hasher.update_reader(range.take(size + 1))?,
        Method::Deflate => hasher.update_reader(DeflateDecoder::new(range).take(size + 1))?,
    };
    Ok((hasher.count() == size).then(|| hasher.finalize().to_hex().to_string()))
}
