//! What a run is made of: its manifest, payloads, blobs and shards.
//!
//! In: files and payloads of strangers. Out: values that read back the same.

use dataset::DatasetManifest;
use exchange::{CHUNK_BYTES, Manifest};
use sparseloco::{Expected, Layout, SIGNATURE_BYTES, decode};
use types::manifest::{
    AggregationRule, ChainParams, Clock, CodebookScope, DataParams, FlatWindow, GauntletParams, IndexCoding,
    InnerParams, InnerSchedule, MANIFEST_VERSION, ModelParams, OuterSchedule, RoundParams, SparseLocoParams,
    TokenizerKind,
};
use types::{Hash32, Hotkey, Rao, Round, RunId, RunManifest, SignPayload, Signature, SignedManifest, TensorSpec, Uid};

use crate::allocation::at_most;

pub(crate) fn run_manifest(data: &[u8]) {
    at_most(4 << 20, || {
        if let Ok(manifest) = RunManifest::from_bytes(data) {
            let bytes = manifest.to_bytes();
            let again = RunManifest::from_bytes(&bytes).unwrap();
            assert_eq!(again.id(), manifest.id());
            assert_eq!(again, manifest);
        }
        if let Ok(signed) = SignedManifest::from_bytes(data) {
            assert_eq!(signed.manifest.validate(), Ok(()));
        }
    });
}

fn sparseloco_params(codebook: CodebookScope, indices: IndexCoding) -> SparseLocoParams {
    let (aggregation, outer) = (AggregationRule::MeanOverAll, OuterSchedule::constant(1.0));
    SparseLocoParams { k: 4, chunk_edge: 8, chunk_1d: 6, codebook, indices, ef_decay: 0.95, aggregation, outer }
}

pub(crate) fn run_manifest_seeds() -> Vec<Vec<u8>> {
    let schedule = InnerSchedule {
        peak: 1.2e-4,
        warmup_steps: 1500,
        cosine_steps: 140_000,
        floor_fraction: 0.1,
        flat: Some(FlatWindow { start: 82_200, steps: 13_500 }),
        anneal: None,
        restart_warmup_steps: 30,
    };
    let (dataset, tokenizer) = (Hash32([3; 32]), TokenizerKind::Bytes);
    let manifest = RunManifest {
        version: MANIFEST_VERSION,
        name: "sample".into(),
        seed: 7,
        model: ModelParams::preset("nano").unwrap(),
        data: DataParams { dataset, tokenizer, sequence_tokens: 64, pool_sequences: 60 },
        inner: InnerParams {
            steps: 15,
            batch_sequences: 4,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip_norm: 1.0,
            schedule,
        },
        sparseloco: SparseLocoParams {
            k: 64,
            chunk_edge: 64,
            chunk_1d: 64,
            ..sparseloco_params(CodebookScope::Chunk, IndexCoding::Rice)
        },
        rounds: RoundParams { blocks: 115, commit_by: 100, attest_by: 110, null_rounds: 2, checkpoint_every: 10 },
        gauntlet: GauntletParams::default(),
        chain: ChainParams {
            sequencer: Hotkey([1; 32]),
            validators: vec![(Hotkey([2; 32]), Rao(1_000_000_000))],
            rao_per_block: Rao(1_000_000_000),
            tempo: 115,
            owner_cut: 11_796,
            kappa: 32_767,
            bond_alpha: 6_554,
            clock: Clock::Interval { block_ms: 12_000 },
            subtensor: None,
        },
    };
    let (pair, run) = (keypair(), manifest.id());
    let message = SignPayload::Manifest { run }.to_bytes();
    let signature = Signature(pair.sign_simple(b"substrate", &message).to_bytes());
    let signed = SignedManifest { manifest: manifest.clone(), founder: Hotkey(pair.public.to_bytes()), signature };
    let seeds = vec![manifest.to_bytes(), serde_json::to_vec(&signed).unwrap()];
    assert!(RunManifest::from_bytes(&seeds[0]).is_ok() && SignedManifest::from_bytes(&seeds[1]).is_ok());
    seeds
}

/// A test key; it signs nothing else.
fn keypair() -> schnorrkel::Keypair {
    schnorrkel::MiniSecretKey::from_bytes(&[7; 32]).unwrap().expand_to_keypair(schnorrkel::ExpansionMode::Ed25519)
}

/// The golden containers, one per coding.
const GOLDEN: [(CodebookScope, IndexCoding, &[u8]); 4] = [
    (
        CodebookScope::Chunk,
        IndexCoding::Rice,
        include_bytes!("../../../crates/sparseloco/tests/golden/submission-v1.bin"),
    ),
    (
        CodebookScope::Chunk,
        IndexCoding::Packed12,
        include_bytes!("../../../crates/sparseloco/tests/golden/submission-v1-chunk-packed12.bin"),
    ),
    (
        CodebookScope::Tensor,
        IndexCoding::Rice,
        include_bytes!("../../../crates/sparseloco/tests/golden/submission-v1-tensor-rice.bin"),
    ),
    (
        CodebookScope::Tensor,
        IndexCoding::Packed12,
        include_bytes!("../../../crates/sparseloco/tests/golden/submission-v1-tensor-packed12.bin"),
    ),
];

/// The first byte chooses the coding; the rest is a container without its signature, which a liar who owns a key adds.
pub(crate) fn submission(data: &[u8]) {
    let Some((which, body)) = data.split_first() else { return };
    let (scope, coding, _) = GOLDEN[usize::from(*which) % GOLDEN.len()];
    let spec = |name: &str, shape: &[usize]| TensorSpec { name: name.into(), shape: shape.to_vec() };
    let tensors = [spec("t0", &[8, 16]), spec("t1", &[12])];
    let layout = Layout::new(&tensors, &sparseloco_params(scope, coding)).unwrap();
    let pair = keypair();
    let (run, round) = (RunId(Hash32([1; 32])), Round(7));
    let hotkey = Hotkey(pair.public.to_bytes());
    let expected = Expected { run, round, uid: Uid(5), hotkey, theta: Some(Hash32([2; 32])) };
    let payload = SignPayload::Submission { run, round, digest: Hash32::of(body) };
    let signature = pair.sign_simple(b"substrate", &payload.to_bytes()).to_bytes();
    let container = [body, &signature].concat();
    // 64 KiB stands for a few honest payloads of this toy layout.
    at_most(64 << 10, || {
        if let Ok(found) = decode(&container, &layout, &expected) {
            assert!(container.len() <= layout.max_submission_bytes());
            assert_eq!((found.header().round, found.header().uid), (round, Uid(5)));
        }
    });
}

pub(crate) fn submission_seeds() -> Vec<Vec<u8>> {
    let body = |bytes: &[u8]| bytes[..bytes.len() - SIGNATURE_BYTES].to_vec();
    GOLDEN.iter().zip(0u8..).map(|((_, _, bytes), which)| [vec![which], body(bytes)].concat()).collect()
}

pub(crate) fn blob_manifest(data: &[u8]) {
    at_most(1 << 20, || {
        if let Ok(manifest) = Manifest::from_bytes(data) {
            assert_eq!(manifest.to_bytes(), data);
            assert_eq!(u64::from(manifest.chunk_count()), manifest.id().chunk_count());
        }
    });
}

pub(crate) fn blob_manifest_seeds() -> Vec<Vec<u8>> {
    let of = |bytes: usize| Manifest::of(&vec![7; bytes]).unwrap().to_bytes();
    vec![of(0), of(1), of(CHUNK_BYTES), of(3 * CHUNK_BYTES + 1)]
}

pub(crate) fn shard_manifest(data: &[u8]) {
    at_most(4 << 20, || {
        if let Ok(manifest) = DatasetManifest::from_bytes(data) {
            assert_eq!(DatasetManifest::from_bytes(&manifest.to_bytes()).unwrap().to_bytes(), manifest.to_bytes());
        }
    });
}

pub(crate) fn shard_manifest_seeds() -> Vec<Vec<u8>> {
    let hash = Hash32([4; 32]);
    let text = format!(
        r#"{{"version":1,"name":"stories","source":"seed 7","tokenizer":{{"kind":"bytes"}},"vocab":256,"dtype":"u16",
            "sequence_tokens":8,"held_out_sequences":1,"total_sequences":4,"total_tokens":32,
            "shards":[{{"file":"shard-00000.bin","tokens":32,"blake3":"{hash}"}}]}}"#
    );
    DatasetManifest::from_bytes(text.as_bytes()).unwrap();
    vec![text.into_bytes()]
}
