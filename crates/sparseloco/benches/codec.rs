//! CPU time of the codec on at least 64 million parameters.
//!
//! In: seeded Gaussian parameters in the shapes of a real model. Out: process CPU nanoseconds per call (criterion prints
//! "time"; divide by the parameters printed first), and bytes per parameter on the wire. CPU time, not wall time: other
//! programs on the machine must not count. The 20 submissions are distinct, since equal ones would share cache lines.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rayon::prelude::*;
use sparseloco::{Layout, Submission, compress, compress_dense, decode_owned, outer_step, theta_hash};
use types::TensorSpec;
use types::manifest::{CodebookScope, IndexCoding};

#[path = "../tests/it/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod fixture;

use fixture::{expected, header, sign};

/// CPU seconds of all threads of this process.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is a valid, writable timespec; the call keeps no pointer to it.
        let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
        assert!(status == 0, "the process CPU clock exists on every Linux");
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn layout(shapes: &[(usize, usize)]) -> Layout {
    let spec = |(i, (rows, cols)): (usize, &(usize, usize))| TensorSpec {
        name: format!("t{i}"),
        shape: if *rows == 1 { vec![*cols] } else { vec![*rows, *cols] },
    };
    let specs: Vec<_> = shapes.iter().enumerate().map(spec).collect();
    Layout::new(&specs, &fixture::params(CodebookScope::Chunk, IndexCoding::Rice)).unwrap()
}

/// The 150M preset's shapes (about two thirds of its layers), and one very wide matrix.
fn layouts() -> [(&'static str, Layout); 2] {
    let mut shapes = vec![(32_000, 1024)];
    for _ in 0..3 {
        shapes.extend([(1, 1024), (1024, 1024), (1024, 1024), (1024, 1024), (1024, 1024), (1, 1024)]);
        shapes.extend([(2688, 1024), (2688, 1024), (1024, 2688)]);
    }
    [("150m shapes", layout(&shapes)), ("28672 wide", layout(&[(2304, 28_672)]))]
}

/// Close to normal: six uniform numbers, and tails that a top-k needs.
fn gauss(len: usize, seed: u64, scale: f32) -> Vec<f32> {
    let mut out = vec![0f32; len];
    out.par_chunks_mut(1 << 16).enumerate().for_each(|(block, out)| {
        let mut state =
            seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ (block as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for v in out {
            let mut sum = -3.0;
            for _ in 0..2 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let part = |shift: u32| (state >> shift & 0x1f_ffff) as f32 / (1 << 21) as f32;
                sum += part(0) + part(21) + part(42);
            }
            *v = sum * 1.414 * scale;
        }
    });
    out
}

fn containers(layout: &Layout, count: u16) -> Vec<Vec<u8>> {
    let delta = |uid: u16| gauss(layout.parameter_count(), uid.into(), 1e-3);
    (0..count).map(|uid| sign(compress_dense(layout, header(uid), &delta(uid)).unwrap())).collect()
}

/// As a peer reads: it hands over the bytes that it fetched, and nothing is copied.
fn read(layout: &Layout, uid: u16, bytes: Vec<u8>) -> Submission {
    decode_owned(bytes, layout, &expected(&header(uid))).unwrap()
}

fn read_all(layout: &Layout, bytes: Vec<Vec<u8>>) -> Vec<Submission> {
    (0u16..).zip(bytes).collect::<Vec<_>>().into_par_iter().map(|(uid, b)| read(layout, uid, b)).collect()
}

fn yardstick(anchor: &[f32], local: &[f32], ef: &mut [f32]) {
    const PART: usize = 1 << 18;
    let parts = ef.par_chunks_mut(PART).zip(anchor.par_chunks(PART)).zip(local.par_chunks(PART));
    parts.for_each(|((ef, anchor), local)| {
        for ((e, a), l) in ef.iter_mut().zip(anchor).zip(local) {
            *e = 0.95 * *e + (a - l);
        }
    });
}

fn codec(c: &mut Criterion<CpuTime>) {
    for (name, layout) in layouts() {
        let n = layout.parameter_count();
        let anchor = gauss(n, 1, 0.02);
        let local: Vec<f32> = anchor.par_iter().zip(gauss(n, 2, 1e-3)).map(|(a, d)| a - d).collect();
        let bytes = containers(&layout, 20);
        let wire = bytes[0].len() as f64 / n as f64;
        println!("{name}: {n} parameters, {wire:.5} bytes per parameter on the wire");
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut group = c.benchmark_group(format!("{name}, {threads} thread(s)"));
            group.sample_size(10).throughput(criterion::Throughput::Elements(n as u64));
            let mut ef = gauss(n, 3, 1e-3);
            // What the memory allows at best: one pass that reads what compression reads and writes what it writes.
            // Compare in one run: the same machine gives half as much an hour later.
            group.bench_function("yardstick: e = b*e + (a - l)", |b| {
                b.iter(|| pool.install(|| yardstick(&anchor, black_box(&local), &mut ef)));
            });
            group.bench_function("compress", |b| {
                let round = |mut kept: Vec<f32>| {
                    let draft = pool.install(|| compress(&layout, header(0), &anchor, &mut kept, &ef).unwrap());
                    (draft, kept)
                };
                b.iter_batched(|| local.clone(), round, BatchSize::PerIteration);
            });
            // Made outside the measured time, as a fetch would: submissions are handed out, so that nothing is freed in it.
            let fetch = || bytes.clone();
            group.bench_function("decode 20", |b| {
                b.iter_batched(fetch, |bytes| pool.install(|| read_all(&layout, bytes)), BatchSize::PerIteration);
            });
            let mut theta = anchor.clone();
            group.bench_function("decode, clip and sum 20", |b| {
                let mut sum = |bytes| {
                    let all = read_all(&layout, bytes);
                    let by_uid: Vec<_> = all.iter().map(|s| (s.header().uid, s)).collect();
                    let stats = outer_step(&mut theta, &layout, &by_uid, 1e-3).unwrap();
                    (all, stats)
                };
                b.iter_batched(fetch, |bytes| pool.install(|| sum(bytes)), BatchSize::PerIteration);
            });
            group.bench_function("theta hash", |b| b.iter(|| pool.install(|| theta_hash(&theta))));
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = codec
}
criterion_main!(benches);
