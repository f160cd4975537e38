//! The one place where bytes wait for the line.
//!
//! In: a piece about to go. Out: when it may. Waiters are served in the order in which they came, one piece each, and a
//! peer's streams wait for each other first: so the line is shared by peers and not by streams. Nobody waits in a tap
//! without a rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

use super::TokenBucket;

/// A peer's place in the queue, shared by its streams.
pub(crate) type Turn = Arc<Mutex<()>>;

/// A limited direction of the line. Cancel-safe: who stops waiting has paid for one piece.
#[derive(Debug)]
pub(crate) struct Tap {
    bucket: Mutex<TokenBucket>,
    rate: watch::Sender<Option<u64>>,
    start: Instant,
    passed: AtomicU64,
}

impl Tap {
    /// A tap of this many bytes a second.
    pub(crate) fn new(rate: Option<u64>) -> Self {
        let start = Instant::now();
        Self {
            bucket: Mutex::new(TokenBucket::new(rate, Duration::ZERO)),
            rate: watch::Sender::new(rate),
            start,
            passed: AtomicU64::new(0),
        }
    }

    /// From now on, also for those who wait.
    pub(crate) fn set_rate(&self, rate: Option<u64>) {
        self.rate.send_if_modified(|held| std::mem::replace(held, rate) != rate);
    }

    /// The rate in bytes a second.
    pub(crate) fn rate(&self) -> Option<u64> {
        *self.rate.borrow()
    }

    /// Bytes to take at once.
    pub(crate) fn piece(&self) -> usize {
        TokenBucket::new(self.rate(), Duration::ZERO).piece()
    }

    /// Bytes that went through.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Waits until `bytes` may go; behind the other streams of `turn`'s peer.
    pub(crate) async fn take(&self, bytes: usize, turn: Option<&Turn>) {
        self.passed.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.rate().is_none() {
            return;
        }
        let _turn = match turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let mut changes = self.rate.subscribe();
        let mut bucket = self.bucket.lock().await;
        bucket.set_rate(*changes.borrow_and_update(), self.start.elapsed());
        let mut wait = bucket.take(bytes, self.start.elapsed());
        while !wait.is_zero() {
            tokio::select! {
                () = sleep(wait) => return,
                // The sender lives as long as the tap.
                _ = changes.changed() => {}
            }
            bucket.set_rate(*changes.borrow_and_update(), self.start.elapsed());
            wait = bucket.owed(self.start.elapsed());
        }
    }
}
