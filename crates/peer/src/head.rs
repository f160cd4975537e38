//! Follows the chain's head.
//!
//! In: a chain. Out: a `watch` of the newest head, and a `waiting` event while the chain does not answer. It decides
//! nothing; phases are the round machine's business.

use std::sync::Arc;
use std::time::Duration;

use chain::{ChainBackend, Head};
use ipc::{Event, LogLevel};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::events::{Events, now_ms};

/// First pause after a chain that did not answer; doubled up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(200);
/// Longest pause between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Follows heads until cancelled or nobody listens.
pub async fn follow(chain: Arc<dyn ChainBackend>, heads: watch::Sender<Head>, events: Events, stop: CancellationToken) {
    let mut backoff = MIN_BACKOFF;
    let mut since = None;
    loop {
        let after = heads.borrow().number;
        let next = tokio::select! {
            () = stop.cancelled() => return,
            () = heads.closed() => return,
            next = chain.wait_head(after) => next,
        };
        match next {
            Ok(head) => {
                if since.take().is_some() {
                    events.log(LogLevel::Info, format!("the chain answers again, at block {}", head.number)).await;
                }
                backoff = MIN_BACKOFF;
                heads.send_replace(head);
            }
            Err(error) => {
                if since.is_none() {
                    since = Some(now_ms());
                    events.log(LogLevel::Warn, format!("the chain does not answer: {error}")).await;
                }
                let waiting = Event::Waiting {
                    for_whom: vec!["chain".into()],
                    since_ms: since.unwrap_or_default(),
                    what: "a new block".into(),
                };
                events.say(waiting).await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(backoff) => backoff = (2 * backoff).min(MAX_BACKOFF),
                }
            }
        }
    }
}
