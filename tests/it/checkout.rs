//! The checkout that is under test: where it is, and every file of it that we wrote.
//!
//! Walks the folder instead of asking git, so that it also works on an unpacked archive.

use std::path::{Path, PathBuf};

/// Folders that hold what was built, fetched or recorded by git.
const NOT_OURS: [&str; 5] = [".git", "target", "third_party", "dist", "node_modules"];

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of ours, relative to the root, with `/` between folders, sorted.
pub(crate) fn files() -> Vec<String> {
    let root = root();
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !NOT_OURS.contains(&name.to_string_lossy().as_ref()) {
                folders.push(path);
            } else if kind.is_file() {
                let relative = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(relative);
            }
        }
    }
    found.sort();
    found
}

/// A file's text; `None` if it is no UTF-8 (pictures, fixtures).
pub(crate) fn text(file: &str) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(file)).unwrap()).ok()
}
