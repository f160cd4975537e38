//! Wipes what work with secrets left on a thread's stack.
//!
//! In: nothing. Out: a stack below the caller that holds zeros. Types that wipe themselves do so where they are, not
//! where they were moved from, and ciphers spill their state; a thread that goes on living would keep it all.

use std::hint::black_box;

use zeroize::Zeroize as _;

/// Deeper than key derivation, encryption and the keychain go, also without optimisation; threads have 2 MiB.
const DEPTH: usize = 768 * 1024;

/// Does `work`, then wipes the stack below this call.
pub(crate) fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let result = run(work);
    wipe();
    result
}

/// A frame of its own, so that `work` stands wholly below the caller's.
#[inline(never)]
fn run<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe() {
    let mut below = [0u8; DEPTH];
    // Written in a way that no optimiser takes for useless.
    black_box(&mut below).zeroize();
    black_box(&below);
}
