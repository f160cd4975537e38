//! Where a round's time went, by hand-made clocks.

use proptest::prelude::*;

use super::*;

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Spans of one round of `wall` milliseconds.
fn round(line: &mut TimeLine, from: u64, wall: u64, spans: &[(Part, u64, u64)]) -> Timed {
    for (part, began, ended) in spans {
        let id = line.begin(*part, at(from + began));
        line.end(id, at(from + ended));
    }
    line.finish(at(from + wall))
}

#[test]
fn parts_add_up_to_the_wall_time_and_the_rest_is_idle() {
    let mut line = TimeLine::new(at(0));
    let spans = [(Part::Compute, 0, 70), (Part::Compress, 70, 75), (Part::Commit, 75, 77), (Part::Outer, 95, 100)];
    let timed = round(&mut line, 0, 100, &spans);
    let parts = RoundParts { compute: 70, compress: 5, commit: 2, upload: 0, gather: 0, outer: 5, idle: 18 };
    assert_eq!(timed, Timed { parts, alone: parts });
    assert_eq!(timed.wall(), at(100));
}

#[test]
fn sending_beside_computing_costs_nothing_but_counts_in_the_serial_figure() {
    let mut line = TimeLine::new(at(0));
    let timed = round(&mut line, 0, 100, &[(Part::Upload, 0, 60), (Part::Compute, 0, 90), (Part::Gather, 30, 100)]);
    assert_eq!(timed.parts, RoundParts { compute: 90, gather: 10, ..RoundParts::default() });
    assert_eq!(timed.alone, RoundParts { compute: 90, gather: 70, upload: 60, ..RoundParts::default() });
    let utilisation = line.utilisation().unwrap();
    assert_eq!((utilisation.overlapped, utilisation.serial), (0.9, 90.0 / 220.0));
}

#[test]
fn what_goes_on_over_a_rounds_end_counts_for_both_rounds() {
    let mut line = TimeLine::new(at(0));
    let upload = line.begin(Part::Upload, at(80));
    assert_eq!(line.finish(at(100)).parts, RoundParts { upload: 20, idle: 80, ..RoundParts::default() });
    line.end(upload, at(130));
    assert_eq!(line.finish(at(200)).parts, RoundParts { upload: 30, idle: 70, ..RoundParts::default() });
    // Its number means nothing any more.
    line.end(upload, at(250));
    assert_eq!(line.finish(at(300)).parts, RoundParts { idle: 100, ..RoundParts::default() });
}

#[test]
fn the_end_of_a_part_moves_on_while_more_of_it_is_seen() {
    let mut line = TimeLine::new(at(0));
    let upload = line.begin(Part::Upload, at(10));
    line.end(upload, at(20));
    line.end(upload, at(45));
    assert_eq!(line.finish(at(50)).parts.upload, 35);
}

#[test]
fn catching_up_belongs_to_no_round() {
    let mut line = TimeLine::new(at(0));
    let outer = line.begin(Part::Outer, at(0));
    line.end(outer, at(900));
    line.restart(at(1000));
    assert_eq!(line.finish(at(1100)).parts, RoundParts { idle: 100, ..RoundParts::default() });
}

#[test]
fn utilisation_is_over_the_last_rounds_and_leaves_out_those_without_work() {
    let mut line = TimeLine::new(at(0));
    assert_eq!(line.utilisation(), None);
    round(&mut line, 0, 100, &[(Part::Compute, 0, 10)]);
    for n in 1..=8 {
        round(&mut line, 100 * n, 100, &[(Part::Compute, 0, 90)]);
    }
    let words = "computing 90.0 % of the last 8 rounds; 90.0 % had nothing overlapped";
    assert_eq!(line.utilisation().unwrap().to_string(), words);
    // A pause, or a round that was only followed.
    round(&mut line, 900, 100, &[(Part::Gather, 0, 50)]);
    assert_eq!(line.utilisation().unwrap().rounds, 7);
}

#[test]
fn endless_pauses_take_no_endless_memory() {
    let mut line = TimeLine::new(at(0));
    for n in 0..10_000 {
        let id = line.begin(Part::Compute, at(n));
        line.end(id, at(n + 1));
    }
    assert_eq!(line.spans.len(), MAX_SPANS);
    assert_eq!(sum(&line.finish(at(10_000)).parts), 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_span_ends_its_part() {
    let clock = RoundClock::start();
    let span = clock.span(Part::Compute);
    tokio::time::advance(at(300)).await;
    drop(span);
    tokio::time::advance(at(100)).await;
    assert_eq!(clock.finish().parts, RoundParts { compute: 300, idle: 100, ..RoundParts::default() });
    assert_eq!(clock.utilisation().unwrap().overlapped, 0.75);
}

#[tokio::test(start_paused = true)]
async fn a_mark_lasts_until_it_was_last_seen_in_its_round() {
    let clock = RoundClock::start();
    let mark = clock.mark(Part::Upload);
    tokio::time::advance(at(250)).await;
    mark.seen();
    tokio::time::advance(at(750)).await;
    assert!(mark.is_of_this_round());
    assert_eq!(clock.finish().parts, RoundParts { upload: 250, idle: 750, ..RoundParts::default() });
    assert!(!mark.is_of_this_round());
}

fn part() -> impl Strategy<Value = Part> {
    use Part::{Commit, Compress, Compute, Gather, Outer, Upload};
    proptest::sample::select(vec![Compute, Compress, Outer, Commit, Gather, Upload])
}

proptest! {
    /// Whatever overlaps: the parts are the wall time to the millisecond, and one after the other is never faster.
    #[test]
    fn parts_are_a_partition(spans in proptest::collection::vec((part(), 0u64..500, 0u64..300), 0..40), wall in 1u64..600) {
        let mut line = TimeLine::new(at(0));
        let spans: Vec<_> = spans.into_iter().map(|(part, from, length)| (part, from, from + length)).collect();
        let timed = round(&mut line, 0, wall, &spans);
        prop_assert_eq!(sum(&timed.parts), wall);
        prop_assert!(sum(&timed.alone) >= wall);
        prop_assert_eq!(timed.alone.compute, timed.parts.compute);
        if let Some(utilisation) = line.utilisation() {
            prop_assert!(utilisation.serial <= utilisation.overlapped && utilisation.overlapped <= 1.0);
        }
    }
}
