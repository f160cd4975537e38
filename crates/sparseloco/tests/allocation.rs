//! Decoding takes no more memory than an honest payload is worth, whatever the bytes say.
//!
//! In: honest and lying containers. Out: the peak of live allocations during `decode`, counted per thread.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;

#[path = "it/fixture.rs"]
#[expect(dead_code, reason = "shared with the other test binary")]
mod fixture;

use fixture::{expected, gauss, header, params, resign, sign, tensors};
use sparseloco::{DecodeError, HEADER_BYTES, Layout, SIGNATURE_BYTES, compress_dense, decode};
use types::manifest::{CodebookScope, IndexCoding};

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Counts what each thread holds.
struct Counting;

fn count(bytes: isize) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

// SAFETY: every call is passed on to the system allocator unchanged; counting touches only thread-local cells without
// destructors, which allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        count(memory.size() as isize);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        count(-(memory.size() as isize));
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(at, memory) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Peak of allocations during `f`, bytes.
fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = f();
    (result, (PEAK.get() - before) as usize)
}

fn honest() -> (Layout, Vec<u8>) {
    let layout =
        Layout::new(&tensors(&[&[1024, 1024], &[1024]]), &params(CodebookScope::Chunk, IndexCoding::Rice)).unwrap();
    let delta = gauss(layout.parameter_count(), 1, 1.0);
    let bytes = sign(compress_dense(&layout, header(0), &delta).unwrap());
    (layout, bytes)
}

#[test]
fn an_honest_payload_takes_its_own_size() {
    let (layout, bytes) = honest();
    let (submission, peak) = peak(|| decode(&bytes, &layout, &expected(&header(0))).unwrap());
    assert!(peak <= bytes.len() * 11 / 10, "{peak} for {}", bytes.len());
    assert!(submission.memory_bytes() <= bytes.len() * 11 / 10);
}

#[test]
fn lies_take_less_than_an_honest_payload() {
    let (layout, bytes) = honest();
    let end = bytes.len() - SIGNATURE_BYTES;
    for lie in [u64::MAX, 1 << 60, 1 << 32, end as u64] {
        let mut bytes = bytes.clone();
        bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&lie.to_le_bytes());
        resign(&mut bytes);
        let (result, peak) = peak(|| decode(&bytes, &layout, &expected(&header(0))));
        assert!(matches!(result, Err(DecodeError::Truncated { .. })));
        assert!(peak < 4096, "{peak}");
    }
    // Unsound bodies of full size, signed: refused before anything of the body's size is taken.
    for fill in [0x00, 0xff, 0x55] {
        let mut bytes = bytes.clone();
        bytes[end - 2000..end].fill(fill);
        resign(&mut bytes);
        let (result, peak) = peak(|| decode(&bytes, &layout, &expected(&header(0))));
        assert!(result.is_err());
        assert!(peak < 4096, "{peak}");
    }
}
