//! Readings, reorgs and restarts; files that nobody wrote; a byte flipped anywhere.

use chain::{EpochReward, Registration};
use types::{Hash32, Rao, Uid};

use super::*;
use crate::amount::{Price, PriceAt, PriceSource};
use crate::energy::power_sample;
use crate::reward::{BlockTime, EpochFact};

pub(crate) fn id(hotkey: u8) -> BookId {
    let (name, symbol) = ("test".into(), "alpha".into());
    let network = NetworkInfo { name, genesis: Hash32([1; 32]), symbol, decimals: 9, has_value: true };
    BookId { network, subnet: Some(3), hotkey: Hotkey([hotkey; 32]) }
}

pub(crate) fn place(uid: u16, block: u64) -> Option<Registration> {
    Some(Registration { uid: Uid(uid), block: BlockNumber(block) })
}

/// A pay-out of 1,000 of which uid 7 gets `mine`.
pub(crate) fn fact(block: u64, mine: u64, fork: u8) -> EpochFact {
    let miner = vec![(Uid(2), Rao(100)), (Uid(7), Rao(mine))];
    let (owner, burned) = (Rao(180), Rao(720 - mine));
    let reward =
        EpochReward { block: BlockNumber(block), minted: Rao(1000), owner, burned, miner, validator: Vec::new() };
    let time = BlockTime { ms: 1_800_000_000_000 + 12_000 * block, exact: true };
    let (source, at) = (PriceSource::RuntimeCall, BlockNumber(block));
    let price = Some(PriceAt { price: Price::of_unit(25_000_000), source, block: at });
    EpochFact { reward, hash: Some(Hash32([fork; 32])), time, standing: place(7, 5), price }
}

pub(crate) fn reading(from: u64, to: u64, finalized: u64, epochs: Vec<EpochFact>) -> Reading {
    Reading { range: BlockRange::new(from, to), finalized: BlockNumber(finalized), epochs }
}

fn amounts(book: &Book) -> Vec<(u64, u64, bool)> {
    let rows = book.all_rewards().unwrap();
    rows.iter().map(|r| (r.block.0, r.amount().0, r.confirmed_at.is_some())).collect()
}

#[test]
fn the_same_reading_twice_changes_nothing_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    let read = reading(0, 40, 30, vec![fact(10, 5, 1), fact(20, 0, 1), fact(30, 9, 1), fact(39, 4, 1)]);
    let book = Book::open_or_create(&path, &id(9)).unwrap();
    assert_eq!(book.take(&read).unwrap(), Taken { new: 4, confirmed: 0, replaced: 0 });
    assert_eq!(book.take(&read).unwrap(), Taken::default());
    let rows = book.all_rewards().unwrap();
    assert!(matches!(Book::open_or_create(&path, &id(9)), Err(BookError::InUse(_))));
    drop(book);
    let book = Book::open_or_create(&path, &id(9)).unwrap();
    assert_eq!(book.all_rewards().unwrap(), rows);
    assert_eq!(amounts(&book), [(10, 5, true), (20, 0, true), (30, 9, true), (39, 4, false)]);
    assert_eq!(book.gaps(BlockRange::new(0, 50)).unwrap(), [BlockRange::new(31, 50)]);
}

#[test]
fn a_reorg_replaces_what_was_pending_and_never_what_was_confirmed() {
    let book = Book::in_memory(&id(9)).unwrap();
    book.take(&reading(0, 40, 12, vec![fact(10, 5, 1), fact(20, 6, 1), fact(30, 7, 1)])).unwrap();
    // The other branch paid in block 21 instead of 20, and otherwise in 30.
    let other = reading(13, 40, 12, vec![fact(21, 8, 2), fact(30, 1, 2)]);
    assert_eq!(book.take(&other).unwrap(), Taken { new: 1, confirmed: 0, replaced: 2 });
    assert_eq!(amounts(&book), [(10, 5, true), (21, 8, false), (30, 1, false)]);
    assert_eq!(book.retract_from(BlockNumber(30)).unwrap(), 1);
    let error = book.retract_from(BlockNumber(10)).unwrap_err();
    assert!(matches!(error, BookError::RetractsConfirmed { confirmed: BlockNumber(12), .. }), "{error}");
    assert_eq!(amounts(&book), [(10, 5, true), (21, 8, false)]);
    assert_eq!(book.take(&reading(13, 31, 30, vec![fact(21, 8, 2)])).unwrap().confirmed, 1);
    assert_eq!(amounts(&book), [(10, 5, true), (21, 8, true)]);
}

#[test]
fn a_confirmed_pay_out_that_reads_otherwise_is_a_conflict_and_nothing_is_kept() {
    let book = Book::in_memory(&id(9)).unwrap();
    let confirmed = fact(10, 5, 1);
    book.take(&reading(0, 12, 11, vec![confirmed.clone()])).unwrap();
    let before = book.all_rewards().unwrap();
    let conflict = |epochs: Vec<EpochFact>| match book.take(&reading(0, 30, 29, epochs)).unwrap_err() {
        BookError::Conflict { block, field } => (block.0, field),
        other => panic!("{other}"),
    };
    assert_eq!(conflict(vec![fact(10, 6, 1), fact(20, 1, 1)]), (10, "amount"));
    assert_eq!(conflict(vec![fact(10, 5, 2), fact(20, 1, 1)]), (10, "hash"));
    assert_eq!(conflict(vec![fact(20, 1, 1)]), (10, "pay-out"));
    let elsewhere = EpochFact { standing: place(7, 6), ..confirmed.clone() };
    assert_eq!(conflict(vec![elsewhere, fact(20, 1, 1)]), (10, "registration"));
    let later = EpochFact { time: BlockTime { ms: 5, exact: true }, ..confirmed };
    assert_eq!(conflict(vec![later]), (10, "time"));
    assert_eq!(book.all_rewards().unwrap(), before);
    assert_eq!(book.gaps(BlockRange::new(0, 30)).unwrap(), [BlockRange::new(12, 30)]);
}

#[test]
fn what_was_unknown_at_first_is_filled_in_later() {
    let book = Book::in_memory(&id(9)).unwrap();
    let whole = fact(10, 5, 1);
    let counted = BlockTime { ms: whole.time.ms - 700, exact: false };
    let sparse = EpochFact { hash: None, price: None, time: counted, ..whole.clone() };
    book.take(&reading(0, 12, 11, vec![sparse.clone()])).unwrap();
    book.take(&reading(0, 12, 11, vec![whole.clone()])).unwrap();
    book.take(&reading(0, 12, 11, vec![sparse])).unwrap();
    let row = &book.all_rewards().unwrap()[0];
    assert_eq!((row.hash, row.price, row.time), (whole.hash, whole.price, whole.time));
    assert_eq!(row.value(), Some(Rao(0)));
}

#[test]
fn the_uid_of_each_time_decides_what_is_ours_across_a_new_registration() {
    let book = Book::in_memory(&id(9)).unwrap();
    let registrations = [place(7, 5).unwrap(), place(2, 25).unwrap()];
    let at =
        |block| EpochFact { standing: crate::standing_at(&registrations, BlockNumber(block)), ..fact(block, 30, 1) };
    book.take(&reading(0, 40, 40, vec![at(4), at(10), at(30)])).unwrap();
    assert_eq!(amounts(&book), [(4, 0, true), (10, 30, true), (30, 100, true)]);
    let rows = book.all_rewards().unwrap();
    assert_eq!(rows.iter().map(|r| r.standing.map(|s| s.uid.0)).collect::<Vec<_>>(), [None, Some(7), Some(2)]);
}

#[test]
fn gaps_are_read_once_each() {
    let book = Book::in_memory(&id(9)).unwrap();
    book.take(&reading(100, 200, 500, vec![])).unwrap();
    book.take(&reading(300, 400, 500, vec![])).unwrap();
    let wanted = BlockRange::new(50, 450);
    let gaps = book.gaps(wanted).unwrap();
    assert_eq!(gaps, [BlockRange::new(50, 100), BlockRange::new(200, 300), BlockRange::new(400, 450)]);
    for gap in gaps {
        book.take(&Reading { range: gap, finalized: BlockNumber(500), epochs: Vec::new() }).unwrap();
    }
    assert_eq!(book.gaps(wanted).unwrap(), []);
    assert_eq!(book.covered().unwrap(), [wanted]);
}

#[test]
fn another_keys_book_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    drop(Book::open_or_create(&path, &id(9)).unwrap());
    let before = fs::read(&path).unwrap();
    assert!(matches!(Book::open_or_create(&path, &id(8)), Err(BookError::OtherBook { .. })));
    let other = BookId { subnet: Some(4), ..id(9) };
    assert!(matches!(Book::open_or_create(&path, &other), Err(BookError::OtherBook { .. })));
    // redb notes in its header that the file was open; what it holds stays.
    let renamed = BookId { network: NetworkInfo { name: "Test".into(), ..id(9).network }, ..id(9) };
    Book::open_or_create(&path, &renamed).unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), before.len());
}

#[test]
fn readings_that_contradict_themselves_are_refused() {
    let book = Book::in_memory(&id(9)).unwrap();
    let refused = |read: Reading| matches!(book.take(&read), Err(BookError::Invalid(_)));
    assert!(refused(reading(0, 10, 30, vec![fact(10, 5, 1)])));
    assert!(refused(reading(0, 40, 30, vec![fact(20, 5, 1), fact(10, 5, 1)])));
    let mut more = fact(10, 5, 1);
    more.reward.minted = Rao(1001);
    assert!(refused(reading(0, 40, 30, vec![more])));
    let early = EpochFact { standing: place(7, 11), ..fact(10, 5, 1) };
    assert!(refused(reading(0, 40, 30, vec![early])));
    let free = EpochFact {
        price: Some(PriceAt {
            price: Price { rao: 1, per: 0 },
            source: PriceSource::PoolReserves,
            block: BlockNumber(10),
        }),
        ..fact(10, 5, 1)
    };
    assert!(refused(reading(0, 40, 30, vec![free])));
    assert_eq!(amounts(&book), []);
}

#[test]
fn no_energy_counts_twice() {
    let book = Book::in_memory(&id(9)).unwrap();
    book.add_energy(&power_sample(1_000, 2_000, 100_000).unwrap()).unwrap();
    book.add_energy(&power_sample(2_000, 2_000_000, 200_000).unwrap()).unwrap();
    let error = book.add_energy(&power_sample(1_999_999, 2_000_001, 1).unwrap()).unwrap_err();
    assert!(matches!(error, BookError::EnergyOverlap { until_ms: 2_000_000, from_ms: 1_999_999 }), "{error}");
    let slots = book.energy(0, u64::MAX).unwrap();
    assert_eq!(
        slots.iter().map(|s| s.energy().microjoules).collect::<Vec<_>>(),
        [100_000_000 + 200_000 * 898_000, 200_000 * 900_000, 200_000 * 200_000]
    );
    assert_eq!(slots.iter().map(|s| s.known_ms).sum::<u64>(), 1_999_000);
}

/// Writes a value of its own into a table of a closed book.
fn tamper(path: &Path, change: impl Fn(&redb::WriteTransaction)) {
    let database = redb::Database::create(path).unwrap();
    let write = database.begin_write().unwrap();
    change(&write);
    write.commit().unwrap();
}

#[test]
fn rows_that_nobody_wrote_are_refused_with_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    let book = Book::open_or_create(&path, &id(9)).unwrap();
    book.take(&reading(0, 40, 30, vec![fact(10, 5, 1)])).unwrap();
    let row = serde_json::to_string(&book.all_rewards().unwrap()[0]).unwrap();
    drop(book);
    let long = format!("{row}{}", " ".repeat(MAX_ROW_BYTES));
    let rows = [
        "{}".to_owned(),
        String::new(),
        long,
        row.replace("\"miner\":5", "\"miner\":999"),
        row.replace("\"minted\":1000", "\"minted\":7"),
        row.replace("\"block\":10", "\"block\":11"),
        row.replace("\"confirmed_at\":30", "\"confirmed_at\":3"),
        row.replace("\"per\":1000000000", "\"per\":0"),
        row.replace("\"exact\":true", "\"exact\":true,\"more\":1"),
    ];
    for bad in rows {
        assert_ne!(bad, row);
        tamper(&path, |write| {
            let bytes = sealed(&10u64.to_be_bytes(), bad.as_bytes());
            write.open_table(REWARDS).unwrap().insert(10, bytes.as_slice()).unwrap();
        });
        let book = Book::open_or_create(&path, &id(9)).unwrap();
        assert!(matches!(book.all_rewards(), Err(BookError::Corrupt(_))), "{bad}");
        assert!(matches!(book.take(&reading(0, 40, 30, vec![fact(10, 5, 1)])), Err(BookError::Corrupt(_))), "{bad}");
    }
}

#[test]
fn unknown_versions_and_overlapping_ranges_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    drop(Book::open_or_create(&path, &id(9)).unwrap());
    tamper(&path, |write| {
        write_meta(&mut write.open_table(META).unwrap(), "covered", &[BlockRange::new(0, 9), BlockRange::new(5, 12)])
            .unwrap();
    });
    let book = Book::open_or_create(&path, &id(9)).unwrap();
    assert!(matches!(book.gaps(BlockRange::new(0, 5)), Err(BookError::Corrupt(_))));
    assert!(matches!(book.take(&reading(0, 5, 9, vec![])), Err(BookError::Corrupt(_))));
    drop(book);
    tamper(&path, |write| {
        write_meta(&mut write.open_table(META).unwrap(), "head", &Header { version: 2, id: id(9) }).unwrap();
    });
    assert!(matches!(Book::open_or_create(&path, &id(9)), Err(BookError::Version { found: 2, known: 1 })));
}

#[test]
fn a_file_that_is_no_book_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("text", b"hello, I am no database".to_vec()),
        ("noise", (0..40_000u32).map(|n| ((n * n) >> 7) as u8).collect()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let error = Book::open_or_create(&path, &id(9)).unwrap_err();
        assert!(matches!(error, BookError::Storage(_) | BookError::Corrupt(_)), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let path = folder.path().join("huge");
    fs::File::create(&path).unwrap().set_len(MAX_BOOK_BYTES + 1).unwrap();
    assert!(matches!(Book::open_or_create(&path, &id(9)), Err(BookError::TooLarge { .. })));
}

#[test]
fn the_bytes_of_a_row_are_frozen() {
    let row = Reward::from_fact(&fact(10, 5, 1), BlockNumber(12)).unwrap();
    let hash = "01".repeat(32);
    let golden = format!(
        r#"{{"block":10,"hash":"{hash}","time":{{"ms":1800000120000,"exact":true}},"standing":{{"uid":7,"block":5}},"miner":5,"validator":0,"all_miners":105,"burned":715,"minted":1000,"price":{{"price":{{"rao":25000000,"per":1000000000}},"source":"runtime_call","block":10}},"confirmed_at":12}}"#
    );
    assert_eq!(serde_json::to_string(&row).unwrap(), golden);
    let bytes = sealed(&10u64.to_be_bytes(), golden.as_bytes());
    assert_eq!(hex::encode(&bytes[golden.len()..]), "506eec002530d49d");
    assert_eq!(read_row(10, &bytes).unwrap(), row);
    assert!(read_row(11, &bytes).is_err() && read_row(10, golden.as_bytes()).is_err());
}

#[test]
fn a_flipped_byte_anywhere_is_a_typed_error_or_changes_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    let book = Book::open_or_create(&path, &id(9)).unwrap();
    book.take(&reading(0, 40, 30, vec![fact(10, 5, 1), fact(20, 6, 1)])).unwrap();
    book.add_energy(&power_sample(1_000, 2_000, 100_000).unwrap()).unwrap();
    let (rows, slots) = (book.all_rewards().unwrap(), book.energy(0, u64::MAX).unwrap());
    drop(book);
    let whole = fs::read(&path).unwrap();
    // Every place of the header, and a sample of the pages: each try costs a few syncs.
    let used = (0..whole.len()).filter(|at| whole[*at] != 0 || *at < 320);
    let (mut refused, mut unharmed) = (0, 0);
    for at in used.step_by(29) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        let damaged = folder.path().join(format!("flipped-{at}"));
        fs::write(&damaged, &bytes).unwrap();
        let read = Book::open_or_create(&damaged, &id(9)).and_then(|book| {
            let found = (book.all_rewards()?, book.energy(0, u64::MAX)?);
            book.take(&reading(0, 60, 50, vec![fact(10, 5, 1), fact(20, 6, 1), fact(50, 5, 1)]))?;
            Ok(found)
        });
        match read {
            Ok(found) => {
                assert_eq!(found, (rows.clone(), slots.clone()), "byte {at}");
                unharmed += 1;
            }
            Err(_) => refused += 1,
        }
        fs::remove_file(&damaged).unwrap();
    }
    assert!(refused > 10 && unharmed > 10, "{refused} refused, {unharmed} unharmed");
}
