//! Figures over real HTTP, read by a strict reader.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ipc::{NetworkPeer, PeerPath, PeerPhase, Reach, ReachCause, Rejection, RoundParts};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{BlockNumber, ByteCount, Hash32, Problem, RejectReason, Round, Uid, Verdict};

use super::*;

/// A page as a strict reader takes it: values by name and labels.
struct Read {
    values: BTreeMap<String, f64>,
}

impl Read {
    /// Every line is a comment of a known kind or a sample of the family that was declared last; `# EOF` ends it.
    fn strictly(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("no end");
        let (mut values, mut families) = (BTreeMap::new(), BTreeSet::new());
        let mut family = (String::new(), String::new());
        for line in body.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(families.insert(name.to_owned()), "{name} twice");
                assert!(words.ends_with('.') && name.starts_with("covey_"), "{line}");
                family = (name.to_owned(), String::new());
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, family.0);
                assert!(matches!(kind, "counter" | "gauge"), "{line}");
                family.1 = kind.to_owned();
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let suffix = if family.1 == "counter" { "_total" } else { "" };
                assert_eq!(name, format!("{}{suffix}", family.0), "{line}");
                let labels = &series[name.len()..];
                assert!(labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}')), "{line}");
                for label in labels.trim_matches(['{', '}']).split(',').filter(|label| !label.is_empty()) {
                    let (key, value) = label.split_once('=').unwrap();
                    assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
                    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
                    assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{line}");
                }
                let value: f64 = value.parse().unwrap();
                assert!(family.1 != "counter" || value >= 0.0, "{line}");
                assert!(values.insert(series.to_owned(), value).is_none(), "{series} twice");
            }
        }
        Self { values }
    }

    fn value(&self, series: &str) -> f64 {
        *self.values.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.values))
    }
}

fn said() -> Vec<Event> {
    let round = Round(3);
    let rejected = |uid, reason| Rejection { uid: Uid(uid), reason };
    let left_out = vec![rejected(2, RejectReason::Copied), rejected(4, RejectReason::Copied)];
    let step = |step, loss| Event::InnerStepDone {
        round,
        step,
        of: 2,
        loss,
        tokens_per_sec: 900.5,
        lr: 0.001,
        grad_norm: None,
    };
    let verdict = |verdict| Event::VerdictReceived {
        round,
        uid: Uid(1),
        verdict,
        score: None,
        loss_own: None,
        loss_random: None,
    };
    vec![
        Event::PeerStarted { name: "peer-1".into(), uid: Some(Uid(1)), pid: 7, role: ipc::Role::Train },
        step(1, 4.5),
        step(2, 4.25),
        Event::Submitted { round, bytes: ByteCount(18_100), root: Hash32([9; 32]), secs: 0.1 },
        Event::Gathered { round, accepted: vec![Uid(1)], rejected: left_out },
        Event::OuterStepApplied { round, peers: 3, alpha: 1.0, theta: Hash32([9; 32]) },
        Event::RoundTimed { round, parts: RoundParts { compute: 7_500, idle: 2_500, ..RoundParts::default() } },
        Event::RoundTimed { round, parts: RoundParts { compute: 9_000, idle: 1_000, ..RoundParts::default() } },
        verdict(Verdict::Accepted),
        verdict(Verdict::Rejected(RejectReason::Stale)),
        Event::PhaseChanged { round: Round(4), phase: PeerPhase::Inner, deadline_block: BlockNumber(9) },
        Event::Problem { problem: Problem::new("x", "Somebody's words", "and \"more\" of them"), fatal: false },
        Event::GpuSample { index: 0, temp_c: Some(61.0), watts: None, vram_used_bytes: None, util: Some(0.5) },
        Event::GpuSample { index: 4_000_000, temp_c: Some(61.0), watts: None, vram_used_bytes: None, util: None },
    ]
}

fn peer(uid: Option<u16>, path: PeerPath, up: u64) -> NetworkPeer {
    NetworkPeer {
        peer_id: "12D3KooWSecretlyNamed".into(),
        uid: uid.map(Uid),
        path,
        quic: true,
        rtt_ms: Some(3.0),
        up_total: ByteCount(up),
        down_total: ByteCount(2 * up),
        fault: Some("words of a stranger".into()),
    }
}

fn status(peers: Vec<NetworkPeer>) -> NetworkStatus {
    NetworkStatus {
        peer_id: "12D3KooWOwn".into(),
        reach: Reach::Punched,
        why: ReachCause::Firewall,
        addresses: vec!["/ip4/203.0.113.9/tcp/4001".into()],
        up_per_sec: ByteCount(10),
        down_per_sec: ByteCount(20),
        up_total: ByteCount(1_000),
        down_total: ByteCount(2_000),
        peers,
    }
}

fn metrics() -> Metrics {
    let metrics = Metrics::new();
    for event in said() {
        metrics.take("peer-1", 512, &event);
    }
    metrics
}

#[test]
fn the_page_holds_what_was_said() {
    let page = Read::strictly(&metrics().page());
    for (series, value) in [
        ("covey_uid{process=\"peer-1\"}", 1.0),
        ("covey_round{process=\"peer-1\"}", 4.0),
        ("covey_phase{process=\"peer-1\",phase=\"inner\"}", 1.0),
        ("covey_inner_steps_total{process=\"peer-1\"}", 2.0),
        ("covey_tokens_total{process=\"peer-1\"}", 1_024.0),
        ("covey_loss{process=\"peer-1\"}", 4.25),
        ("covey_rounds_total{process=\"peer-1\"}", 1.0),
        ("covey_submissions_total{process=\"peer-1\"}", 1.0),
        ("covey_submission_bytes_total{process=\"peer-1\"}", 18_100.0),
        ("covey_set_size{process=\"peer-1\"}", 3.0),
        ("covey_verdicts_total{process=\"peer-1\",verdict=\"accepted\"}", 1.0),
        ("covey_verdicts_total{process=\"peer-1\",verdict=\"stale\"}", 1.0),
        ("covey_left_out_total{process=\"peer-1\",reason=\"copied\"}", 2.0),
        ("covey_round_part_seconds_total{process=\"peer-1\",part=\"compute\"}", 16.5),
        ("covey_last_round_part_seconds{process=\"peer-1\",part=\"idle\"}", 1.0),
        ("covey_utilisation{process=\"peer-1\"}", 0.9),
        ("covey_problems_total{process=\"peer-1\"}", 1.0),
        ("covey_gpu_temperature_celsius{process=\"peer-1\",gpu=\"0\"}", 61.0),
        ("covey_paused{process=\"peer-1\"}", 0.0),
    ] {
        assert_eq!(page.value(series), value, "{series}");
    }
    assert!(!page.values.keys().any(|series| series.contains("4000000")), "cards are bounded");
    assert!(!page.values.keys().any(|series| series.starts_with("covey_chunks")), "there is no network");
}

#[test]
fn the_networks_counters_are_asked_when_the_page_is_read() {
    let metrics = metrics();
    let peers =
        vec![peer(Some(3), PeerPath::Direct, 5), peer(None, PeerPath::Relayed, 7), peer(None, PeerPath::Lan, 1)];
    let counters = NetworkCounters {
        status: Some(status(peers)),
        chunks_served: 1,
        chunks_refused: 2,
        chunks_received: 3,
        bad_chunks: 4,
        fetch_failures: 5,
        streams_refused: 6,
        gossip_accepted: 7,
        gossip_ignored: 8,
        gossip_rejected: 9,
        bans: 10,
    };
    metrics.ask_network("peer-1", Arc::new(move || counters.clone()));
    let text = metrics.page();
    let page = Read::strictly(&text);
    for (series, value) in [
        ("covey_reach{process=\"peer-1\",reach=\"punched\"}", 1.0),
        ("covey_network_bytes_total{process=\"peer-1\",direction=\"up\"}", 1_000.0),
        ("covey_network_bytes_per_second{process=\"peer-1\",direction=\"down\"}", 20.0),
        ("covey_connections{process=\"peer-1\",path=\"relayed\"}", 1.0),
        ("covey_connections{process=\"peer-1\",path=\"punched\"}", 0.0),
        ("covey_peer_up_bytes_total{process=\"peer-1\",uid=\"3\"}", 5.0),
        // Those without a slot are one series.
        ("covey_peer_up_bytes_total{process=\"peer-1\",uid=\"none\"}", 8.0),
        ("covey_peer_down_bytes_total{process=\"peer-1\",uid=\"none\"}", 16.0),
        ("covey_chunks_served_total{process=\"peer-1\"}", 1.0),
        ("covey_chunks_refused_total{process=\"peer-1\"}", 2.0),
        ("covey_chunks_received_total{process=\"peer-1\"}", 3.0),
        ("covey_chunks_bad_total{process=\"peer-1\"}", 4.0),
        ("covey_fetch_failures_total{process=\"peer-1\"}", 5.0),
        ("covey_streams_refused_total{process=\"peer-1\"}", 6.0),
        ("covey_gossip_total{process=\"peer-1\",verdict=\"accept\"}", 7.0),
        ("covey_gossip_total{process=\"peer-1\",verdict=\"ignore\"}", 8.0),
        ("covey_gossip_total{process=\"peer-1\",verdict=\"reject\"}", 9.0),
        ("covey_bans_total{process=\"peer-1\"}", 10.0),
    ] {
        assert_eq!(page.value(series), value, "{series}");
    }
    for private in ["12D3", "203.0.113.9", "stranger", "Somebody", &"09".repeat(32)] {
        assert!(!text.contains(private), "{private}");
    }
}

#[test]
fn what_each_process_said_of_its_network_stands_where_nobody_can_be_asked() {
    let metrics = metrics();
    metrics.take("peer-1", 0, &Event::Network(Box::new(status(vec![peer(Some(3), PeerPath::Lan, 5)]))));
    metrics.take("peer-2", 0, &Event::Network(Box::new(status(Vec::new()))));
    let page = Read::strictly(&metrics.page());
    assert_eq!(page.value("covey_peer_down_bytes_total{process=\"peer-1\",uid=\"3\"}"), 10.0);
    assert_eq!(page.value("covey_connections{process=\"peer-2\",path=\"lan\"}"), 0.0);
}

#[test]
fn neither_peers_nor_processes_make_endless_series() {
    let metrics = Metrics::new();
    let peers = (0..500).map(|uid| peer(Some(uid), PeerPath::Direct, 1)).collect();
    let counters = NetworkCounters { status: Some(status(peers)), ..NetworkCounters::default() };
    metrics.ask_network("peer-1", Arc::new(move || counters.clone()));
    for n in 0..500 {
        metrics.take(&format!("peer-{n}"), 1, &Event::Resumed);
    }
    let page = Read::strictly(&metrics.page());
    let count = |name: &str| page.values.keys().filter(|series| series.starts_with(name)).count();
    assert_eq!((count("covey_peer_up_bytes_total"), count("covey_paused")), (64, 64));
}

#[test]
fn a_loss_that_is_no_number_is_no_broken_page() {
    let metrics = Metrics::new();
    metrics.take("peer-1", 0, &Event::Evaluated { round: Round(1), loss: f64::NAN });
    let page = Read::strictly(&metrics.page());
    assert!(page.value("covey_held_out_loss{process=\"peer-1\"}").is_nan());
}

#[test]
fn a_port_alone_is_this_machines_own_and_names_are_refused() {
    let read =
        |text: &str| text.parse::<MetricsAddress>().map(|address| (address.0.to_string(), address.is_loopback()));
    assert_eq!(read("9100").unwrap(), ("127.0.0.1:9100".to_owned(), true));
    assert_eq!(read(":9100").unwrap(), ("127.0.0.1:9100".to_owned(), true));
    assert_eq!(read("127.0.0.2:1").unwrap(), ("127.0.0.2:1".to_owned(), true));
    assert_eq!(read("[::1]:9100").unwrap(), ("[::1]:9100".to_owned(), true));
    assert!(read("[::ffff:127.0.0.1]:9100").unwrap().1);
    assert_eq!(read("0.0.0.0:9100").unwrap(), ("0.0.0.0:9100".to_owned(), false));
    assert!(!read("[::]:9100").unwrap().1);
    for bad in
        ["", ":", "localhost:9100", "example.org:80", "65536", "-1", "+9100", "127.0.0.1", "9100/metrics", "1:2:3"]
    {
        let refused = read(bad).unwrap_err().to_string();
        assert!(refused.contains("neither a port nor an address"), "{bad}: {refused}");
    }
}

#[test]
fn no_role_serves_figures_unless_it_is_told_to() {
    use clap::Parser as _;

    use crate::command::{Cli, RoleCommand};
    let metrics = |words: &str| match Cli::try_parse_from(words.split(' ')).unwrap().role {
        RoleCommand::Train(args) => args.work.metrics.metrics,
        RoleCommand::Validate(args) => args.metrics.metrics,
        RoleCommand::Seed(args) => args.metrics.metrics,
        RoleCommand::Rehearse(args) => args.metrics.metrics,
        _ => panic!("another role"),
    };
    for role in ["train --run r --key k", "validate --run r --key k", "seed --run r --key k", "rehearse"] {
        assert_eq!(metrics(&format!("covey-peer {role}")), None, "{role}");
        let asked = metrics(&format!("covey-peer {role} --metrics 9100")).unwrap();
        assert_eq!(asked.0.to_string(), "127.0.0.1:9100", "{role}");
    }
}

struct Served {
    at: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

async fn served(metrics: Metrics) -> Served {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let address = "0".parse().unwrap();
    let at = serve(address, metrics, &tasks, stop.clone()).await.unwrap();
    assert!(at.ip().is_loopback());
    Served { at, tasks, stop }
}

impl Served {
    /// What the server answers to these bytes, until it closes.
    async fn ask(&self, request: &'static str) -> String {
        let at = self.at;
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(at).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            // A server that refuses may reset what it did not read.
            let _ = stream.read_to_string(&mut answer);
            answer
        })
        .await
        .unwrap()
    }

    async fn status_of(&self, request: &'static str) -> String {
        let answer = self.ask(request).await;
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn get_metrics_is_the_page_and_all_else_is_refused() {
    let served = served(metrics()).await;
    let answer = served.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    assert_eq!(Read::strictly(body).value("covey_rounds_total{process=\"peer-1\"}"), 1.0);
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1:9100\r\nConnection: close\r\n\r\n", "404"),
        ("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "405"),
        ("HEAD /metrics HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n", "405"),
        ("GET /metrics?x=1 HTTP/1.1\r\nHost: LOCALHOST\r\nConnection: close\r\n\r\n", "200"),
        ("GET /metrics HTTP/1.0\r\n\r\n", "200"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        assert_eq!(served.status_of(request).await, status, "{request}");
    }
}

#[tokio::test]
async fn a_web_page_cannot_read_the_figures_by_a_name_that_it_points_here() {
    let served = served(metrics()).await;
    for request in [
        "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n",
    ] {
        assert_eq!(served.status_of(request).await, "403", "{request}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let served = served(metrics()).await;
    let long = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(1 << 20));
    assert_eq!(served.status_of(String::leak(long)).await, "431");
    let many = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: x\r\n".repeat(100));
    assert_eq!(served.status_of(String::leak(many)).await, "431");
}

#[tokio::test]
async fn the_ninth_reader_is_closed_and_the_others_keep_their_place() {
    let served = served(metrics()).await;
    let at = served.at;
    // Each has been answered once, so that it surely has its place.
    let kept = tokio::task::spawn_blocking(move || {
        let connect = |_| {
            let mut stream = TcpStream::connect(at).unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            stream
        };
        (0..8).map(connect).collect::<Vec<_>>()
    })
    .await
    .unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(served.ask(request).await, "");
    drop(kept);
    // The places come back.
    loop {
        if served.status_of(request).await == "200" {
            break;
        }
    }
}

#[tokio::test]
async fn the_server_ends_with_its_role_even_while_somebody_reads() {
    let served = served(metrics()).await;
    let _reader = tokio::net::TcpStream::connect(served.at).await.unwrap();
    served.stop.cancel();
    served.tasks.close();
    served.tasks.wait().await;
    assert!(tokio::net::TcpStream::connect(served.at).await.is_err());
}

#[tokio::test]
async fn no_port_is_opened_unless_it_is_asked_for() {
    let figures = Figures::of_many(MetricsArgs::default(), &CancellationToken::new()).await.unwrap();
    figures.take("peer-1", 1, &Event::Resumed);
    // Nothing listens and nothing is kept: there is nothing to end.
    assert!(figures.is_off());
    figures.close().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = MetricsAddress(taken.local_addr().unwrap());
    let args = MetricsArgs { metrics: Some(address) };
    let error = Figures::of_many(args, &CancellationToken::new()).await.err().unwrap();
    assert!(error.to_string().starts_with(&format!("figures cannot be served at {}", address.0)), "{error}");
}
