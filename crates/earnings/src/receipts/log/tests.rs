//! A log across restarts, crashes and damage.

use super::*;
use crate::receipts::line::tests::{log_text, one_of_each, receipt};

#[test]
fn a_log_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("receipts");
    let all = one_of_each();
    let mut log = ReceiptLog::open(&path).unwrap();
    assert_eq!(log.head(), LogHead::default());
    for what in &all[..3] {
        log.append(what.clone()).unwrap();
    }
    assert!(matches!(ReceiptLog::open(&path), Err(LogError::InUse(_))));
    let head = log.head();
    drop(log);
    let mut log = ReceiptLog::open(&path).unwrap();
    assert_eq!(log.head(), head);
    for what in &all {
        log.append(what.clone()).unwrap();
    }
    assert!(all.iter().all(|what| log.has(what)));
    assert_eq!(fs::read_to_string(&path).unwrap(), log_text(all.clone()));
    assert_eq!(ReceiptLog::read(&path).unwrap().into_iter().map(|entry| entry.what).collect::<Vec<_>>(), all);
}

#[test]
fn the_same_thing_is_recorded_once_and_another_in_its_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = ReceiptLog::open(&folder.path().join("receipts")).unwrap();
    let first = log.append(What::Round(receipt(4))).unwrap();
    assert_eq!(log.append(What::Round(receipt(4))).unwrap(), first);
    let other = super::super::RoundReceipt { tokens: 1, ..receipt(4) };
    let error = log.append(What::Round(other)).unwrap_err();
    assert!(matches!(error, LogError::Contradicts { round: Round(4), kind: "round" }), "{error}");
    let backwards = super::super::RoundReceipt { ended_ms: 1, ..receipt(5) };
    assert!(matches!(log.append(What::Round(backwards)), Err(LogError::Invalid("ended_ms"))));
    assert_eq!(log.head(), first);
}

#[test]
fn a_line_that_a_crash_tore_off_is_dropped_at_any_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("receipts");
    let whole = log_text(vec![What::Round(receipt(4))]);
    let both = log_text(vec![What::Round(receipt(4)), What::Round(receipt(5))]);
    for end in whole.len()..both.len() {
        fs::write(&path, &both.as_bytes()[..end]).unwrap();
        let mut log = ReceiptLog::open(&path).unwrap();
        assert_eq!(log.head().records, 1, "{end}");
        log.append(What::Round(receipt(5))).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), both, "{end}");
    }
}

#[test]
fn damage_before_the_end_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("receipts");
    let whole = log_text(one_of_each());
    let damaged = whole.replacen("\"tokens\":245760", "\"tokens\":245761", 1);
    let cut = whole.split_inclusive('\n').skip(1).collect::<String>();
    let long = format!("{}\n{whole}", "x".repeat(3 * MAX_LINE_BYTES));
    let binary = [whole.as_bytes(), &[0; MAX_LINE_BYTES + 1]].concat();
    let cases = [
        (damaged.into_bytes(), 1, "tokens"),
        (cut.into_bytes(), 1, "previous"),
        (long.into_bytes(), 1, "line"),
        (binary, 6, "line"),
    ];
    for (bytes, at, field) in cases {
        fs::write(&path, &bytes).unwrap();
        match ReceiptLog::open(&path).unwrap_err() {
            LogError::Broken { record, wrong } => assert_eq!((record, wrong.field), (at, field)),
            other => panic!("{other}"),
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    File::create(&path).unwrap().set_len(MAX_LOG_BYTES + 1).unwrap();
    assert!(matches!(ReceiptLog::open(&path), Err(LogError::Full)));
    assert!(matches!(ReceiptLog::read(&path), Err(LogError::Full)));
}
