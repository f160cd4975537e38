//! The scheduler against made-up sources: everything comes exactly once, whatever the others do.

use proptest::prelude::*;
use types::Hash32;

use super::*;
use crate::{CHUNK_BYTES, ChunkError, SourceError};

fn id(chunks: u64) -> BlobId {
    BlobId { root: Hash32::default(), bytes: chunks * CHUNK_BYTES as u64 }
}

fn limits() -> FetchLimits {
    FetchLimits::up_to(u64::MAX)
}

#[test]
fn first_requests_are_disjoint_and_each_source_starts_with_its_own() {
    let mut schedule = Schedule::new(&id(8), 4, limits());
    let asks: Vec<Ask> = std::iter::from_fn(|| schedule.next()).collect();
    assert_eq!(asks.len(), 8);
    for ask in &asks {
        assert_eq!(ask.chunk as usize % 4, ask.source);
    }
}

#[test]
fn requests_in_flight_are_bounded_per_source_and_in_all() {
    let mut schedule = Schedule::new(&id(100), 2, limits());
    assert_eq!(std::iter::from_fn(|| schedule.next()).count(), 8);
    let mut schedule = Schedule::new(&id(100), 50, limits());
    assert_eq!(std::iter::from_fn(|| schedule.next()).count(), 32);
}

#[test]
fn a_source_is_out_at_its_first_bad_chunk() {
    let mut schedule = Schedule::new(&id(10), 1, limits());
    let ask = schedule.next().unwrap();
    schedule.failed(ask, SourceFailure::BadChunk { index: ask.chunk, why: ChunkError::Hash });
    assert_eq!(schedule.next(), None);
    assert_eq!(schedule.left(), 10);
}

#[test]
fn a_failing_source_rests_longer_each_time_and_is_then_left_alone() {
    let mut schedule = Schedule::new(&id(1), 1, limits());
    let mut rests = Vec::new();
    while let Some(ask) = schedule.next() {
        rests.push(ask.rest.as_millis());
        schedule.failed(ask, SourceFailure::TimedOut);
    }
    assert_eq!(rests, [0, 250, 500]);
}

#[test]
fn a_chunk_one_source_lacks_is_asked_of_the_other_only() {
    let mut schedule = Schedule::new(&id(1), 2, limits());
    let ask = schedule.next().unwrap();
    schedule.failed(ask, SourceFailure::NotFound);
    let other = schedule.next().unwrap();
    assert_ne!(other.source, ask.source);
    schedule.failed(other, SourceFailure::NotFound);
    assert_eq!(schedule.next(), None);
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
        let mut schedule = Schedule::new(&id(chunks), moods.len(), limits());
        let (mut in_flight, mut came) = (Vec::new(), BTreeSet::new());
        let mut picks = picks.into_iter().cycle();
        loop {
            while let Some(ask) = schedule.next() {
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
