//! The set of a round from chain records alone.

use types::{Hotkey, Rao};

use super::*;

fn record(block: u64, uid: u16, record: Record) -> ChainRecord {
    ChainRecord { block: BlockNumber(block), index: 0, uid: Uid(uid), hotkey: Hotkey([uid as u8; 32]), record }
}

fn commit(block: u64, uid: u16) -> ChainRecord {
    let theta = Hash32([9; 32]);
    record(block, uid, Record::Commit { round: Round(1), root: Hash32([uid as u8; 32]), bytes: 10, theta })
}

fn attest(uid: u16, have: &[u16]) -> ChainRecord {
    record(17, uid, Record::Attest { round: Round(1), have: have.iter().copied().map(Uid).collect() })
}

fn report(block: u64, uid: u16, judged: u64, gather: &[u16]) -> ChainRecord {
    let gather = gather.iter().copied().map(Uid).collect();
    record(block, uid, Record::Report { round: Round(judged), root: Hash32::default(), bytes: 1, gather })
}

fn uids(list: &[u16]) -> Vec<Uid> {
    list.iter().copied().map(Uid).collect()
}

#[test]
fn a_payload_counts_when_more_than_half_of_the_voters_hold_it() {
    let records = [
        commit(11, 1),
        commit(11, 2),
        commit(12, 3),
        attest(0, &[1, 2]),
        attest(1, &[1, 2]),
        attest(2, &[1, 2, 3]),
        attest(3, &[3]),
    ];
    let round = RoundRecords::of(Round(1), &records);
    let validators = BTreeSet::from([Uid(0)]);
    assert_eq!(round.candidates(&uids(&[1, 2, 3]), &validators), uids(&[1, 2]));
    // An unlisted peer is neither aggregated nor asked.
    assert_eq!(round.candidates(&uids(&[1, 3]), &validators), uids(&[1]));
}

#[test]
fn without_attestations_nothing_is_aggregated() {
    let round = RoundRecords::of(Round(1), &[commit(11, 1)]);
    assert_eq!(round.candidates(&uids(&[1]), &BTreeSet::from([Uid(0)])), []);
}

#[test]
fn records_in_any_order_give_the_same_round() {
    let mut records = vec![commit(11, 1), commit(12, 2), attest(0, &[1, 2]), attest(1, &[2])];
    let first = RoundRecords::of(Round(1), &records);
    records.reverse();
    assert_eq!(RoundRecords::of(Round(1), &records), first);
}

#[test]
fn the_first_validator_by_stake_names_the_list_while_it_reports() {
    let params = RoundParams { blocks: 10, commit_by: 6, attest_by: 9, null_rounds: 0, checkpoint_every: 1 };
    let validators = uids(&[1, 0]);
    let list = |round, records: &[ChainRecord]| gather_list(Round(round), &params, &validators, records);
    let records = [report(12, 0, 0, &[5]), report(13, 1, 0, &[6]), report(22, 0, 1, &[7])];
    assert_eq!(list(1, &records), Some(uids(&[6])));
    // A report after the commitment deadline of round 1 (block 16) does not count for round 1.
    assert_eq!(list(1, &[report(16, 1, 0, &[6])]), None);
    // Uid 1 has been silent for more than four rounds: the next validator's list counts.
    assert_eq!(list(7, &[report(13, 1, 0, &[6]), report(52, 0, 4, &[8])]), Some(uids(&[8])));
    // Nobody has reported for long: the last word stands.
    assert_eq!(list(99, &records), Some(uids(&[7])));
}

#[test]
fn the_majority_names_the_parameters() {
    let mut records = vec![commit(11, 1), commit(11, 2), commit(11, 3)];
    if let Record::Commit { theta, .. } = &mut records[0].record {
        *theta = Hash32([1; 32]);
    }
    let round = RoundRecords::of(Round(1), &records);
    assert_eq!(round.majority_theta(&uids(&[1, 2, 3])), Some(Hash32([9; 32])));
    assert_eq!(round.majority_theta(&uids(&[1])), Some(Hash32([1; 32])));
}

#[test]
fn validators_are_ordered_by_stake() {
    let neuron = |uid, stake, is_validator| Neuron {
        uid: Uid(uid),
        stake: Rao(stake),
        is_validator,
        hotkey: Hotkey([0; 32]),
        registered_at: BlockNumber(0),
        incentive: 0,
        dividends: 0,
        emission: Rao(0),
        balance: Rao(0),
        last_weights: None,
    };
    let neurons = [neuron(0, 5, true), neuron(1, 9, true), neuron(2, 99, false), neuron(3, 9, true)];
    assert_eq!(validators_by_stake(&neurons), uids(&[1, 3, 0]));
}
