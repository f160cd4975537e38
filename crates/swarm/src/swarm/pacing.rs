//! Keeps the taps in step with the user's limits, or with what the line bears where there is none.
//!
//! In: the limits as they change, bytes that went, echoes of other peers. Out: rates of the taps, and the rates shown to
//! people. While bytes go out over the line, a far peer is asked for an echo five times a second, and more often while the
//! rate is a guess; nobody is asked otherwise. The peer is one that gets nothing from us if there is one, so that our own
//! bytes before the echo do not count twice.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use exchange::BlobId;
use libp2p::PeerId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use types::Hash32;

use super::LineLimits;
use super::inner::Inner;
use crate::bulk::{Answer, Link, LinkTimes, Request, Want};
use crate::limits::{ECHO_TIME, FIRST_PROBE_INTERVAL, PROBE_INTERVAL, SAME_HOUSE};
use crate::source::World as _;
use crate::view::Path;

/// Bytes a second, averaged over some seconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    pub(super) up: f64,
    pub(super) down: f64,
}

/// A stream for echoes.
struct Probe {
    peer: PeerId,
    link: Link,
}

pub(super) async fn run(inner: Arc<Inner>, mut line: watch::Receiver<LineLimits>) {
    let start = Instant::now();
    let (mut passed, mut served, mut received) = (0, 0, 0);
    let mut probe: Option<Probe> = None;
    let (mut at, mut sent_at) = (Instant::now(), None::<Instant>);
    apply(&inner, *line.borrow_and_update());
    loop {
        let guessing = probe.is_some() && inner.uplink().is_starting();
        sleep(if guessing { FIRST_PROBE_INTERVAL } else { PROBE_INTERVAL }).await;
        if line.has_changed().unwrap_or(false) {
            apply(&inner, *line.borrow_and_update());
        }
        let limits = *line.borrow();
        let up = &inner.server.up;
        let sent = up.passed() - std::mem::replace(&mut passed, up.passed());
        if sent > 0 {
            sent_at = Some(Instant::now());
            inner.uplink().sent(sent, start.elapsed());
        }
        let totals = inner.counters.snapshot();
        let (up_now, down_now) = (totals.bytes_served, totals.bytes_received);
        let time = at.elapsed();
        at = Instant::now();
        show(
            &inner,
            up_now - std::mem::replace(&mut served, up_now),
            down_now - std::mem::replace(&mut received, down_now),
            time,
        );
        if limits.up.is_some() || sent_at.is_none_or(|at| at.elapsed() > ECHO_TIME) {
            probe = None;
            continue;
        }
        if probe.as_ref().is_none_or(|probe| probe.link.is_closed()) {
            probe = open(&inner).await;
            inner.uplink().new_path();
        }
        if let Some(open) = &probe {
            let asked = Instant::now();
            let echo = Request { want: Want::Echo, id: BlobId { root: Hash32::default(), bytes: 0 } };
            match timeout(ECHO_TIME, open.link.ask(echo)).await {
                Ok(Ok(Answer::Echo)) | Err(_) => inner.uplink().round_trip(asked.elapsed(), start.elapsed()),
                Ok(_) => {
                    tracing::debug!("no echo of {}", open.peer);
                    probe = None;
                }
            }
            let (rate, guessing) = standing(&inner);
            inner.server.up.set_rate(Some(rate));
            inner.server.guessing.store(guessing, Ordering::Relaxed);
        }
    }
}

/// The courteous rate, and whether it is a guess. One lock: two in one expression would wait for each other.
fn standing(inner: &Inner) -> (u64, bool) {
    let uplink = inner.uplink();
    (uplink.rate(), uplink.is_starting())
}

/// What the user says goes at once; without a limit up, the courteous rate.
fn apply(inner: &Inner, limits: LineLimits) {
    let (courteous, guessing) = standing(inner);
    inner.server.guessing.store(guessing && limits.up.is_none(), Ordering::Relaxed);
    inner.limited.store(limits.up.is_some(), Ordering::Relaxed);
    inner.server.up.set_rate(Some(limits.up.unwrap_or(courteous)));
    inner.server.volume.set(limits.volume_left);
    inner.down.set_rate(limits.down);
}

fn show(inner: &Inner, up: u64, down: u64, time: Duration) {
    let secs = time.as_secs_f64().max(1e-3);
    // Half of what is shown is from the last two seconds or so.
    let weight = 1.0 - (-secs / 3.0).exp();
    let mut rates = inner.rates.lock().unwrap_or_else(PoisonError::into_inner);
    rates.up += weight * (up as f64 / secs - rates.up);
    rates.down += weight * (down as f64 / secs - rates.down);
}

/// A stream to a far peer, one that gets nothing from us if there is one.
async fn open(inner: &Arc<Inner>) -> Option<Probe> {
    let served = inner.slots.peers();
    let mut far: Vec<_> = {
        let view = inner.node.view();
        let peers = view.borrow();
        // The same peers whose bytes are paced: without an echo of one of them the rate would stay where it began.
        let far = peers.peers.iter().filter(|peer| match (peer.path, peer.rtt) {
            (Path::Relayed, _) | (_, None) => false,
            (Path::Lan, Some(rtt)) => rtt >= SAME_HOUSE,
            (_, Some(_)) => true,
        });
        far.map(|peer| (peer.peer, peer.rtt)).collect()
    };
    let near = |rtt: Option<Duration>| rtt.is_some_and(|rtt| rtt < SAME_HOUSE);
    far.sort_by_key(|(peer, rtt)| (near(*rtt), served.contains(peer), *rtt));
    let (peer, _) = *far.first()?;
    let stream = inner.as_ref().open(peer).await.ok()?;
    let (link, run) = Link::new(stream, LinkTimes::default(), Arc::clone(&inner.down));
    inner.spawn(async move {
        // An end of the stream shows at the next echo.
        let _ = run.await;
    });
    Some(Probe { peer, link })
}
