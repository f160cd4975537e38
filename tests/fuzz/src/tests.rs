//! Each target on its seeds, on past findings and on a few thousand seeded mutations of both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::*;

const MUTANTS: usize = 3000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn holds(target: &Target, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.check)(bytes))).is_err() {
        panic!("target {} breaks at the {} bytes {}", target.name, bytes.len(), hex(bytes));
    }
}

fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let mut inputs = (target.seeds)();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut findings: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().map(|f| f.unwrap().path()).collect();
    findings.sort();
    inputs.extend(findings.into_iter().map(|path| std::fs::read(path).unwrap()));
    inputs
}

#[test]
fn every_target_has_a_name_of_its_own_and_seeds_that_it_accepts_to_see() {
    for (at, target) in TARGETS.iter().enumerate() {
        assert!(TARGETS[at + 1..].iter().all(|other| other.name != target.name));
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty() && seeds.iter().all(|seed| seed.len() <= target.max_bytes), "{}", target.name);
    }
    let known = |name: &str| TARGETS.iter().any(|target| target.name == name);
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")).into_iter().flatten();
    for folder in folders.map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        assert!(known(&folder.file_name().to_string_lossy()), "no target reads {}", folder.path().display());
    }
}

#[test]
fn every_target_keeps_its_promises_on_seeds_findings_and_mutations() {
    for target in TARGETS {
        let inputs = inputs(target);
        for input in &inputs {
            holds(target, input);
        }
        let seed = target.name.bytes().fold(0xC0FE, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut mutations = Mutations::new(inputs, target.max_bytes, seed);
        for _ in 0..MUTANTS {
            holds(target, &mutations.mutant());
        }
    }
}

#[test]
fn a_broken_promise_is_seen() {
    let lies = Target { name: "lies", check: |bytes| assert!(bytes.len() != 3), seeds: Vec::new, max_bytes: 8 };
    assert!(catch_unwind(|| holds(&lies, b"abc")).is_err());
    holds(&lies, b"ab");
    let greedy = || allocation::at_most(1000, || Vec::<u8>::with_capacity(1001).capacity());
    assert!(catch_unwind(greedy).is_err());
    assert_eq!(allocation::at_most(1000, || Vec::<u8>::with_capacity(1000).capacity()), 1000);
}
