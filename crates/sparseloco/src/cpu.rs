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
