//! Sensors under test.

use std::time::Duration;

use sensors::{Config, Places, Reading, Sensed, Sensors};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A busy machine is slow; what never comes fails after this. Shorter than what is read anew by itself.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Run {
    pub(crate) sensed: mpsc::Receiver<Sensed>,
    pub(crate) config: watch::Sender<Config>,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

/// Readings as fast as they come.
pub(crate) fn places() -> Places {
    Places { every: Duration::from_millis(50), ..Places::nowhere() }
}

impl Run {
    pub(crate) fn start(places: Places) -> Self {
        let (config, asked) = watch::channel(Config::default());
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let sensed = Sensors::start(places, asked, cancel.clone(), &tracker);
        Self { sensed, config, cancel, tracker }
    }

    /// The next one that is wanted; the others are dropped.
    pub(crate) async fn until<T>(&mut self, mut wanted: impl FnMut(Sensed) -> Option<T>) -> T {
        let search = async {
            loop {
                let sensed = self.sensed.recv().await.expect("the sensors go on");
                if let Some(found) = wanted(sensed) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("it comes")
    }

    /// The next reading that is as wanted.
    pub(crate) async fn reading(&mut self, wanted: impl Fn(&Reading) -> bool) -> Reading {
        self.until(|sensed| match sensed {
            Sensed::Reading(reading) if wanted(&reading) => Some(*reading),
            _ => None,
        })
        .await
    }

    /// Ends them, and waits for their end.
    pub(crate) async fn end(mut self) {
        self.cancel.cancel();
        self.tracker.close();
        timeout(PATIENCE, self.tracker.wait()).await.expect("they end");
        while self.sensed.recv().await.is_some() {}
    }
}
