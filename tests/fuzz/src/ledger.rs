//! What a stranger may send to a run's ledger over the internet.
//!
//! In: the bytes of a whole conversation, hostile. Out: whole frames of JSON, the first of which says which chain this is, and no memory
//! that the length of the conversation does not justify. The ledger behind is a real one, in memory.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chain::ledger::{Genesis, GuestLimits, Guests, InProcess, Ledger, Mempool};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use types::manifest::{ChainParams, Clock, RoundParams};
use types::{Hash32, Rao, RunId, Signer as _};
use wallet::LocalSigner;

use crate::allocation::at_most;

/// Two pipes, a frame of the longest request and what JSON makes of it, and a reply with the genesis block.
const CONVERSATION_BYTES: usize = 2 << 20;
/// Longest frame of the ledger's wire.
const MAX_FRAME_BYTES: usize = 1 << 20;

struct Inn {
    runtime: Runtime,
    backend: Arc<InProcess>,
}

fn inn() -> &'static Inn {
    static INN: OnceLock<Inn> = OnceLock::new();
    INN.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let backend = runtime.block_on(async {
            let sequencer = LocalSigner::derive(&[7; 32], "sequencer");
            let chain = ChainParams {
                sequencer: sequencer.hotkey(),
                validators: vec![(LocalSigner::derive(&[7; 32], "validator").hotkey(), Rao(100))],
                rao_per_block: Rao(1),
                tempo: 10,
                owner_cut: 0,
                kappa: 32_767,
                bond_alpha: 6_553,
                clock: Clock::Interval { block_ms: 1000 },
                subtensor: None,
            };
            let rounds = RoundParams { blocks: 12, commit_by: 5, attest_by: 9, null_rounds: 0, checkpoint_every: 10 };
            let genesis = Genesis { run: RunId(Hash32([5; 32])), name: "fuzz".to_owned(), chain, rounds };
            let ledger = Arc::new(Ledger::in_memory(&genesis, 1_700_000_000_000, &sequencer).await.unwrap());
            // Its sequencer has ended: what is submitted is checked and refused.
            let (mempool, _) = Mempool::new(ledger.genesis_hash());
            Arc::new(InProcess::new(ledger, mempool))
        });
        Inn { runtime, backend }
    })
}

pub(crate) fn guest(data: &[u8]) {
    let inn = inn();
    let said = at_most(CONVERSATION_BYTES, || inn.runtime.block_on(converse(&inn.backend, data)));
    let (mut rest, mut first) = (&said[..], true);
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        assert!(length <= MAX_FRAME_BYTES);
        let frame: Value = serde_json::from_slice(&rest[4..4 + length]).unwrap();
        assert!(frame.get(if first { "covey_ledger" } else { "answer" }).is_some(), "{frame}");
        (rest, first) = (&rest[4 + length..], false);
    }
    assert!(!first, "a guest is always greeted");
}

async fn converse(backend: &Arc<InProcess>, data: &[u8]) -> Vec<u8> {
    let limits = GuestLimits { idle: Duration::from_secs(5), ..GuestLimits::default() };
    let guests = Guests::new(Arc::clone(backend), limits);
    let (mut near, far) = tokio::io::duplex(16 * 1024);
    let cancel = CancellationToken::new();
    let talk = async {
        // It may be hung up on before its last byte.
        let _ = near.write_all(data).await;
        let _ = near.shutdown().await;
        let mut said = Vec::new();
        near.read_to_end(&mut said).await.unwrap();
        said
    };
    let (said, _) = tokio::join!(talk, guests.serve(1u8, far, &cancel));
    assert_eq!(guests.counts().connections, 0);
    said
}

pub(crate) fn guest_seeds() -> Vec<Vec<u8>> {
    let forged = format!("01{}", "00".repeat(32 + 8 + 64));
    let requests = [
        json!({ "ask": "genesis" }),
        json!({ "ask": "head" }),
        json!({ "ask": "wait_head", "after": 0, "wait_ms": 0 }),
        json!({ "ask": "account", "hotkey": LocalSigner::derive(&[7; 32], "validator").hotkey() }),
        json!({ "ask": "neurons" }),
        json!({ "ask": "records", "from": 0, "to": 9 }),
        json!({ "ask": "epochs", "from": 0, "to": 9 }),
        json!({ "ask": "submit", "transaction": forged, "wait_ms": 1 }),
        json!({ "ask": "waiting" }),
    ];
    let frame = |request: &Value| {
        let text = request.to_string();
        let mut frame = (text.len() as u32).to_le_bytes().to_vec();
        frame.extend(text.as_bytes());
        frame
    };
    requests.iter().map(frame).collect()
}
