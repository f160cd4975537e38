//! What the Network screen makes of a peer's words, kind and hostile.

use super::*;
use types::Uid;

const NOW: u64 = 1_795_000_000_000;

fn status(up: u64, down: u64) -> NetworkStatus {
    NetworkStatus {
        peer_id: "12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z".to_owned(),
        reach: Reach::Punched,
        why: ipc::ReachCause::Firewall,
        addresses: vec!["/ip4/203.0.113.7/udp/4001/quic-v1".to_owned()],
        up_per_sec: ByteCount(10),
        down_per_sec: ByteCount(20),
        up_total: ByteCount(up),
        down_total: ByteCount(down),
        peers: vec![peer(Some(Uid(17)))],
    }
}

fn peer(uid: Option<Uid>) -> NetworkPeer {
    NetworkPeer {
        peer_id: "12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z".to_owned(),
        uid,
        path: PeerPath::Relayed,
        quic: true,
        rtt_ms: Some(41.5),
        up_total: ByteCount(1),
        down_total: ByteCount(2),
        fault: None,
    }
}

fn say(network: &mut Network, up: u64, down: u64, at: u64) {
    network.status(&status(up, down), at, &TimeZone::UTC);
}

fn view(network: &Network, at: u64) -> NetworkView {
    network.view(Some(ByteCount(1000)), at, &TimeZone::UTC)
}

#[test]
fn the_month_grows_by_what_is_new_whatever_process_counts() {
    let mut network = Network::default();
    say(&mut network, 100, 10, NOW);
    say(&mut network, 150, 30, NOW + 1);
    // Another process counts from its own beginning, whether or not its predecessor's end was noticed.
    say(&mut network, 20, 5, NOW + 2);
    network.begin();
    say(&mut network, 7, 0, NOW + 3);
    assert_eq!(view(&network, NOW + 4).month, (ByteCount(177), ByteCount(35)));
    assert_eq!(view(&network, NOW + 4).left, Some(ByteCount(1000 - 212)));
    let mut again = Network::restored(network.months().clone());
    say(&mut again, 1, 1, NOW + 5);
    assert_eq!(view(&again, NOW + 5).month, (ByteCount(178), ByteCount(36)), "it survives a restart");
    say(&mut again, 5000, 1, NOW + 6);
    assert_eq!(view(&again, NOW + 6).left, Some(ByteCount(0)), "nothing is left, and not less");
}

#[test]
fn what_was_not_said_lately_is_no_rate_and_a_process_that_is_gone_leaves_no_verdict() {
    let mut network = Network::default();
    assert_eq!(view(&network, NOW).reachability, Reachability::Unknown);
    say(&mut network, 0, 0, NOW);
    let seen = view(&network, NOW + 1000);
    assert_eq!((seen.reachability, seen.cause), (Reachability::Punched, ReachCause::Firewall));
    assert_eq!(seen.rate, Some((ByteCount(10), ByteCount(20))));
    assert_eq!(view(&network, NOW + STALE_MS).rate, None);
    network.end();
    let seen = view(&network, NOW);
    assert_eq!((seen.reachability, seen.peers.len(), seen.peer_id), (Reachability::Unknown, 0, None));
}

#[test]
fn a_peer_is_named_by_its_slot_and_the_letters_that_tell_it_apart() {
    assert_eq!(link(&peer(Some(Uid(17)))).name, "17 · GatU9Dev");
    let stranger = NetworkPeer { rtt_ms: Some(f64::NAN), fault: Some("\u{7}".to_owned()), ..peer(None) };
    let shown = link(&stranger);
    assert_eq!((shown.name.as_str(), shown.rtt_ms, shown.fault), ("GatU9Dev", None, None));
}

#[test]
fn a_flood_of_peers_addresses_and_rounds_does_not_grow_the_screen() {
    let mut network = Network::default();
    let mut flood = status(u64::MAX, u64::MAX);
    flood.peers = vec![peer(None); 10_000];
    flood.peers[0].fault = Some("x".repeat(100_000));
    flood.addresses = vec!["y".repeat(100_000); 100];
    flood.peer_id = "z".repeat(100_000);
    network.status(&flood, NOW, &TimeZone::UTC);
    network.status(&flood, NOW, &TimeZone::UTC);
    for round in 0..1000 {
        network.timed(Round(round), &RoundParts { compute: u64::MAX, idle: u64::MAX, ..RoundParts::default() });
    }
    let seen = view(&network, NOW);
    assert_eq!((seen.peers.len(), seen.addresses.len(), seen.rounds.len()), (64, MAX_ADDRESSES, MAX_TIMED));
    assert!(serde_json::to_vec(&seen).unwrap().len() < 64 * 1024);
}

#[test]
fn a_download_has_a_rate_and_a_time_left_and_ends() {
    let mut network = Network::default();
    let mut at = |done: u64, secs: u64| {
        network.fetching(ipc::Fetched::Dataset, (done, 1000), 3, NOW + secs * 1000);
        view(&network, NOW).fetching
    };
    assert_eq!(at(100, 0).map(|fetch| (fetch.rate, fetch.left_secs)), Some((None, None)));
    let half = at(500, 10).unwrap();
    assert_eq!((half.rate, half.left_secs, half.sources), (Some(ByteCount(40)), Some(13), 3));
    // Begun anew: the old rate says nothing of it.
    assert_eq!(at(50, 11).unwrap().rate, None);
    // It stands still: the rate falls and no time is promised.
    for secs in 12..60 {
        at(50, secs);
    }
    let still = at(50, 60).unwrap();
    assert_eq!((still.rate, still.left_secs), (Some(ByteCount(0)), None));
    assert_eq!(at(1000, 61), None);
}

#[test]
fn rounds_stand_in_order_and_one_that_is_said_again_stands_once() {
    let mut network = Network::default();
    for (round, compute) in [(4, 1), (2, 1), (3, 1), (4, 9)] {
        network.timed(Round(round), &RoundParts { compute, ..RoundParts::default() });
    }
    let rounds: Vec<_> = view(&network, NOW).rounds.iter().map(|times| (times.round.0, times.compute)).collect();
    assert_eq!(rounds, [(2, 1), (3, 1), (4, 9)]);
}
