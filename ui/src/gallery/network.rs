//! Sample networks: a rehearsal's, and a run's with other people on good and bad lines.

use super::sharing;
use types::{ByteCount, RejectReason, Round, Uid, Verdict};
use view_model::{
    Activity, AppSnapshot, FetchView, Fetched, LinkPath, NetworkView, PauseReason, PauseView, PeerLink, Phase,
    ReachCause, Reachability, RoundTimes,
};

const ID: &str = "12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";

/// All on this computer.
pub fn network_rehearsal() -> NetworkView {
    let link = |n: u16, verdict| PeerLink {
        name: if n == 5 { "cheater-1".to_owned() } else { format!("peer-{n}") },
        uid: Some(Uid(n)),
        path: LinkPath::Local,
        quic: None,
        rtt_ms: None,
        up: None,
        down: None,
        phase: Some(Phase::Inner),
        verdict: Some(verdict),
        fault: None,
    };
    NetworkView {
        peers: vec![
            link(1, Verdict::Accepted),
            link(2, Verdict::Accepted),
            link(3, Verdict::OnProbation),
            link(4, Verdict::Missed),
            link(5, Verdict::Rejected(RejectReason::Copied)),
        ],
        reachability: Reachability::NotNeeded,
        local_only: true,
        ..NetworkView::default()
    }
}

/// Forty others, reached in every way there is.
pub fn network_shared() -> NetworkView {
    let link = |n: u16| PeerLink {
        name: format!("{n} · {:04x}{:04x}", u32::from(n) * 7_919 % 65_536, u32::from(n) * 31_133 % 65_536),
        uid: Some(Uid(n)),
        path: match n % 8 {
            0 => LinkPath::Relayed,
            3 => LinkPath::Bucket,
            4 => LinkPath::Punched,
            6 => LinkPath::Unknown,
            7 => LinkPath::Lan,
            _ => LinkPath::Direct,
        },
        quic: (!matches!(n % 8, 3 | 6)).then_some(!n.is_multiple_of(5)),
        rtt_ms: (n % 8 != 6).then_some(12.0 + f64::from(n * 37 % 180)),
        up: (n % 8 != 6).then_some(ByteCount(u64::from(n) * 8_700_000)),
        down: (n % 8 != 6).then_some(ByteCount(u64::from(n) * 31_000_000)),
        phase: None,
        verdict: None,
        fault: (n % 8 == 6).then(|| "no answer for 40 s".to_owned()),
    };
    NetworkView {
        peers: (1..=40).map(link).collect(),
        reachability: Reachability::Punched,
        cause: ReachCause::Firewall,
        peer_id: Some(ID.to_owned()),
        addresses: vec!["/ip4/203.0.113.7/udp/4001/quic-v1".to_owned(), "/ip4/203.0.113.7/tcp/4001".to_owned()],
        rate: Some((ByteCount(1_240_000), ByteCount(7_430_000))),
        month: (ByteCount(38_400_000_000), ByteCount(126_000_000_000)),
        rounds: (113..=128).map(round).collect(),
        ..NetworkView::default()
    }
}

/// A round; every seventh one waited for its line.
fn round(n: u64) -> RoundTimes {
    let slow = n.is_multiple_of(7);
    RoundTimes {
        round: Round(n),
        compute: 1_200_000,
        compress: 9_000 + n % 5 * 800,
        commit: 2_000,
        upload: if slow { 190_000 } else { 3_000 },
        gather: if slow { 40_000 } else { 11_000 },
        outer: 4_000,
        idle: 6_000 + n % 3 * 9_000,
    }
}

fn with_network(change: impl FnOnce(&mut NetworkView)) -> AppSnapshot {
    let mut app = sharing();
    app.network.peers.truncate(6);
    change(&mut app.network);
    app
}

/// Others come through a relay only.
pub fn relayed() -> AppSnapshot {
    with_network(|network| {
        (network.reachability, network.cause) = (Reachability::Relayed, ReachCause::SymmetricNat);
        network.addresses.clear();
    })
}

/// The month's volume is used up.
pub fn over_quota() -> AppSnapshot {
    let mut app = with_network(|network| {
        (network.reachability, network.cause) = (Reachability::Outbound, ReachCause::UdpBlocked);
        (network.left, network.rate) = (Some(ByteCount(0)), Some((ByteCount(0), ByteCount(0))));
    });
    app.settings.network.month = Some(ByteCount(160_000_000_000));
    app.pauses = vec![PauseView { reason: PauseReason::Quota, for_secs: 7_200, ends_in_secs: Some(432_000) }];
    app
}

/// A run's text is being downloaded.
pub fn fetching() -> AppSnapshot {
    let mut app = sharing();
    app.run.activity = Activity::Starting;
    (app.timeline, app.run.round) = (None, None);
    app.run.eval_losses.clear();
    app.network = NetworkView {
        fetching: Some(FetchView {
            what: Fetched::Dataset,
            done: ByteCount(421_600_000),
            total: ByteCount(1_240_000_000),
            sources: 3,
            rate: Some(ByteCount(12_000_000)),
            left_secs: Some(69),
        }),
        month: (ByteCount(1_200_000), ByteCount(430_000_000)),
        ..NetworkView::default()
    };
    app
}
