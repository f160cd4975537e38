//! The outer step: same bits for every order and thread count, bounded influence, all rules.

use sparseloco::{Layout, OuterError, Submission, clip_factors, outer_step, probe, reference, theta_hash};
use types::Uid;
use types::manifest::{AggregationRule, CodebookScope, IndexCoding, SparseLocoParams};

use crate::fixture::*;

fn layout(rule: AggregationRule, scope: CodebookScope) -> Layout {
    mixed_layout(&SparseLocoParams { aggregation: rule, ..params(scope, IndexCoding::Rice) })
}

fn peers(layout: &Layout, count: u16) -> Vec<Submission> {
    (0..count)
        .map(|uid| submission(layout, uid, &gauss(layout.parameter_count(), uid.into(), 1.0 + f32::from(uid))))
        .collect()
}

fn with_uids(peers: &[Submission]) -> Vec<(Uid, &Submission)> {
    peers.iter().map(|s| (s.header().uid, s)).collect()
}

/// Sent values, read back densely per tensor; zeros change nothing in a sum, but they are no senders.
fn sent(layout: &Layout, submission: &Submission) -> Vec<Vec<reference::Sent>> {
    let values = dense(layout, submission);
    let of = |t: &sparseloco::TensorLayout| {
        (t.offset()..t.offset() + t.element_count())
            .filter(|i| values[*i] != 0.0)
            .map(|element| reference::Sent { element, value: values[element] })
            .collect()
    };
    layout.tensors().iter().map(of).collect()
}

/// Δ of a round, before α.
fn update(layout: &Layout, submissions: &[(Uid, &Submission)]) -> Vec<f32> {
    let mut theta = vec![0.0; layout.parameter_count()];
    outer_step(&mut theta, layout, submissions, 1.0).unwrap();
    theta.into_iter().map(|t| -t).collect()
}

#[test]
fn centered_clipping_is_one_step_from_the_clipped_mean() {
    let layout = layout(AggregationRule::CenteredClipping { radius_percent: 50 }, CodebookScope::Chunk);
    let peers = peers(&layout, 5);
    let got = update(&layout, &with_uids(&peers));
    let factors = clip_factors(&layout, &peers.iter().collect::<Vec<_>>());
    let sent: Vec<Vec<Vec<reference::Sent>>> = peers.iter().map(|s| sent(&layout, s)).collect();
    for (number, tensor) in layout.tensors().iter().enumerate() {
        let of_tensor: Vec<_> = sent.iter().map(|s| s[number].clone()).collect();
        let clip: Vec<f32> = factors.iter().map(|f| f[number]).collect();
        let want = reference::centered_clipping(got.len(), &of_tensor, &clip, 50);
        for i in tensor.offset()..tensor.offset() + tensor.element_count() {
            assert!((f64::from(got[i]) - want[i]).abs() < 1e-4, "{number} {i}: {} {}", got[i], want[i]);
        }
    }
}

#[test]
fn updates_of_every_rule_are_frozen() {
    let frozen = ["351eae10", "e67e73a0", "fd7902a8", "13abc489", "83d76e41", "cf271df3"];
    let hashes = RULES.map(|rule| {
        let layout = layout(rule, CodebookScope::Chunk);
        let peers = peers(&layout, 5);
        theta_hash(&update(&layout, &with_uids(&peers))).short()
    });
    assert_eq!(hashes, frozen);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Whatever one of R peers sends, no coordinate moves further than the largest clipped value, and where it is alone it
    /// moves it by at most 1/R of its own clipped value (centered clipping: twice that, as its factors reach 2).
    #[test]
    fn one_hostile_submission_has_bounded_influence(
        seed in 0u64..1000, honest in 2u16..6, magnitude in 0.01f32..1000.0, rule in 0usize..RULES.len(),
    ) {
        let rule = RULES[rule];
        let layout = Layout::new(
            &tensors(&[&[128, 64], &[70]]),
            &SparseLocoParams { aggregation: rule, ..params(CodebookScope::Chunk, IndexCoding::Rice) },
        ).unwrap();
        let n = layout.parameter_count();
        let mut all: Vec<_> = (0..honest).map(|uid| submission(&layout, uid, &gauss(n, seed + u64::from(uid), 1.0))).collect();
        all.push(submission(&layout, honest, &gauss(n, seed + 77, magnitude)));
        let factors = clip_factors(&layout, &all.iter().collect::<Vec<_>>());
        let sent: Vec<_> = all.iter().map(|s| sent(&layout, s)).collect();
        let values = reference::gather(n, &sent, &factors);
        let delta = update(&layout, &with_uids(&all));
        let peers = f32::from(honest + 1);
        let (mut largest, mut alone) = (0f32, 0);
        for v in values.iter().flatten() {
            largest = largest.max(v.abs());
        }
        let hostile = dense(&layout, &all[usize::from(honest)]);
        let centered = matches!(rule, AggregationRule::CenteredClipping { .. });
        for i in 0..n {
            // Centered clipping bounds distances, not values: no coordinate moves further than an honest peer's whole tensor.
            let honest_norms = all[..usize::from(honest)].iter().map(|s| s.norms()[usize::from(i >= 128 * 64)]);
            let reach = if centered { 2.0 * honest_norms.fold(0.0, f32::max) } else { largest };
            proptest::prop_assert!(delta[i].abs() <= reach * 1.001, "{:?}: {} {}", rule, delta[i], reach);
            if values[i].len() == 1 && hostile[i] != 0.0 && rule != AggregationRule::MeanOverSenders {
                alone += 1;
                let bound = if centered { 2.0 * hostile[i].abs() } else { values[i][0].abs() } / peers;
                proptest::prop_assert!(delta[i].abs() <= bound * 1.001, "{:?}: {} {}", rule, delta[i], bound);
            }
        }
        proptest::prop_assert!(alone > 0 || rule == AggregationRule::MeanOverSenders);
    }
}

#[test]
fn outer_step_equals_the_dense_reference_bit_for_bit() {
    let exact = |rule: &AggregationRule| !matches!(rule, AggregationRule::CenteredClipping { .. });
    for rule in RULES.into_iter().filter(exact) {
        for scope in SCOPES {
            let layout = layout(rule, scope);
            let peers = peers(&layout, 5);
            let start = gauss(layout.parameter_count(), 99, 1.0);
            let mut theta = start.clone();
            let stats = outer_step(&mut theta, &layout, &with_uids(&peers), 0.7).unwrap();

            let sent: Vec<Vec<Vec<reference::Sent>>> = peers.iter().map(|s| sent(&layout, s)).collect();
            let norms: Vec<Vec<f32>> = peers.iter().map(Submission::norms).collect();
            let factors = reference::clip_factors(&norms);
            assert_eq!(factors, clip_factors(&layout, &peers.iter().collect::<Vec<_>>()));
            let values = reference::gather(start.len(), &sent, &factors);
            let mut want = start.clone();
            reference::outer_step(&mut want, rule, &values, 5, 0.7);
            assert_eq!(theta_hash(&theta), theta_hash(&want), "{rule:?} {scope:?}");

            let delta: Vec<f32> = values.iter().map(|v| reference::update(rule, v, 5)).collect();
            let norm = delta.iter().map(|d| f64::from(*d).powi(2)).sum::<f64>().sqrt();
            assert!((stats.update_norm - norm).abs() < 1e-5 * norm, "{} {norm}", stats.update_norm);
            assert_eq!(stats.touched, delta.iter().filter(|d| **d != 0.0).count() as u64);
            assert!(stats.clipped > 0 && stats.skipped_tensors.is_empty());
        }
    }
}

#[test]
fn order_of_arrival_and_threads_do_not_change_a_bit() {
    for rule in RULES {
        let layout = Layout::new(
            &tensors(&[&[4096, 256], &[512, 512], &[1000]]),
            &SparseLocoParams { aggregation: rule, ..params(CodebookScope::Chunk, IndexCoding::Rice) },
        )
        .unwrap();
        let peers = peers(&layout, 4);
        let start = gauss(layout.parameter_count(), 99, 1.0);
        let mut hashes = Vec::new();
        for (turn, threads) in [(0, 1), (1, 2), (2, 3), (3, 1)] {
            let mut order = with_uids(&peers);
            order.rotate_left(turn);
            if turn % 2 == 1 {
                order.reverse();
            }
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut theta = start.clone();
            let stats = pool.install(|| outer_step(&mut theta, &layout, &order, 0.5).unwrap());
            hashes.push((theta_hash(&theta), stats.update_norm.to_bits()));
        }
        assert!(hashes.windows(2).all(|w| w[0] == w[1]), "{hashes:?}");
    }
}

#[test]
fn a_lone_index_weighs_one_over_r_by_default() {
    for (rule, weight) in [(AggregationRule::MeanOverAll, 0.25), (AggregationRule::MeanOverSenders, 1.0)] {
        let layout = Layout::new(
            &tensors(&[&[64, 64]]),
            &SparseLocoParams { aggregation: rule, ..params(CodebookScope::Chunk, IndexCoding::Rice) },
        )
        .unwrap();
        let at = |from: usize| {
            let mut delta = vec![0.0; 4096];
            delta[from..from + 64].fill(1.0);
            delta
        };
        let mut peers: Vec<_> = (0..3).map(|uid| submission(&layout, uid, &at(0))).collect();
        peers.push(submission(&layout, 3, &at(2048)));
        let mut theta = vec![0.0; 4096];
        outer_step(&mut theta, &layout, &with_uids(&peers), 1.0).unwrap();
        assert!((theta[2048] + weight).abs() < 1e-6, "{rule:?}: {}", theta[2048]);
    }
}

#[test]
fn a_huge_norm_is_clipped_to_the_median() {
    let layout = layout(AggregationRule::MeanOverAll, CodebookScope::Chunk);
    let n = layout.parameter_count();
    let mut peers: Vec<_> = (0..4).map(|uid| submission(&layout, uid, &gauss(n, uid.into(), 0.01))).collect();
    let honest = peers[0].global_norm();
    peers.push(submission(&layout, 4, &gauss(n, 4, 500.0)));
    let mut theta = vec![0.0; n];
    let stats = outer_step(&mut theta, &layout, &with_uids(&peers), 1.0).unwrap();
    assert!(stats.update_norm <= 1.1 * honest, "{} {honest}", stats.update_norm);
    assert!(stats.clipped >= layout.tensors().len());
}

#[test]
fn the_lower_median_of_an_even_count_is_used() {
    let layout = Layout::new(&tensors(&[&[64, 64]]), &params(CodebookScope::Chunk, IndexCoding::Rice)).unwrap();
    let peers: Vec<_> = [1.0, 2.0, 4.0, 8.0].iter().map(|v| submission(&layout, 0, &[*v; 4096])).collect();
    let factors = clip_factors(&layout, &peers.iter().collect::<Vec<_>>());
    assert_eq!(factors, [[1.0], [1.0], [0.5], [0.25]]);
}

#[test]
fn one_peer_that_sends_everything_is_plain_averaging() {
    // R = 1, k = whole chunk: with levels that the codebook holds exactly, the step is θ − α·Δ.
    let params = SparseLocoParams { k: 4096, ..params(CodebookScope::Chunk, IndexCoding::Rice) };
    let layout = Layout::new(&tensors(&[&[64, 64], &[64]]), &params).unwrap();
    let delta: Vec<f32> = (0..layout.parameter_count()).map(|i| [0.5, -0.5, 2.0, -2.0][i % 4]).collect();
    let mut theta = vec![1.0; delta.len()];
    outer_step(&mut theta, &layout, &[(Uid(0), &submission(&layout, 0, &delta))], 0.5).unwrap();
    assert!(theta.iter().zip(&delta).all(|(t, d)| *t == 1.0 - 0.5 * d));
}

#[test]
fn outer_step_refuses_what_makes_no_sense() {
    let a = layout(AggregationRule::MeanOverAll, CodebookScope::Chunk);
    let b = layout(AggregationRule::MeanOverAll, CodebookScope::Tensor);
    let (peer, other) = (&peers(&a, 1)[0], &peers(&b, 1)[0]);
    let n = a.parameter_count();
    let start = gauss(n, 1, 1.0);
    let check = |submissions: &[(Uid, &Submission)], alpha: f32, error: OuterError| {
        let mut theta = start.clone();
        let got = outer_step(&mut theta, &a, submissions, alpha).unwrap_err();
        assert_eq!(format!("{got:?}"), format!("{error:?}"));
        assert_eq!(theta, start);
    };
    check(&[], 1.0, OuterError::NoSubmissions);
    check(&[(Uid(1), peer), (Uid(2), peer), (Uid(1), peer)], 1.0, OuterError::DuplicateUid(Uid(1)));
    check(&[(Uid(1), peer), (Uid(2), other)], 1.0, OuterError::Layout(Uid(2)));
    check(&[(Uid(1), peer)], f32::NAN, OuterError::Alpha(f32::NAN));
    check(&[(Uid(1), peer)], -1.0, OuterError::Alpha(-1.0));
    let short = outer_step(&mut [0.0; 3], &a, &[(Uid(1), peer)], 1.0);
    assert_eq!(short, Err(OuterError::Length { got: 3, expected: n }));
}

#[test]
fn probe_steps_against_one_submission() {
    let layout = layout(AggregationRule::MeanOverAll, CodebookScope::Chunk);
    let theta = gauss(layout.parameter_count(), 1, 1.0);
    let peer = submission(&layout, 0, &gauss(theta.len(), 2, 1.0));
    let clip: Vec<f32> = (0..layout.tensors().len()).map(|t| 1.0 / (1 + t) as f32).collect();
    let mut out = vec![0.0; theta.len()];
    probe(&theta, &mut out, &layout, &peer, &clip, 0.2);
    let values = dense(&layout, &peer);
    for (t, factor) in layout.tensors().iter().zip(&clip) {
        for i in t.offset()..t.offset() + t.element_count() {
            assert_eq!(out[i], theta[i] - 0.2 * factor * values[i]);
        }
    }
}

#[test]
fn overlap_tells_copies_from_independent_work() {
    for coding in CODINGS {
        let layout = Layout::new(&tensors(&[&[256, 256], &[64]]), &params(CodebookScope::Chunk, coding)).unwrap();
        let n = layout.parameter_count();
        let (a, b) = (submission(&layout, 0, &gauss(n, 1, 1.0)), submission(&layout, 1, &gauss(n, 2, 1.0)));
        assert_eq!(a.overlap(&a), 1.0);
        let chance = a.overlap(&b);
        assert!(chance > 0.002 && chance < 0.05, "{chance}");
        assert_eq!(chance, b.overlap(&a));
        // The same update under another name has the same body.
        let copy = submission(&layout, 9, &gauss(n, 1, 1.0));
        assert_eq!((copy.body_digest(), copy.overlap(&a)), (a.body_digest(), 1.0));
        assert_ne!(a.body_digest(), b.body_digest());
    }
}
