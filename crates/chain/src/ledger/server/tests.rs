//! Server and client over a real socket: restarts, hostile frames, full houses.

use std::path::PathBuf;
use std::time::Duration;

use interprocess::local_socket::traits::tokio::Stream as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use types::{BlockNumber, Hash32, RunId, Uid};

use super::super::fixture::{Running, START_MS, checkpoint, commit, genesis, key, paced, start};
use super::super::{Genesis, Host, Ledger, LedgerClient, SequencerOptions};
use super::*;
use crate::ChainBackend;

struct House {
    run: Running,
    closing: CancellationToken,
    serving: JoinHandle<()>,
}

impl House {
    async fn open(path: &Path, genesis: &Genesis, options: ServeOptions) -> Self {
        let ledger = Ledger::open_or_create(&path.join("ledger.redb"), genesis, START_MS, &key("sequencer")).await;
        let run = start(ledger.unwrap(), 2);
        let server = Server::bind(&socket(path)).unwrap();
        let (backend, closing) = (Arc::clone(&run.backend), CancellationToken::new());
        let cancel = closing.clone();
        #[expect(clippy::disallowed_methods, reason = "the test waits for the handle")]
        let serving = tokio::spawn(async move { server.run(&backend, options, cancel).await });
        Self { run, closing, serving }
    }

    /// Ends everything and frees the file, as the end of the process does.
    async fn close(self) {
        self.closing.cancel();
        self.serving.await.unwrap();
        self.run.stop().await;
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("ledger.sock")
}

async fn client(dir: &Path) -> LedgerClient {
    LedgerClient::connect(&socket(dir), RunId(Hash32([5; 32])), Duration::from_secs(20)).await.unwrap()
}

#[tokio::test]
async fn the_socket_speaks_the_whole_trait() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), &paced(), ServeOptions::default()).await;
    let client = client(dir.path()).await;
    assert_eq!(client.network(), house.run.backend.network());
    assert!(!client.network().has_value);
    let a = key("a");
    assert_eq!(client.register(&a).await.unwrap().uid, Uid(2));
    assert_eq!(client.register(&a).await.unwrap().uid, Uid(2));
    let receipt = client.publish(&commit(0, 1), &a).await.unwrap();
    let records = client.records(BlockNumber(0), BlockNumber(99)).await.unwrap();
    assert_eq!((records.len(), records[0].block, records[0].uid), (1, receipt.block, Uid(2)));
    client.set_weights(&[(Uid(2), 65_535)], &key("validator-0")).await.unwrap();
    let refused = client.set_weights(&[], &a).await.unwrap_err();
    assert!(matches!(refused, ChainError::NotPermitted { .. }));
    assert_eq!(client.head().await.unwrap(), house.run.ledger.head());
    assert_eq!(client.neurons().await.unwrap().len(), 3);
    assert_eq!(client.balances().await.unwrap().len(), 3);
    assert!(client.epochs(BlockNumber(0), BlockNumber(99)).await.unwrap().is_empty());
    assert!(client.waiting().await.unwrap().unwrap().duties.len() == 1, "one miner is still expected");
    house.close().await;
}

#[tokio::test]
async fn a_client_survives_a_restart_of_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis(types::manifest::Clock::Paced { block_ms: 10, phase_ms: 60_000 });
    let house = House::open(dir.path(), &genesis, ServeOptions::default()).await;
    let client = client(dir.path()).await;
    let (a, b) = (key("a"), key("b"));
    client.register(&a).await.unwrap();
    let committed = client.publish(&commit(0, 1), &a).await.unwrap();
    let waiting = client.wait_head(BlockNumber(4));
    let restarted = async {
        house.close().await;
        let house = House::open(dir.path(), &genesis, ServeOptions::default()).await;
        // Said before the restart: the same receipt, and no second record.
        assert_eq!(client.publish(&commit(0, 1), &a).await.unwrap(), committed);
        client.register(&b).await.unwrap();
        client.publish(&commit(0, 2), &b).await.unwrap();
        house
    };
    let (head, house) = tokio::join!(waiting, restarted);
    assert_eq!(head.unwrap().number, BlockNumber(5));
    assert_eq!(client.records(BlockNumber(0), BlockNumber(9)).await.unwrap().len(), 2);
    house.close().await;
    let gone = LedgerClient::connect(&socket(dir.path()), RunId(Hash32([5; 32])), Duration::ZERO).await;
    assert!(gone.err().unwrap().is_retryable());
}

#[tokio::test]
async fn a_transaction_sent_again_over_a_new_connection_stands_once() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), &paced(), ServeOptions::default()).await;
    let client = client(dir.path()).await;
    let a = key("a");
    client.register(&a).await.unwrap();
    // The call is dropped in mid-flight, as by a peer that is killed; another process of the key says the same.
    let cut = timeout(Duration::from_millis(20), client.publish(&checkpoint(0, 1), &a)).await;
    let again =
        LedgerClient::connect(&socket(dir.path()), RunId(Hash32([5; 32])), Duration::from_secs(5)).await.unwrap();
    let receipt = again.publish(&checkpoint(0, 1), &a).await.unwrap();
    if let Ok(first) = cut {
        assert_eq!(first.unwrap(), receipt);
    }
    assert_eq!(again.records(BlockNumber(0), BlockNumber(99)).await.unwrap().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn another_runs_ledger_is_not_talked_to() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), &paced(), ServeOptions::default()).await;
    let other = LedgerClient::connect(&socket(dir.path()), RunId(Hash32([6; 32])), Duration::from_secs(5)).await;
    assert!(matches!(other.err().unwrap(), ChainError::WrongChain { .. }));
    assert!(matches!(Server::bind(&socket(dir.path())).err().unwrap(), ChainError::Unavailable { .. }));
    house.close().await;
}

async fn raw(dir: &Path) -> Stream {
    let mut stream = Stream::connect(socket_name(&socket(dir)).unwrap()).await.unwrap();
    let mut hello = vec![0; 4];
    stream.read_exact(&mut hello).await.unwrap();
    let length = u32::from_le_bytes([hello[0], hello[1], hello[2], hello[3]]) as usize;
    hello.resize(length, 0);
    stream.read_exact(&mut hello).await.unwrap();
    assert!(hello.starts_with(br#"{"covey_ledger":1,"genesis":""#));
    stream
}

#[tokio::test]
async fn hostile_clients_are_hung_up_on_and_honest_ones_served() {
    let dir = tempfile::tempdir().unwrap();
    let options = ServeOptions { max_connections: 64, ..ServeOptions::default() };
    let house = House::open(dir.path(), &paced(), options).await;
    for bytes in [&u32::MAX.to_le_bytes()[..], b"\x04\0\0\0null", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let mut stream = raw(dir.path()).await;
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.len() < 200, "{}", String::from_utf8_lossy(&rest));
    }
    // A forged transaction over the wire.
    let forged = format!(r#"{{"ask":"submit","transaction":"01{}","wait_ms":1}}"#, "00".repeat(32 + 8 + 64));
    let mut stream = raw(dir.path()).await;
    stream.write_all(&(forged.len() as u32).to_le_bytes()).await.unwrap();
    stream.write_all(forged.as_bytes()).await.unwrap();
    let reply: Option<Reply> = read_frame(&mut stream, Duration::from_secs(5), Duration::from_secs(5)).await.unwrap();
    assert_eq!(reply, Some(Reply::Refused { reason: ChainError::BadSignature }));
    assert_eq!(client(dir.path()).await.head().await.unwrap().number.0, 0);
    house.close().await;
}

#[tokio::test]
async fn a_full_house_turns_callers_away_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = ServeOptions { max_connections: 2, ..ServeOptions::default() };
    let house = House::open(dir.path(), &paced(), options).await;
    let (one, two) = (raw(dir.path()).await, raw(dir.path()).await);
    let third = LedgerClient::connect(&socket(dir.path()), RunId(Hash32([5; 32])), Duration::ZERO).await;
    assert!(third.err().unwrap().is_retryable());
    drop((one, two));
    client(dir.path()).await.head().await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn a_hosted_ledger_ends_as_a_whole_and_frees_its_file() {
    let dir = tempfile::tempdir().unwrap();
    for restart in 0..2 {
        let host = Host {
            file: dir.path().join("ledger.redb"),
            socket: socket(dir.path()),
            genesis: paced(),
            signer: Arc::new(key("sequencer")),
            sequencer: SequencerOptions {
                expected_miners: 2,
                now_ms: Arc::new(|| START_MS),
                hold: tokio::sync::watch::channel(false).1,
            },
            serve: ServeOptions::default(),
        };
        let cancel = CancellationToken::new();
        let talk = async {
            let client: Box<dyn ChainBackend> = Box::new(client(dir.path()).await);
            let registered = client.register(&key("a")).await.unwrap();
            cancel.cancel();
            registered
        };
        let (ended, registered) = tokio::join!(host.run(cancel.clone()), talk);
        ended.unwrap();
        assert_eq!((registered.uid, registered.block), (Uid(2), BlockNumber(1)), "start {restart}");
        assert!(!socket(dir.path()).exists());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_left_behind_by_a_killed_ledger_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    // What kill -9 leaves: a socket file nobody listens on.
    drop(std::os::unix::net::UnixListener::bind(socket(dir.path())).unwrap());
    assert!(socket(dir.path()).exists());
    let house = House::open(dir.path(), &paced(), ServeOptions::default()).await;
    client(dir.path()).await.head().await.unwrap();
    house.close().await;
}
