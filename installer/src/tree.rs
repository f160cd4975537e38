//! What a package puts on a disk: files, links and the folders above them, in one order.
//!
//! In: relative paths with `/` and their contents. Out: the same, sorted. It refuses a path that leaves the package or
//! stands there twice.

use crate::PackError;
use std::collections::{BTreeMap, BTreeSet};

/// One thing at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File {
        /// Its contents.
        bytes: Vec<u8>,
        /// Whether anybody may start it: mode 755, else 644.
        executable: bool,
    },
    /// A symbolic link to a relative path.
    Link(String),
}

/// A package's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Entry>);

impl Tree {
    /// Adds a file that nobody starts.
    ///
    /// # Errors
    /// [`PackError::Path`].
    pub fn file(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<(), PackError> {
        self.add(path.into(), Entry::File { bytes: bytes.into(), executable: false })
    }

    /// Adds a program or a script.
    ///
    /// # Errors
    /// [`PackError::Path`].
    pub fn program(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<(), PackError> {
        self.add(path.into(), Entry::File { bytes: bytes.into(), executable: true })
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// [`PackError::Path`].
    pub fn link(&mut self, path: impl Into<String>, target: impl Into<String>) -> Result<(), PackError> {
        self.add(path.into(), Entry::Link(target.into()))
    }

    fn add(&mut self, path: String, entry: Entry) -> Result<(), PackError> {
        let plain = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !plain || self.0.contains_key(&path) {
            return Err(PackError::Path(path));
        }
        self.0.insert(path, entry);
        Ok(())
    }

    /// Everything, by path.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The contents of one file.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        match self.0.get(path)? {
            Entry::File { bytes, .. } => Some(bytes),
            Entry::Link(_) => None,
        }
    }

    /// Every folder above something, outermost first.
    #[must_use]
    pub fn folders(&self) -> BTreeSet<&str> {
        let above = |path: &'_ str| path.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
        self.0.keys().flat_map(|path| above(path).into_iter().map(|at| &path[..at])).collect()
    }

    /// The same below `folder`.
    #[must_use]
    pub fn below(self, folder: &str) -> Self {
        Self(self.0.into_iter().map(|(path, entry)| (format!("{folder}/{path}"), entry)).collect())
    }

    /// Bytes of all files.
    #[must_use]
    pub fn size(&self) -> u64 {
        let sizes = self.0.values().map(|entry| match entry {
            Entry::File { bytes, .. } => bytes.len() as u64,
            Entry::Link(_) => 0,
        });
        sizes.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_package_or_stands_there_twice_is_refused() {
        let mut tree = Tree::default();
        tree.file("a/b", "x").unwrap();
        for bad in ["", "/a", "a/", "a//c", "../a", "a/../c", "a/./c", "a/b"] {
            assert!(matches!(tree.file(bad, ""), Err(PackError::Path(path)) if path == bad), "{bad:?}");
        }
    }

    #[test]
    fn folders_stand_before_what_is_in_them() {
        let mut tree = Tree::default();
        tree.file("usr/share/doc/x", "").unwrap();
        tree.link("usr/bin/y", "../lib/y").unwrap();
        assert_eq!(tree.folders().into_iter().collect::<Vec<_>>(), ["usr", "usr/bin", "usr/share", "usr/share/doc"]);
    }
}
