//! A pack is fetched, unpacked and put onto the shelf; what an earlier try left is used.
//!
//! In: a pack of a believed description, sources or a folder of local archives. Out: the pack on the shelf. Each file is fetched
//! as its packed bytes, unpacked beside, hashed while it is written, and renamed when it is right. Refused: a file that is
//! longer or other than signed; a disk without room, before anything is fetched.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::DeflateDecoder;
use tokio_util::sync::CancellationToken;
use update::fetch::{Fetch, FetchError, From, Line};
use update::limits::DISK_SLACK_BYTES;
use update::place::plain_path;
use update::whole_file::{remove, sync_folder};

use crate::limits::PIECE_BYTES;
use crate::manifest::{Member, Method, Pack, PackArchive};
use crate::shelf::Shelf;

/// Packed bytes, within the workshop. No file of a pack begins with a dot.
const PACKED: &str = ".packed";

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Packed bytes that are there, of this and earlier tries.
    pub done: u64,
    /// Packed bytes of the whole pack.
    pub total: u64,
    /// Bytes that came over a line in this try.
    pub traffic: u64,
}

/// Why there is no pack, or not yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// No room.
    #[error("the engine needs {need} bytes of free disk, and there are {free}")]
    Room {
        /// Bytes needed.
        need: u64,
        /// Bytes there are.
        free: u64,
    },
    /// It did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is not what was signed.
    #[error("{0} is not what was signed, though each of its pieces is: the description is wrong")]
    Member(String),
    /// The disk.
    #[error("cannot read or write the pack: {0}")]
    Disk(io::Error),
}

impl PackError {
    fn disk(error: io::Error) -> Self {
        match FetchError::disk(error) {
            FetchError::Disk(error) => Self::Disk(error),
            other => Self::Fetch(other),
        }
    }
}

/// Fetches packs.
pub struct Getter<'a> {
    /// The client.
    pub line: &'a Line,
    /// Where to.
    pub shelf: &'a Shelf,
    /// A folder with archives, which are asked before any server. Nothing else is asked if `offline`.
    pub local: Option<&'a Path>,
    /// Whether servers are left alone.
    pub offline: bool,
    /// Told as bytes come.
    pub progress: &'a (dyn Fn(Progress) + Send + Sync),
    /// Ends it; what is there stays.
    pub stop: &'a CancellationToken,
    /// Bytes that may be written for one file at most, if the disk is not the user's to fill.
    pub quota: Option<u64>,
}

/// A file that is still to be made.
struct Missing<'a> {
    index: usize,
    archive: &'a PackArchive,
    member: &'a Member,
}

impl Getter<'_> {
    /// Fetches what is missing of `pack` and puts it onto the shelf.
    ///
    /// # Errors
    /// [`PackError`]; what is there stays, and the next call goes on from it.
    pub async fn get(&self, pack: &Pack) -> Result<(), PackError> {
        if self.shelf.has(pack) {
            return self.shelf.use_pack(pack).map_err(PackError::disk);
        }
        let workshop = self.shelf.workshop(pack);
        let (missing, mut done) = self.missing(pack, &workshop).await?;
        check_room(&missing, &workshop)?;
        let (total, traffic) = (pack.packed_bytes(), AtomicU64::new(0));
        let told = |done| {
            (self.progress)(Progress { done, total, traffic: traffic.load(Ordering::Relaxed) });
        };
        told(done);
        for Missing { index, archive, member } in missing {
            let packed = workshop.join(PACKED).join(index.to_string());
            let sources = self.sources(archive);
            let fetch = Fetch {
                line: self.line,
                sources: &sources,
                progress: &|have| told(done + have),
                traffic: &|bytes| {
                    traffic.fetch_add(bytes, Ordering::Relaxed);
                },
                stop: self.stop,
                quota: self.quota,
            };
            fetch.complete(&member.blob(archive.bytes), &packed).await?;
            let (member, to) = (member.clone(), workshop.clone());
            done += member.packed;
            blocking(move || unpack(&packed, &member, &to)).await?;
        }
        let (shelf, pack) = (self.shelf.clone(), pack.clone());
        blocking(move || {
            remove(&workshop.join(PACKED)).map_err(PackError::disk)?;
            shelf.put(&pack).map_err(PackError::disk)
        })
        .await
    }

    /// Files that are not there yet, and the packed bytes of those that are.
    async fn missing<'a>(&self, pack: &'a Pack, workshop: &Path) -> Result<(Vec<Missing<'a>>, u64), PackError> {
        let (mut missing, mut done) = (Vec::new(), 0);
        for (index, (archive, member)) in pack.members().enumerate() {
            let (path, known) = (workshop.join(&member.to), member.clone());
            if blocking(move || is_file(&path, &known).map_err(PackError::disk)).await? {
                done += member.packed;
            } else {
                missing.push(Missing { index, archive, member });
            }
        }
        Ok((missing, done))
    }

    fn sources(&self, archive: &PackArchive) -> Vec<From> {
        let local = self.local.map(|folder| folder.join(&archive.file)).filter(|path| path.is_file());
        let servers = archive.urls.iter().filter(|_| !self.offline).cloned().map(From::Web);
        local.map(From::Disk).into_iter().chain(servers).collect()
    }
}

/// Room for the files that are missing, and for the longest one's packed bytes beside it.
fn check_room(missing: &[Missing<'_>], workshop: &Path) -> Result<(), PackError> {
    let files: u64 = missing.iter().map(|missing| missing.member.bytes).sum();
    let packed = missing.iter().map(|missing| missing.member.packed).max().unwrap_or(0);
    let need = files + packed + DISK_SLACK_BYTES;
    match update::room::free(workshop) {
        Some(free) if free < need => Err(PackError::Room { need, free }),
        _ => Ok(()),
    }
}

/// Unpacks one file beside its place, checks it, and moves it there.
fn unpack(packed: &Path, member: &Member, workshop: &Path) -> Result<(), PackError> {
    let path = plain_path(&member.to).map_err(|_| PackError::Member(member.to.clone()))?;
    let to = workshop.join(path);
    let beside: PathBuf = packed.with_extension("out");
    let from = File::open(packed).map_err(PackError::disk)?;
    let right = match member.method {
        Method::Stored => write(from, member, &beside),
        Method::Deflate => write(DeflateDecoder::new(from), member, &beside),
    };
    if !right.map_err(PackError::disk)? {
        // Its chunks were right when they came: the disk has changed them since, or the description is wrong.
        remove(packed).and_then(|()| remove(&beside)).map_err(PackError::disk)?;
        return Err(PackError::Member(member.to.clone()));
    }
    let moved = || {
        fs::create_dir_all(to.parent().unwrap_or(workshop))?;
        fs::rename(&beside, &to)?;
        sync_folder(&to)?;
        remove(packed)
    };
    moved().map_err(PackError::disk)
}

/// Writes what `from` gives, at most one byte more than the file may have; whether it is the file.
fn write(mut from: impl Read, member: &Member, to: &Path) -> io::Result<bool> {
    let (mut file, mut hasher, mut count) = (File::create(to)?, blake3::Hasher::new(), 0);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let got = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(got) => got,
            // Not deflate: no fault of the disk.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        count += got as u64;
        if count > member.bytes {
            return Ok(false);
        }
        hasher.update(&piece[..got]);
        file.write_all(&piece[..got])?;
    }
    file.sync_all()?;
    Ok(count == member.bytes && hasher.finalize().to_hex().as_str() == member.blake3)
}

fn is_file(path: &Path, member: &Member) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() != member.bytes {
        return Ok(false);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().as_str() == member.blake3)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PackError> + Send + 'static,
) -> Result<T, PackError> {
    let gone = |_| PackError::Disk(io::Error::other("the worker ended"));
    tokio::task::spawn_blocking(work).await.map_err(gone)?
}
