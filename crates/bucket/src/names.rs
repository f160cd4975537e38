//! Names of objects: where in a bucket a run's blobs lie.
//!
//! In: run, round, whose, root. Out: the name that writer and reader agree on, and the round that a name belongs to. The
//! run stands first, so that one bucket serves several runs, and clearing up after one leaves the others alone. Names are
//! short: some servers keep each, encoded, in one file name of 255 characters.

use types::{Hash32, Hotkey, Round, RunId};

/// Digits of the run's id in names: enough that no two runs of one person meet.
const RUN_DIGITS: usize = 8;
const CHECKPOINT: &str = "checkpoint";

/// A shelf of a bucket: blobs of one kind and round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// What a key committed in a round: a peer's payload, a validator's report. `<run>/<round>/<hotkey>/<root>`.
    Round {
        /// The run.
        run: RunId,
        /// The round.
        round: Round,
        /// Whose it is.
        hotkey: Hotkey,
    },
    /// The parameters at the start of a round. `<run>/checkpoint/<round>/<root>`.
    Checkpoint {
        /// The run.
        run: RunId,
        /// The round.
        round: Round,
    },
}

impl Shelf {
    /// Name of a blob.
    pub fn name(&self, root: &Hash32) -> String {
        match self {
            Self::Round { run, round, hotkey } => format!("{}/{round}/{hotkey}/{root}", prefix(run)),
            Self::Checkpoint { run, round } => format!("{}/{CHECKPOINT}/{round}/{root}", prefix(run)),
        }
    }

    /// Name of its manifest.
    pub fn manifest_name(&self, root: &Hash32) -> String {
        format!("{}.manifest", self.name(root))
    }
}

/// What all names of a run begin with.
pub(crate) fn prefix(run: &RunId) -> String {
    let mut digits = run.to_string();
    digits.truncate(RUN_DIGITS);
    digits
}

/// What a run's names say of their age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Round(Round),
    Checkpoint(Round),
}

/// The age of a name; `None` for a name that is not one of this run's.
pub(crate) fn age(run: &RunId, name: &str) -> Option<Age> {
    let rest = name.strip_prefix(&prefix(run))?.strip_prefix('/')?;
    let (first, rest) = rest.split_once('/')?;
    if first == CHECKPOINT {
        return round(rest.split_once('/')?.0).map(Age::Checkpoint);
    }
    round(first).map(Age::Round)
}

/// Only the one way of writing it, which is how names are made here.
fn round(digits: &str) -> Option<Round> {
    let round: u64 = digits.parse().ok()?;
    (round.to_string() == digits).then_some(Round(round))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: RunId = RunId(Hash32([0xab; 32]));

    #[test]
    fn golden_names() {
        let hotkey = Hotkey([1; 32]);
        let root = Hash32([2; 32]);
        let payload = Shelf::Round { run: RUN, round: Round(7), hotkey };
        let want = format!("abababab/7/{hotkey}/{}", "02".repeat(32));
        assert_eq!(payload.name(&root), want);
        assert_eq!(payload.manifest_name(&root), format!("{want}.manifest"));
        let checkpoint = Shelf::Checkpoint { run: RUN, round: Round(40) };
        assert_eq!(checkpoint.name(&root), format!("abababab/checkpoint/40/{}", "02".repeat(32)));
    }

    #[test]
    fn a_name_tells_its_age_and_foreign_names_tell_nothing() {
        let root = Hash32([2; 32]);
        let payload = Shelf::Round { run: RUN, round: Round(7), hotkey: Hotkey([1; 32]) };
        assert_eq!(age(&RUN, &payload.manifest_name(&root)), Some(Age::Round(Round(7))));
        let checkpoint = Shelf::Checkpoint { run: RUN, round: Round(40) };
        assert_eq!(age(&RUN, &checkpoint.name(&root)), Some(Age::Checkpoint(Round(40))));
        assert_eq!(age(&RunId(Hash32([1; 32])), &payload.name(&root)), None);
        for foreign in ["photos/1.jpg", "abababab/07/x/y", "abababab/7", "abababab/other/7/x", "abababab/checkpoint/7"]
        {
            assert_eq!(age(&RUN, foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn any_name_has_an_age_or_none(name in ".{0,80}") {
            let _ = age(&RUN, &name);
        }
    }
}
