//! Notes of unfinished uploads, so that a kill costs no more than the parts on their way.
//!
//! In: what was sent so far. Out: the same after a restart, or nothing. A note that does not read, or is about something
//! else, is no note: the upload begins anew. It holds no secret.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::Hash32;

use crate::limits::{MAX_ETAG_CHARS, MAX_RESUME_BYTES, MAX_RESUME_FILES, MAX_UPLOAD_ID_CHARS};

/// What is known of an unfinished upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// Bucket and machine.
    pub(crate) place: String,
    /// The object's name.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Length of all parts but the last.
    pub(crate) part_bytes: u64,
    /// The server's name for the upload.
    pub(crate) id: String,
    /// The mark of each part that is there.
    pub(crate) marks: Vec<Option<String>>,
}

impl Note {
    fn is_sane(&self) -> bool {
        let fine = |text: &str, max: usize| text.len() <= max && text.bytes().all(|b| b.is_ascii_graphic());
        self.part_bytes > 0
            && self.bytes.div_ceil(self.part_bytes) == self.marks.len() as u64
            && !self.id.is_empty()
            && fine(&self.id, MAX_UPLOAD_ID_CHARS)
            && self.marks.iter().flatten().all(|mark| fine(mark, MAX_ETAG_CHARS))
    }
}

/// The folder of the notes.
#[derive(Debug, Clone)]
pub(crate) struct Notes {
    dir: PathBuf,
}

impl Notes {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, root: &Hash32) -> PathBuf {
        self.dir.join(format!("{root}.upload"))
    }

    /// The note about a blob, if there is a sane one.
    pub(crate) fn read(&self, root: &Hash32) -> Option<Note> {
        read(&self.path(root))
    }

    /// Writes a note whole or not at all.
    pub(crate) fn write(&self, root: &Hash32, note: &Note) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let path = self.path(root);
        let beside = path.with_extension("upload-new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        drop(file);
        fs::rename(&beside, &path)
    }

    /// Forgets a note.
    pub(crate) fn forget(&self, root: &Hash32) -> io::Result<()> {
        match fs::remove_file(self.path(root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// All notes, with the blob that each is about.
    pub(crate) fn all(&self) -> io::Result<Vec<(Hash32, Note)>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut notes = Vec::new();
        for entry in entries.take(MAX_RESUME_FILES) {
            let path = entry?.path();
            let root = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let is_note = path.extension().is_some_and(|extension| extension == "upload");
            if let Some(root) = root.filter(|_| is_note)
                && let Some(note) = read(&path)
            {
                notes.push((root, note));
            }
        }
        Ok(notes)
    }
}

fn read(path: &Path) -> Option<Note> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MAX_RESUME_BYTES + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MAX_RESUME_BYTES {
        return None;
    }
    serde_json::from_slice(&bytes).ok().filter(Note::is_sane)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn note() -> Note {
        Note {
            place: "runs at s3.example.org".to_owned(),
            name: "x/1/y/z".to_owned(),
            bytes: 20,
            part_bytes: 8,
            id: "upload-1".to_owned(),
            marks: vec![Some("\"aa\"".to_owned()), None, None],
        }
    }

    #[test]
    fn a_note_survives_and_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::new(dir.path().join("uploads"));
        let root = Hash32([7; 32]);
        assert_eq!(notes.read(&root), None);
        assert!(notes.all().unwrap().is_empty());
        notes.write(&root, &note()).unwrap();
        assert_eq!(notes.read(&root), Some(note()));
        assert_eq!(notes.all().unwrap(), [(root, note())]);
        notes.forget(&root).unwrap();
        notes.forget(&root).unwrap();
        assert_eq!(notes.read(&root), None);
    }

    #[test]
    fn a_note_that_contradicts_itself_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::new(dir.path().to_owned());
        let root = Hash32([7; 32]);
        for wrong in [
            Note { part_bytes: 0, ..note() },
            Note { marks: vec![None; 2], ..note() },
            Note { id: String::new(), ..note() },
            Note { id: "a\nb".to_owned(), ..note() },
            Note { marks: vec![Some("x".repeat(200)), None, None], ..note() },
        ] {
            notes.write(&root, &wrong).unwrap();
            assert_eq!(notes.read(&root), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_file_is_a_note_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..300) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("x");
            fs::write(&path, &bytes).unwrap();
            prop_assert_eq!(read(&path), None);
            let mut json = serde_json::to_vec(&note()).unwrap();
            let whole = cut >= json.len();
            json.truncate(cut);
            fs::write(&path, &json).unwrap();
            prop_assert_eq!(read(&path).is_some(), whole);
        }
    }
}
