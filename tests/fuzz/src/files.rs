//! Lines between processes, and what a peer keeps of its earnings.
//!
//! In: lines of the other process, a receipts file, a spreadsheet. Out: words and rows that read back the same.

use chain::{NetworkInfo, Registration};
use earnings::receipts::{
    CommitFound, Entry, JudgedBy, RewardShare, RoundEnergy, RoundReceipt, VerdictGiven, What, decode, encode, verify,
};
use earnings::{BlockTime, BookId, EnergySource, Price, PriceAt, PriceSource, Reward, export_csv, import_csv};
use ipc::{CommandLine, EventLine, Hello, LineSplitter, decode_line, encode_line};
use types::{BlockNumber, Hash32, Hotkey, Rao, RejectReason, Round, RunId, Uid, Verdict};

use crate::allocation::at_most;

pub(crate) fn ipc_lines(data: &[u8]) {
    at_most(1 << 20, || {
        let mut splitter = LineSplitter::new();
        let mut input = data;
        while let Some(line) = splitter.next_line(&mut input) {
            let Ok(line) = line else { continue };
            word::<EventLine>(&line);
            word::<CommandLine>(&line);
            word::<Hello>(&line);
        }
        let _ = splitter.finish();
    });
}

/// A word that reads is written in one line, and that line says the same.
fn word<T: serde::Serialize + serde::de::DeserializeOwned>(line: &[u8]) {
    let Ok(word) = decode_line::<T>(line) else { return };
    let written = encode_line(&word).unwrap();
    assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), 1);
    let again = decode_line::<T>(written.strip_suffix(b"\n").unwrap()).unwrap();
    assert_eq!(encode_line(&again).unwrap(), written);
}

pub(crate) fn ipc_lines_seeds() -> Vec<Vec<u8>> {
    let words = include_str!("../../../crates/ipc/fixtures/words.jsonl");
    words.lines().filter(|line| line.len() < 4000).map(|line| format!("{line}\n").into_bytes()).collect()
}

pub(crate) fn receipts(data: &[u8]) {
    // A line's bound and what is made of it, never the file's length.
    at_most(256 << 10, || {
        let found = verify(data, &(), None).unwrap();
        assert!(found.head.records <= data.len() as u64);
        assert!(!found.holds() || data.is_empty() || data.ends_with(b"\n"));
    });
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok((entry, hash)) = decode(line) {
            assert_eq!((encode(&entry).as_bytes(), entry.hash()), (line, hash));
        }
    }
}

pub(crate) fn receipts_seeds() -> Vec<Vec<u8>> {
    let (run, round) = (RunId(Hash32([1; 32])), Round(4));
    let receipt = RoundReceipt {
        run,
        round,
        uid: Uid(7),
        hotkey: Hotkey([9; 32]),
        data_digest: Hash32([2; 32]),
        payload_root: Some(Hash32([3; 32])),
        payload_bytes: Some(1000),
        inner_steps: 30,
        tokens: 245_760,
        began_ms: 1_800_000_000_000,
        ended_ms: 1_800_000_600_000,
        energy: Some(RoundEnergy { millijoules: 5, source: EnergySource::PowerSamples }),
        commit_block: None,
        commit_index: None,
    };
    let judged_by = JudgedBy { validator: Hotkey([3; 32]), report_root: Hash32([4; 32]), report_block: BlockNumber(9) };
    let outcome = Verdict::Rejected(RejectReason::Stale);
    let all = [
        What::Round(receipt),
        What::Commit(CommitFound { run, round, commit_block: BlockNumber(8), commit_index: 1 }),
        What::Verdict(VerdictGiven { run, round, outcome, judged_by }),
        What::Reward(RewardShare { run, round, reward_block: BlockNumber(12), attributed: Rao(41) }),
    ];
    let (mut lines, mut previous) = (Vec::new(), Hash32::default());
    for what in all {
        let entry = Entry { previous, what };
        previous = entry.hash();
        lines.push(encode(&entry) + "\n");
    }
    let whole = lines.concat().into_bytes();
    lines.into_iter().map(String::into_bytes).chain([whole]).collect()
}

fn book() -> BookId {
    let (name, symbol) = ("test".into(), "alpha".into());
    let network = NetworkInfo { name, genesis: Hash32([1; 32]), symbol, decimals: 9, has_value: true };
    BookId { network, subnet: Some(3), hotkey: Hotkey([9; 32]) }
}

pub(crate) fn earnings_csv(data: &[u8]) {
    at_most(1 << 20, || {
        let id = book();
        let Ok(rows) = import_csv(&id, data) else { return };
        let written = export_csv(&id, &rows, &[]).unwrap();
        assert_eq!(import_csv(&id, &written).unwrap(), rows);
    });
}

pub(crate) fn earnings_csv_seeds() -> Vec<Vec<u8>> {
    let block = BlockNumber(360);
    let reward = Reward {
        block,
        hash: Some(Hash32([2; 32])),
        time: BlockTime { ms: 1_800_000_000_000, exact: true },
        standing: Some(Registration { uid: Uid(7), block: BlockNumber(5) }),
        miner: Rao(41),
        validator: Rao(0),
        all_miners: Rao(100),
        burned: Rao(7),
        minted: Rao(1000),
        price: Some(PriceAt { price: Price::of_unit(25_000_000), source: PriceSource::RuntimeCall, block }),
        confirmed_at: Some(block),
    };
    let bare = Reward { block: BlockNumber(720), hash: None, price: None, confirmed_at: None, ..reward.clone() };
    vec![export_csv(&book(), &[reward, bare], &[]).unwrap(), export_csv(&book(), &[], &[]).unwrap()]
}
