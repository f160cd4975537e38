//! What a maintainer's archive may hold, and what not.

use std::io::Write as _;
use std::path::Path;

use crate::makers::{WANTED, contents, wheel};
use pack::{DescribeError, Method, describe};
use zip::write::SimpleFileOptions;

fn zip_of(path: &Path, files: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn each_wanted_file_is_named_by_its_place_and_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = wheel(dir.path());
    let archive = describe(&wheel, Vec::new(), &WANTED.map(str::to_owned)).unwrap();
    let bytes = std::fs::read(&wheel).unwrap();
    assert_eq!((archive.bytes, archive.members.len()), (bytes.len() as u64, 3));
    for member in &archive.members {
        let content = contents().into_iter().find(|(name, _)| *name == member.to).unwrap().1;
        assert_eq!(
            (member.bytes, member.blake3.as_str()),
            (content.len() as u64, blake3::hash(&content).to_hex().as_str())
        );
        let from = usize::try_from(member.at).unwrap();
        let packed = &bytes[from..from + usize::try_from(member.packed).unwrap()];
        if member.method == Method::Stored {
            assert!(packed == content);
        }
        assert_eq!(member.chunks[0], blake3::hash(&packed[..packed.len().min(4 << 20)]).to_hex().to_string());
    }
}

#[test]
fn an_archive_that_would_leave_the_pack_or_lies_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.whl");
    let described = |wanted: &str| describe(&path, Vec::new(), &[wanted.to_owned()]);
    zip_of(&path, &[("lib/../../evil.so", b"x")]);
    assert!(matches!(described("lib/"), Err(DescribeError::Place(_))));
    zip_of(&path, &[("lib/a.so", b"x")]);
    assert!(matches!(described("other/"), Err(DescribeError::Nothing(_))));
    zip_of(&path, &[("lib/empty.so", b"")]);
    assert!(matches!(described("lib/"), Err(DescribeError::File { .. })));
    std::fs::write(&path, b"no zip").unwrap();
    assert!(matches!(described("lib/"), Err(DescribeError::Zip(_))));
    // The directory says that the file is shorter than what its packed bytes give.
    zip_of(&path, &[("lib/bomb.so", &vec![0; 1_000_000])]);
    let mut bytes = std::fs::read(&path).unwrap();
    let size = 1_000_000u32.to_le_bytes();
    while let Some(at) = bytes.windows(4).position(|window| window == size) {
        bytes[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(described("lib/"), Err(DescribeError::File { .. })));
}
