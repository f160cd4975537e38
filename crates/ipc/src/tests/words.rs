//! Every word against its committed line: a changed word is a visible change of `fixtures/words.jsonl`.
//!
//! To write the file anew after a wanted change: `COVEY_BLESS=1 cargo test -p ipc`.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use types::{
    BlockNumber, ByteCount, Hash32, Hotkey, Problem, ProblemAction, Rao, Record, RejectReason, Round, RunId,
    SignPayload, Signature, Uid, Verdict,
};

use crate::*;

pub(super) const FIXTURE: &str = include_str!("../../fixtures/words.jsonl");

fn problem() -> Problem {
    Problem::new("disk_full", "The disk is full", "Free 2 GB, then start again.")
        .with_action(ProblemAction::Command("covey-peer doctor".into()))
}

fn commands() -> Vec<Command> {
    let limits = Limits {
        power_watts: Some(250),
        vram_bytes: Some(ByteCount(8 << 30)),
        upload_bytes_per_sec: None,
        download_bytes_per_sec: Some(ByteCount(1_000_000)),
        volume_left_bytes: Some(ByteCount(5)),
    };
    let start = |task, gpus: &[u32]| Command::Start(Box::new(Start { task, gpus: gpus.to_vec(), limits }));
    let run_file = "{\"manifest\":{}}".to_owned();
    vec![
        Command::Hello(Hello { protocol: PROTOCOL, version: "0.1.0".into() }),
        start(Task::Train { run_file: run_file.clone(), signs_as: Hotkey([1; 32]) }, &[0, 1]),
        start(Task::Validate { run_file, signs_as: Hotkey([2; 32]) }, &[]),
        start(Task::Rehearse { peers: 4, rounds: 10, inner_steps: 15, model: "tiny".into(), seed: u64::MAX }, &[]),
        Command::Pause { reason: "a game is running".into(), until_ms: None },
        Command::Resume,
        Command::Stop { when: StopWhen::EndOfRound },
        Command::Stop { when: StopWhen::Now },
        Command::SetLimits(Limits::default()),
        Command::Pace { work_share: 0.75 },
        Command::Sample { prompt: "Once".into(), tokens: 48 },
        Command::Snapshot,
        Command::SignReply { id: 5, result: Ok(Signature([7; 64])) },
        Command::SignReply { id: 6, result: Err("the wallet is locked".into()) },
        Command::Shutdown { deadline_secs: 60 },
    ]
}

fn swarm_events() -> Vec<Event> {
    let (name, uid) = ("peer-1".to_owned(), Some(Uid(1)));
    vec![
        Event::Hello(Hello { protocol: PROTOCOL, version: "0.1.0".into() }),
        Event::Ack { id: 3 },
        Event::Refused { id: 4, problem: Problem::new("busy", "Already training", "Stop first.") },
        Event::Snapshot { id: 5, events: vec![Event::Resumed, Event::Evaluated { round: Round(2), loss: 2.5 }] },
        Event::SignRequest {
            id: 1,
            payload: SignPayload::Publish {
                genesis: Hash32([1; 32]),
                nonce: 2,
                record: Record::Commit { round: Round(3), root: Hash32([4; 32]), bytes: 5, theta: Hash32([6; 32]) },
            },
        },
        Event::RunFacts {
            run: RunId(Hash32([8; 32])),
            name: "rehearsal".into(),
            model_params: 919_040,
            text: "dict-gcide".into(),
            peers: 4,
            rounds: 10,
            seed: 1,
        },
        Event::PeerStarted { name: name.clone(), uid: None, pid: 4242, role: Role::Train },
        Event::PeerExited { name: name.clone(), uid, code: None, signal: Some(9), restarting: true },
        Event::GpuSample {
            index: 0,
            temp_c: Some(61.0),
            watts: Some(182.5),
            vram_used_bytes: Some(ByteCount(6 << 30)),
            util: None,
        },
        Event::Paused { reason: "a game is running".into(), since_ms: 1_700_000_000_000, until: None },
        Event::Resumed,
        Event::Stopping { deadline_secs: 60, price: "nothing is lost".into() },
        Event::Waiting { for_whom: vec![name], since_ms: 1_700_000_000_000, what: "its attestation".into() },
        Event::Problem { problem: problem(), fatal: true },
        Event::Log { level: LogLevel::Warn, text: "two\nlines, \"quoted\"".into() },
        Event::Summary(Box::new(summary())),
    ]
}

fn round_events() -> Vec<Event> {
    let round = Round(3);
    let lamp = |name: &str, state, why: &str| Lamp { name: name.into(), state, why: why.into() };
    let judged = |verdict, score| Event::VerdictReceived {
        round,
        uid: Uid(2),
        verdict,
        score,
        loss_own: score.map(|s| 2.0 * s),
        loss_random: score,
    };
    vec![
        Event::PhaseChanged { round, phase: PeerPhase::Inner, deadline_block: BlockNumber(28) },
        Event::InnerStepDone { round, step: 1, of: 15, loss: 4.25, tokens_per_sec: 9000.5, lr: 0.001, grad_norm: None },
        Event::InnerStepDone {
            round,
            step: 2,
            of: 15,
            loss: f64::NAN,
            tokens_per_sec: f64::INFINITY,
            lr: 0.001,
            grad_norm: Some(1.25),
        },
        Event::Compressed {
            round,
            raw_bytes: ByteCount(3_676_160),
            sent_bytes: ByteCount(18_100),
            error_feedback_norm: 0.125,
        },
        Event::Lamps {
            round,
            lamps: vec![
                lamp("norm", LampState::Pass, "1.1x the median"),
                lamp("loss drop", LampState::Unknown, "no held-out text here"),
            ],
        },
        Event::Submitted { round, bytes: ByteCount(18_100), root: Hash32([5; 32]), secs: 0.5 },
        Event::Gathered {
            round,
            accepted: vec![Uid(1), Uid(3)],
            rejected: vec![Rejection { uid: Uid(2), reason: RejectReason::Copied }],
        },
        Event::OuterStepApplied { round, peers: 3, alpha: 1.0, theta: Hash32([6; 32]) },
        Event::Evaluated { round, loss: 3.75 },
        Event::CatchingUp { from: Round(2), to: Round(9), done: 4 },
        Event::CheckpointSaved { round: Round(4), bytes: ByteCount(11_000_000) },
        judged(Verdict::Accepted, Some(0.03)),
        judged(Verdict::OnProbation, Some(0.01)),
        judged(Verdict::Rejected(RejectReason::NormOutlier), None),
        judged(Verdict::Missed, None),
        Event::ScoreUpdated {
            round,
            uid: Uid(1),
            score: 0.5,
            incentive: 0.25,
            emission: Rao(123_456_789),
            balance: Rao(u64::MAX),
        },
    ]
}

fn own_events() -> Vec<Event> {
    let layers = |share| {
        let name = "model.layers.0.mlp.up_proj.weight".into();
        vec![LayerMoved { name, moved: 4_096, of: 262_144, share }]
    };
    let round = Round(3);
    let (prompt, text) = ("The ship ".to_owned(), "was\na \"vessel\"".to_owned());
    vec![
        Event::LayersMoved { round, layers: layers(None), parameters_moved_total: 12_288 },
        Event::LayersMoved { round, layers: layers(Some(0.25)), parameters_moved_total: 12_288 },
        Event::Sample { round: Round(0), when: SampleWhen::Joined, prompt: prompt.clone(), text: String::new() },
        Event::Sample { round, when: SampleWhen::Now, prompt, text },
        Event::Receipt { round, sequence: 7, hash: Hash32([9; 32]) },
    ]
}

fn network_peer(peer_id: &str, uid: Option<Uid>) -> NetworkPeer {
    NetworkPeer {
        peer_id: peer_id.into(),
        uid,
        path: PeerPath::Direct,
        quic: true,
        rtt_ms: Some(12.5),
        up_total: ByteCount(1_000_000),
        down_total: ByteCount(2_000_000),
        fault: None,
    }
}

fn network_events() -> Vec<Event> {
    let relayed = NetworkPeer {
        path: PeerPath::Relayed,
        quic: false,
        rtt_ms: None,
        fault: Some("a chunk that was not what it was said to be".into()),
        ..network_peer("12D3KooWLater", None)
    };
    let status = NetworkStatus {
        peer_id: "12D3KooWOwn".into(),
        reach: Reach::OutboundOnly,
        why: ReachCause::SymmetricNat,
        addresses: vec!["/ip4/203.0.113.9/tcp/4001".into()],
        up_per_sec: ByteCount(1_250_000),
        down_per_sec: ByteCount(0),
        up_total: ByteCount(3_000_000),
        down_total: ByteCount(4_000_000),
        peers: vec![network_peer("12D3KooWFirst", Some(Uid(3))), relayed],
    };
    let parts =
        RoundParts { compute: 82_000, compress: 1_200, commit: 300, upload: 2_000, gather: 4_100, outer: 400, idle: 0 };
    vec![
        Event::Network(Box::new(status)),
        Event::Fetching {
            what: Fetched::Checkpoint,
            done: ByteCount(1_048_576),
            total: ByteCount(3_676_160),
            sources: 2,
        },
        Event::RoundTimed { round: Round(3), parts },
    ]
}

fn summary() -> Summary {
    Summary {
        rounds: 10,
        peers: 4,
        model: "tiny".into(),
        model_params: 919_040,
        text: "dict-gcide".into(),
        dataset: Hash32([3; 32]),
        seed: 1,
        eval_loss_first: 5.5,
        eval_loss_last: 3.25,
        accepted: 38,
        rejected: BTreeMap::from([("copied".into(), 1), ("norm_outlier".into(), 1)]),
        wire_bytes_per_param: 0.0195,
        utilisation: 0.75,
        theta_hash_equal: true,
        verdicts_per_peer_round_ok: true,
        credits_by_peer: BTreeMap::from([("peer-1".into(), Rao(7)), ("peer-2".into(), Rao(8))]),
        credits_validators: Rao(9),
        credits_owner: Rao(10),
        credits_burned: Rao(11),
        emitted: Rao(45),
        books_match: true,
        cheater: None,
        cheaters_paid: 0.0,
        first_accepted_s: Some(21.5),
        restarts: 0,
        wall_s: 150.0,
    }
}

fn lines() -> Vec<String> {
    let text = |line: Result<Vec<u8>, FrameError>| String::from_utf8(line.unwrap()).unwrap();
    let commands = commands().into_iter().zip(1..).map(|(command, id)| text(encode_line(&CommandLine { id, command })));
    let events = swarm_events().into_iter().chain(round_events()).chain(own_events()).chain(network_events()).zip(0..);
    let events =
        events.map(|(event, seq)| text(encode_line(&EventLine { seq, at_ms: 1_700_000_000_000 + seq, event })));
    commands.chain(events).collect()
}

#[test]
fn words_are_written_as_they_always_were() {
    let now = lines().concat();
    if std::env::var_os("COVEY_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/words.jsonl"), &now).unwrap();
    }
    for (now, committed) in now.lines().zip(FIXTURE.lines()) {
        assert_eq!(now, committed);
    }
    assert_eq!(now.lines().count(), FIXTURE.lines().count());
}

#[test]
fn committed_words_still_read_and_mean_the_same() {
    for line in FIXTURE.lines() {
        let again = if line.starts_with("{\"id\"") {
            encode_line(&decode_line::<CommandLine>(line.as_bytes()).unwrap())
        } else {
            encode_line(&decode_line::<EventLine>(line.as_bytes()).unwrap())
        };
        assert_eq!(String::from_utf8(again.unwrap()).unwrap().trim_end(), line);
    }
}

/// The names serde knows: it lists them when it meets an unknown one.
fn names<T: DeserializeOwned>(unknown: &str) -> BTreeSet<String> {
    let complaint = serde_json::from_str::<T>(unknown).err().unwrap().to_string();
    let (_, list) = complaint.split_once("expected").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn no_word_is_missing_from_the_fixture() {
    let field = |line: &str, path: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.pointer(path).and_then(|name| name.as_str()).map(str::to_owned)
    };
    let written = |path: &str| FIXTURE.lines().filter_map(|line| field(line, path)).collect::<BTreeSet<_>>();
    assert_eq!(names::<Event>(r#"{"event":"?"}"#), written("/event"));
    assert_eq!(names::<Command>(r#"{"kind":"?"}"#), written("/command/kind"));
    assert_eq!(names::<Task>(r#"{"role":"?"}"#), written("/command/task/role"));
}

#[test]
fn a_word_with_a_field_missing_or_of_another_kind_is_refused() {
    for line in [
        r#"{"seq":1,"at_ms":1}"#,
        r#"{"seq":1,"at_ms":1,"event":"evaluated","round":1}"#,
        r#"{"seq":1,"at_ms":1,"event":"evaluated","round":-1,"loss":1.0}"#,
        r#"{"seq":1,"at_ms":1,"event":"verdict_received","round":1,"uid":70000,"verdict":"accepted"}"#,
        r#"{"seq":1,"at_ms":1,"event":"verdict_received","round":1,"uid":1,"verdict":"rejected","reason":"envy"}"#,
        r#"{"seq":1,"at_ms":1,"event":"no_such_event"}"#,
        r#"{"at_ms":1,"event":"resumed"}"#,
        r#"{"seq":1,"at_ms":1,"event":"resumed"} x"#,
    ] {
        assert!(decode_line::<EventLine>(line.as_bytes()).is_err(), "{line}");
    }
    let unsigned = r#"{"id":1,"command":{"kind":"sign_reply","id":1,"result":{"Ok":"00"}}}"#;
    assert!(decode_line::<CommandLine>(unsigned.as_bytes()).is_err());
}

/// Names as serde knows them; the round trip of each stands in the fixture or is made here.
#[test]
fn every_word_of_the_network_reads_back() {
    for word in ["unknown", "direct", "punched", "relayed", "outbound_only"] {
        reads_back::<Reach>(word);
    }
    for word in
        ["unknown", "public_address", "port_mapped", "firewall", "symmetric_nat", "udp_blocked", "nobody_reached"]
    {
        reads_back::<ReachCause>(word);
    }
    for word in ["lan", "direct", "punched", "relayed"] {
        reads_back::<PeerPath>(word);
    }
    for word in ["run", "dataset", "checkpoint"] {
        reads_back::<Fetched>(word);
    }
}

fn reads_back<T: DeserializeOwned + serde::Serialize>(word: &str) {
    let text = format!("\"{word}\"");
    let value: T = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
}

#[test]
fn the_fullest_network_status_fits_on_a_line() {
    let longest = NetworkPeer {
        rtt_ms: Some(f64::MIN_POSITIVE),
        up_total: ByteCount(u64::MAX),
        down_total: ByteCount(u64::MAX),
        // The swarm keeps sentences, not essays.
        fault: Some("é".repeat(256)),
        ..network_peer(&"1".repeat(64), Some(Uid(u16::MAX)))
    };
    let status = NetworkStatus {
        peer_id: "1".repeat(64),
        reach: Reach::OutboundOnly,
        why: ReachCause::PublicAddress,
        addresses: vec!["/".repeat(1024); 8],
        up_per_sec: ByteCount(u64::MAX),
        down_per_sec: ByteCount(u64::MAX),
        up_total: ByteCount(u64::MAX),
        down_total: ByteCount(u64::MAX),
        peers: vec![longest; MAX_NETWORK_PEERS],
    };
    let line = EventLine { seq: u64::MAX, at_ms: u64::MAX, event: Event::Network(Box::new(status)) };
    let written = encode_line(&line).unwrap();
    // Half of the bound is for those who put a name before it.
    assert!(written.len() < MAX_LINE_BYTES / 2, "{}", written.len());
    assert_eq!(decode_line::<EventLine>(&written).unwrap(), line);
}
