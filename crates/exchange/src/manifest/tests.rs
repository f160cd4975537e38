//! Manifests: equal to plain BLAKE3, golden bytes, and every kind of lie.

use proptest::prelude::*;

use super::*;

/// Bytes that differ from chunk to chunk.
fn blob(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 + i / 977) as u8).collect()
}

const MIB: usize = CHUNK_BYTES;

#[test]
fn the_root_is_the_plain_hash_for_every_tree_shape() {
    for bytes in [0, 1, 1024, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 3 * MIB, 5 * MIB + 777, 8 * MIB] {
        let blob = blob(bytes);
        let manifest = Manifest::of(&blob).unwrap();
        assert_eq!(manifest.id(), BlobId { root: Hash32::of(&blob), bytes: bytes as u64 }, "{bytes}");
        for (index, chunk) in blob.chunks(MIB).enumerate() {
            assert_eq!(manifest.verify(index as u32, chunk), Ok(()), "{bytes}: {index}");
        }
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes()), Ok(manifest));
    }
}

#[test]
fn golden_bytes() {
    // The root of 2 MiB + 1 zero bytes is what another BLAKE3 program (Python's `blake3`) says of them.
    let manifest = Manifest::of(&vec![0; 2 * MIB + 1]).unwrap();
    let bytes = manifest.to_bytes();
    assert_eq!(bytes.len(), 48 + 3 * 32);
    assert_eq!(&bytes[..8], b"covman\0\x01");
    assert_eq!(Hash32(bytes[8..40].try_into().unwrap()).to_string(), GOLDEN_ROOT);
    assert_eq!(bytes[40..48], [1, 0, 0x20, 0, 0, 0, 0, 0]);
    assert_eq!(Hash32::of(&bytes).to_string(), GOLDEN_MANIFEST);
}

const GOLDEN_ROOT: &str = "ab515959a31a75bc7e51c204f8b4d380acacdd0379ff77a66e1e25e1ff247c19";
const GOLDEN_MANIFEST: &str = "f2e56205d6f6a9b38368407db8c254509776f82f6dcdf65d29d640e93e5d50d1";

#[test]
fn a_changed_chunk_a_swapped_chunk_and_a_wrong_length_are_told_apart() {
    let blob = blob(2 * MIB + 10);
    let manifest = Manifest::of(&blob).unwrap();
    let mut flipped = blob[..MIB].to_vec();
    flipped[500_000] ^= 1;
    assert_eq!(manifest.verify(0, &flipped), Err(ChunkError::Hash));
    assert_eq!(manifest.verify(0, &blob[MIB..2 * MIB]), Err(ChunkError::Hash));
    assert_eq!(manifest.verify(2, &blob[2 * MIB..2 * MIB + 9]), Err(ChunkError::Length { expected: 10, got: 9 }));
    assert_eq!(manifest.verify(1, &blob), Err(ChunkError::Length { expected: MIB, got: 2 * MIB + 10 }));
    assert_eq!(manifest.verify(3, &[]), Err(ChunkError::Index { index: 3, chunks: 3 }));
}

#[test]
fn another_length_with_the_same_hashes_proves_nothing_about_the_bytes() {
    // Chaining values say nothing of the last chunk's length, so a liar may move it; then no chunk fits.
    let blob = blob(MIB + 10);
    let mut bytes = Manifest::of(&blob).unwrap().to_bytes();
    bytes[40] = 11;
    let lie = Manifest::from_bytes(&bytes).unwrap();
    assert_ne!(lie.id(), BlobId::of(&blob));
    let longer: Vec<u8> = blob[MIB..].iter().copied().chain([0]).collect();
    assert_eq!(lie.verify(1, &longer), Err(ChunkError::Hash));
}

#[test]
fn sizes_beyond_the_limit_are_refused_before_anything_is_allocated() {
    let mut bytes = Manifest::of(&blob(10)).unwrap().to_bytes();
    bytes[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(Manifest::from_bytes(&bytes), Err(ManifestError::TooLarge(u64::MAX)));
    bytes[40..48].copy_from_slice(&MAX_BLOB_BYTES.to_le_bytes());
    assert_eq!(Manifest::from_bytes(&bytes), Err(ManifestError::Length { expected: MAX_MANIFEST_BYTES, got: 80 }));
    assert_eq!(
        Manifest::from_bytes(&vec![0; MAX_MANIFEST_BYTES + 1]),
        Err(ManifestError::Length { expected: MAX_MANIFEST_BYTES, got: MAX_MANIFEST_BYTES + 1 })
    );
    assert!(Manifest::single(BlobId { root: Hash32::default(), bytes: MIB as u64 + 1 }).is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), honest_start: bool, length in 0u64..4 << 20,
    ) {
        let mut bytes = bytes;
        if honest_start {
            let mut start = MAGIC.to_vec();
            start.extend([7; 32]);
            start.extend(length.to_le_bytes());
            start.append(&mut bytes);
            bytes = start;
        }
        if let Ok(manifest) = Manifest::from_bytes(&bytes) {
            prop_assert_eq!(manifest.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_flipped_bit_of_a_manifest_keeps_its_id(bit in 0usize..(48 + 3 * 32) * 8) {
        let honest = Manifest::of(&vec![5; 2 * MIB + 1]).unwrap();
        let mut bytes = honest.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(lie) = Manifest::from_bytes(&bytes) {
            prop_assert_ne!(lie.id(), honest.id());
        }
    }
}
