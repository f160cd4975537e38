//! Strangers at the ledger: honest ones are served, hostile ones cost others nothing.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinSet;
use types::{BlockNumber, RunId, Signer as _, Uid};

use super::super::connector::Connector;
use super::super::fixture::{Running, START_MS, commit, interval, key, ledger, paced, signed, start};
use super::super::wire::read_frame;
use super::super::{Genesis, InProcess, Ledger, LedgerClient};
use super::*;
use crate::ChainBackend as _;

const SOON: Duration = Duration::from_secs(10);

/// A ledger and its guests; every connection is a pair of pipes.
struct Inn {
    run: Running,
    guests: Arc<Guests<u32>>,
    tasks: Mutex<JoinSet<Result<(), GuestError>>>,
    cancel: CancellationToken,
}

impl Inn {
    async fn open(limits: GuestLimits) -> Arc<Self> {
        Self::of(&paced(), limits).await
    }

    async fn of(genesis: &Genesis, limits: GuestLimits) -> Arc<Self> {
        let ledger = Ledger::in_memory(genesis, START_MS, &key("sequencer")).await.unwrap();
        let run = start(ledger, 2);
        let guests = Arc::new(Guests::new(Arc::clone(&run.backend), limits));
        Arc::new(Self { run, guests, tasks: Mutex::default(), cancel: CancellationToken::new() })
    }

    fn enter(&self, guest: u32) -> DuplexStream {
        let (near, far) = duplex(64 * 1024);
        let (guests, cancel) = (Arc::clone(&self.guests), self.cancel.clone());
        self.tasks.lock().unwrap().spawn(async move { guests.serve(guest, far, &cancel).await });
        near
    }

    /// What the next connection to end ended with.
    async fn ended(&self) -> Result<(), GuestError> {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        let ended = timeout(SOON, tasks.join_next()).await.unwrap().unwrap().unwrap();
        *self.tasks.lock().unwrap() = tasks;
        ended
    }

    /// Enters and reads the greeting.
    async fn greeted(&self, guest: u32) -> DuplexStream {
        let mut stream = self.enter(guest);
        let hello: Hello = read_frame(&mut stream, SOON, SOON).await.unwrap().unwrap();
        assert_eq!(hello.genesis, self.run.backend.genesis_hash());
        stream
    }

    async fn client(self: &Arc<Self>, guest: u32) -> LedgerClient {
        let connector = Arc::new(Knocking { inn: Arc::clone(self), guest });
        LedgerClient::connect_over(connector, RunId(Hash32([5; 32])), SOON).await.unwrap()
    }
}

struct Knocking {
    inn: Arc<Inn>,
    guest: u32,
}

#[async_trait]
impl Connector for Knocking {
    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        Ok(Box::new(self.inn.enter(self.guest)))
    }

    fn streams(&self) -> usize {
        4
    }
}

async fn ask(stream: &mut DuplexStream, request: &Request) -> Option<Reply> {
    write_frame(stream, request).await.ok()?;
    read_frame(stream, SOON, SOON).await.ok()?
}

fn quick() -> GuestLimits {
    GuestLimits { idle: Duration::from_millis(300), request_time: Duration::from_millis(300), ..GuestLimits::default() }
}

#[tokio::test]
async fn a_remote_client_speaks_the_whole_trait() {
    let inn = Inn::open(GuestLimits::default()).await;
    let client = inn.client(1).await;
    assert_eq!(client.genesis_hash(), inn.run.backend.genesis_hash());
    let a = key("a");
    assert_eq!(client.register(&a).await.unwrap().uid, Uid(2));
    let receipt = client.publish(&commit(0, 1), &a).await.unwrap();
    let records = client.records(BlockNumber(0), BlockNumber(99)).await.unwrap();
    assert_eq!((records.len(), records[0].block, records[0].uid), (1, receipt.block, Uid(2)));
    client.set_weights(&[(Uid(2), 65_535)], &key("validator-0")).await.unwrap();
    assert_eq!(client.neurons().await.unwrap().len(), 3);
    assert!(client.epochs(BlockNumber(0), BlockNumber(99)).await.unwrap().is_empty());
    // More calls at once than a guest may have connections: they wait for each other.
    let mut heads = JoinSet::new();
    let client = Arc::new(client);
    for _ in 0..40 {
        let client = Arc::clone(&client);
        heads.spawn(async move { client.head().await });
    }
    while let Some(head) = heads.join_next().await {
        head.unwrap().unwrap();
    }
    assert_eq!(inn.guests.counts().turned_away, 0);
}

#[tokio::test]
async fn another_runs_ledger_is_not_talked_to_over_a_stream_either() {
    let inn = Inn::open(GuestLimits::default()).await;
    let connector = Arc::new(Knocking { inn: Arc::clone(&inn), guest: 1 });
    let other = LedgerClient::connect_over(connector, RunId(Hash32([6; 32])), Duration::ZERO).await;
    assert!(matches!(other.err(), Some(ChainError::WrongChain { .. })));
}

#[tokio::test]
async fn what_is_no_request_is_hung_up_on() {
    let inn = Inn::open(quick()).await;
    let long = 60_000u32.to_le_bytes();
    for bytes in [&long[..], b"\x04\0\0\0null", b"GET / HTTP/1.1\r\n\r\n", b"\x13BitTorrent protocol"] {
        let mut stream = inn.greeted(1).await;
        stream.write_all(bytes).await.unwrap();
        assert!(matches!(inn.ended().await, Err(GuestError::Protocol(_))), "{bytes:?}");
    }
    assert_eq!((inn.guests.counts().breaches, inn.guests.counts().connections), (4, 0));
}

#[tokio::test]
async fn a_drip_of_bytes_and_a_silent_guest_lose_their_places() {
    let inn = Inn::open(quick()).await;
    let mut drip = inn.greeted(1).await;
    drip.write_all(&[20, 0, 0, 0, b'{']).await.unwrap();
    assert!(matches!(inn.ended().await, Err(GuestError::Stream(e)) if e.kind() == io::ErrorKind::TimedOut));
    let _silent = inn.greeted(2).await;
    assert!(matches!(inn.ended().await, Err(GuestError::Stream(e)) if e.kind() == io::ErrorKind::TimedOut));
    assert_eq!(inn.guests.counts().connections, 0);
}

#[tokio::test]
async fn a_guest_that_does_not_read_its_reply_loses_its_place() {
    let inn = Inn::open(GuestLimits { reply_time: Duration::from_millis(200), ..GuestLimits::default() }).await;
    let (near, far) = duplex(16);
    let (guests, cancel) = (Arc::clone(&inn.guests), inn.cancel.clone());
    let ended = timeout(SOON, guests.serve(9, far, &cancel)).await.unwrap();
    assert!(matches!(ended, Err(GuestError::Stream(e)) if e.kind() == io::ErrorKind::TimedOut));
    drop(near);
}

#[tokio::test]
async fn one_request_at_a_time() {
    let inn = Inn::open(GuestLimits::default()).await;
    let mut eager = inn.greeted(1).await;
    let waiting = Request::WaitHead { after: BlockNumber(1000), wait_ms: 20_000 };
    write_frame(&mut eager, &waiting).await.unwrap();
    write_frame(&mut eager, &Request::Head).await.unwrap();
    assert!(matches!(inn.ended().await, Err(GuestError::Protocol(_))));
    // One that hangs up in mid-poll frees its place at once.
    let mut gone = inn.greeted(1).await;
    write_frame(&mut gone, &waiting).await.unwrap();
    drop(gone);
    assert!(inn.ended().await.is_ok());
    assert_eq!(inn.guests.counts().connections, 0);
}

#[tokio::test]
async fn a_guest_has_so_many_connections_and_no_more() {
    let inn = Inn::open(GuestLimits::default()).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(inn.greeted(1).await);
    }
    let _fifth = inn.enter(1);
    assert!(matches!(inn.ended().await, Err(GuestError::TooMany { limit: 4 })));
    inn.greeted(2).await;
}

#[tokio::test]
async fn a_flood_of_strangers_shows_no_member_out() {
    let inn = Inn::open(GuestLimits { connections: 8, ..GuestLimits::default() }).await;
    let member = inn.client(1).await;
    member.register(&key("a")).await.unwrap();
    let mut crowd = Vec::new();
    for stranger in 10..40 {
        crowd.push(inn.greeted(stranger).await);
    }
    let counts = inn.guests.counts();
    assert_eq!((counts.connections, counts.turned_away), (8, 0));
    assert!(counts.shown_out >= 22, "{counts:?}");
    // The member's connection was never touched: one kept open is enough for all its calls.
    let before = inn.guests.counts().shown_out;
    member.publish(&commit(0, 1), &key("a")).await.unwrap();
    assert_eq!(inn.guests.counts().shown_out, before);
}

#[tokio::test]
async fn forged_and_foreign_transactions_never_reach_the_ledger() {
    let inn = Inn::open(GuestLimits::default()).await;
    let mut stream = inn.greeted(1).await;
    let mut submit = async |transaction| {
        let request = Request::Submit { transaction: super::super::block::HexTransaction(transaction), wait_ms: 1000 };
        match ask(&mut stream, &request).await {
            Some(Reply::Refused { reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    let stranger = key("stranger");
    let published = signed(&inn.run.ledger, &stranger, 0, Call::Publish(commit(0, 1))).await;
    let forged = Transaction { hotkey: key("validator-0").hotkey(), ..published.clone() };
    assert_eq!(submit(forged).await, ChainError::BadSignature);
    assert!(matches!(submit(published).await, ChainError::NotRegistered { .. }));
    let elsewhere = signed(&ledger().await, &stranger, 0, Call::Register).await;
    assert_eq!(submit(elsewhere).await, ChainError::BadSignature, "signed for another chain");
}

#[tokio::test]
async fn made_up_keys_do_not_fill_the_run() {
    let hour = Duration::from_secs(3600);
    let limits = GuestLimits { registrations: 5.0, registration_every: hour, ..GuestLimits::default() };
    let inn = Inn::of(&interval(20), limits).await;
    let mut taken = 0;
    for guest in 0..10 {
        let client = inn.client(guest).await;
        for n in 0..3 {
            match client.register(&key(&format!("made up {guest} {n}"))).await {
                Ok(_) => taken += 1,
                Err(error) => assert!(matches!(error, ChainError::TooOften { .. }), "{error}"),
            }
        }
    }
    assert_eq!(taken, 5);
    // Whoever is at the machine is not held up by it, and a key that is registered is told so.
    assert!(inn.run.backend.register(&key("local")).await.is_ok());
    assert_eq!(inn.client(0).await.register(&key("made up 0 0")).await.unwrap().uid, Uid(2));
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_too_fast_is_slowed_down_and_others_are_not() {
    let inn = Inn::open(GuestLimits { request_burst: 10.0, requests_per_sec: 10.0, ..GuestLimits::default() }).await;
    let (mut greedy, mut calm) = (inn.greeted(1).await, inn.greeted(2).await);
    let began = Instant::now();
    for _ in 0..30 {
        ask(&mut greedy, &Request::Head).await.unwrap();
    }
    let took = began.elapsed();
    assert!((Duration::from_millis(1900)..Duration::from_millis(2500)).contains(&took), "{took:?}");
    let began = Instant::now();
    ask(&mut calm, &Request::Head).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn strangers_under_full_load_do_not_hold_up_the_local_socket() {
    let inn = Inn::open(GuestLimits::default()).await;
    let (member, local) = (key("member"), key("local"));
    let backend: Arc<InProcess> = Arc::clone(&inn.run.backend);
    backend.register(&member).await.unwrap();
    let mut flood = JoinSet::new();
    for guest in 0..64 {
        let mut stream = inn.greeted(guest).await;
        let transaction =
            signed(&inn.run.ledger, &key(&format!("nobody {guest}")), 0, Call::Publish(commit(0, 1))).await;
        flood.spawn(async move {
            let transaction = super::super::block::HexTransaction(transaction);
            let request = Request::Submit { transaction, wait_ms: 20_000 };
            while ask(&mut stream, &request).await.is_some() {}
        });
    }
    backend.register(&local).await.unwrap();
    timeout(SOON, backend.publish(&commit(0, 2), &local)).await.unwrap().unwrap();
    flood.abort_all();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_end_in_whole_frames_or_silence(bytes in proptest::collection::vec(any::<u8>(), 0..300), framed: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let inn = Inn::open(quick()).await;
            let mut stream = inn.greeted(1).await;
            if framed {
                stream.write_all(&(bytes.len() as u32).to_le_bytes()).await.unwrap();
            }
            // It may hang up before the last byte.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let mut said = Vec::new();
            timeout(SOON, stream.read_to_end(&mut said)).await.unwrap().unwrap();
            let mut rest = &said[..];
            while !rest.is_empty() {
                let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
                serde_json::from_slice::<Reply>(&rest[4..4 + length]).unwrap();
                rest = &rest[4 + length..];
            }
            inn.ended().await.ok();
            assert_eq!(inn.guests.counts().connections, 0);
        });
    }
}
