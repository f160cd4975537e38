//! Small models, seeded data, a test key.
//!
//! In: a seed. Out: the same numbers on every machine. The key is a test key and signs nothing else.

use sparseloco::{Draft, Expected, Layout, Submission, SubmissionHeader, compress_dense, decode};
use types::manifest::{AggregationRule, CodebookScope, IndexCoding, OuterSchedule, RunId, SparseLocoParams};
use types::{Hash32, Hotkey, Round, Signature, TensorSpec, Uid};

pub(crate) const SCOPES: [CodebookScope; 2] = [CodebookScope::Tensor, CodebookScope::Chunk];
pub(crate) const CODINGS: [IndexCoding; 2] = [IndexCoding::Rice, IndexCoding::Packed12];
pub(crate) const RULES: [AggregationRule; 6] = [
    AggregationRule::MeanOverAll,
    AggregationRule::MeanOverSenders,
    AggregationRule::InfluenceCapped,
    AggregationRule::TrimmedMean { percent: 34 },
    AggregationRule::CoordinateMedian { min_senders: 2 },
    AggregationRule::CenteredClipping { radius_percent: 50 },
];

pub(crate) fn params(codebook: CodebookScope, indices: IndexCoding) -> SparseLocoParams {
    SparseLocoParams {
        k: 64,
        chunk_edge: 64,
        chunk_1d: 64,
        codebook,
        indices,
        ef_decay: 0.95,
        aggregation: AggregationRule::MeanOverAll,
        outer: OuterSchedule::constant(1.0),
    }
}

pub(crate) fn tensors(shapes: &[&[usize]]) -> Vec<TensorSpec> {
    shapes.iter().enumerate().map(|(i, s)| TensorSpec { name: format!("t{i}"), shape: s.to_vec() }).collect()
}

/// Shapes with full chunks, odd edges, single elements, dense and almost dense chunks, more chunks in a band than are
/// worked on side by side.
pub(crate) const MIXED: &[&[usize]] =
    &[&[128, 192], &[64], &[58, 87], &[1, 1], &[67], &[3], &[40, 6], &[130], &[256, 64], &[64, 1216]];

pub(crate) fn mixed_layout(params: &SparseLocoParams) -> Layout {
    Layout::new(&tensors(MIXED), params).unwrap()
}

/// Roughly Gaussian numbers of standard deviation `scale`.
pub(crate) fn gauss(len: usize, seed: u64, scale: f32) -> Vec<f32> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..len).map(|_| ((0..6).map(|_| next()).sum::<f32>() - 3.0) * 1.414 * scale).collect()
}

pub(crate) fn keypair() -> schnorrkel::Keypair {
    schnorrkel::MiniSecretKey::from_bytes(&[7; 32]).unwrap().expand_to_keypair(schnorrkel::ExpansionMode::Ed25519)
}

pub(crate) fn header(uid: u16) -> SubmissionHeader {
    SubmissionHeader {
        run: RunId(Hash32([1; 32])),
        round: Round(7),
        uid: Uid(uid),
        hotkey: Hotkey(keypair().public.to_bytes()),
        theta: Hash32([2; 32]),
        sample_digest: [3; 16],
        sample_count: 96,
        tokens: 12_345,
        inner_steps: 30,
        loss_first: 5.5,
        loss_last: 5.25,
    }
}

pub(crate) fn expected(header: &SubmissionHeader) -> Expected {
    Expected { run: header.run, round: header.round, uid: header.uid, hotkey: header.hotkey, theta: Some(header.theta) }
}

pub(crate) fn sign(draft: Draft) -> Vec<u8> {
    let message = draft.sign_payload().to_bytes();
    draft.finish(Signature(keypair().sign_simple(b"substrate", &message).to_bytes()))
}

/// Replaces the signature after bytes were changed: a liar who owns a key.
pub(crate) fn resign(container: &mut [u8]) {
    let body_end = container.len() - sparseloco::SIGNATURE_BYTES;
    let payload = types::SignPayload::Submission {
        run: RunId(Hash32([1; 32])),
        round: Round(7),
        digest: Hash32::of(&container[..body_end]),
    };
    let signature = keypair().sign_simple(b"substrate", &payload.to_bytes()).to_bytes();
    container[body_end..].copy_from_slice(&signature);
}

/// A submission of top-k of `delta`, through the wire.
pub(crate) fn submission(layout: &Layout, uid: u16, delta: &[f32]) -> Submission {
    let header = header(uid);
    let bytes = sign(compress_dense(layout, header, delta).unwrap());
    assert!(bytes.len() <= layout.max_submission_bytes());
    decode(&bytes, layout, &expected(&header)).unwrap()
}

pub(crate) fn dense(layout: &Layout, submission: &Submission) -> Vec<f32> {
    let mut out = vec![0.0; layout.parameter_count()];
    submission.add_to(&mut out, 1.0);
    out
}
