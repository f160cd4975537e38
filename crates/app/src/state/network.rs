//! What the peer says of the network, folded into the Network screen.
//!
//! In: its own `network`, `fetching` and `round_timed` events. Out: peers, the verdict's facts, rates, the month's volume,
//! a download with its rate, the last rounds' parts. Bounded whatever is said; what has not been said for a while, or was
//! said by a process that has gone, is unknown again. The month's volume is the only thing that stays.

use super::months::Months;
use super::run::{cut, drop_oldest};
use ipc::{MAX_NETWORK_PEERS, NetworkPeer, NetworkStatus, PeerPath, Reach, RoundParts};
use jiff::tz::TimeZone;
use std::collections::VecDeque;
use types::{ByteCount, Round};
use view_model::{FetchView, Fetched, LinkPath, NetworkView, PeerLink, ReachCause, Reachability, RoundTimes};

/// Rounds whose parts are kept: what the screen shows as bars.
pub(crate) const MAX_TIMED: usize = 16;
/// Addresses that are kept.
const MAX_ADDRESSES: usize = 8;
/// Characters of an address; the longest honest one goes through a relay and has about 200.
const MAX_ADDRESS_CHARS: usize = 256;
/// Characters of a network identity; libp2p's have 52.
const MAX_ID_CHARS: usize = 64;
/// Characters of a fault.
const MAX_FAULT_CHARS: usize = 200;
/// All identities begin alike; these letters tell them apart.
const ID_PREFIX: &str = "12D3KooW";
const ID_LETTERS: usize = 8;
/// Rates that nobody has said for so long are no rates of now.
const STALE_MS: u64 = 30_000;
/// A download's rate is taken over so long, and from so many points at most.
const RATE_MS: u64 = 20_000;
const MAX_SAMPLES: usize = 64;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Network {
    months: Months,
    status: Option<(NetworkStatus, u64)>,
    /// Totals of the running process that are counted already.
    counted: (u64, u64),
    fetch: Option<Fetch>,
    rounds: Vec<RoundTimes>,
}

#[derive(Debug)]
struct Fetch {
    what: Fetched,
    done: u64,
    total: u64,
    sources: u32,
    /// When how much was done.
    samples: VecDeque<(u64, u64)>,
}

impl Network {
    /// With the months of earlier starts.
    pub(crate) fn restored(months: Months) -> Self {
        Self { months: months.restored(), ..Self::default() }
    }

    /// To be kept over a restart.
    pub(crate) fn months(&self) -> &Months {
        &self.months
    }

    /// A process begins: nothing is known of its network.
    pub(crate) fn begin(&mut self) {
        self.end();
        self.rounds.clear();
    }

    /// The process has gone: how the rounds went stays.
    pub(crate) fn end(&mut self) {
        (self.status, self.counted, self.fetch) = (None, (0, 0), None);
    }

    /// The network at a moment. Gives the rates to be drawn, up and down.
    pub(crate) fn status(&mut self, status: &NetworkStatus, now_ms: u64, zone: &TimeZone) -> (u64, u64) {
        let total = (status.up_total.0, status.down_total.0);
        // A counter that goes back is another process's.
        let since = |now: u64, before: u64| if now >= before { now - before } else { now };
        self.months.add(since(total.0, self.counted.0), since(total.1, self.counted.1), now_ms, zone);
        self.counted = total;
        self.status = Some((status.clone(), now_ms));
        (status.up_per_sec.0, status.down_per_sec.0)
    }

    /// Something is being fetched.
    pub(crate) fn fetching(&mut self, what: ipc::Fetched, (done, total): (u64, u64), sources: u32, now_ms: u64) {
        let what = match what {
            ipc::Fetched::Run => Fetched::Run,
            ipc::Fetched::Dataset => Fetched::Dataset,
            ipc::Fetched::Checkpoint => Fetched::Checkpoint,
        };
        if done >= total {
            self.fetch = None;
            return;
        }
        let same = self.fetch.take().filter(|fetch| fetch.what == what && fetch.total == total && fetch.done <= done);
        let mut samples = same.map(|fetch| fetch.samples).unwrap_or_default();
        samples.push_back((now_ms, done));
        while samples.len() > MAX_SAMPLES
            || samples.front().is_some_and(|(at, _)| now_ms.saturating_sub(*at) > RATE_MS && samples.len() > 2)
        {
            samples.pop_front();
        }
        self.fetch = Some(Fetch { what, done, total, sources, samples });
    }

    /// Rounds run: everything that had to be fetched first is here.
    pub(crate) fn rounds_run(&mut self) {
        self.fetch = None;
    }

    /// How long the parts of a finished round took.
    pub(crate) fn timed(&mut self, round: Round, parts: &RoundParts) {
        // A round that is said again, after a restart, is said better.
        self.rounds.retain(|times| times.round != round);
        let place = self.rounds.partition_point(|times| times.round < round);
        let RoundParts { compute, compress, commit, upload, gather, outer, idle } = *parts;
        self.rounds.insert(place, RoundTimes { round, compute, compress, commit, upload, gather, outer, idle });
        drop_oldest(&mut self.rounds, MAX_TIMED);
    }

    /// Bytes of this month, up and down together.
    pub(crate) fn month(&self, now_ms: u64, zone: &TimeZone) -> ByteCount {
        let (up, down) = self.months.now(now_ms, zone);
        ByteCount(up.saturating_add(down))
    }

    /// The download in progress.
    pub(crate) fn fetching_now(&self) -> Option<FetchView> {
        self.fetch.as_ref().map(Fetch::view)
    }

    /// For the window.
    pub(crate) fn view(&self, quota: Option<ByteCount>, now_ms: u64, zone: &TimeZone) -> NetworkView {
        let (up, down) = self.months.now(now_ms, zone);
        let month = (ByteCount(up), ByteCount(down));
        let left = quota.map(|quota| ByteCount(quota.0.saturating_sub(up.saturating_add(down))));
        let view = NetworkView {
            month,
            left,
            fetching: self.fetching_now(),
            rounds: self.rounds.clone(),
            ..NetworkView::default()
        };
        let Some((status, at_ms)) = &self.status else { return view };
        let fresh = now_ms.saturating_sub(*at_ms) < STALE_MS;
        NetworkView {
            peers: status.peers.iter().take(MAX_NETWORK_PEERS).map(link).collect(),
            reachability: reachability(status.reach),
            cause: cause(status.why),
            peer_id: Some(cut(&status.peer_id, MAX_ID_CHARS)).filter(|id| !id.is_empty()),
            addresses: status.addresses.iter().take(MAX_ADDRESSES).map(|at| cut(at, MAX_ADDRESS_CHARS)).collect(),
            rate: fresh.then_some((status.up_per_sec, status.down_per_sec)),
            ..view
        }
    }
}

impl Fetch {
    fn view(&self) -> FetchView {
        let rate = match (self.samples.front(), self.samples.back()) {
            (Some((from, before)), Some((to, after))) if to > from => {
                Some(u128::from(after - before) * 1000 / u128::from(to - from))
            }
            _ => None,
        };
        let rate = rate.and_then(|rate| u64::try_from(rate).ok());
        let left = rate.filter(|rate| *rate > 0).map(|rate| (self.total - self.done).div_ceil(rate));
        FetchView {
            what: self.what,
            done: ByteCount(self.done),
            total: ByteCount(self.total),
            sources: self.sources,
            rate: rate.map(ByteCount),
            left_secs: left,
        }
    }
}

fn link(peer: &NetworkPeer) -> PeerLink {
    let id = cut(&peer.peer_id, MAX_ID_CHARS);
    let letters: String = id.strip_prefix(ID_PREFIX).unwrap_or(&id).chars().take(ID_LETTERS).collect();
    PeerLink {
        name: peer.uid.map_or_else(|| letters.clone(), |uid| format!("{uid} · {letters}")),
        uid: peer.uid,
        path: match peer.path {
            PeerPath::Lan => LinkPath::Lan,
            PeerPath::Direct => LinkPath::Direct,
            PeerPath::Punched => LinkPath::Punched,
            PeerPath::Relayed => LinkPath::Relayed,
        },
        quic: Some(peer.quic),
        rtt_ms: peer.rtt_ms.filter(|ms| ms.is_finite() && *ms >= 0.0),
        up: Some(peer.up_total),
        down: Some(peer.down_total),
        phase: None,
        verdict: None,
        fault: peer.fault.as_ref().map(|fault| cut(fault, MAX_FAULT_CHARS)).filter(|fault| !fault.is_empty()),
    }
}

fn reachability(reach: Reach) -> Reachability {
    match reach {
        Reach::Unknown => Reachability::Unknown,
        Reach::Direct => Reachability::Open,
        Reach::Punched => Reachability::Punched,
        Reach::Relayed => Reachability::Relayed,
        Reach::OutboundOnly => Reachability::Outbound,
    }
}

fn cause(why: ipc::ReachCause) -> ReachCause {
    match why {
        ipc::ReachCause::Unknown => ReachCause::Unknown,
        ipc::ReachCause::PublicAddress => ReachCause::PublicAddress,
        ipc::ReachCause::PortMapped => ReachCause::PortMapped,
        ipc::ReachCause::Firewall => ReachCause::Firewall,
        ipc::ReachCause::SymmetricNat => ReachCause::SymmetricNat,
        ipc::ReachCause::UdpBlocked => ReachCause::UdpBlocked,
        ipc::ReachCause::NobodyReached => ReachCause::NobodyReached,
    }
}

#[cfg(test)]
mod tests;
