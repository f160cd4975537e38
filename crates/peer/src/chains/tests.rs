//! A chain that is away for a while, and one that refuses.

use std::sync::atomic::{AtomicU32, Ordering};

use types::Hotkey;

use super::*;

/// Fails so many times before it answers.
struct Flaky {
    failures: AtomicU32,
    asked: AtomicU32,
    error: ChainError,
}

impl Flaky {
    fn answer<T>(&self, value: T) -> Result<T, ChainError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let left = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() { Err(self.error.clone()) } else { Ok(value) }
    }
}

#[async_trait]
impl ChainBackend for Flaky {
    fn network(&self) -> NetworkInfo {
        NetworkInfo {
            name: String::new(),
            genesis: types::Hash32([0; 32]),
            symbol: String::new(),
            decimals: 9,
            has_value: false,
        }
    }

    async fn head(&self) -> Result<Head, ChainError> {
        self.answer(Head { number: BlockNumber(7), hash: types::Hash32([7; 32]), time_ms: 0 })
    }

    async fn wait_head(&self, _: BlockNumber) -> Result<Head, ChainError> {
        self.head().await
    }

    async fn register(&self, _: &dyn Signer) -> Result<Registration, ChainError> {
        self.answer(Registration { uid: Uid(0), block: BlockNumber(0) })
    }

    async fn neurons(&self) -> Result<Vec<Neuron>, ChainError> {
        self.answer(Vec::new())
    }

    async fn publish(&self, _: &Record, _: &dyn Signer) -> Result<Receipt, ChainError> {
        self.answer(Receipt { block: BlockNumber(0), index: 0 })
    }

    async fn records(&self, _: BlockNumber, _: BlockNumber) -> Result<Vec<ChainRecord>, ChainError> {
        self.answer(Vec::new())
    }

    async fn set_weights(&self, _: &[(Uid, u16)], _: &dyn Signer) -> Result<Receipt, ChainError> {
        self.answer(Receipt { block: BlockNumber(0), index: 0 })
    }

    async fn epochs(&self, _: BlockNumber, _: BlockNumber) -> Result<Vec<EpochReward>, ChainError> {
        self.answer(Vec::new())
    }
}

fn flaky(failures: u32, error: ChainError) -> Patient<Flaky> {
    Patient(Flaky { failures: AtomicU32::new(failures), asked: AtomicU32::new(0), error })
}

fn silent() -> ChainError {
    ChainError::Unavailable { why: "nobody is there".into() }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_out_but_not_for_ever() {
    let chain = flaky(5, silent());
    assert_eq!(chain.head().await.map(|head| head.number), Ok(BlockNumber(7)));
    assert_eq!(chain.0.asked.load(Ordering::Relaxed), 6);
    let chain = flaky(u32::MAX, silent());
    let began = Instant::now();
    assert_eq!(chain.neurons().await, Err(silent()));
    assert!(began.elapsed() <= PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_no_outage() {
    let refusal = ChainError::NotRegistered { hotkey: Hotkey([1; 32]) };
    let chain = flaky(1, refusal.clone());
    assert_eq!(chain.records(BlockNumber(0), BlockNumber(1)).await, Err(refusal));
    assert_eq!(chain.0.asked.load(Ordering::Relaxed), 1);
}
