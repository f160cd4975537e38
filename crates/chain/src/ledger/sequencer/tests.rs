//! The two clocks under paused time.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use types::{Record, Uid};

use super::super::fixture::{
    Running, START_MS, attest, checkpoint, commit, genesis, interval, key, paced, report, start,
};
use super::*;
use crate::ChainBackend;

async fn paced_run(expected_miners: u16) -> Running {
    let ledger = Ledger::in_memory(&paced(), START_MS, &key("sequencer")).await.unwrap();
    start(ledger, expected_miners)
}

async fn say(run: &Running, who: &str, record: Record) {
    run.backend.publish(&record, &key(who)).await.unwrap();
}

async fn head(run: &Running) -> u64 {
    run.backend.head().await.unwrap().number.0
}

#[tokio::test(start_paused = true)]
async fn the_interval_clock_makes_a_block_each_interval() {
    let ledger = Ledger::in_memory(&interval(12_000), START_MS, &key("sequencer")).await.unwrap();
    let run = start(ledger, 0);
    let registered = run.backend.register(&key("a")).await.unwrap();
    assert_eq!((registered.uid, registered.block), (Uid(2), BlockNumber(1)));
    let tenth = run.backend.wait_head(BlockNumber(9)).await.unwrap();
    assert_eq!((tenth.number.0, tenth.time_ms), (10, START_MS + 120_000));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_paced_round_takes_as_long_as_its_peers() {
    let run = paced_run(2).await;
    let began = Instant::now();
    run.backend.register(&key("a")).await.unwrap();
    // One of two miners is there: nothing moves.
    sleep(Duration::from_secs(20)).await;
    assert_eq!(head(&run).await, 1);
    let waiting = run.backend.waiting().await.unwrap().unwrap();
    assert_eq!(waiting.duties, [Duty::Join { missing: 1 }, Duty::Commit { round: types::Round(0), uid: Uid(2) }]);
    assert_eq!((waiting.since_ms, waiting.until_ms), (START_MS, Some(START_MS + 60_000)));
    run.backend.register(&key("b")).await.unwrap();
    say(&run, "a", commit(0, 1)).await;
    sleep(Duration::from_secs(10)).await;
    assert!(head(&run).await < 5);
    say(&run, "b", commit(0, 2)).await;
    // The last commitment ends the phase: the head is the first block of the next one.
    assert_eq!(run.backend.wait_head(BlockNumber(4)).await.unwrap().number.0, 5);
    tokio::join!(
        say(&run, "a", attest(0, &[2, 3])),
        say(&run, "b", attest(0, &[2, 3])),
        say(&run, "validator-0", attest(0, &[2, 3])),
        say(&run, "validator-1", attest(0, &[2, 3])),
    );
    // Settling owes nothing: straight into round 1.
    assert_eq!(run.backend.wait_head(BlockNumber(11)).await.unwrap().number.0, 12);
    assert!(began.elapsed() < Duration::from_secs(32), "{:?}", began.elapsed());
    assert_eq!(run.ledger.verify().unwrap().number.0, 12);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_held_clock_waits_and_then_gives_the_time_that_was_left() {
    let run = paced_run(1).await;
    run.backend.register(&key("a")).await.unwrap();
    sleep(Duration::from_secs(20)).await;
    run.hold.send_replace(true);
    sleep(Duration::from_secs(3600)).await;
    assert!(head(&run).await < 5, "an hour is nothing to a held phase");
    run.hold.send_replace(false);
    let resumed = Instant::now();
    run.backend.wait_head(BlockNumber(4)).await.unwrap();
    let left = resumed.elapsed().as_secs_f64();
    assert!((39.0..=40.1).contains(&left), "of its minute twenty seconds were used: {left}");
    // What settles a phase ends it, held or not.
    run.hold.send_replace(true);
    tokio::join!(
        say(&run, "a", attest(0, &[])),
        say(&run, "validator-0", attest(0, &[])),
        say(&run, "validator-1", attest(0, &[])),
    );
    assert_eq!(run.backend.wait_head(BlockNumber(11)).await.unwrap().number.0, 12);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_comes_costs_one_phase_and_no_more() {
    let run = paced_run(1).await;
    let began = Instant::now();
    run.backend.register(&key("a")).await.unwrap();
    run.backend.wait_head(BlockNumber(4)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(head(&run).await, 5);
    let late = run.backend.publish(&commit(0, 1), &key("a")).await.unwrap_err();
    assert!(matches!(late, ChainError::Late { deadline: BlockNumber(5), .. }), "{late}");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_phase_does_not_run_out_of_blocks() {
    let run = paced_run(2).await;
    run.backend.register(&key("a")).await.unwrap();
    run.backend.register(&key("b")).await.unwrap();
    say(&run, "a", checkpoint(0, 1)).await;
    // Block 4 is the phase's last one. It is kept for what is owed: this checkpoint has to wait.
    let (first, last) = (key("a"), key("b"));
    let checkpoint = checkpoint(0, 2);
    let held = run.backend.publish(&checkpoint, &last);
    let rest = async {
        sleep(Duration::from_secs(5)).await;
        assert_eq!(head(&run).await, 3);
        let (a, b) = (commit(0, 1), commit(0, 2));
        let (a, b) = tokio::join!(run.backend.publish(&a, &first), run.backend.publish(&b, &last));
        (a.unwrap(), b.unwrap())
    };
    let (held, (a, b)) = tokio::join!(held, rest);
    assert_eq!([held.unwrap().block, a.block, b.block], [BlockNumber(4); 3]);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn refused_transactions_use_up_no_block() {
    let run = paced_run(1).await;
    run.backend.register(&key("a")).await.unwrap();
    for _ in 0..10 {
        let refused = run.backend.publish(&attest(0, &[]), &key("a")).await;
        assert!(matches!(refused, Err(ChainError::Early { .. })));
    }
    assert_eq!(head(&run).await, 1);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn publishing_twice_gives_one_record_and_one_receipt() {
    let run = paced_run(2).await;
    run.backend.register(&key("a")).await.unwrap();
    let (who, record) = (key("a"), commit(0, 1));
    let (one, two) = tokio::join!(run.backend.publish(&record, &who), run.backend.publish(&record, &who));
    assert_eq!(one.clone().unwrap(), two.unwrap());
    assert_eq!(run.backend.publish(&record, &who).await, one);
    assert_eq!(run.backend.records(BlockNumber(0), BlockNumber(99)).await.unwrap().len(), 1);
    assert_eq!(run.backend.register(&who).await.unwrap().uid, Uid(2));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_key_may_publish_several_records_at_once() {
    let run = paced_run(2).await;
    run.backend.register(&key("a")).await.unwrap();
    let who = key("a");
    let records = [checkpoint(0, 1), checkpoint(0, 2), checkpoint(0, 3)];
    let [a, b, c] = records.each_ref().map(|record| run.backend.publish(record, &who));
    let (a, b, c) = tokio::join!(a, b, c);
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_ledger_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    let open = || async { Ledger::open_or_create(&path, &paced(), START_MS, &key("sequencer")).await.unwrap() };
    let run = start(open().await, 1);
    run.backend.register(&key("a")).await.unwrap();
    say(&run, "a", commit(0, 1)).await;
    run.backend.wait_head(BlockNumber(4)).await.unwrap();
    run.stop().await;
    let run = start(open().await, 1);
    assert_eq!(head(&run).await, 5);
    for who in ["a", "validator-0", "validator-1"] {
        say(&run, who, attest(0, &[2])).await;
    }
    run.backend.wait_head(BlockNumber(11)).await.unwrap();
    for who in ["validator-0", "validator-1"] {
        say(&run, who, report(0, 1)).await;
    }
    say(&run, "a", commit(1, 1)).await;
    run.backend.wait_head(BlockNumber(16)).await.unwrap();
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_ended_sequencer_is_unavailable_not_silent() {
    let run = paced_run(2).await;
    run.cancel.cancel();
    sleep(Duration::from_millis(1)).await;
    let gone = run.backend.register(&key("a")).await.unwrap_err();
    assert!(gone.is_retryable(), "{gone}");
    run.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_blocks_of_history_come_in_pages() {
    let run = start(
        Ledger::in_memory(&genesis(Clock::Interval { block_ms: 10 }), START_MS, &key("sequencer")).await.unwrap(),
        0,
    );
    run.backend.register(&key("a")).await.unwrap();
    let mut said = 0;
    for n in 0..6u8 {
        said += usize::from(run.backend.publish(&checkpoint(0, n), &key("a")).await.is_ok());
    }
    run.backend.wait_head(BlockNumber(1000)).await.unwrap();
    let all = run.backend.records(BlockNumber(0), BlockNumber(u64::MAX)).await.unwrap();
    assert_eq!(all.len(), said);
    assert!(all.windows(2).all(|w| (w[0].block, w[0].index) < (w[1].block, w[1].index)));
    let epochs = run.backend.epochs(BlockNumber(0), BlockNumber(1001)).await.unwrap();
    // More than one page of 64.
    assert_eq!(epochs.len(), 100);
    assert!(epochs.iter().all(|e| e.burned.0 + e.owner.0 == e.minted.0), "nobody voted");
    assert_eq!(run.backend.epochs(BlockNumber(11), BlockNumber(30)).await.unwrap().len(), 1);
    assert!(run.backend.records(BlockNumber(9), BlockNumber(2)).await.unwrap().is_empty());
    run.stop().await;
}
