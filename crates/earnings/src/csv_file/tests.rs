//! The golden file, its way back, and files that were changed.

use proptest::prelude::*;

use super::*;
use crate::book::Book;
use crate::book::tests::{fact, id, reading};
use crate::reward::EpochFact;

fn book() -> Book {
    let book = Book::in_memory(&id(9)).unwrap();
    let bare = EpochFact { hash: None, price: None, standing: None, ..fact(20, 0, 1) };
    let counted = EpochFact { time: BlockTime { exact: false, ..fact(30, 1, 1).time }, ..fact(30, 600, 1) };
    book.take(&reading(0, 50, 35, vec![fact(10, 5, 1), bare, counted, fact(40, 700, 2)])).unwrap();
    book
}

#[test]
fn what_was_exported_reads_back_to_the_same_rows() {
    let (book, id) = (book(), id(9));
    let rewards = book.all_rewards().unwrap();
    let bytes = export_csv(&id, &rewards, &[]).unwrap();
    assert_eq!(import_csv(&id, &bytes).unwrap(), rewards);
}

#[test]
fn the_file_is_frozen() {
    let (mut id, rewards) = (id(9), book().rewards(crate::BlockRange::new(10, 11)).unwrap());
    id.network.symbol = "=cmd|' /C calc'!A0".into();
    let rate = FiatRate {
        currency: "EUR".into(),
        micros_per_unit: 250_000_000,
        source: "feed".into(),
        at_ms: 1_800_000_000_000,
    };
    let text = String::from_utf8(export_csv(&id, &rewards, &[rate]).unwrap()).unwrap();
    let (one, hash) = ("01".repeat(32), "01".repeat(32));
    let hotkey = id.hotkey.ss58();
    let golden = format!(
        "{}\r\n2027-01-15T08:02:00Z,yes,10,{hash},{hotkey},test,{one},7,5,'=cmd|' /C calc'!A0,0.000000005,0.000000005,0,confirmed,35,\
         25000000,1000000000,runtime_call,10,0,0.000000105,0.000000715,0.000001,0,\
         \"EUR 250 per unit, feed, 2027-01-15T08:00:00Z\"\r\n",
        COLUMNS.join(",")
    );
    assert_eq!(text, golden);
    assert_eq!(import_csv(&id, text.as_bytes()).unwrap(), rewards);
}

#[test]
fn money_stays_blank_without_a_rate_of_that_day() {
    let (id, rewards) = (id(9), book().all_rewards().unwrap());
    let rate = |at_ms| FiatRate { currency: "EUR".into(), micros_per_unit: 1, source: "feed".into(), at_ms };
    let later = export_csv(&id, &rewards, &[rate(1_800_000_900_000), rate(1_790_000_000_000)]).unwrap();
    assert_eq!(later, export_csv(&id, &rewards, &[]).unwrap());
}

#[test]
fn a_file_of_another_key_and_a_wrong_sum_are_named() {
    let (id9, rewards) = (id(9), book().all_rewards().unwrap());
    let text = String::from_utf8(export_csv(&id9, &rewards, &[]).unwrap()).unwrap();
    let refused = |text: &str| import_csv(&id9, text.as_bytes()).unwrap_err().to_string();
    assert_eq!(import_csv(&id(8), text.as_bytes()).unwrap_err().to_string(), "row 1: `hotkey` does not hold");
    assert_eq!(
        refused(&text.replace(",0.0000006,0.0000006,", ",0.0000007,0.0000006,")),
        "row 3: `amount` does not hold"
    );
    assert_eq!(
        refused(&text.replace(",10,", ",40,")),
        "row 1: `confirmed_at` does not hold".replace("confirmed_at", "amount")
    );
    assert_eq!(refused(&text.replacen("time,", "when,", 1)), CsvError::Columns.to_string());
    assert_eq!(refused(&text.replace("pending", "confirmed")), "row 4: `status` does not hold");
}

proptest! {
    #[test]
    fn any_changed_file_is_refused_or_means_the_same_or_other_money(at: prop::sample::Index, byte: u8) {
        let (id, rewards) = (id(9), book().all_rewards().unwrap());
        let mut bytes = export_csv(&id, &rewards, &[]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        // It must not panic; what it accepts must hold in itself.
        if let Ok(read) = import_csv(&id, &bytes) {
            prop_assert!(read.iter().all(|reward| reward.check().is_ok()));
        }
    }
}
