//! Golden bytes of every kind of line, and spellings that are refused.

use types::{BlockNumber, Hotkey, Rao, RejectReason, Round, RunId, Uid, Verdict};

use super::*;
use crate::energy::EnergySource;
use crate::receipts::entry::{JudgedBy, RoundEnergy};

fn run() -> RunId {
    RunId(Hash32([0xab; 32]))
}

pub(crate) fn receipt(round: u64) -> RoundReceipt {
    RoundReceipt {
        run: run(),
        round: Round(round),
        uid: Uid(7),
        hotkey: Hotkey([9; 32]),
        data_digest: Hash32([1; 32]),
        payload_root: Some(Hash32([2; 32])),
        payload_bytes: Some(330_123),
        inner_steps: 30,
        tokens: 245_760,
        began_ms: 1_800_000_000_000,
        ended_ms: 1_800_000_600_000,
        energy: Some(RoundEnergy { millijoules: 123_456_789, source: EnergySource::Counter }),
        commit_block: Some(BlockNumber(410)),
        commit_index: Some(3),
    }
}

pub(crate) fn one_of_each() -> Vec<What> {
    let (run, round) = (run(), Round(4));
    let judged_by =
        JudgedBy { validator: Hotkey([3; 32]), report_root: Hash32([4; 32]), report_block: BlockNumber(432) };
    vec![
        What::Round(receipt(4)),
        What::Commit(CommitFound { run, round, commit_block: BlockNumber(410), commit_index: 3 }),
        What::Verdict(VerdictGiven { run, round, outcome: Verdict::Rejected(RejectReason::Copied), judged_by }),
        What::Reward(RewardShare { run, round, reward_block: BlockNumber(440), attributed: Rao(41_000_000_123) }),
        What::Round(RoundReceipt {
            payload_root: None,
            payload_bytes: None,
            energy: None,
            commit_block: None,
            commit_index: None,
            ..receipt(5)
        }),
    ]
}

pub(crate) fn log_text(entries: Vec<What>) -> String {
    let (mut text, mut previous) = (String::new(), Hash32::default());
    for what in entries {
        let entry = Entry { previous, what };
        previous = entry.hash();
        text += &(encode(&entry) + "\n");
    }
    text
}

#[test]
fn the_canonical_bytes_are_frozen() {
    let entry = Entry { previous: Hash32([0; 32]), what: What::Round(receipt(4)) };
    let run = "ab".repeat(32);
    let hash = |byte: &str| byte.repeat(32);
    let hotkey = Hotkey([9; 32]).ss58();
    let golden = format!(
        r#"{{"kind":"round","version":1,"previous":"{}","body":{{"run":"{run}","round":4,"uid":7,"hotkey":"{hotkey}","data_digest":"{}","payload_root":"{}","payload_bytes":330123,"inner_steps":30,"tokens":245760,"began_ms":1800000000000,"ended_ms":1800000600000,"energy":{{"millijoules":123456789,"source":"counter"}},"commit_block":410,"commit_index":3}}}}"#,
        hash("00"),
        hash("01"),
        hash("02"),
    );
    assert_eq!(entry.to_text(), golden);
    let hashes: Vec<String> = one_of_each()
        .into_iter()
        .map(|what| Hash32::of(encode(&Entry { previous: Hash32([5; 32]), what }).as_bytes()).short())
        .collect();
    assert_eq!(hashes, ["04d3bc2b", "967d4a85", "fa5ac8ce", "490649ad", "27a72205"]);
}

#[test]
fn every_line_reads_back() {
    for what in one_of_each() {
        let entry = Entry { previous: Hash32([5; 32]), what };
        let names: Vec<&str> = pieces(entry.what.kind(), &entry.to_text()).iter().map(|(name, _)| *name).collect();
        assert_eq!(names[3..], *entry.what.kind().fields());
        assert_eq!(decode(encode(&entry).as_bytes()), Ok((entry.clone(), entry.hash())));
    }
}

#[test]
fn a_line_rehashed_in_another_spelling_is_refused() {
    let entry = Entry { previous: Hash32([5; 32]), what: What::Round(receipt(4)) };
    let respelt = |from: &str, to: &str| {
        let text = entry.to_text().replace(from, to);
        let marks: String = pieces(Kind::Round, &text).iter().map(|(name, raw)| mark(name, raw)).collect();
        decode(format!("{HASH_OPENS}{}{MARKS_OPEN}{marks}{ENTRY_OPENS}{text}}}", hash_of(&text)).as_bytes())
    };
    assert!(respelt("x", "x").is_ok());
    let field = |result: Result<(Entry, Hash32), Wrong>| result.unwrap_err().field;
    assert_eq!(field(respelt("\"round\":4", "\"round\": 4")), "entry");
    assert_eq!(field(respelt("\"round\":4", "\"round\":4,\"round\":4")), "body");
    assert_eq!(field(respelt("\"version\":1", "\"version\":2")), "version");
    assert_eq!(field(respelt("\"inner_steps\":30", "\"inner_steps\":3e1")), "body");
    assert_eq!(field(respelt("\"kind\":\"round\"", "\"kind\":\"ruond\"")), "marks");
    assert_eq!(field(respelt("\"payload_bytes\":330123", "\"payload_bytes\":null")), "payload_bytes");
    assert_eq!(field(respelt("1800000600000", "1700000600000")), "ended_ms");
    assert_eq!(field(decode(&[b'x'; MAX_LINE_BYTES + 1])), "line");
}
