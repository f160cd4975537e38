//! The page: OpenMetrics text, which Prometheus reads.
//!
//! In: totals by process, the network's counters. Out: text that ends in `# EOF`. Names begin with `covey_`; labels are a
//! process's name, a slot, or a word from a closed set. Peers without a slot are one series, so that strangers cannot
//! make series.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use ipc::{MAX_NETWORK_PEERS, NetworkPeer, NetworkStatus, PeerPath, Reach};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use types::Uid;

use super::NetworkCounters;
use super::totals::{Gpu, PARTS, Totals, by_part, phase};

type Labels = Vec<(&'static str, String)>;
type Processes = BTreeMap<String, Totals>;

/// Writes the page.
pub(super) fn write(processes: &Processes, network: Option<&(String, NetworkCounters)>) -> String {
    let mut page = Page::default();
    page.work(processes);
    page.rounds(processes);
    page.cards(processes);
    // Where nobody can be asked, what each process last said of its network stands.
    let said = all_said(processes);
    let asked = network.and_then(|(name, network)| network.status.as_ref().map(|status| (name.as_str(), status)));
    page.status(&asked.map_or(said, |asked| vec![asked]));
    if let Some((name, network)) = network {
        page.exchange(name, network);
    }
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = encode(&mut text, &page.registry);
    text
}

#[derive(Default)]
struct Page {
    registry: Registry,
}

impl Page {
    fn work(&mut self, all: &Processes) {
        self.gauge("covey_uid", "Slot of the process", each(all, |t| t.uid.map(|uid| f64::from(uid.0))));
        self.gauge("covey_round", "Round the process works on", each(all, |t| t.round.map(|round| round as f64)));
        let phases = all
            .iter()
            .filter_map(|(name, totals)| totals.phase.map(|now| (labels(name, &[("phase", phase(now))]), 1.0)));
        self.gauge("covey_phase", "1 for the phase the process is in", phases.collect());
        self.gauge(
            "covey_paused",
            "1 while the device is given back",
            each(all, |t| Some(f64::from(u8::from(t.paused)))),
        );
        self.counter("covey_inner_steps", "Inner steps taken", count(all, |t| t.inner_steps));
        self.counter("covey_tokens", "Tokens trained on", count(all, |t| t.tokens));
        let speed = each(all, |t| t.tokens_per_sec.filter(|speed| speed.is_finite()));
        self.gauge("covey_tokens_per_second", "Speed of the last inner step", speed);
        self.gauge("covey_loss", "Training loss of the last inner step, nats per token", each(all, |t| t.loss));
        self.gauge(
            "covey_held_out_loss",
            "Held-out loss after the last round, nats per token",
            each(all, |t| t.held_out_loss),
        );
        self.counter("covey_checkpoints", "Times that state was saved", count(all, |t| t.checkpoints));
        self.counter("covey_problems", "Problems that were said", count(all, |t| t.problems));
    }

    fn rounds(&mut self, all: &Processes) {
        self.counter("covey_rounds", "Outer steps taken", count(all, |t| t.rounds));
        self.counter("covey_submissions", "Own payloads committed and shown", count(all, |t| t.submitted));
        self.counter("covey_submission_bytes", "Bytes of the own payloads", count(all, |t| t.submitted_bytes));
        self.gauge("covey_set_size", "Payloads in the last aggregate", each(all, |t| t.in_set.map(|n| n as f64)));
        let words = |of: fn(&Totals) -> &BTreeMap<&'static str, u64>, label: &'static str| {
            all.iter()
                .flat_map(|(name, totals)| of(totals).iter().map(move |(word, n)| (labels(name, &[(label, word)]), *n)))
                .collect::<Vec<_>>()
        };
        self.counter("covey_verdicts", "Verdicts of validators", words(|t| &t.verdicts, "verdict"));
        self.counter("covey_left_out", "Payloads left out of aggregates", words(|t| &t.left_out, "reason"));
        let seconds = |ms: &[u64; PARTS.len()], name: &str| {
            let parts = PARTS.iter().zip(ms.iter());
            parts.map(|(part, ms)| (labels(name, &[("part", part)]), *ms as f64 / 1e3)).collect::<Vec<_>>()
        };
        let timed =
            || all.iter().filter_map(|(name, totals)| totals.last_parts.as_ref().map(|last| (name, totals, last)));
        let total = timed().flat_map(|(name, totals, _)| seconds(&totals.parts.0, name)).collect();
        self.counter_f64("covey_round_part_seconds", "Time spent on each part of finished rounds", total);
        let last = timed().flat_map(|(name, _, last)| seconds(&by_part(last), name)).collect();
        self.gauge("covey_last_round_part_seconds", "Time spent on each part of the last finished round", last);
        self.gauge(
            "covey_utilisation",
            "Share of the last round's time spent on inner steps",
            each(all, Totals::utilisation),
        );
    }

    fn cards(&mut self, all: &Processes) {
        let gpus = |of: fn(&Gpu) -> Option<f64>| {
            let cards = all.iter().flat_map(|(name, totals)| totals.gpus.iter().map(move |(n, gpu)| (name, n, gpu)));
            cards.filter_map(|(name, n, gpu)| of(gpu).map(|v| (labels(name, &[("gpu", &n.to_string())]), v))).collect()
        };
        self.gauge("covey_gpu_temperature_celsius", "Temperature of the card", gpus(|gpu| gpu.temp_c));
        self.gauge("covey_gpu_power_watts", "Power of the card", gpus(|gpu| gpu.watts));
        let memory = gpus(|gpu| gpu.vram_used_bytes.map(|bytes| bytes as f64));
        self.gauge("covey_gpu_memory_used_bytes", "Memory of the card in use by all programs", memory);
        self.gauge("covey_gpu_utilisation", "Utilisation of the card", gpus(|gpu| gpu.util));
    }

    fn status(&mut self, all: &[(&str, &NetworkStatus)]) {
        let reach = all.iter().map(|(name, s)| (labels(name, &[("reach", reach_word(s.reach))]), 1.0)).collect();
        self.gauge("covey_reach", "1 for the way others reach the process", reach);
        let ways = |up: fn(&NetworkStatus) -> u64, down: fn(&NetworkStatus) -> u64| {
            let both = all.iter().flat_map(move |(name, status)| {
                let way = |word| labels(name, &[("direction", word)]);
                [(way("up"), up(status)), (way("down"), down(status))]
            });
            both.collect::<Vec<_>>()
        };
        let total = ways(|s| s.up_total.0, |s| s.down_total.0);
        self.counter("covey_network_bytes", "Bytes of chunks and manifests", total);
        let now = ways(|s| s.up_per_sec.0, |s| s.down_per_sec.0).into_iter().map(|(labels, n)| (labels, n as f64));
        self.gauge("covey_network_bytes_per_second", "Bytes a second now", now.collect());
        let paths = [PeerPath::Lan, PeerPath::Direct, PeerPath::Punched, PeerPath::Relayed];
        let by_path = all.iter().flat_map(|(name, status)| {
            paths.map(|path| {
                let count = status.peers.iter().filter(|peer| peer.path == path).count();
                (labels(name, &[("path", path_word(path))]), count as f64)
            })
        });
        self.gauge("covey_connections", "Connected peers by the way they are connected", by_path.collect());
        let peers = |of: fn(&NetworkPeer) -> u64| {
            let named = all.iter().flat_map(|(name, s)| s.peers.iter().take(MAX_NETWORK_PEERS).map(move |p| (name, p)));
            named.map(|(name, peer)| (labels(name, &[("uid", &slot(peer.uid))]), of(peer))).collect::<Vec<_>>()
        };
        let (up, down) = (peers(|peer| peer.up_total.0), peers(|peer| peer.down_total.0));
        self.counter("covey_peer_up_bytes", "Bytes sent to connected peers", up);
        self.counter("covey_peer_down_bytes", "Bytes received from connected peers", down);
    }

    fn exchange(&mut self, name: &str, network: &NetworkCounters) {
        let NetworkCounters {
            status: _,
            chunks_served,
            chunks_refused,
            chunks_received,
            bad_chunks,
            fetch_failures,
            streams_refused,
            gossip_accepted,
            gossip_ignored,
            gossip_rejected,
            bans,
        } = *network;
        for (metric, help, value) in [
            ("covey_chunks_served", "Chunks that went out", chunks_served),
            ("covey_chunks_refused", "Chunks that were asked for and not given", chunks_refused),
            ("covey_chunks_received", "Chunks that came in, good or bad", chunks_received),
            ("covey_chunks_bad", "Chunks that were not what they were said to be", bad_chunks),
            ("covey_fetch_failures", "Fetches that ended without their blob", fetch_failures),
            ("covey_streams_refused", "Streams that were refused for want of room or membership", streams_refused),
            ("covey_bans", "Peers banned for a lie", bans),
        ] {
            self.counter(metric, help, vec![(labels(name, &[]), value)]);
        }
        let gossip = [("accept", gossip_accepted), ("ignore", gossip_ignored), ("reject", gossip_rejected)];
        let gossip = gossip.into_iter().map(|(verdict, n)| (labels(name, &[("verdict", verdict)]), n)).collect();
        self.counter("covey_gossip", "Announcements by what became of them", gossip);
    }

    fn gauge(&mut self, name: &str, help: &str, samples: Vec<(Labels, f64)>) {
        if samples.is_empty() {
            return;
        }
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).set(value);
        }
        self.registry.register(name, help, family);
    }

    fn counter(&mut self, name: &str, help: &str, samples: Vec<(Labels, u64)>) {
        if samples.is_empty() {
            return;
        }
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in samples {
            // Peers without a slot share their labels.
            family.get_or_create(&labels).inc_by(value);
        }
        self.registry.register(name, help, family);
    }

    fn counter_f64(&mut self, name: &str, help: &str, samples: Vec<(Labels, f64)>) {
        if samples.is_empty() {
            return;
        }
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).inc_by(value);
        }
        self.registry.register(name, help, family);
    }
}

fn labels(process: &str, more: &[(&'static str, &str)]) -> Labels {
    let own = [("process", process.to_owned())];
    own.into_iter().chain(more.iter().map(|(key, value)| (*key, (*value).to_owned()))).collect()
}

/// Those who have not proved whose they are share one series.
fn slot(uid: Option<Uid>) -> String {
    uid.map_or_else(|| "none".to_owned(), |uid| uid.0.to_string())
}

fn all_said(all: &Processes) -> Vec<(&str, &NetworkStatus)> {
    all.iter().filter_map(|(name, totals)| totals.network.as_deref().map(|status| (name.as_str(), status))).collect()
}

fn each(all: &Processes, of: impl Fn(&Totals) -> Option<f64>) -> Vec<(Labels, f64)> {
    all.iter().filter_map(|(name, totals)| of(totals).map(|value| (labels(name, &[]), value))).collect()
}

fn count(all: &Processes, of: impl Fn(&Totals) -> u64) -> Vec<(Labels, u64)> {
    all.iter().map(|(name, totals)| (labels(name, &[]), of(totals))).collect()
}

fn reach_word(reach: Reach) -> &'static str {
    match reach {
        Reach::Unknown => "unknown",
        Reach::Direct => "direct",
        Reach::Punched => "punched",
        Reach::Relayed => "relayed",
        Reach::OutboundOnly => "outbound_only",
    }
}

fn path_word(path: PeerPath) -> &'static str {
    match path {
        PeerPath::Lan => "lan",
        PeerPath::Direct => "direct",
        PeerPath::Punched => "punched",
        PeerPath::Relayed => "relayed",
    }
}
