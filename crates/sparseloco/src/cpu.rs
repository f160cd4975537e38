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
    if has_avx2() {
        // SAFETY: the CPU has all features the function is compiled for, and it has no other precondition.
        return unsafe { with_avx2(task) };
    }
    task()
}

/// Whether the CPU has all that [`with_avx2`] is compiled for. The answer is cached by the standard library.
#[cfg(target_arch = "x86_64")]
#[inline]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use types::Uid;
    use types::manifest::SparseLocoParams;

    use crate::fixture::{CODINGS, RULES, SCOPES, expected, gauss, header, mixed_layout, params, sign};
    use crate::{Layout, compress, decode_owned, outer_step};

    /// Set: no code path is chosen by the CPU.
    pub(super) static PLAIN: AtomicBool = AtomicBool::new(false);

    #[cfg(target_arch = "x86_64")]
    use super::has_avx2;
    #[cfg(not(target_arch = "x86_64"))]
    fn has_avx2() -> bool {
        false
    }

    /// Payloads, error feedbacks and parameters of one round of five peers, as bits.
    fn round(layout: &Layout) -> (Vec<Vec<u8>>, Vec<u32>, Vec<u64>) {
        let mut theta = gauss(layout.parameter_count(), 0, 0.02);
        let (mut payloads, mut bits, mut submissions) = (Vec::new(), Vec::new(), Vec::new());
        for uid in 1..=5u16 {
            let mut kept = gauss(theta.len(), uid.into(), 0.02);
            let ef = gauss(theta.len(), 100 + u64::from(uid), 1e-3);
            let draft = compress(layout, header(uid), &theta, &mut kept, &ef).unwrap();
            payloads.push(draft.as_bytes().to_vec());
            bits.extend(kept.iter().map(|v| v.to_bits()));
            submissions.push((Uid(uid), decode_owned(sign(draft), layout, &expected(&header(uid))).unwrap()));
        }
        let by_uid: Vec<_> = submissions.iter().map(|(uid, submission)| (*uid, submission)).collect();
        let stats = outer_step(&mut theta, layout, &by_uid, 0.7).unwrap();
        bits.extend(theta.iter().map(|v| v.to_bits()));
        (payloads, bits, stats.tensor_norms.iter().map(|norm| norm.to_bits()).collect())
    }

    #[test]
    fn a_cpu_without_vector_instructions_gets_the_same_bits() {
        if !has_avx2() {
            println!("not run: this CPU has no AVX2, so there is one path only");
            return;
        }
        for (scope, coding, rule) in
            SCOPES.iter().flat_map(|s| CODINGS.iter().flat_map(move |c| RULES.iter().map(move |r| (*s, *c, *r))))
        {
            let layout = mixed_layout(&SparseLocoParams { aggregation: rule, ..params(scope, coding) });
            let chosen = round(&layout);
            PLAIN.store(true, Ordering::SeqCst);
            let plain = round(&layout);
            PLAIN.store(false, Ordering::SeqCst);
            assert!(chosen == plain, "{scope:?} {coding:?} {rule:?}");
        }
    }
}
