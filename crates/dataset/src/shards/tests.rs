//! Sound sets, damaged sets and lying manifests.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;
use types::manifest::TokenizerKind;

use super::*;
use crate::manifest::{DATASET_VERSION, ShardInfo};

const SEQUENCE: u32 = 4;

fn shard_bytes(tokens: &[u32], dtype: Dtype) -> Vec<u8> {
    tokens.iter().flat_map(|token| token.to_le_bytes()[..dtype.bytes() as usize].to_vec()).collect()
}

/// A set of two shards, three sequences and one; the last one held out.
fn sample(dtype: Dtype) -> (TempDir, DatasetManifest) {
    let dir = tempfile::tempdir().unwrap();
    let tokens: Vec<u32> = (0..16).map(|i| i * 13 % 256).collect();
    let mut shards = Vec::new();
    for (file, tokens) in [("a.bin", &tokens[..12]), ("b.bin", &tokens[12..])] {
        let bytes = shard_bytes(tokens, dtype);
        fs::write(dir.path().join(file), &bytes).unwrap();
        shards.push(ShardInfo { file: file.to_owned(), tokens: tokens.len() as u64, blake3: Hash32::of(&bytes) });
    }
    let manifest = DatasetManifest {
        version: DATASET_VERSION,
        name: "sample".to_owned(),
        source: "counted".to_owned(),
        tokenizer: TokenizerKind::Bytes,
        vocab: 256,
        dtype,
        sequence_tokens: SEQUENCE,
        held_out_sequences: 1,
        total_sequences: 4,
        total_tokens: 16,
        shards,
    };
    fs::write(dir.path().join(MANIFEST_FILE), manifest.to_bytes()).unwrap();
    (dir, manifest)
}

#[test]
fn the_manifests_bytes_are_golden() {
    let (_dir, mut manifest) = sample(Dtype::U16);
    manifest.shards.truncate(1);
    manifest.shards[0].blake3 = Hash32([0xab; 32]);
    let hash = "ab".repeat(32);
    let want = format!(
        "{{\n  \"version\": 1,\n  \"name\": \"sample\",\n  \"source\": \"counted\",\n  \"tokenizer\": {{\n    \"kind\": \
         \"bytes\"\n  }},\n  \"vocab\": 256,\n  \"dtype\": \"u16\",\n  \"sequence_tokens\": 4,\n  \"held_out_sequences\": \
         1,\n  \"total_sequences\": 4,\n  \"total_tokens\": 16,\n  \"shards\": [\n    {{\n      \"file\": \"a.bin\",\n      \
         \"tokens\": 12,\n      \"blake3\": \"{hash}\"\n    }}\n  ]\n}}\n"
    );
    assert_eq!(String::from_utf8(manifest.to_bytes()).unwrap(), want);
}

#[test]
fn sequences_are_read_across_shards_and_the_held_out_ones_apart() {
    for dtype in [Dtype::U16, Dtype::U32] {
        let (dir, manifest) = sample(dtype);
        let set = Dataset::open_verified(dir.path()).unwrap();
        assert_eq!((set.sequences(), set.held_out_sequences(), set.sequence_tokens()), (3, 1, 4));
        assert_eq!(set.hash(), Hash32::of(&manifest.to_bytes()));
        let mut out = vec![9; 99];
        set.sequence(2, &mut out).unwrap();
        assert_eq!(out, [104, 117, 130, 143]);
        set.held_out(0, &mut out).unwrap();
        assert_eq!(out, [156, 169, 182, 195]);
        for (index, read) in [(3, set.sequence(3, &mut out)), (u64::MAX, set.sequence(u64::MAX, &mut out))] {
            assert_eq!(read, Err(ReadError::OutOfRange { index, sequences: 3 }));
        }
        for index in [1, u64::MAX] {
            assert_eq!(set.held_out(index, &mut out), Err(ReadError::OutOfRange { index, sequences: 1 }));
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed_and_its_shard_named() {
    let (dir, manifest) = sample(Dtype::U16);
    for shard in &manifest.shards {
        let path = dir.path().join(&shard.file);
        let sound = fs::read(&path).unwrap();
        for bit in 0..8 * sound.len() {
            let mut rotten = sound.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &rotten).unwrap();
            let error = Dataset::open_verified(dir.path()).unwrap_err();
            assert!(matches!(&error, OpenError::ShardHash { file } if *file == shard.file), "{error}");
            assert!(error.to_string().contains(&shard.file));
        }
        fs::write(&path, &sound).unwrap();
    }
    Dataset::open_verified(dir.path()).unwrap();
}

#[test]
fn a_token_outside_the_vocabulary_is_never_given_out() {
    let (dir, manifest) = sample(Dtype::U16);
    let mut bytes = fs::read(dir.path().join("a.bin")).unwrap();
    bytes[9] = 1;
    fs::write(dir.path().join("a.bin"), bytes).unwrap();
    let set = Dataset::open(dir.path()).unwrap();
    let mut out = Vec::new();
    let error = set.sequence(1, &mut out).unwrap_err();
    assert_eq!(error, ReadError::Token { file: "a.bin".to_owned(), token: 256 + 52, vocab: manifest.vocab });
    assert!(set.sequence(0, &mut out).is_ok());
}

#[test]
fn missing_short_long_and_linked_shards_do_not_open() {
    let (dir, _) = sample(Dtype::U16);
    let path = dir.path().join("b.bin");
    for length in [0, 7, 9, 800] {
        fs::write(&path, vec![0; length]).unwrap();
        let error = Dataset::open(dir.path()).unwrap_err();
        assert!(
            matches!(&error, OpenError::ShardLength { file, expected: 8, got } if file == "b.bin" && *got == length as u64)
        );
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(Dataset::open(dir.path()), Err(OpenError::Io { path: at, .. }) if at == path));
    fs::create_dir(&path).unwrap();
    assert!(matches!(Dataset::open(dir.path()), Err(OpenError::Io { .. })));
    fs::remove_dir(&path).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("a.bin"), &path).unwrap();
        assert!(matches!(Dataset::open(dir.path()), Err(OpenError::Io { .. })));
    }
    assert!(matches!(Dataset::open(dir.path().join("nowhere")), Err(OpenError::Io { .. })));
}

#[test]
fn manifests_that_lie_are_refused() {
    let (_dir, sound) = sample(Dtype::U16);
    let check = |field: &str, change: &dyn Fn(&mut DatasetManifest)| {
        let mut lie = sound.clone();
        change(&mut lie);
        let error = DatasetManifest::from_bytes(&lie.to_bytes()).unwrap_err();
        assert!(matches!(&error, OpenError::Field { field: f, .. } if *f == field), "{field}: {error}");
    };
    for name in ["../a.bin", "/etc/passwd", "a/b", "a\\b", "C:a", "", ".", "..", ".hidden", "a.", "nul\0", "é"] {
        check("shards.file", &|m| m.shards[0].file = name.to_owned());
    }
    check("shards.file", &|m| m.shards[1].file = "A.bin".to_owned());
    check("shards.tokens", &|m| m.shards[0].tokens = 13);
    check("shards.tokens", &|m| m.shards[0].tokens = 0);
    check("shards.tokens", &|m| m.shards[0].tokens = u64::MAX - 3);
    check("shards.tokens", &|m| m.shards.iter_mut().for_each(|s| s.tokens = 1 << 63));
    check("shards", &|m| m.shards.clear());
    check("total_tokens", &|m| m.total_tokens = 20);
    check("total_sequences", &|m| m.total_sequences = 5);
    check("held_out_sequences", &|m| m.held_out_sequences = 4);
    check("held_out_sequences", &|m| m.held_out_sequences = u64::MAX);
    check("sequence_tokens", &|m| m.sequence_tokens = 0);
    check("sequence_tokens", &|m| m.sequence_tokens = u32::MAX);
    check("vocab", &|m| m.vocab = 0);
    check("vocab", &|m| m.vocab = 255);
    check("dtype", &|m| (m.tokenizer, m.vocab) = (TokenizerKind::File { hash: Hash32::default() }, 65_537));
    check("name", &|m| m.name = "a\nb".to_owned());
    check("source", &|m| m.source = "x".repeat(2000));
    let version = DatasetManifest { version: 2, ..sound.clone() };
    assert!(matches!(DatasetManifest::from_bytes(&version.to_bytes()), Err(OpenError::Version { got: 2 })));
    assert!(matches!(DatasetManifest::from_bytes(b"{}"), Err(OpenError::Syntax(_))));
}

#[test]
fn an_endless_manifest_is_not_read_to_its_end() {
    let (dir, _) = sample(Dtype::U16);
    let file = File::create(dir.path().join(MANIFEST_FILE)).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(Dataset::open(dir.path()), Err(OpenError::TooLong { .. })));
}

#[test]
fn a_set_is_the_runs_or_it_says_what_differs() {
    let (dir, manifest) = sample(Dtype::U16);
    let set = Dataset::open(dir.path()).unwrap();
    let params =
        DataParams { dataset: set.hash(), tokenizer: manifest.tokenizer, sequence_tokens: SEQUENCE, pool_sequences: 3 };
    assert!(set.check(&params).is_ok());
    let other = DataParams { dataset: Hash32::default(), ..params.clone() };
    assert!(matches!(set.check(&other), Err(OpenError::OtherDataset { .. })));
    let other = DataParams { sequence_tokens: 8, ..params.clone() };
    assert!(matches!(set.check(&other), Err(OpenError::Mismatch { field: "sequence_tokens" })));
    let other = DataParams { tokenizer: TokenizerKind::File { hash: Hash32::default() }, ..params };
    assert!(matches!(set.check(&other), Err(OpenError::Mismatch { field: "tokenizer" })));
}

proptest! {
    #[test]
    fn any_bytes_are_a_manifest_or_refused(at in 0usize..600, with: u8, cut in 0usize..600) {
        let (_dir, manifest) = sample(Dtype::U16);
        let mut bytes = manifest.to_bytes();
        let length = bytes.len();
        bytes[at % length] = with;
        let _ = DatasetManifest::from_bytes(&bytes);
        prop_assert!(DatasetManifest::from_bytes(&manifest.to_bytes()[..cut % (length - 2)]).is_err());
    }
}
