//! Every byte of a log changed, lines moved, and chains that say otherwise.

use types::RejectReason;

use super::*;
use crate::receipts::entry::RewardShare;
use crate::receipts::line::tests::{log_text, one_of_each, receipt};

/// The chain on which [`one_of_each`] is true.
struct Chain {
    commit: Fact<CommitFact>,
    report: Fact<ReportFact>,
    reward: Fact<RewardFact>,
}

impl Chain {
    fn honest() -> Self {
        let commit =
            CommitFact { block: BlockNumber(410), index: 3, uid: Uid(7), root: Hash32([2; 32]), bytes: 330_123 };
        let outcome = Some(Verdict::Rejected(RejectReason::Copied));
        let report = ReportFact { block: BlockNumber(432), root: Hash32([4; 32]), outcome };
        let reward = RewardFact { amount: Rao(41_000_000_123) };
        Self { commit: Fact::Known(commit), report: Fact::Known(report), reward: Fact::Known(reward) }
    }
}

impl ReceiptFacts for Chain {
    fn commit_of(&self, _: RunId, hotkey: Hotkey, round: Round) -> Fact<CommitFact> {
        assert_eq!(hotkey, Hotkey([9; 32]));
        if round == Round(4) { self.commit } else { Fact::Absent }
    }

    fn report_of(&self, _: RunId, validator: Hotkey, round: Round) -> Fact<ReportFact> {
        assert_eq!((validator, round), (Hotkey([3; 32]), Round(4)));
        self.report
    }

    fn reward_at(&self, _: RunId, block: BlockNumber) -> Fact<RewardFact> {
        if block == BlockNumber(440) { self.reward } else { Fact::Absent }
    }
}

fn check(text: impl AsRef<[u8]>, facts: &dyn ReceiptFacts) -> Verification {
    verify(text.as_ref(), facts, None).unwrap()
}

#[test]
fn a_log_that_agrees_with_the_chain_holds_and_every_number_is_marked() {
    let found = check(log_text(one_of_each()), &Chain::honest());
    assert_eq!((found.wrong.as_ref(), found.head.records, found.unchecked), (None, 5, 0));
    let first = &found.rounds[0];
    let marks: Vec<_> = first.numbers.iter().map(|n| (n.field, n.mark, n.confirmed)).collect();
    assert_eq!(
        marks,
        [
            ("data_digest", Mark::Measured, false),
            ("payload_root", Mark::OnChain, true),
            ("payload_bytes", Mark::OnChain, true),
            ("inner_steps", Mark::Measured, false),
            ("tokens", Mark::Measured, false),
            ("began_ms", Mark::Measured, false),
            ("ended_ms", Mark::Measured, false),
            ("energy", Mark::Measured, false),
            ("outcome", Mark::Reported, true),
            ("attributed", Mark::Attributed, true),
        ]
    );
    assert_eq!(first.numbers[8].by, Some(Hotkey([3; 32])));
    let text = crate::receipts::VerificationText(&found).to_string();
    assert!(text.contains("5 receipts of 2 rounds hold; 4 numbers are confirmed by the chain"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn without_a_chain_nothing_is_called_confirmed() {
    let found = check(log_text(one_of_each()), &());
    assert_eq!((found.wrong, found.confirmed, found.unchecked), (None, 0, 4));
    assert!(found.rounds[0].numbers.iter().all(|n| n.mark != Mark::OnChain));
}

/// Which record and field a byte of the log belongs to, by a second and slower way than the code's.
fn owners(text: &str) -> Vec<(u64, &'static str)> {
    let mut owners = Vec::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let mut starts = vec![(0, "hash"), (line.find("\",\"marks\":\"").unwrap(), "marks")];
        let entry = line.find("\",\"entry\":").unwrap();
        starts.push((entry, "entry"));
        starts.push((entry + "\",\"entry\":".len(), "kind"));
        const NAMES: [&str; 20] = [
            "version",
            "previous",
            "run",
            "round",
            "uid",
            "hotkey",
            "data_digest",
            "payload_root",
            "payload_bytes",
            "inner_steps",
            "tokens",
            "began_ms",
            "ended_ms",
            "energy",
            "commit_block",
            "commit_index",
            "outcome",
            "judged_by",
            "reward_block",
            "attributed",
        ];
        for name in NAMES {
            let key = if name == "run" { ",\"body\":{\"run\":".to_owned() } else { format!(",\"{name}\":") };
            starts.extend(line[entry..].find(&key).map(|place| (entry + place, name)));
        }
        starts.push((line.len() - "}}}\n".len(), "line"));
        for byte in 0..line.len() {
            let owner = starts.iter().filter(|(start, _)| *start <= byte).max_by_key(|(start, _)| *start).unwrap();
            owners.push((at as u64 + 1, owner.1));
        }
    }
    owners
}

#[test]
fn any_changed_byte_of_the_file_is_found_and_its_field_named() {
    let text = log_text(one_of_each());
    let owners = owners(&text);
    for (at, (record, field)) in owners.into_iter().enumerate() {
        let was = text.as_bytes()[at];
        for byte in [was ^ 1, was ^ 0x20, was ^ 0x80, b'0', b'"', b'}', b',', b'\n', b' ', 0] {
            if byte == was {
                continue;
            }
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            let found = check(&bytes, &());
            let wrong = found.wrong.unwrap_or_else(|| panic!("byte {at} as {byte:#04x} was not found"));
            assert_eq!((wrong.record, wrong.field), (record, field), "byte {at} was {was:#04x}, is {byte:#04x}");
        }
    }
}

#[test]
fn a_removed_a_repeated_and_a_moved_line_are_found() {
    let text = log_text(one_of_each());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let wrong = |order: &[usize]| {
        let text: String = order.iter().map(|at| lines[*at]).collect();
        check(text, &()).wrong.map(|w| (w.record, w.field))
    };
    assert_eq!(wrong(&[0, 1, 2, 3, 4]), None);
    assert_eq!(wrong(&[0, 2, 3, 4]), Some((2, "previous")));
    assert_eq!(wrong(&[0, 1, 1, 2, 3, 4]), Some((3, "previous")));
    assert_eq!(wrong(&[1, 0, 2, 3, 4]), Some((1, "previous")));
}

#[test]
fn a_log_cut_at_its_end_or_rewritten_is_found_by_the_head_that_was_remembered() {
    let text = log_text(one_of_each());
    let whole = check(&text, &());
    let cut = text.split_inclusive('\n').take(3).collect::<String>();
    let wrong = |text: &str| {
        let found = verify(text.as_bytes(), &(), Some(whole.head)).unwrap();
        found.wrong.map(|w| (w.record, w.field))
    };
    assert_eq!(wrong(&text), None);
    assert_eq!(wrong(&cut), Some((4, "line")));
    let mut rewritten = one_of_each();
    rewritten[0] = What::Round(RoundReceipt { tokens: 1, ..receipt(4) });
    assert_eq!(wrong(&log_text(rewritten)), Some((5, "hash")));
}

#[test]
fn a_chain_that_says_otherwise_names_the_field() {
    let text = log_text(one_of_each());
    let Fact::Known(c) = Chain::honest().commit else { panic!() };
    let Fact::Known(report) = Chain::honest().report else { panic!() };
    let commit = |commit| Chain { commit: Fact::Known(commit), ..Chain::honest() };
    let report_is = |report| Chain { report: Fact::Known(report), ..Chain::honest() };
    let cases = [
        (commit(CommitFact { root: Hash32([8; 32]), ..c }), 1, "payload_root"),
        (commit(CommitFact { bytes: 1, ..c }), 1, "payload_bytes"),
        (commit(CommitFact { uid: Uid(8), ..c }), 1, "uid"),
        (commit(CommitFact { block: BlockNumber(411), ..c }), 1, "commit_block"),
        (commit(CommitFact { index: 4, ..c }), 1, "commit_index"),
        (Chain { commit: Fact::Absent, ..Chain::honest() }, 1, "commit_block"),
        (report_is(ReportFact { root: Hash32([8; 32]), ..report }), 3, "judged_by"),
        (report_is(ReportFact { block: BlockNumber(1), ..report }), 3, "judged_by"),
        (report_is(ReportFact { outcome: Some(Verdict::Accepted), ..report }), 3, "outcome"),
        (Chain { report: Fact::Absent, ..Chain::honest() }, 3, "judged_by"),
        (Chain { reward: Fact::Known(RewardFact { amount: Rao(41_000_000_122) }), ..Chain::honest() }, 4, "attributed"),
        (Chain { reward: Fact::Absent, ..Chain::honest() }, 4, "reward_block"),
    ];
    for (chain, record, field) in cases {
        let wrong = check(&text, &chain).wrong.unwrap_or_else(|| panic!("{field} was not found"));
        assert_eq!((wrong.record, wrong.field, wrong.round), (record, field, Some(Round(4))));
    }
}

#[test]
fn shares_of_several_rounds_may_not_exceed_their_pay_out() {
    let run = receipt(4).run;
    let share = |round, rao| {
        What::Reward(RewardShare { run, round: Round(round), reward_block: BlockNumber(440), attributed: Rao(rao) })
    };
    let text = |last| log_text(vec![share(4, 20_000_000_000), share(5, 21_000_000_000), share(6, last)]);
    assert!(check(text(123), &Chain::honest()).holds());
    assert_eq!(check(text(124), &Chain::honest()).wrong.map(|w| w.record), Some(3));
}
