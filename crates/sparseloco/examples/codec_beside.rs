//! One measurement of the codec at a time, so that it can be interleaved with another program's.
//!
//! In: the number of threads as the only argument, then a line on standard input per measurement. Out: a JSON line that
//! says what is measured, then one per measurement with CPU and wall nanoseconds per parameter. The memory of one machine
//! is twice as fast in one hour as in the next: only ratios of neighbouring measurements mean anything
//! (`docs/benchmarks.md`). It refuses an argument that is no number.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on may stop")]

use std::hint::black_box;
use std::io::BufRead as _;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use sparseloco::{Layout, Submission, compress, compress_dense, decode_owned, outer_step};
use types::TensorSpec;
use types::manifest::{CodebookScope, IndexCoding};

#[path = "../tests/it/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod fixture;

use fixture::{expected, gauss, header, sign};

/// Submissions summed.
const SUBMISSIONS: u16 = 20;

/// The tensors of `benches/codec.rs`: the 150M preset's shapes, about two thirds of its layers.
fn layout() -> Layout {
    let mut shapes = vec![vec![32_000, 1024]];
    for _ in 0..3 {
        shapes.extend([vec![1024], vec![1024, 1024], vec![1024, 1024], vec![1024, 1024], vec![1024, 1024], vec![1024]]);
        shapes.extend([vec![2688, 1024], vec![2688, 1024], vec![1024, 2688]]);
    }
    let spec = |(i, shape)| TensorSpec { name: format!("t{i}"), shape };
    let specs: Vec<_> = shapes.into_iter().enumerate().map(spec).collect();
    Layout::new(&specs, &fixture::params(CodebookScope::Chunk, IndexCoding::Rice)).unwrap()
}

/// CPU time of all threads of this process, where the system has such a clock.
#[cfg(unix)]
fn cpu() -> Option<Duration> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid, writable timespec; the call keeps no pointer to it.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    assert!(status == 0, "the process CPU clock exists on every Linux");
    Some(Duration::new(now.tv_sec as u64, now.tv_nsec as u32))
}

/// The comparison runs on Linux; elsewhere only the wall clock is read.
#[cfg(not(unix))]
const fn cpu() -> Option<Duration> {
    None
}

/// Runs `work` once; gives its result and a JSON member with its cost per parameter.
fn measured<T>(name: &str, parameters: usize, work: impl FnOnce() -> T) -> (T, String) {
    let (cpu_before, wall_before) = (cpu(), Instant::now());
    let result = black_box(work());
    let (wall, cpu) = (wall_before.elapsed(), cpu().zip(cpu_before).map(|(after, before)| after - before));
    let per = |time: Duration| time.as_secs_f64() * 1e9 / parameters as f64;
    let cpu = cpu.map_or_else(|| "null".to_owned(), |time| format!("{:.4}", per(time)));
    (result, format!("\"{name}\":{{\"cpu\":{cpu},\"wall\":{:.4}}}", per(wall)))
}

fn read_all(layout: &Layout, bytes: Vec<Vec<u8>>) -> Vec<Submission> {
    let read = |(uid, bytes)| decode_owned(bytes, layout, &expected(&header(uid))).unwrap();
    (0u16..).zip(bytes).collect::<Vec<_>>().into_par_iter().map(read).collect()
}

fn main() {
    let threads = std::env::args().nth(1).map_or(1, |threads| threads.parse().unwrap());
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let layout = layout();
    let n = layout.parameter_count();
    let anchor = gauss(n, 1, 0.02);
    let after: Vec<f32> = anchor.iter().zip(gauss(n, 2, 1e-3)).map(|(a, d)| a - d).collect();
    let delta = |uid: u16| gauss(n, 10 + u64::from(uid), 1e-3);
    let wire: Vec<Vec<u8>> =
        (0..SUBMISSIONS).map(|uid| sign(compress_dense(&layout, header(uid), &delta(uid)).unwrap())).collect();
    let mut error_feedback = gauss(n, 3, 1e-3);
    let mut theta = anchor.clone();
    println!("{{\"n\":{n},\"threads\":{threads},\"wire\":{:.5}}}", wire[0].len() as f64 / n as f64);
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let mut local = after.clone();
        let (_, compressed) =
            measured("compress", n, || compress(&layout, header(0), &anchor, &mut local, &error_feedback).unwrap());
        error_feedback = local;
        let fetched = wire.clone();
        let (_, summed) = measured("sum20", n, || {
            let all = read_all(&layout, fetched);
            let by_uid: Vec<_> = all.iter().map(|s| (s.header().uid, s)).collect();
            let stats = outer_step(&mut theta, &layout, &by_uid, 1e-3).unwrap();
            (all, stats)
        });
        println!("{{{compressed},{summed}}}");
    }
}
