//! What a signer process signs, and how often.
//!
//! In: where the key is. Out: the guard's policy. A vault's key earns, so it signs what a peer and a validator need, up to
//! a cap a day, and nothing that spends; a key file of a rehearsal also signs its ledger's blocks.

use std::path::PathBuf;

use wallet::{GuardPolicy, Limits};

use crate::KeySource;

/// What a peer or validator has signed, each with its signatures a minute and a day.
///
/// A round takes a minute at least and has one submission, a few records and their retries. A validator sets weights
/// once a round on the embedded ledger, and at most every 100 blocks (72 times a day) on Bittensor. A binding lives for
/// days and is renewed at starts; an announcement is said once a round and again for those who joined meanwhile.
const WORK: [(&str, usize, usize); 8] = [
    ("register", 5, 20),
    ("publish", 120, 50_000),
    ("submission", 20, 3_000),
    ("peer-binding", 5, 100),
    ("announcement", 30, 10_000),
    ("set-weights", 20, 3_000),
    ("extrinsic-commit", 20, 3_000),
    ("extrinsic-set-weights", 10, 500),
];
/// What the keeper of a rehearsal's ledger has signed besides.
const BLOCK: &str = "block";
/// A sequencer of short rounds signs twenty blocks a second; anything above is a runaway.
const REHEARSAL: Limits = Limits { per_minute: 6_000, per_day: 6_000 * 60 * 24 };

pub(crate) fn of(source: &KeySource, log: PathBuf) -> GuardPolicy {
    match source {
        KeySource::Vault { .. } => {
            let limits = |(operation, per_minute, per_day)| (operation, Limits { per_minute, per_day });
            GuardPolicy { operations: WORK.into_iter().map(limits).collect(), max_register: None, log: Some(log) }
        }
        KeySource::KeyFile(_) => {
            let operations = WORK.into_iter().map(|(operation, ..)| operation).chain([BLOCK]);
            GuardPolicy::uniform(operations, REHEARSAL, Some(log))
        }
    }
}
