//! Watching: samples, outages, cards that come and go.

use std::time::Duration;

use gpu::{Fault, GpuEvent, GpuProbe, ProbeEnd, ProbeTimes, ProcessKind, Sample, Survey, Throttle, Verdict};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::stand_in::{Machine, PATIENCE, kill, next, short, until};

fn survey(event: GpuEvent) -> Option<Survey> {
    if let GpuEvent::Survey(survey) = event { Some(survey) } else { None }
}

fn samples(event: GpuEvent) -> Option<Vec<Sample>> {
    if let GpuEvent::Samples(samples) = event { Some(samples) } else { None }
}

fn stale(event: GpuEvent) -> Option<(u64, Fault)> {
    if let GpuEvent::Stale { since_ms, why } = event { Some((since_ms, why)) } else { None }
}

async fn is_healthy_and_live(events: &mut mpsc::Receiver<GpuEvent>) {
    let first = next(events, survey).await;
    assert_eq!(first.verdict, Verdict::Ready);
    next(events, samples).await;
}

#[tokio::test]
async fn every_reading_of_a_card_arrives() {
    let machine = Machine::with_cards(2);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    let GpuEvent::Survey(found) = events.recv().await.unwrap() else { panic!("the survey comes first") };
    let read = next(&mut events, samples).await;
    let [first, second] = &read[..] else { panic!("{read:?}") };
    assert_eq!((&first.uuid, &second.uuid), (&found.cards[0].uuid, &found.cards[1].uuid));
    assert_eq!((first.util, first.temp_c, first.power_mw), (Some(37), Some(61), Some(212_000)));
    assert_eq!((first.fan_percent, first.fan_rpm), (Some(43), Some(1290)), "the faster of two fans");
    assert_eq!((first.sm_clock_mhz, first.mem_clock_mhz), (Some(2520), Some(10_501)));
    assert_eq!((first.throttle.as_deref(), first.enforced_limit_mw), (Some(&[][..]), Some(450_000)));
    assert_eq!(second.throttle.as_deref(), Some(&[Throttle::PowerCap, Throttle::SwThermal][..]));
    assert_eq!((second.pcie.generation, second.pcie.width), (Some(4), Some(4)), "four lanes of sixteen");
    assert_eq!(second.vram_used.map(|bytes| bytes.0), Some(23 << 30));
    assert!(first.energy_mj >= Some(1_000_000) && first.at_ms > 1_600_000_000_000);

    let (gone, game) = (&first.others[0], &second.others[0]);
    assert_eq!((gone.name.as_deref(), gone.vram, gone.kind), (None, None, ProcessKind::Compute));
    assert_eq!((game.name.as_deref(), game.kind), (Some("gpu-probe"), ProcessKind::Graphics));
    assert_eq!(second.strangers(&[]).count(), 1);
    assert_eq!(second.strangers(&[game.pid]).count(), 0, "our own are none");
}

#[tokio::test]
async fn a_watcher_that_is_killed_is_started_again_and_nothing_old_is_shown_as_live() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    let mut alive_ms = next(&mut events, samples).await[0].at_ms;
    for _ in 0..3 {
        let before = machine.probes("watch");
        assert_eq!(before.len(), 1);
        kill(before[0]);
        let mut last_ms = alive_ms;
        let (since_ms, why) = next(&mut events, |event| match event {
            GpuEvent::Samples(samples) => {
                last_ms = samples[0].at_ms;
                None
            }
            other => stale(other),
        })
        .await;
        assert_eq!(why, Fault::ProbeCrashed { end: ProbeEnd::Signal { number: 9 } });
        assert!((last_ms..last_ms + 60_000).contains(&since_ms), "stale since the last sample came");
        alive_ms = next(&mut events, samples).await[0].at_ms;
        assert_ne!(machine.probes("watch"), before);
    }
}

#[tokio::test]
async fn a_watcher_that_hangs_is_ended_and_comes_back_when_the_driver_does() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(ProbeTimes { silence: Duration::from_secs(1), ..short() });
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    let hung = machine.probes("watch")[0];
    machine.switch_on("hang-in-sample");
    let (_, why) = next(&mut events, stale).await;
    assert_eq!(why, Fault::ProbeTimedOut { after_ms: 1000 });
    until("the child is gone", || !machine.probes("watch").contains(&hung)).await;
    machine.switch_off("hang-in-sample");
    let mut outages = 0;
    next(&mut events, |event| match event {
        GpuEvent::Stale { .. } => {
            outages += 1;
            None
        }
        other => samples(other),
    })
    .await;
    assert_eq!(outages, 0, "one outage is told once");
}

#[tokio::test]
async fn a_card_that_appears_late_is_found_without_a_restart() {
    let machine = Machine::with_cards(1).scenario("appears-at-start-4");
    machine.remove("root/sys/module/nvidia");
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    let mut before = Vec::new();
    next(&mut events, |event| match survey(event)? {
        survey if survey.verdict == Verdict::Ready => Some(()),
        survey => {
            before.push(survey.fault().cloned());
            None
        }
    })
    .await;
    assert_eq!(before, vec![Some(Fault::ModuleNotLoaded { nouveau: false }); 3]);
    next(&mut events, samples).await;
}

#[tokio::test]
async fn a_card_that_is_plugged_in_is_looked_at_at_once() {
    let machine = Machine::with_cards(2);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    machine.plug_card(7);
    assert_eq!(next(&mut events, survey).await.cards_on_bus, Some(3));

    // Nobody watches a machine without cards; the bus is looked at all the same.
    let empty = Machine::with_cards(0);
    let patient = ProbeTimes { hunt_for: Duration::ZERO, ..short() };
    let prober = empty.prober(patient);
    let mut events = prober.watch(CancellationToken::new());
    assert_eq!(next(&mut events, survey).await.fault(), Some(&Fault::NoCard));
    empty.plug_card(0);
    assert_eq!(next(&mut events, survey).await.fault(), Some(&Fault::CardNotSeen { on_bus: 1 }));
}

#[tokio::test]
async fn a_card_that_falls_off_the_bus_is_noticed_while_the_other_goes_on() {
    let machine = Machine::with_cards(2);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    machine.switch_on("lost");
    let after = next(&mut events, survey).await;
    assert_eq!(after.verdict, Verdict::Ready);
    assert_eq!(after.healthy().map(|card| card.index).collect::<Vec<_>>(), [1]);
    let lost = &after.cards[0];
    assert_eq!(lost.uuid.as_str(), "GPU-00000000-0000-0000-0000-000000000000", "it is still known who it is");
    assert_eq!(lost.fault, Some(Fault::CardLost { card: "NVIDIA GeForce RTX 4090".into() }));
    let read = next(&mut events, |event| samples(event).filter(|samples| samples.len() == 1)).await;
    assert_eq!(read[0].uuid, after.cards[1].uuid);
}

#[tokio::test]
async fn someone_who_asks_gets_a_new_survey() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    for _ in 0..3 {
        prober.rescan();
        next(&mut events, survey).await;
    }
}

#[tokio::test]
async fn one_probe_that_fails_takes_no_working_card_away_and_two_do() {
    let machine = Machine::with_cards(1).scenario("abort-at-start-3");
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    assert_eq!(machine.kept("starts"), Some(2), "one survey and one watcher");
    prober.rescan();
    assert_eq!(next(&mut events, survey).await.verdict, Verdict::Ready);
    assert_eq!(machine.kept("starts"), Some(4), "the third start crashed and was not told");

    machine.switch_on("abort-in-init");
    prober.rescan();
    let told = next(&mut events, survey).await;
    assert_eq!(told.fault(), Some(&Fault::ProbeCrashed { end: ProbeEnd::Signal { number: 6 } }));
    next(&mut events, samples).await;
}

#[tokio::test]
async fn a_card_that_does_not_survive_sleep_is_told_as_that_and_found_again() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    let before = machine.probes("watch");

    prober.resumed();
    assert_eq!(next(&mut events, survey).await.verdict, Verdict::Ready);
    until("old handles are dropped after sleep", || {
        let now = machine.probes("watch");
        !now.is_empty() && now != before
    })
    .await;

    machine.switch_on("lost");
    prober.resumed();
    let gone = Fault::GoneAfterResume { cuda_error: None };
    next(&mut events, |event| survey(event).filter(|survey| survey.fault() == Some(&gone))).await;
    machine.switch_off("lost");
    next(&mut events, |event| survey(event).filter(|survey| survey.verdict == Verdict::Ready)).await;
    next(&mut events, samples).await;
}

#[tokio::test]
async fn cancelling_ends_every_child() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(short());
    let cancel = CancellationToken::new();
    let mut events = prober.watch(cancel.clone());
    is_healthy_and_live(&mut events).await;
    cancel.cancel();
    tokio::time::timeout(PATIENCE, prober.stopped()).await.expect("the watcher ends");
    while events.recv().await.is_some() {}
    until("the children are gone", || machine.probes("watch").is_empty() && machine.probes("survey").is_empty()).await;
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_watcher() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(short());
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    drop(events);
    tokio::time::timeout(PATIENCE, prober.stopped()).await.expect("the watcher ends");
    until("the child is gone", || machine.probes("watch").is_empty()).await;
}

#[tokio::test]
async fn a_reader_that_sleeps_finds_new_samples_and_not_a_pile_of_old_ones() {
    let machine = Machine::with_cards(1);
    let prober = machine.prober(ProbeTimes { sample_every: Duration::from_millis(1), ..short() });
    let mut events = prober.watch(CancellationToken::new());
    is_healthy_and_live(&mut events).await;
    let begin = machine.kept("starts");
    let child = machine.probes("watch");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut waiting = 0;
    while events.try_recv().is_ok() {
        waiting += 1;
    }
    assert!(waiting <= 17, "{waiting} events waited");
    next(&mut events, samples).await;
    assert_eq!((machine.kept("starts"), machine.probes("watch")), (begin, child), "and the child was not troubled");
}

fn orphan(machine: &Machine, args: &[&str]) -> std::process::Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_gpu-probe"))
        .args(args)
        .arg("--library")
        .arg(crate::stand_in::stand_in(&[]))
        .arg("--root")
        .arg(machine.path("root"))
        .env("COVEY_STUB_SCENARIO", "hang-in-init")
        .env("COVEY_STUB_STATE", machine.path("state"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_probe_that_loses_its_app_ends_by_itself_though_the_driver_hangs() {
    let machine = Machine::with_cards(1);
    let mut watcher = orphan(&machine, &["watch"]);
    until("it hangs", || machine.kept("starts") == Some(1)).await;
    assert_eq!(watcher.try_wait().unwrap(), None);
    drop(watcher.stdin.take());
    until("a watcher ends with its leash", || watcher.try_wait().unwrap().is_some()).await;

    let mut survey = orphan(&machine, &["survey", "--life-ms", "500"]);
    until("a survey ends with its time", || survey.try_wait().unwrap().is_some()).await;
    assert_eq!(machine.kept("starts"), Some(2), "it did hang");
}
