//! Finding the input files and opening them by kind.
//!
//! In: paths from a person. Out: a list of files whose order depends on their names alone, so that two people build the
//! same set from the same text. Links inside folders are not followed; unknown kinds inside folders are left out and
//! counted, but a file named outright is always read.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use flate2::read::MultiGzDecoder;

use super::pieces::{JsonLines, PieceSource, StoryPieces, TextPieces};
use super::{BuildError, BuildOptions};
use crate::story::Stories;

/// Folders deeper than this are a loop or an attack.
const MAX_DEPTH: usize = 64;
/// Bytes a compressed file may become whatever its own length is.
const EXPANSION_FLOOR_BYTES: u64 = 16 << 20;
/// Endings that are read as plain text when found in a folder.
const TEXT_ENDINGS: &[&str] = &["txt", "text", "md", "markdown", "rst", "pod", "tex", "adoc", "dict"];

pub(super) struct Found {
    pub(super) files: Vec<InputFile>,
    pub(super) skipped: u64,
}

pub(super) struct InputFile {
    path: PathBuf,
    /// Name below the input it was found in, with `/` between folders.
    name: String,
    bytes: u64,
    modified_ns: u128,
    kind: Kind,
    gzip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    JsonLines,
    Parquet,
}

pub(super) enum Input {
    File(InputFile),
    Stories { seed: u64, tokens: u64 },
}

impl Input {
    /// What makes this input differ from another; no path of this machine.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::File(file) => format!("{:?} {} {}", file.name, file.bytes, file.modified_ns),
            Self::Stories { seed, tokens } => format!("stories {seed} {tokens}"),
        }
    }

    pub(super) fn open(&self, options: &BuildOptions) -> Result<Box<dyn PieceSource>, BuildError> {
        match self {
            Self::File(file) => file.open(options),
            Self::Stories { seed, .. } => Ok(Box::new(StoryPieces(Stories::new(*seed)))),
        }
    }
}

impl InputFile {
    fn open(&self, options: &BuildOptions) -> Result<Box<dyn PieceSource>, BuildError> {
        if self.kind == Kind::Parquet {
            return self.open_parquet(options);
        }
        let file = File::open(&self.path).map_err(BuildError::io("read", &self.path))?;
        let mut limit = None;
        let reader: Box<dyn BufRead> = if self.gzip {
            let most = self.bytes.saturating_mul(options.max_expansion).saturating_add(EXPANSION_FLOOR_BYTES);
            limit = Some(most);
            let inner = MultiGzDecoder::new(BufReader::new(file));
            Box::new(BufReader::with_capacity(1 << 16, Capped { inner, left: most }))
        } else {
            Box::new(BufReader::with_capacity(1 << 16, file))
        };
        Ok(match self.kind {
            Kind::JsonLines => Box::new(JsonLines::new(reader, &self.path, &options.text_field, limit)),
            _ => Box::new(TextPieces::new(reader, &self.path, limit)),
        })
    }

    #[cfg(feature = "parquet")]
    fn open_parquet(&self, options: &BuildOptions) -> Result<Box<dyn PieceSource>, BuildError> {
        Ok(Box::new(super::parquet::ParquetColumn::open(&self.path, &options.text_field)?))
    }

    #[cfg(not(feature = "parquet"))]
    fn open_parquet(&self, _options: &BuildOptions) -> Result<Box<dyn PieceSource>, BuildError> {
        Err(BuildError::Unsupported { path: self.path.clone(), why: "this build reads no Parquet files".to_owned() })
    }
}

/// All input files, ordered by name.
pub(super) fn collect(inputs: &[PathBuf]) -> Result<Found, BuildError> {
    let mut found = Found { files: Vec::new(), skipped: 0 };
    for path in inputs {
        let Ok(meta) = path.metadata() else { return Err(BuildError::NoSuchInput { path: path.clone() }) };
        if meta.is_dir() {
            walk(path, "", 0, &mut found)?;
        } else {
            let name = path.file_name().unwrap_or_default();
            let (kind, gzip) = kind_of(name).unwrap_or((Kind::Text, false));
            found.files.push(input_file(path, name.to_string_lossy().into_owned(), kind, gzip)?);
        }
    }
    found.files.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
    found.files.dedup_by(|a, b| a.path == b.path);
    if found.files.is_empty() { Err(BuildError::NoText) } else { Ok(found) }
}

fn walk(dir: &Path, prefix: &str, depth: usize, found: &mut Found) -> Result<(), BuildError> {
    if depth > MAX_DEPTH {
        return Err(BuildError::Unsupported { path: dir.to_path_buf(), why: "too many folders deep".to_owned() });
    }
    for entry in fs::read_dir(dir).map_err(BuildError::io("read", dir))? {
        let entry = entry.map_err(BuildError::io("read", dir))?;
        let kind = entry.file_type().map_err(BuildError::io("read", dir))?;
        let (path, file_name) = (entry.path(), entry.file_name());
        let name = format!("{prefix}{}", file_name.to_string_lossy());
        if kind.is_dir() {
            walk(&path, &format!("{name}/"), depth + 1, found)?;
            continue;
        }
        match kind_of(&file_name) {
            Some((kind_of_text, gzip)) if kind.is_file() => {
                found.files.push(input_file(&path, name, kind_of_text, gzip)?);
            }
            _ => found.skipped += 1,
        }
    }
    Ok(())
}

fn input_file(path: &Path, name: String, kind: Kind, gzip: bool) -> Result<InputFile, BuildError> {
    let meta = path.metadata().map_err(BuildError::io("read", path))?;
    let modified_ns = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified_ns = modified_ns.map_or(0, |time| time.as_nanos());
    Ok(InputFile { path: path.to_path_buf(), name, bytes: meta.len(), modified_ns, kind, gzip })
}

/// Kind and compression by the name's endings; `None` for what is no known kind of text.
fn kind_of(name: &OsStr) -> Option<(Kind, bool)> {
    let name = name.to_str()?.to_ascii_lowercase();
    let (stem, gzip) = match name.strip_suffix(".gz").or_else(|| name.strip_suffix(".dz")) {
        Some(stem) => (stem, true),
        None => (name.as_str(), false),
    };
    let ending = stem.rsplit_once('.').map(|(_, ending)| ending);
    match ending {
        Some("jsonl" | "ndjson") => Some((Kind::JsonLines, gzip)),
        Some("parquet") if !gzip => Some((Kind::Parquet, false)),
        Some(ending) if TEXT_ENDINGS.contains(&ending) => Some((Kind::Text, gzip)),
        _ => None,
    }
}

/// A reader that gives an error of kind `FileTooLarge` once more than `left` bytes have come.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}
