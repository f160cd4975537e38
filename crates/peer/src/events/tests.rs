//! Sentences for a terminal, and the tap.

use types::{ByteCount, Round};

use super::*;

fn fetching(done: u64, sources: u32) -> Event {
    Event::Fetching { what: Fetched::Dataset, done: ByteCount(done), total: ByteCount(2_000), sources }
}

#[test]
fn a_timed_round_is_one_line_and_leaves_out_what_did_not_happen() {
    let parts = RoundParts { compute: 82_000, compress: 1_240, gather: 4_100, idle: 2_660, ..RoundParts::default() };
    let line = sentence(&Event::RoundTimed { round: Round(3), parts }).unwrap();
    assert_eq!(line, "round 3: 90.0 s: compute 82.0, compress 1.2, gather 4.1, idle 2.7");
}

#[test]
fn a_fetch_says_how_far_it_is_and_each_tenth_once() {
    assert_eq!(sentence(&fetching(900, 1)).unwrap(), "fetching the data set: 45 % of 2000 bytes from 1 source");
    let mut tenths = Tenths::default();
    let lines = (0..=2_000).filter(|done| tenths.is_news(&fetching(*done, 2))).count();
    assert_eq!(lines, 11);
    assert!(tenths.is_news(&Event::Resumed));
    let nothing = Event::Fetching { what: Fetched::Run, done: ByteCount(0), total: ByteCount(0), sources: 0 };
    assert_eq!(sentence(&nothing).unwrap(), "fetching the run's manifest: 0 % of 0 bytes from 0 sources");
}

#[tokio::test]
async fn a_tap_hears_facts_and_progress_of_every_clone_even_when_nobody_reads() {
    let (events, _writer) = Events::open(Sink::Silent, None).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&heard);
    let early = events.clone();
    events.tap(move |event| into.lock().unwrap().push(event.clone()));
    events.tap(|_| panic!("there is one"));
    early.say(Event::Resumed).await;
    early.progress(fetching(1, 1));
    assert_eq!(*heard.lock().unwrap(), [Event::Resumed, fetching(1, 1)]);
}
