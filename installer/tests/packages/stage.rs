//! What the other files share: stand-ins for the programs, a small set of crates, a package's archive read back.

use packager::{Parts, Release};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Tuesday.
pub(crate) const TIME: u32 = 1_700_000_000;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn release() -> Release {
    Release::new("1.2.3", TIME).unwrap()
}

/// A program linked to the C library, with a search path as cargo's build script gives the peer.
pub(crate) fn program(folder: &Path, name: &str, linker: &[&str]) -> PathBuf {
    let source = folder.join(format!("{name}.c"));
    let program = folder.join(name);
    std::fs::write(&source, "int main(void) { return 0; }").unwrap();
    let built = Command::new("cc").arg("-o").arg(&program).arg(&source).args(linker).status().unwrap();
    assert!(built.success(), "cc must be there, it links Rust");
    std::fs::remove_file(source).unwrap();
    program
}

/// All programs in a folder.
pub(crate) fn programs(folder: &Path) {
    program(folder, "covey", &[]);
    program(folder, "covey-signer", &[]);
    program(folder, "covey-release", &[]);
    program(folder, "covey-peer", &["-Wl,--disable-new-dtags,-rpath,$ORIGIN/torch/lib:/build/machine/torch/lib"]);
}

/// Four packages of ours and one crate, with a licence in its folder.
pub(crate) fn metadata(folder: &Path) -> Value {
    std::fs::write(folder.join("LICENSE-MIT"), "Permission is hereby granted\n").unwrap();
    let manifest = folder.join("Cargo.toml");
    let package = |name: &str, source: Value| {
        json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT", "source": source,
                "manifest_path": manifest })
    };
    let deps = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({ "pkg": name, "dep_kinds": [{ "kind": null }] })).collect()
    };
    json!({
        "packages": [package("covey", Value::Null), package("pack", Value::Null), package("peer", Value::Null), package("signer", Value::Null),
                     package("small", json!("registry"))],
        "resolve": { "nodes": [
            { "id": "pack", "deps": [] }, { "id": "covey", "deps": deps(&["small"]) }, { "id": "peer", "deps": deps(&["signer", "small"]) },
            { "id": "signer", "deps": [] }, { "id": "small", "deps": [] },
        ]},
    })
}

/// Everything for Linux, in `folder/out`; the folder's other contents are the parts.
pub(crate) fn packed(folder: &Path) -> PathBuf {
    programs(folder);
    let parts = Parts { root: root(), programs: folder.to_owned(), metadata: metadata(folder), within_promise: true };
    let out = folder.join("out");
    packager::linux(&parts, &release(), &out).unwrap();
    out
}

/// One entry of an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) mode: u32,
    pub(crate) link: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

/// A `.tar.zst`, by path; folders end in `/`. Checks that owner and time are what they must be.
pub(crate) fn unpacked(zst: &[u8]) -> BTreeMap<String, Packed> {
    let tar = zstd::decode_all(zst).unwrap();
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!(header.mtime().unwrap(), u64::from(TIME));
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let link = entry.link_name_bytes().map(|name| String::from_utf8(name.into_owned()).unwrap());
        let mode = header.mode().unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert!(found.insert(path, Packed { mode, link, bytes }).is_none(), "twice in the archive");
    }
    found
}

/// Every path below a folder with its contents, links as `-> target`.
pub(crate) fn picture(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let bytes = if path.is_symlink() {
                format!("-> {}", std::fs::read_link(&path).unwrap().display()).into_bytes()
            } else if path.is_dir() {
                open.push(path);
                b"a folder".to_vec()
            } else {
                std::fs::read(path).unwrap()
            };
            found.insert(name, bytes);
        }
    }
    found
}
