//! Makes wheels and signed descriptions.
//!
//! In: names and contents. Out: a zip archive with some files packed and some not, described and signed as a maintainer does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use pack::{Kind, Needs, Pack, PackManifest, describe};
use update::place::Source;
use update::signed::{Purpose, seal};
use update::trust::Head;
use zip::CompressionMethod::{Deflated, Stored};
use zip::write::SimpleFileOptions;

pub(crate) const TORCH: &str = "2.13.0";
/// What is taken out of the wheel; the rest is not.
pub(crate) const WANTED: [&str; 2] = ["torch/lib/", "torch.dist-info/licenses/"];

/// Half noise, half the same: packs to about a half.
pub(crate) fn library(seed: u8, count: usize) -> Vec<u8> {
    let mut bytes = vec![seed; count];
    blake3::Hasher::new_keyed(&[seed; 32]).finalize_xof().fill(&mut bytes[..count / 2]);
    bytes
}

/// The files of a wheel: path and content.
pub(crate) fn contents() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("torch/python/huge.py", library(9, 3_000_000)),
        ("torch/lib/libtorch_cpu.so", library(1, 20_000_000)),
        ("torch/lib/libc10.so", library(2, 300_000)),
        ("torch.dist-info/licenses/LICENSE", b"terms".to_vec()),
        ("torch/include/torch.h", library(8, 500_000)),
    ]
}

pub(crate) fn wheel(folder: &Path) -> PathBuf {
    let path = folder.join("torch-2.13.0.whl");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in contents() {
        let method = if name.ends_with("LICENSE") { Stored } else { Deflated };
        // Fast rather than small; what is not packed takes no level.
        let level = (method == Deflated).then_some(1);
        zip.start_file(name, SimpleFileOptions::default().compression_method(method).compression_level(level)).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
    path
}

pub(crate) fn pack_of(wheel: &Path, urls: &[String]) -> Pack {
    let urls = urls.iter().map(|url| Source::parse(url).unwrap()).collect();
    let wanted = WANTED.map(str::to_owned);
    Pack {
        kind: Kind::Cpu,
        platform: update::manifest::platform(),
        torch: TORCH.into(),
        needs: Needs::default(),
        archives: vec![describe(wheel, urls, &wanted).unwrap()],
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(crate) fn signed(pack: &Pack) -> Vec<u8> {
    let issued = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let head = Head { format: 1, sequence: 1, issued, expires: issued + 86_400 };
    let manifest = PackManifest { head, packs: vec![pack.clone()] };
    seal(&serde_json::to_string(&manifest).unwrap(), Purpose::Packs, &[&key()]).unwrap()
}

/// Whether a folder holds the wanted files, all of them and nothing else but its last note.
pub(crate) fn is_whole(folder: &Path) {
    let mut expected: Vec<String> = vec!["COMPLETE".into()];
    for (name, bytes) in contents().into_iter().filter(|(name, _)| WANTED.iter().any(|wanted| name.starts_with(wanted)))
    {
        assert!(std::fs::read(folder.join(name)).unwrap() == bytes, "{name}");
        expected.push(name.into());
    }
    let mut found = files_below(folder, folder);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

pub(crate) fn files_below(top: &Path, folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(top, &path)
            } else {
                vec![path.strip_prefix(top).unwrap().to_string_lossy().replace('\\', "/")]
            }
        })
        .collect()
}
