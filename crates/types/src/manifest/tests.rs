//! Parameter arithmetic against the paper, and manifests that must be refused.

use super::*;
use crate::Round;

#[test]
fn parameter_counts_are_the_published_ones() {
    let check = |name: &str, tied: u64, untied: u64| {
        let model = ModelParams::preset(name).unwrap();
        assert_eq!((model.parameter_count(), model.untied_parameter_count()), (tied, untied), "{name}");
    };
    // protocol.md §1.2: the paper's 72,747,327,488 is the untied export.
    check("covenant-72b", 70_599_843_840, 72_747_327_488);
    check("8b", 8_030_261_248, 8_030_261_248);
    let about = |name: &str, millions: f64| {
        let count = ModelParams::preset(name).unwrap().parameter_count() as f64 / 1e6;
        assert!((count - millions).abs() < 0.005 * millions, "{name}: {count}");
    };
    about("150m", 182.0);
    about("512m", 512.4);
    about("1b", 1205.0);
    about("tiny", 0.919);
}

#[test]
fn outer_schedule_is_a_step_function() {
    let schedule = OuterSchedule(vec![(Round(0), 1.0), (Round(10), 0.5)]);
    assert_eq!([0, 9, 10, 999].map(|r| schedule.at(Round(r))), [1.0, 1.0, 0.5, 0.5]);
}

fn sample() -> RunManifest {
    let model = ModelParams::preset("nano").unwrap();
    RunManifest {
        version: MANIFEST_VERSION,
        name: "sample".into(),
        seed: 7,
        model,
        data: DataParams {
            dataset: Hash32([3; 32]),
            tokenizer: TokenizerKind::Bytes,
            sequence_tokens: 64,
            pool_sequences: 60,
        },
        inner: InnerParams {
            steps: 15,
            batch_sequences: 4,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            clip_norm: 1.0,
            schedule: InnerSchedule {
                peak: 1.2e-4,
                warmup_steps: 1500,
                cosine_steps: 140_000,
                floor_fraction: 0.1,
                flat: Some(FlatWindow { start: 82_200, steps: 13_500 }),
                anneal: None,
                restart_warmup_steps: 30,
            },
        },
        sparseloco: SparseLocoParams {
            k: 64,
            chunk_edge: 64,
            chunk_1d: 64,
            codebook: CodebookScope::Chunk,
            indices: IndexCoding::Rice,
            ef_decay: 0.95,
            aggregation: AggregationRule::MeanOverAll,
            outer: OuterSchedule::constant(1.0),
        },
        rounds: RoundParams { blocks: 115, commit_by: 100, attest_by: 110, null_rounds: 2, checkpoint_every: 10 },
        gauntlet: GauntletParams::default(),
        chain: ChainParams {
            sequencer: Hotkey([1; 32]),
            validators: vec![(Hotkey([2; 32]), crate::Rao(5))],
            rao_per_block: crate::Rao(1_000_000_000),
            tempo: 360,
            owner_cut: 11_796,
            kappa: 32_767,
            bond_alpha: 6_554,
            clock: Clock::Interval { block_ms: 12_000 },
            subtensor: None,
        },
    }
}

fn on_bittensor() -> SubtensorParams {
    SubtensorParams { genesis: Hash32([8; 32]), netuid: 3, start_block: crate::BlockNumber(7_000_000) }
}

#[test]
fn a_run_on_bittensor_keeps_its_fields_and_has_an_id_of_its_own() {
    let mut manifest = sample();
    assert!(!String::from_utf8(manifest.to_bytes()).unwrap().contains("subtensor"));
    manifest.chain.subtensor = Some(on_bittensor());
    assert_eq!(RunManifest::from_bytes(&manifest.to_bytes()).unwrap(), manifest);
    assert_eq!(manifest.id().0.short(), "bd46c1d0");
}

#[test]
fn the_run_id_of_a_sample_is_frozen() {
    let manifest = sample();
    let bytes = manifest.to_bytes();
    assert_eq!(RunManifest::from_bytes(&bytes).unwrap(), manifest);
    assert_eq!(manifest.id().0.short(), "2ab27483", "{}", String::from_utf8_lossy(&bytes));
}

#[test]
fn every_aggregation_rule_has_frozen_words_and_bounds() {
    let rules = [
        (AggregationRule::MeanOverAll, r#""mean_over_all""#),
        (AggregationRule::MeanOverSenders, r#""mean_over_senders""#),
        (AggregationRule::InfluenceCapped, r#""influence_capped""#),
        (AggregationRule::TrimmedMean { percent: 25 }, r#"{"trimmed_mean":{"percent":25}}"#),
        (AggregationRule::CoordinateMedian { min_senders: 2 }, r#"{"coordinate_median":{"min_senders":2}}"#),
        (AggregationRule::CenteredClipping { radius_percent: 100 }, r#"{"centered_clipping":{"radius_percent":100}}"#),
    ];
    for (rule, words) in rules {
        let mut manifest = sample();
        manifest.sparseloco.aggregation = rule;
        let bytes = manifest.to_bytes();
        assert!(String::from_utf8_lossy(&bytes).contains(&format!(r#""aggregation":{words}"#)), "{rule:?}");
        assert_eq!(RunManifest::from_bytes(&bytes).unwrap(), manifest);
    }
    for (rule, field) in [
        (AggregationRule::TrimmedMean { percent: 50 }, "sparseloco.aggregation.percent"),
        (AggregationRule::CoordinateMedian { min_senders: 0 }, "sparseloco.aggregation.min_senders"),
        (AggregationRule::CenteredClipping { radius_percent: 0 }, "sparseloco.aggregation.radius_percent"),
    ] {
        let mut manifest = sample();
        manifest.sparseloco.aggregation = rule;
        assert!(matches!(manifest.validate(), Err(ManifestError::Field { field: named, .. }) if named == field));
    }
    assert!(serde_json::from_str::<AggregationRule>(r#"{"trimmed_mean":{"percent":25,"more":1}}"#).is_err());
}

#[test]
fn signed_bytes_are_frozen_and_no_kind_passes_for_another() {
    use crate::{Record, Uid};
    let run = RunId(Hash32([1; 32]));
    let (genesis, digest, round, nonce) = (Hash32([2; 32]), Hash32([3; 32]), Round(4), 5);
    let record = Record::Attest { round, have: vec![Uid(1)] };
    let payloads = [
        (SignPayload::Submission { run, round, digest }, "5d41ffe1"),
        (SignPayload::Publish { genesis, nonce, record }, "050558f3"),
        (SignPayload::Register { genesis, nonce }, "751eab68"),
        (SignPayload::SetWeights { genesis, nonce, weights: vec![(Uid(1), 2)] }, "bebdabfd"),
        (SignPayload::Block { genesis, digest }, "408494c0"),
        (SignPayload::Manifest { run }, "8ba9d00c"),
    ];
    for (payload, want) in &payloads {
        assert_eq!(Hash32::of(&payload.to_bytes()).short(), *want, "{}", payload.operation());
        let prefix = format!("covey/v1/{}\0", payload.operation());
        assert!(payload.to_bytes().starts_with(prefix.as_bytes()));
    }
}

#[test]
fn manifests_out_of_bounds_are_refused_by_the_fields_name() {
    let refused = |change: &dyn Fn(&mut RunManifest), field: &str| {
        let mut manifest = sample();
        change(&mut manifest);
        match RunManifest::from_bytes(&manifest.to_bytes()) {
            Err(ManifestError::Field { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
    };
    refused(&|m| m.name.clear(), "name");
    refused(&|m| m.name.push('\n'), "name");
    refused(&|m| m.model.kv_heads = 3, "model.kv_heads");
    refused(&|m| m.model.d_model = usize::MAX, "model.d_model");
    refused(&|m| m.model.vocab = 100, "model.vocab");
    refused(&|m| m.inner.schedule.peak = 2.0, "inner.schedule.peak");
    refused(&|m| m.sparseloco.k = 63, "sparseloco.k");
    refused(&|m| m.sparseloco.outer.0.clear(), "sparseloco.outer");
    refused(&|m| m.rounds.attest_by = 200, "rounds.attest_by");
    refused(&|m| m.gauntlet.overlap.mega = 0.1, "gauntlet.overlap");
    refused(&|m| m.chain.validators.push((Hotkey([2; 32]), crate::Rao(1))), "chain.validators");
    refused(&|m| m.chain.clock = Clock::Paced { block_ms: 10, phase_ms: 5 }, "chain.clock.phase_ms");
    let root = SubtensorParams { netuid: 0, ..on_bittensor() };
    refused(&|m| m.chain.subtensor = Some(root), "chain.subtensor.netuid");
    let far = SubtensorParams { start_block: crate::BlockNumber(1 << 32), ..on_bittensor() };
    refused(&|m| m.chain.subtensor = Some(far), "chain.subtensor.start_block");
    let paced = |m: &mut RunManifest| {
        m.chain.clock = Clock::Paced { block_ms: 10, phase_ms: 50 };
        m.chain.subtensor = Some(on_bittensor());
    };
    refused(&paced, "chain.clock");
    let newer = RunManifest { version: 2, ..sample() };
    assert_eq!(RunManifest::from_bytes(&newer.to_bytes()), Err(ManifestError::Version { got: 2 }));
    let unknown = String::from_utf8(sample().to_bytes()).unwrap().replacen('{', "{\"more\":1,", 1);
    assert!(matches!(RunManifest::from_bytes(unknown.as_bytes()), Err(ManifestError::Syntax(_))));
}

#[test]
fn a_manifest_signed_by_somebody_else_is_refused() {
    let signed = SignedManifest { manifest: sample(), founder: Hotkey([9; 32]), signature: Signature([0; 64]) };
    let bytes = serde_json::to_vec(&signed).unwrap();
    assert!(matches!(SignedManifest::from_bytes(&bytes), Err(ManifestError::Signature(_))));
}
