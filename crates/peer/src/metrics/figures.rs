//! A role's figures, from its command line to its end.
//!
//! In: `--metrics`, the role's events, its network. Out: the page, or nothing at all where it was not asked for. A role
//! that cannot have its port works as ever, and says so; a rehearsal does not begin, since a person sits before it.

use ipc::{Event, LogLevel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Problem, RunManifest};

use super::{Metrics, MetricsArgs, MetricsError, serve};
use crate::events::Events;
use crate::network::PeerNetwork;

/// Figures, if somebody asked for them; cheap to clone.
#[derive(Clone, Default)]
pub struct Figures {
    metrics: Option<Metrics>,
    /// Whose network is asked.
    process: String,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Figures {
    /// For a role that says events: they are counted under `process`, and where the figures are is said.
    pub async fn start(
        events: &Events,
        process: &str,
        args: MetricsArgs,
        manifest: &RunManifest,
        stop: &CancellationToken,
    ) -> Self {
        let mut figures = match Self::open(args, stop).await {
            Ok((figures, None)) => return figures,
            Ok((figures, Some((level, text)))) => {
                events.log(level, text).await;
                figures
            }
            Err(error) => {
                let hint = "Name another port with --metrics; the work goes on without figures";
                let problem = Problem::new("no_metrics", error.to_string(), hint);
                events.say(Event::Problem { problem, fatal: false }).await;
                return Self::default();
            }
        };
        process.clone_into(&mut figures.process);
        let (tap, process) = (figures.clone(), process.to_owned());
        let tokens = u64::from(manifest.inner.batch_sequences) * u64::from(manifest.data.sequence_tokens);
        events.tap(move |event| tap.take(&process, tokens, event));
        figures
    }

    /// For whoever speaks for many processes and hands in what they say. Where the figures are goes to standard error.
    ///
    /// # Errors
    /// [`MetricsError`] if the address cannot be listened at.
    pub async fn of_many(args: MetricsArgs, stop: &CancellationToken) -> Result<Self, MetricsError> {
        let (figures, said) = Self::open(args, stop).await?;
        if let Some((_, text)) = said {
            eprintln!("{text}");
        }
        Ok(figures)
    }

    async fn open(
        args: MetricsArgs,
        stop: &CancellationToken,
    ) -> Result<(Self, Option<(LogLevel, String)>), MetricsError> {
        let Some(address) = args.metrics else { return Ok((Self::default(), None)) };
        let (metrics, tasks, stop) = (Metrics::new(), TaskTracker::new(), stop.child_token());
        let at = serve(address, metrics.clone(), &tasks, stop.clone()).await?;
        let (level, who) = if address.is_loopback() {
            (LogLevel::Info, "programs of this machine")
        } else {
            (LogLevel::Warn, "everybody who reaches that address")
        };
        let text = format!("figures at http://{at}/metrics, for {who}");
        Ok((Self { metrics: Some(metrics), process: String::new(), tasks, stop }, Some((level, text))))
    }

    /// The network's counters are asked of this one from now on.
    pub fn ask(&self, network: &PeerNetwork) {
        if let Some(metrics) = &self.metrics {
            metrics.ask_network(&self.process, network.gauge());
        }
    }

    /// Takes in what a process said; `tokens` of its inner steps are counted with them.
    pub fn take(&self, process: &str, tokens: u64, event: &Event) {
        if let Some(metrics) = &self.metrics {
            metrics.take(process, tokens, event);
        }
    }

    /// Whether nobody asked for figures.
    pub fn is_off(&self) -> bool {
        self.metrics.is_none()
    }

    /// Ends the server.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
