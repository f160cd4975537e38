//! Containers from strangers: everything that is not exactly right is refused, with the right reason.

use proptest::prelude::*;
use sparseloco::{
    DecodeError, Expected, HEADER_BYTES, Layout, SIGNATURE_BYTES, SubmissionHeader, compress_dense, decode,
};
use types::manifest::{CodebookScope, IndexCoding, RunId, SparseLocoParams};
use types::{Hash32, Hotkey, RejectReason, Round, Uid};

use crate::fixture::*;

fn small(scope: CodebookScope, coding: IndexCoding) -> (Layout, Vec<u8>) {
    let params = SparseLocoParams { k: 4, chunk_edge: 8, chunk_1d: 6, ..params(scope, coding) };
    let layout = Layout::new(&tensors(&[&[16, 8], &[9], &[3]]), &params).unwrap();
    let delta = gauss(layout.parameter_count(), 3, 1.0);
    let bytes = sign(compress_dense(&layout, header(5), &delta).unwrap());
    (layout, bytes)
}

fn read(layout: &Layout, bytes: &[u8]) -> Result<sparseloco::Submission, DecodeError> {
    decode(bytes, layout, &expected(&header(5)))
}

#[test]
fn every_truncation_is_refused() {
    for scope in SCOPES {
        for coding in CODINGS {
            let (layout, bytes) = small(scope, coding);
            assert!(read(&layout, &bytes).is_ok());
            for len in 0..bytes.len() {
                assert_eq!(read(&layout, &bytes[..len]), Err(DecodeError::Truncated { got: len }));
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for scope in SCOPES {
        let (layout, bytes) = small(scope, IndexCoding::Rice);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&layout, &bytes).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_signed_body_with_any_flipped_bit_is_refused_or_another_valid_update() {
    // The liar signs the changed bytes, so only the body's own checks stand between it and θ.
    for scope in SCOPES {
        for coding in CODINGS {
            let (layout, bytes) = small(scope, coding);
            let (mut refused, mut valid) = (0, 0);
            for bit in HEADER_BYTES * 8..(bytes.len() - SIGNATURE_BYTES) * 8 {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                resign(&mut bytes);
                match read(&layout, &bytes) {
                    Ok(s) => {
                        valid += 1;
                        assert!(
                            dense(&layout, &s)
                                .iter()
                                .all(|v| v.is_finite() && v.abs() <= 3.0 * sparseloco::MAX_MAGNITUDE)
                        );
                    }
                    Err(e) => {
                        refused += 1;
                        assert_eq!(e.reject_reason(), RejectReason::Format);
                    }
                }
            }
            assert!(refused > 0 && valid > 0, "{refused} refused, {valid} valid");
        }
    }
}

#[test]
fn trailing_bytes_and_oversize_are_refused() {
    let (layout, mut bytes) = small(CodebookScope::Chunk, IndexCoding::Rice);
    let room = layout.max_submission_bytes() - bytes.len();
    if room > 0 {
        bytes.push(0);
        assert_eq!(read(&layout, &bytes), Err(DecodeError::TrailingBytes { surplus: 1 }));
    }
    let huge = vec![0; layout.max_submission_bytes() + 1];
    assert_eq!(read(&layout, &huge), Err(DecodeError::Oversize { got: huge.len(), max: huge.len() - 1 }));
}

#[test]
fn lies_about_the_length_are_refused() {
    let (layout, bytes) = small(CodebookScope::Chunk, IndexCoding::Rice);
    let len = (bytes.len() - HEADER_BYTES - SIGNATURE_BYTES) as u64;
    for lie in [0, len - 1, len + 1, 1 << 60, u64::MAX, u64::MAX - 63] {
        let mut bytes = bytes.clone();
        bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&lie.to_le_bytes());
        resign(&mut bytes);
        let error = read(&layout, &bytes).unwrap_err();
        assert!(matches!(error, DecodeError::Truncated { .. } | DecodeError::TrailingBytes { .. }), "{lie}: {error}");
    }
    // A body one byte short or long that is honest about its length.
    for cut in [true, false] {
        let mut body = bytes[..bytes.len() - SIGNATURE_BYTES].to_vec();
        if cut {
            body.truncate(body.len() - 1);
        } else {
            body.push(0);
        }
        let len = (body.len() - HEADER_BYTES) as u64;
        body[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
        body.extend([0; SIGNATURE_BYTES]);
        resign(&mut body);
        let error = read(&layout, &body).unwrap_err();
        assert!(matches!(error, DecodeError::Shape { .. } | DecodeError::Oversize { .. }), "cut {cut}: {error}");
    }
}

#[test]
fn wrong_headers_are_named() {
    let (layout, bytes) = small(CodebookScope::Chunk, IndexCoding::Rice);
    let right = expected(&header(5));
    let check = |want: Expected, error: DecodeError, reason: RejectReason| {
        let got = decode(&bytes, &layout, &want).unwrap_err();
        assert_eq!((got.reject_reason(), got), (reason, error));
    };
    let h = header(5);
    let wrong = RejectReason::WrongHeader;
    check(Expected { run: RunId(Hash32([9; 32])), ..right }, DecodeError::WrongRun { got: h.run }, wrong);
    check(Expected { round: Round(8), ..right }, DecodeError::WrongRound { got: Round(7), expected: Round(8) }, wrong);
    check(Expected { uid: Uid(4), ..right }, DecodeError::WrongUid { got: Uid(5), expected: Uid(4) }, wrong);
    check(Expected { hotkey: Hotkey([1; 32]), ..right }, DecodeError::WrongHotkey { got: h.hotkey }, wrong);
    let theta = Hash32([4; 32]);
    check(
        Expected { theta: Some(theta), ..right },
        DecodeError::Desynced { got: h.theta, expected: theta },
        RejectReason::Desynced,
    );
    assert!(decode(&bytes, &layout, &Expected { theta: None, ..right }).is_ok());
}

#[test]
fn foreign_bytes_versions_codings_and_signatures_are_named() {
    let (layout, bytes) = small(CodebookScope::Chunk, IndexCoding::Rice);
    let check = |at: usize, value: u8, error: DecodeError| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        assert_eq!(read(&layout, &bytes), Err(error));
    };
    check(0, b'X', DecodeError::Magic);
    check(4, 2, DecodeError::Version { got: 2 });
    check(5, 0, DecodeError::Coding);
    check(6, 1, DecodeError::Coding);
    check(7, 1, DecodeError::Coding);
    check(bytes.len() - 1, bytes[bytes.len() - 1] ^ 1, DecodeError::BadSignature);
    check(HEADER_BYTES, bytes[HEADER_BYTES] ^ 1, DecodeError::BadSignature);
    assert_eq!(DecodeError::BadSignature.reject_reason(), RejectReason::Signature);
}

#[test]
fn a_loss_that_is_no_number_is_refused() {
    let (layout, mut bytes) = small(CodebookScope::Chunk, IndexCoding::Rice);
    bytes[HEADER_BYTES - 12..HEADER_BYTES - 8].copy_from_slice(&f32::NAN.to_le_bytes());
    resign(&mut bytes);
    assert_eq!(read(&layout, &bytes), Err(DecodeError::NonFiniteLoss));
}

#[test]
fn hostile_levels_are_named() {
    let check = |scope: CodebookScope, at: usize, value: &[u8], error: DecodeError| {
        let (layout, mut bytes) = small(scope, IndexCoding::Rice);
        bytes[HEADER_BYTES + at..][..value.len()].copy_from_slice(value);
        resign(&mut bytes);
        assert_eq!(read(&layout, &bytes), Err(error), "{scope:?}");
    };
    let (tensor, chunk) = (0, 0);
    let bf16 = |v: f32| ((v.to_bits() >> 16) as u16).to_le_bytes();
    check(CodebookScope::Chunk, 2, &bf16(f32::NAN), DecodeError::NonFinite { tensor, chunk });
    check(CodebookScope::Chunk, 2, &bf16(f32::INFINITY), DecodeError::NonFinite { tensor, chunk });
    check(CodebookScope::Chunk, 2, &bf16(1e30), DecodeError::Codebook { tensor, chunk });
    check(CodebookScope::Chunk, 0, &bf16(-1.0), DecodeError::Codebook { tensor, chunk });
    check(CodebookScope::Chunk, 0, &bf16(1e-40), DecodeError::Codebook { tensor, chunk });
    for at in [0, 4, 16] {
        check(CodebookScope::Tensor, at, &f32::NAN.to_le_bytes(), DecodeError::NonFinite { tensor, chunk });
        check(CodebookScope::Tensor, at, &(-f32::INFINITY).to_le_bytes(), DecodeError::NonFinite { tensor, chunk });
        check(CodebookScope::Tensor, at, &1e30f32.to_le_bytes(), DecodeError::Codebook { tensor, chunk });
        check(CodebookScope::Tensor, at, &1e-40f32.to_le_bytes(), DecodeError::Codebook { tensor, chunk });
    }
}

#[test]
fn hostile_indices_are_named() {
    let (layout, bytes) = small(CodebookScope::Chunk, IndexCoding::Packed12);
    // Levels and one byte of codes come first; the 1-D tensor's chunks of three send two values.
    let check = |indices: [u8; 6], error: DecodeError| {
        let mut bytes = bytes.clone();
        bytes[HEADER_BYTES + 5..][..6].copy_from_slice(&indices);
        resign(&mut bytes);
        assert_eq!(read(&layout, &bytes), Err(error));
    };
    let (tensor, chunk) = (0, 0);
    check([1, 0x20, 0, 2, 0x40, 0], DecodeError::DuplicateIndex { tensor, chunk });
    check([1, 0x20, 0, 1, 0x40, 0], DecodeError::UnsortedIndex { tensor, chunk });
    check([1, 0x20, 0, 3, 0x00, 4], DecodeError::IndexOutOfRange { tensor, chunk });
    check([0xff; 6], DecodeError::IndexOutOfRange { tensor, chunk });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_signed_bodies_never_reach_theta_unchecked(
        body in proptest::collection::vec(any::<u8>(), 0..400), chunk_scope: bool, rice: bool, from_honest: bool, at in 0usize..300,
    ) {
        let scope = if chunk_scope { CodebookScope::Chunk } else { CodebookScope::Tensor };
        let (layout, honest) = small(scope, if rice { IndexCoding::Rice } else { IndexCoding::Packed12 });
        let mut bytes = honest.clone();
        if from_honest {
            // Splices noise into an honest body: gets further into the parser.
            let end = bytes.len() - SIGNATURE_BYTES;
            let at = (HEADER_BYTES + at).min(end - 1);
            let n = body.len().min(4).min(end - at);
            bytes[at..at + n].copy_from_slice(&body[..n]);
        } else {
            bytes.truncate(HEADER_BYTES);
            bytes[HEADER_BYTES - 8..].copy_from_slice(&(body.len() as u64).to_le_bytes());
            bytes.extend(&body);
            bytes.extend([0; SIGNATURE_BYTES]);
        }
        resign(&mut bytes);
        if let Ok(s) = read(&layout, &bytes) {
            prop_assert!(dense(&layout, &s).iter().all(|v| v.is_finite()));
            prop_assert!(s.global_norm().is_finite());
        }
    }

    #[test]
    fn arbitrary_bytes_are_never_a_submission(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (layout, _) = small(CodebookScope::Chunk, IndexCoding::Rice);
        prop_assert!(read(&layout, &bytes).is_err());
    }

    #[test]
    fn headers_survive_the_wire(
        round: u64, uid: u16, sample_count: u32, tokens: u64, inner_steps: u32, loss in -1e6f32..1e6, digest: [u8; 16], theta: [u8; 32],
    ) {
        let (layout, _) = small(CodebookScope::Chunk, IndexCoding::Rice);
        let header = SubmissionHeader {
            round: Round(round), uid: Uid(uid), sample_count, tokens, inner_steps, loss_first: loss, loss_last: -loss,
            sample_digest: digest, theta: Hash32(theta), ..header(0)
        };
        let bytes = sign(compress_dense(&layout, header, &vec![0.5; layout.parameter_count()]).unwrap());
        let back = decode(&bytes, &layout, &expected(&header)).unwrap();
        prop_assert_eq!(back.header(), &header);
    }
}
