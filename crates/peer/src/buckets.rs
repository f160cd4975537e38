//! Whose bucket is where, from the chain alone.
//!
//! In: chain records, in any order. Out: the bucket that each key named last, and when one's own must be said again. A
//! record is looked for in the newest rounds only, so that who comes late need not read a run's whole chain; that is why
//! it is repeated.

use std::collections::BTreeMap;

use chain::ChainRecord;
use types::{BlockNumber, BucketKeys, Hotkey, Record, Round};

/// Rounds that are looked through for buckets.
pub const LOOK_BACK: u64 = 16;
/// A bucket is said again after so many rounds: twice within [`LOOK_BACK`], so that one missed time does no harm.
pub const SAY_EVERY: u64 = 8;

/// The first round in which a bucket that counts in `now` may have been said.
pub fn first_round(now: Round) -> Round {
    Round(now.0.saturating_sub(LOOK_BACK))
}

/// Who has a bucket, and how it is read. The last word of each key counts.
pub fn buckets_of(records: &[ChainRecord]) -> BTreeMap<Hotkey, BucketKeys> {
    let keys = |record: &ChainRecord| (record.block, record.index);
    let mut last: BTreeMap<Hotkey, ((BlockNumber, u32), Option<BucketKeys>)> = BTreeMap::new();
    for record in records {
        if let Record::Bucket { bucket, .. } = record.record {
            let said = last.entry(record.hotkey).or_insert((keys(record), bucket));
            if keys(record) >= said.0 {
                *said = (keys(record), bucket);
            }
        }
    }
    last.into_iter().filter_map(|(hotkey, (_, bucket))| Some((hotkey, bucket?))).collect()
}

/// Whether `hotkey` should say in round `now` that its bucket is `bucket`.
pub fn is_due(records: &[ChainRecord], hotkey: &Hotkey, bucket: &BucketKeys, now: Round) -> bool {
    let own = records.iter().filter(|record| record.hotkey == *hotkey);
    let last = own.filter(|record| matches!(record.record, Record::Bucket { .. })).max_by_key(|r| (r.block, r.index));
    match last.map(|last| &last.record) {
        Some(Record::Bucket { round, bucket: Some(said) }) if said == bucket => {
            now.0 >= round.0.saturating_add(SAY_EVERY)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{BucketCommitment, Uid};

    fn keys(digit: &str) -> BucketKeys {
        let commitment = BucketCommitment::new(&digit.repeat(32), &digit.repeat(32), &digit.repeat(64)).unwrap();
        BucketKeys::try_from(&commitment).unwrap()
    }

    fn said(block: u64, key: u8, bucket: Option<BucketKeys>) -> ChainRecord {
        let record = Record::Bucket { round: Round(block / 10), bucket };
        let hotkey = Hotkey([key; 32]);
        ChainRecord { block: BlockNumber(block), index: 0, uid: Uid(key.into()), hotkey, record }
    }

    #[test]
    fn the_last_word_of_each_key_counts_in_any_order() {
        let mut records = vec![
            said(10, 1, Some(keys("a"))),
            said(30, 1, Some(keys("b"))),
            said(20, 2, Some(keys("c"))),
            said(40, 2, None),
            said(15, 3, Some(keys("d"))),
        ];
        let want: BTreeMap<Hotkey, BucketKeys> =
            [(Hotkey([1; 32]), keys("b")), (Hotkey([3; 32]), keys("d"))].into_iter().collect();
        assert_eq!(buckets_of(&records), want);
        records.reverse();
        assert_eq!(buckets_of(&records), want);
    }

    #[test]
    fn a_bucket_is_said_at_first_after_a_change_and_every_eight_rounds() {
        let own = Hotkey([1; 32]);
        assert!(is_due(&[said(30, 2, Some(keys("a")))], &own, &keys("a"), Round(3)));
        let records = [said(10, 1, Some(keys("b"))), said(30, 1, Some(keys("a")))];
        assert!(!is_due(&records, &own, &keys("a"), Round(10)));
        assert!(is_due(&records, &own, &keys("a"), Round(11)));
        assert!(is_due(&records, &own, &keys("b"), Round(4)));
        assert!(is_due(&[said(30, 1, None)], &own, &keys("a"), Round(4)));
        assert_eq!((first_round(Round(3)), first_round(Round(20))), (Round(0), Round(4)));
    }
}
