//! Gives cards the power limit that is wished for, and their own one back.
//!
//! In: the newest wish. Out: problems, each said once until the wish changes. What an earlier run of the app that was killed
//! left behind is put back first; what cannot be put back now is tried again at every change and at the end.

use crate::state::{Event, PowerWish};
use gpu::{PowerError, PowerGuard, Prober};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Name of the memory of old limits in the data folder.
const FILE: &str = "power-limits.json";

/// Follows the wishes until `stop`.
pub(super) async fn follow(
    data_dir: PathBuf,
    probe: Prober,
    mut wishes: watch::Receiver<PowerWish>,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    let mut guard = match PowerGuard::open(data_dir.join(FILE), Arc::new(probe)) {
        Ok(guard) => guard,
        Err(error) => return tell(&events, &error),
    };
    restore(&mut guard, &events).await;
    loop {
        tokio::select! {
            changed = wishes.changed() => if changed.is_err() { break },
            () = stop.cancelled() => break,
        }
        let wish = wishes.borrow_and_update().clone();
        match wish.watts {
            None => restore(&mut guard, &events).await,
            Some(watts) => {
                for card in &wish.cards {
                    if let Err(error) = guard.set(card, watts.saturating_mul(1000)).await {
                        tell(&events, &error);
                    }
                }
            }
        }
    }
    restore(&mut guard, &events).await;
}

async fn restore(guard: &mut PowerGuard, events: &mpsc::Sender<Event>) {
    match guard.restore().await {
        Ok(cards) => cards.iter().filter_map(|card| card.outcome.as_ref().err()).for_each(|error| tell(events, error)),
        Err(error) => tell(events, &error),
    }
}

/// Without waiting: at the end nobody listens any more.
fn tell(events: &mpsc::Sender<Event>, error: &PowerError) {
    let _ = events.try_send(Event::Found(error.problem()));
}
