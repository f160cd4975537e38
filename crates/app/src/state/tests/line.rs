//! A run with others, end to end through the state: joined, fetched, trained, limited, paused by its quota, gone.

use super::*;
use ipc::{Fetched, NetworkStatus, Reach, ReachCause, RoundParts};
use types::ByteCount;
use view_model::Reachability;

const HOTKEY: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

/// A world with a run, a wallet that is open, and these settings.
fn world(change: impl FnOnce(&mut Settings)) -> World {
    let mut settings = Settings::default();
    settings.behaviour.run = "ab".to_owned();
    change(&mut settings);
    let mut world = World::new(1);
    world.state = state_with(settings, Session::default());
    world.apply(Event::Runs(vec![run_card("ab")]));
    let row = view_model::WalletRow {
        name: "w".to_owned(),
        hotkey: HOTKEY.to_owned(),
        payout: None,
        backed_up: true,
        has_words: true,
        keychain: false,
        unlocked: true,
    };
    let view = WalletView { wallets: vec![row], ..WalletView::default() };
    world.apply(Event::Desk(Box::new(::custody::DeskEvent::View(Box::new(view)))));
    world
}

/// Takes an event and gives the limits that were told because of it.
fn limits_after(world: &mut World, event: Event) -> Vec<ipc::Limits> {
    let effects = world.state.apply(event, world.now_ms);
    let told = effects.into_iter().filter_map(|effect| match effect {
        Effect::Act(Act::Send { line, .. }) => match line.command {
            Command::SetLimits(limits) => Some(limits),
            _ => None,
        },
        _ => None,
    });
    told.collect()
}

fn said(world: &World, event: Said) -> Event {
    let generation = world.engine.as_ref().unwrap().generation;
    let line = Box::new(EventLine { seq: 0, at_ms: world.now_ms, event });
    Event::Said { generation, speaker: "peer".to_owned(), line }
}

/// Starts the engine's process without its first rounds: it has to fetch.
fn begin(world: &mut World) {
    let effects = world.state.apply(Event::Intent(Intent::Start), world.now_ms);
    let spawned = effects.iter().find_map(|effect| match effect {
        Effect::Act(Act::Spawn { generation, job }) => Some((*generation, job.clone())),
        _ => None,
    });
    let (generation, job) = spawned.expect("a process is started");
    let network = &world.state.settings().network;
    let args = job.args(std::path::Path::new("/runs/ab"), network);
    assert_eq!(args[..6], ["train", "--run", "/runs/ab", "--ipc", "--hotkey", HOTKEY]);
    world.engine = Some(Engine { generation, paused: false });
    world.seen = Seen { alive: true, ..Seen::default() };
    world.state.apply(Event::Spawned { generation, pid: 7 }, world.now_ms);
    world.state.apply(Event::Hello { generation }, world.now_ms);
}

fn fetching(done: u64) -> Said {
    Said::Fetching { what: Fetched::Dataset, done: ByteCount(done), total: ByteCount(1000), sources: 2 }
}

fn network(up: u64, down: u64) -> Said {
    Said::Network(Box::new(NetworkStatus {
        peer_id: "12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z".to_owned(),
        reach: Reach::OutboundOnly,
        why: ReachCause::Firewall,
        addresses: Vec::new(),
        up_per_sec: ByteCount(5),
        down_per_sec: ByteCount(6),
        up_total: ByteCount(up),
        down_total: ByteCount(down),
        peers: Vec::new(),
    }))
}

fn inner(round: u64) -> Said {
    Said::PhaseChanged { round: Round(round), phase: PeerPhase::Inner, deadline_block: BlockNumber(9) }
}

#[test]
fn a_run_is_fetched_trained_shown_and_leaves_nothing_but_its_volume() {
    let mut world = world(|_| {});
    begin(&mut world);
    for (secs, done) in [(0, 100), (10, 500)] {
        world.now_ms += secs * 1000;
        let event = said(&world, fetching(done));
        world.apply(event);
    }
    assert_eq!(world.state.sentence(world.now_ms), "Downloading the text · 50 % · 40 B/s · 0:13 left");
    let seen = world.state.snapshot(world.now_ms);
    assert!(seen.network.fetching.is_some() && seen.runs.iter().any(|run| run.id == "ab" && run.live));
    for event in [network(70, 30), inner(0)] {
        let event = said(&world, event);
        world.apply(event);
    }
    let parts = RoundParts { compute: 900, idle: 100, ..RoundParts::default() };
    let event = said(&world, Said::RoundTimed { round: Round(0), parts });
    world.apply(event);
    let seen = world.state.snapshot(world.now_ms);
    assert_eq!(seen.run.activity, Activity::Running);
    assert_eq!((seen.network.fetching, seen.network.local_only), (None, false));
    assert_eq!(seen.network.reachability, Reachability::Outbound);
    assert_eq!(seen.network.rounds[0].utilisation(), Some(0.9));
    assert_eq!(seen.network.month, (ByteCount(70), ByteCount(30)));
    let mut reader = Reader::default();
    let mut drawn = Vec::new();
    while let Some(piece) = world.state.next_piece(&mut reader) {
        if let ToWindow::Points { series, .. } = piece {
            drawn.push(series);
        }
    }
    assert!(drawn.contains(&view_model::Series::Upload) && drawn.contains(&view_model::Series::Download));
    world.press(Intent::Stop { when: StopWhen::Now });
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Idle);
    let seen = world.state.snapshot(world.now_ms);
    assert_eq!((seen.network.reachability, seen.network.rate), (Reachability::Unknown, None));
    let back = serde_json::from_slice::<Session>(&serde_json::to_vec(&world.state.session()).unwrap()).unwrap();
    let again = state_with(Settings::default(), back);
    assert_eq!(again.session().months, world.state.session().months);
}

#[test]
fn limits_are_told_before_anything_is_fetched_and_live() {
    let mut world = world(|settings| {
        settings.network.upload = Some(ByteCount(2_000_000));
        settings.network.month = Some(ByteCount(1_000_000));
    });
    begin(&mut world);
    let event = said(&world, fetching(1));
    let told = limits_after(&mut world, event);
    let [first] = told[..] else { panic!("{told:?}") };
    assert_eq!(
        (first.upload_bytes_per_sec, first.volume_left_bytes),
        (Some(ByteCount(2_000_000)), Some(ByteCount(1_000_000)))
    );
    let event = said(&world, fetching(2));
    assert!(limits_after(&mut world, event).is_empty(), "once");
    // The volume runs down: it is told again, but not with every byte.
    let event = said(&world, network(100, 0));
    assert!(limits_after(&mut world, event).is_empty());
    world.now_ms += 30_000;
    let told = limits_after(&mut world, Event::Tick);
    assert_eq!(told.first().and_then(|limits| limits.volume_left_bytes), Some(ByteCount(999_900)));
    assert!(limits_after(&mut world, Event::Tick).is_empty());
    let mut settings = world.state.settings().clone();
    settings.network.download = Some(ByteCount(7));
    let told = limits_after(&mut world, Event::Intent(Intent::Set(Box::new(settings))));
    assert_eq!(told.first().and_then(|limits| limits.download_bytes_per_sec), Some(ByteCount(7)));
}

#[test]
fn over_the_quota_it_stands_still_and_says_so_until_the_limit_is_higher() {
    let mut world = world(|settings| settings.network.month = Some(ByteCount(1_000)));
    begin(&mut world);
    for event in [inner(0), network(900, 200)] {
        let event = said(&world, event);
        world.apply(event);
    }
    world.settle_until(|world| matches!(world.state.activity(world.now_ms), Activity::Paused { .. }));
    let seen = world.state.snapshot(world.now_ms);
    let pause = seen.pauses.first().unwrap();
    assert_eq!(pause.reason, PauseReason::Quota);
    assert!(pause.ends_in_secs.is_some(), "the next month ends it");
    assert_eq!(seen.network.left, Some(ByteCount(0)));
    assert!(world.state.sentence(world.now_ms).starts_with("Paused: this month's volume is used up"));
    // A reading of the machine does not forget it.
    world.rule(false);
    assert!(matches!(world.state.activity(world.now_ms), Activity::Paused { .. }));
    let mut settings = world.state.settings().clone();
    settings.network.month = Some(ByteCount(1_000_000));
    world.press(Intent::Set(Box::new(settings)));
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
}

#[test]
fn the_lines_switches_are_arguments_of_the_next_start() {
    let job = Job::Train { run: "ab".to_owned(), hotkey: HOTKEY.parse().unwrap() };
    let switches = |tcp_only, mdns, upnp| {
        let network = view_model::NetworkSettings { tcp_only, mdns, upnp, ..Default::default() };
        job.args(std::path::Path::new("/r"), &network)[6..].to_vec()
    };
    assert!(switches(false, false, true).is_empty());
    assert_eq!(switches(true, true, false), ["--tcp-only", "--mdns", "--no-upnp"]);
}

#[test]
fn a_rehearsal_counts_no_volume_and_needs_nobody_to_reach_it() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    let seen = world.state.snapshot(world.now_ms).network;
    assert_eq!((seen.reachability, seen.month), (Reachability::NotNeeded, (ByteCount(0), ByteCount(0))));
    assert!(seen.local_only);
}
