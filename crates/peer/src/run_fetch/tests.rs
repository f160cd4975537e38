//! Links that lead to liars, machines that are too small, folders that hold something else.

use std::sync::Arc;
use std::time::Duration;

use engine::Machine;
use swarm::{Multiaddr, Node, NodeKey, NodeKind, NodeOptions, Query, QueryReply, RunOffer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::manifest::TokenizerKind;
use types::{Hash32, SignPayload, Signer as _};
use wallet::LocalSigner;

use super::*;
use crate::command::{Cli, RoleCommand};
use crate::found::Terms;

const ROOMY: Machine = Machine { vram_bytes: 0, ram_bytes: 64 << 30, disk_bytes: 1 << 40 };

async fn signed(name: &str, model: &str) -> SignedManifest {
    use clap::Parser as _;
    let words = ["covey-peer", "found", name, "--stories", "--model", model];
    let RoleCommand::Found(args) = Cli::try_parse_from(words).unwrap().role else { unreachable!() };
    let machine = Machine { ram_bytes: u64::MAX, disk_bytes: u64::MAX, ..ROOMY };
    let terms = Terms::check(&args, machine).unwrap();
    let key = |label| LocalSigner::derive(&[3; 32], label);
    let validators = [key("validator").hotkey()];
    let manifest = terms.manifest(Hash32([7; 32]), TokenizerKind::Bytes, key("ledger").hotkey(), &validators).unwrap();
    let founder = key("founder");
    let signature = founder.sign(&SignPayload::Manifest { run: manifest.id() }).await.unwrap();
    SignedManifest { manifest, founder: founder.hotkey(), signature }
}

/// A node that gives these bytes as the run's manifest.
struct Giver {
    address: String,
    /// A node ends with its last handle.
    _node: Node,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Giver {
    async fn start(run: RunId, manifest: Option<Vec<u8>>) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let options = NodeOptions {
            key: NodeKey::ephemeral(),
            run,
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
            bootstrap: Vec::new(),
            external: Vec::new(),
            kind: NodeKind::Public,
            tcp_only: true,
            mdns: false,
            upnp: false,
        };
        let (node, mut parts) = Node::start(options, &tasks, stop.clone()).unwrap();
        let mut view = node.view();
        let listening = view.wait_for(|view| !view.listening.is_empty());
        let listen: Multiaddr =
            tokio::time::timeout(Duration::from_secs(20), listening).await.unwrap().unwrap().listening[0].clone();
        tasks.spawn(async move {
            while let Some(asked) = parts.queries.recv().await {
                let offer = manifest.clone();
                let offer =
                    offer.map(|manifest| Box::new(RunOffer { manifest, dataset_bytes: 9, tokenizer_bytes: None }));
                let reply = match asked.query {
                    Query::Run => QueryReply::Run(offer),
                    _ => QueryReply::Refused,
                };
                let _ = asked.reply.send(reply);
            }
        });
        let address = format!("{listen}/p2p/{}", node.peer_id());
        Self { address, _node: node, stop, tasks }
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn asked(run: RunId, givers: &[&Giver]) -> Result<Offered, RunFetchError> {
    let link = JoinLink::new(run, givers.iter().map(|giver| giver.address.clone()).collect()).unwrap();
    let options = MemberOptions { tcp_only: true };
    tokio::time::timeout(Duration::from_secs(60), ask(&link, options, &CancellationToken::new())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_manifest_that_the_link_names_is_taken() {
    let (run, other) = (signed("right", "nano").await, signed("wrong", "nano").await);
    let id = run.manifest.id();
    let forged = SignedManifest { signature: other.signature, ..run.clone() };
    let newer = {
        let mut newer = run.manifest.clone();
        newer.version = 99;
        serde_json::to_vec(&SignedManifest { manifest: newer, ..run.clone() }).unwrap()
    };
    for (bytes, words) in [
        (Some(serde_json::to_vec(&other).unwrap()), "another run"),
        (Some(serde_json::to_vec(&forged).unwrap()), "signature"),
        (Some(newer), "version 99"),
        (Some(b"{}".to_vec()), "does not read"),
        (None, "does not know"),
    ] {
        let liar = Giver::start(id, bytes).await;
        let refused = asked(id, &[&liar]).await.unwrap_err();
        assert!(matches!(&refused, RunFetchError::Nobody { asked: 1, why } if why[0].contains(words)), "{refused}");
        liar.end().await;
    }
    // A liar beside an honest node changes nothing.
    let liar = Giver::start(id, Some(serde_json::to_vec(&other).unwrap())).await;
    let honest = Giver::start(id, Some(serde_json::to_vec(&run).unwrap())).await;
    let offered = asked(id, &[&liar, &honest]).await.unwrap();
    assert_eq!(offered.signed, run);
    assert!(honest.address.ends_with(&offered.by.to_string()));
    liar.end().await;
    honest.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_asking_is_not_held_up() {
    let link = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    let link = JoinLink::new(RunId(Hash32([1; 32])), vec![link.to_owned()]).unwrap();
    let stop = Arc::new(CancellationToken::new());
    let asking = ask(&link, MemberOptions { tcp_only: true }, &stop);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.cancel();
    };
    let (asked, ()) = tokio::join!(asking, stopping);
    assert!(matches!(asked, Err(RunFetchError::Stopped)));
}

#[tokio::test]
async fn a_run_that_asks_for_more_than_there_is_is_refused_with_the_numbers() {
    let small = signed("small", "nano").await.manifest;
    let needs_nothing_more = needs(&small, None, 0, ROOMY).unwrap();
    assert!(needs_nothing_more.host > 0 && needs_nothing_more.data == 0);
    let large = signed("large", "covenant-72b").await.manifest;
    let refused = needs(&large, None, 0, ROOMY).unwrap_err().to_string();
    assert!(refused.contains("large") && refused.contains("GB"), "{refused}");
    // The data set counts, less what of it is there.
    let set = dataset::DatasetManifest {
        version: dataset::DATASET_VERSION,
        name: "set".into(),
        source: String::new(),
        tokenizer: TokenizerKind::Bytes,
        vocab: 256,
        dtype: dataset::Dtype::U16,
        sequence_tokens: 128,
        held_out_sequences: 1,
        total_sequences: 1 << 30,
        total_tokens: 1 << 37,
        shards: Vec::new(),
    };
    let tight = Machine { disk_bytes: 10_000_000_000, ..ROOMY };
    let refused = needs(&small, Some(&set), 0, tight).unwrap_err().to_string();
    assert!(refused.contains("274.88 GB of them data") && refused.contains("10.00 GB are free"), "{refused}");
    assert!(needs(&small, Some(&set), 1 << 38, tight).is_ok());
}

#[tokio::test]
async fn a_run_folder_is_written_whole_and_another_runs_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (run, other) = (signed("one", "nano").await, signed("two", "nano").await);
    let at = "/ip4/192.0.2.1/tcp/7/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z".to_owned();
    let link = JoinLink::new(run.manifest.id(), vec![at.clone()]).unwrap();
    let folder = dir.path().join("run");
    assert!(existing(&folder, link.run).unwrap().is_none());
    let written = write_folder(&folder, run.clone(), &link, MemberOptions { tcp_only: true }).unwrap();
    let read = existing(&folder, link.run).unwrap().unwrap();
    assert_eq!((read.signed, &read.places), (run, &written.places));
    let network = read.places.network.unwrap();
    assert_eq!((network.bootstrap, network.tcp_only, network.public, network.upnp), (vec![at], true, false, true));
    assert!(read.places.ledger.is_none());
    let refused = existing(&folder, other.manifest.id());
    assert!(matches!(refused, Err(RunFetchError::OtherRun { found, .. }) if found == link.run));
}

#[tokio::test]
async fn who_can_admit_is_said_before_anything_is_fetched() {
    let mut manifest = signed("open", "nano").await.manifest;
    assert!(admission(&manifest).contains("Anybody"));
    manifest.chain.subtensor = Some(types::manifest::SubtensorParams {
        genesis: Hash32([1; 32]),
        netuid: 39,
        start_block: types::BlockNumber(0),
    });
    assert!(admission(&manifest).contains("subnet 39"));
}
