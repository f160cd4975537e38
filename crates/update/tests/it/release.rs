//! Makes what a maintainer makes: keys, archives, descriptions.
//!
//! In: versions and contents of the programs. Out: an archive in bytes, and a signed description of it.

use std::io::Write as _;
use std::path::Path;

use ed25519_dalek::SigningKey;
use update::fetch::Blob;
use update::keys::ReleaseKeys;
use update::limits::{CHUNK_BYTES, FIRST_SECS};
use update::manifest::{Archive, Channel, PROGRAMS, Program, Release, UpdateManifest, platform};
use update::place::Source;
use update::signed::{Purpose, seal};
use update::stage::Home;
use update::trust::Head;

/// A day in the year 2026.
pub(crate) const NOW: u64 = FIRST_SECS + 300 * 86_400;
/// A month.
pub(crate) const MONTH: u64 = 30 * 86_400;

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn keys() -> ReleaseKeys {
    ReleaseKeys::parse(&hex::encode(key(7).verifying_key().to_bytes())).unwrap()
}

/// What the programs of a version are: text that names them.
pub(crate) fn program(name: &str, version: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho {name} {version}\n").into_bytes()
}

/// A `.tar.gz` of named files.
pub(crate) fn tar_gz(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, bytes) in files {
        let mut head = [0u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..107].copy_from_slice(b"0000755");
        head[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        head[136..147].copy_from_slice(b"00000000000");
        head[156] = b'0';
        head[257..265].copy_from_slice(b"ustar\x0000");
        head[148..156].copy_from_slice(b"        ");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&head);
        tar.extend_from_slice(bytes);
        tar.resize(tar.len().div_ceil(512) * 512, 0);
    }
    tar.extend_from_slice(&[0; 1024]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&tar).unwrap();
    packed.finish().unwrap()
}

/// Both programs of a version.
pub(crate) fn archive(version: &str) -> Vec<u8> {
    tar_gz(&PROGRAMS.map(|name| (name.to_owned(), program(name, version))))
}

/// A release of these bytes, at this address.
pub(crate) fn release(version: &str, bytes: &[u8], url: &str) -> Release {
    let described = |name: &str| {
        let bytes = program(name, version);
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        Program { name: name.into(), path: name.into(), bytes: bytes.len() as u64, blake3 }
    };
    Release {
        channel: Channel::Stable,
        version: version.into(),
        platform: platform(),
        percent: 100,
        notes: String::new(),
        archive: Archive {
            file: "covey.tar.gz".into(),
            bytes: bytes.len() as u64,
            chunks: Blob::chunks_of(bytes, CHUNK_BYTES),
            urls: vec![Source::parse(url).unwrap()],
        },
        programs: PROGRAMS.map(described).to_vec(),
    }
}

/// A description of a release, signed.
pub(crate) fn described(sequence: u64, issued: u64, release: &Release, signer: &SigningKey) -> Vec<u8> {
    let head = Head { format: 1, sequence, issued, expires: issued + MONTH };
    let manifest = UpdateManifest { head, releases: vec![release.clone()] };
    seal(&serde_json::to_string(&manifest).unwrap(), Purpose::Updates, &[signer]).unwrap()
}

/// A folder with both programs of a version.
pub(crate) fn installed(folder: &Path, version: &str) -> Home {
    let home = Home::at(folder);
    for name in PROGRAMS {
        std::fs::write(home.program(name), program(name, version)).unwrap();
    }
    home
}

/// Lays a version's archive where a download would have put it, and stages it.
pub(crate) fn staged(home: &Home, version: &str) {
    let bytes = archive(version);
    let release = release(version, &bytes, "http://127.0.0.1:1/covey.tar.gz");
    let path = home.archive(&release);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    home.stage(&release).unwrap();
}

/// The versions of both programs in place.
pub(crate) fn in_place(home: &Home) -> Vec<String> {
    let version = |name: &str| {
        let text = std::fs::read_to_string(home.program(name)).unwrap();
        text.trim().rsplit(' ').next().unwrap().to_owned()
    };
    PROGRAMS.map(version).to_vec()
}
