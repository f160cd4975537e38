//! Hot loops compiled twice: for every CPU of the architecture, and for the vector and bit instructions most have.
//!
//! In: a task. Out: its result, the same bits either way: only integer operations and single f32 and f64 operations in a
//! fixed order are used, and fused multiply-add is left off on purpose.

/// Runs `task` in a function compiled for AVX2, BMI1, BMI2, LZCNT and POPCNT where the CPU has them.
///
/// What the task calls profits only as far as it is inlined: mark the closure and the functions it calls
/// `#[inline(always)]`.
#[inline]
pub(crate) fn specialised<R>(task: impl FnOnce() -> R) -> R {
    #[cfg(test)]
    if tests::PLAIN.load(std::sync::atomic::Ordering::SeqCst) {
        return task();
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the CPU has all features the function is compiled for, and it has no other precondition.
        return unsafe { with_avx2(task) };
    }
    task()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use types::manifest::{AggregationRule, CodebookScope, IndexCoding, OuterSchedule, RunId, SparseLocoParams};
    use types::{Hash32, Hotkey, Round, TensorSpec, Uid};

    use crate::{HEADER_BYTES, Layout, SubmissionHeader, compress, outer_step};

    /// Set: no code path is chosen by the CPU.
    pub(super) static PLAIN: AtomicBool = AtomicBool::new(false);

    fn header(uid: u16) -> SubmissionHeader {
        SubmissionHeader {
            run: RunId(Hash32([1; 32])),
            round: Round(7),
            uid: Uid(uid),
            hotkey: Hotkey([0; 32]),
            theta: Hash32([2; 32]),
            sample_digest: [3; 16],
            sample_count: 1,
            tokens: 1,
            inner_steps: 1,
            loss_first: 1.0,
            loss_last: 1.0,
        }
    }

    fn noise(len: usize, seed: u64) -> Vec<f32> {
        let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..len).map(|_| next() * next() * 1e-2).collect()
    }

    /// Payloads, error feedbacks and parameters of one round of five peers, as bits.
    fn round(layout: &Layout) -> (Vec<Vec<u8>>, Vec<u32>) {
        let anchor = noise(layout.parameter_count(), 0);
        let (mut bodies, mut bits) = (Vec::new(), Vec::new());
        for uid in 1..=5u16 {
            let local = noise(anchor.len(), uid.into());
            let mut ef = noise(anchor.len(), 100 + u64::from(uid));
            let draft = compress(layout, header(uid), &anchor, &local, &mut ef).unwrap();
            bits.extend(ef.iter().map(|v| v.to_bits()));
            bodies.push(draft.as_bytes()[HEADER_BYTES..].to_vec());
        }
        let read = |(uid, body): (u16, &Vec<u8>)| {
            let checked = crate::decode::check_body(body, layout).unwrap();
            (Uid(uid), checked.submission(header(uid), layout, body.clone(), 0..body.len()))
        };
        let submissions: Vec<_> = (1u16..).zip(&bodies).map(read).collect();
        let by_uid: Vec<_> = submissions.iter().map(|(uid, submission)| (*uid, submission)).collect();
        let mut theta = anchor;
        let stats = outer_step(&mut theta, layout, &by_uid, 0.7).unwrap();
        bits.extend(theta.iter().map(|v| v.to_bits()));
        bits.extend(stats.tensor_norms.iter().map(|norm| (*norm as f32).to_bits()));
        (bodies, bits)
    }

    #[test]
    fn a_cpu_without_vector_instructions_gets_the_same_bits() {
        let shapes: [&[usize]; 5] = [&[128, 1216], &[58, 87], &[130], &[3], &[40, 6]];
        let tensors: Vec<_> =
            shapes.iter().enumerate().map(|(i, s)| TensorSpec { name: format!("t{i}"), shape: s.to_vec() }).collect();
        for codebook in [CodebookScope::Chunk, CodebookScope::Tensor] {
            for indices in [IndexCoding::Rice, IndexCoding::Packed12] {
                for aggregation in [AggregationRule::MeanOverAll, AggregationRule::MeanOverSenders] {
                    let params = SparseLocoParams {
                        k: 64,
                        chunk_edge: 64,
                        chunk_1d: 64,
                        codebook,
                        indices,
                        ef_decay: 0.95,
                        aggregation,
                        outer: OuterSchedule::constant(1.0),
                    };
                    let layout = Layout::new(&tensors, &params).unwrap();
                    let chosen = round(&layout);
                    PLAIN.store(true, Ordering::SeqCst);
                    let plain = round(&layout);
                    PLAIN.store(false, Ordering::SeqCst);
                    assert!(chosen == plain, "{codebook:?} {indices:?} {aggregation:?}");
                }
            }
        }
    }
}
