//! The scheduler against made-up sources: everything comes exactly once, whatever the others do.

use proptest::prelude::*;
use types::Hash32;

use super::*;
use crate::{CHUNK_BYTES, ChunkError, SourceError};

fn id(chunks: u64) -> BlobId {
    BlobId { root: Hash32::default(), bytes: chunks * CHUNK_BYTES as u64 }
}

/// A schedule over that many folders.
fn folders(id: &BlobId, count: usize) -> Schedule {
    let facts = |n| Facts { name: format!("folder {n}"), class: CostClass::Local };
    Schedule::new(id, (0..count).map(facts).collect(), None, limits())
}

fn limits() -> FetchLimits {
    FetchLimits::up_to(u64::MAX)
}

#[test]
fn first_requests_are_disjoint_and_each_source_starts_with_its_own() {
    let mut schedule = folders(&id(8), 4);
    let asks: Vec<Ask> = std::iter::from_fn(|| schedule.next(false)).collect();
    assert_eq!(asks.len(), 8);
    for ask in &asks {
        assert_eq!(ask.chunk as usize % 4, ask.source);
    }
}

#[test]
fn requests_in_flight_are_bounded_per_source_and_in_all() {
    let mut schedule = folders(&id(100), 2);
    assert_eq!(std::iter::from_fn(|| schedule.next(false)).count(), 8);
    let mut schedule = folders(&id(100), 50);
    assert_eq!(std::iter::from_fn(|| schedule.next(false)).count(), 32);
}

#[test]
fn a_source_is_out_at_its_first_bad_chunk() {
    let mut schedule = folders(&id(10), 1);
    let ask = schedule.next(false).unwrap();
    schedule.failed(ask, SourceFailure::BadChunk { index: ask.chunk, why: ChunkError::Hash });
    assert_eq!(schedule.next(false), None);
    assert_eq!(schedule.left(), 10);
}

#[test]
fn a_failing_source_rests_longer_each_time_and_is_then_left_alone() {
    let mut schedule = folders(&id(1), 1);
    let mut rests = Vec::new();
    while let Some(ask) = schedule.next(false) {
        rests.push(ask.rest.as_millis());
        schedule.failed(ask, SourceFailure::TimedOut);
    }
    assert_eq!(rests, [0, 250, 500]);
}

#[test]
fn a_chunk_one_source_lacks_is_asked_of_the_other_only() {
    let mut schedule = folders(&id(1), 2);
    let ask = schedule.next(false).unwrap();
    schedule.failed(ask, SourceFailure::NotFound);
    let other = schedule.next(false).unwrap();
    assert_ne!(other.source, ask.source);
    schedule.failed(other, SourceFailure::NotFound);
    assert_eq!(schedule.next(false), None);
}

fn peers(names: &[String], own: &str) -> Schedule {
    let facts = |name: &String| Facts { name: name.clone(), class: CostClass::Swarm };
    Schedule::new(&id(400), names.iter().map(facts).collect(), Some(own.to_owned()), limits())
}

fn bits(have: &BTreeSet<u32>) -> Have {
    let mut bits = vec![0; 50];
    have.iter().for_each(|chunk| bits[*chunk as usize / 8] |= 1 << (chunk % 8));
    Have::Some(bits)
}

#[test]
fn one_uplink_serves_four_who_fetch_the_same_blob_at_once() {
    const PEERS: usize = 4;
    let name = |n: usize| format!("peer {n}");
    let names = |own: usize| -> Vec<String> {
        std::iter::once("seed".to_owned()).chain((0..PEERS).filter(|n| *n != own).map(name)).collect()
    };
    let mut all: Vec<Schedule> = (0..PEERS).map(|own| peers(&names(own), &name(own))).collect();
    let mut have = vec![BTreeSet::new(); PEERS];
    let (mut from_seed, mut ticks) = (0, 0);
    while all.iter().any(|schedule| schedule.left() > 0) {
        ticks += 1;
        assert!(ticks < 2000, "it does not end: {:?}", all.iter().map(Schedule::left).collect::<Vec<_>>());
        for own in 0..PEERS {
            all[own].has(0, Have::All);
            for (source, other) in (0..PEERS).filter(|n| *n != own).enumerate() {
                all[own].has(source + 1, bits(&have[other]));
            }
            // The seed's line carries a chunk a tick for each; peers are as fast.
            for _ in 0..2 {
                let Some(ask) = all[own].next(false) else { break };
                from_seed += u32::from(ask.source == 0);
                have[own].insert(ask.chunk);
                all[own].verified(ask);
            }
        }
    }
    assert!(from_seed <= 440, "the seed sent {from_seed} of 400 chunks");
}

#[test]
fn a_bucket_is_asked_when_nobody_else_gives() {
    let facts = |name: &str, class| Facts { name: name.to_owned(), class };
    let sources = vec![facts("bucket", CostClass::Bucket), facts("peer 1", CostClass::Swarm)];
    let mut schedule = Schedule::new(&id(10), sources, None, limits());
    schedule.has(0, Have::All);
    schedule.has(1, bits(&BTreeSet::new()));
    assert_eq!(schedule.next(false), None);
    assert!(schedule.may_come());
    assert_eq!(schedule.next(true).unwrap().source, 0);
    schedule.has_nothing(1);
    assert_eq!(schedule.next(false).unwrap().source, 0);
}

#[test]
fn a_peer_that_begins_a_moment_later_shares_the_work() {
    let mut schedule = peers(&["seed".to_owned(), "peer 1".to_owned()], "peer 0");
    schedule.has(0, Have::All);
    schedule.has(1, Have::Nothing);
    // Nothing comes from it, and nobody waits for it; but it is asked again.
    assert_eq!(schedule.next(false).unwrap().source, 0);
    assert!(schedule.to_ask().contains(&1));
    schedule.has(1, bits(&BTreeSet::from([0, 1, 2, 3, 4])));
    let asked: Vec<usize> = std::iter::from_fn(|| schedule.next(false)).map(|ask| ask.source).collect();
    assert!(asked.contains(&1), "{asked:?}");
}

#[test]
fn a_small_blob_is_asked_of_the_next_if_the_first_lacks_it() {
    let facts = |n| Facts { name: format!("peer {n}"), class: CostClass::Lan };
    let mut schedule = Schedule::new(&id(1), vec![facts(1), facts(2)], Some("peer 0".to_owned()), limits());
    schedule.already(&bits(&BTreeSet::new()));
    let first = schedule.next(false).unwrap();
    assert_eq!((first.source, schedule.next(false)), (0, None));
    schedule.failed(first, SourceFailure::NotFound);
    assert_eq!(schedule.next(false).unwrap().source, 1);
}

#[test]
fn a_blob_that_nobody_has_is_not_waited_for() {
    let mut schedule = peers(&["peer 1".to_owned(), "peer 2".to_owned()], "peer 0");
    schedule.has(0, Have::Nothing);
    schedule.has(1, Have::Nothing);
    assert_eq!(schedule.next(true), None);
    assert!(!schedule.may_come());
}

#[test]
fn who_has_all_is_asked_for_others_shares_only_when_nothing_comes() {
    let mut schedule = peers(&["seed".to_owned(), "peer 1".to_owned()], "peer 0");
    schedule.has(0, Have::All);
    schedule.has(1, bits(&BTreeSet::new()));
    let mut own = 0;
    while let Some(ask) = schedule.next(false) {
        assert_eq!(ask.source, 0);
        own += 1;
        schedule.verified(ask);
    }
    assert!((150..250).contains(&own), "{own}");
    assert!(schedule.may_come());
    assert_eq!(schedule.next(true).unwrap().source, 0);
}

/// What a made-up source does with a request.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Honest,
    Lies,
    Silent,
    Broken,
    HasEvenChunks,
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![Just(Mood::Honest), Just(Mood::Lies), Just(Mood::Silent), Just(Mood::Broken), Just(Mood::HasEvenChunks)]
}

proptest! {
    #[test]
    fn with_one_honest_source_every_chunk_comes_exactly_once(
        moods in proptest::collection::vec(mood(), 0..6), at in any::<proptest::sample::Index>(),
        chunks in 1u64..40, picks in proptest::collection::vec(any::<proptest::sample::Index>(), 500),
    ) {
        let mut moods = moods;
        moods.insert(at.index(moods.len() + 1), Mood::Honest);
        let mut schedule = folders(&id(chunks), moods.len());
        let (mut in_flight, mut came) = (Vec::new(), BTreeSet::new());
        let mut picks = picks.into_iter().cycle();
        loop {
            while let Some(ask) = schedule.next(false) {
                in_flight.push(ask);
            }
            if in_flight.is_empty() {
                break;
            }
            // Answers come in any order.
            let ask: Ask = in_flight.swap_remove(picks.next().unwrap().index(in_flight.len()));
            match moods[ask.source] {
                Mood::HasEvenChunks if ask.chunk % 2 == 1 => schedule.failed(ask, SourceFailure::NotFound),
                Mood::Honest | Mood::HasEvenChunks => {
                    prop_assert!(came.insert(ask.chunk), "chunk {} came twice", ask.chunk);
                    schedule.verified(ask);
                }
                Mood::Lies => {
                    schedule.failed(ask, SourceFailure::BadChunk { index: ask.chunk, why: ChunkError::Hash });
                }
                Mood::Silent => schedule.failed(ask, SourceFailure::TimedOut),
                Mood::Broken => {
                    schedule.failed(ask, SourceFailure::Failed(SourceError::Unavailable("503".into())));
                }
            }
        }
        prop_assert_eq!(schedule.left(), 0);
        prop_assert_eq!(came.len() as u64, chunks);
    }
}
