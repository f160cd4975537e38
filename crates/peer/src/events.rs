//! What a process says: one bounded queue, one writer thread, one line per event.
//!
//! In: typed events from anywhere in the process. Out: JSON lines on a pipe, or words on the terminal, and an append-only
//! `events.jsonl` that can be replayed. Facts wait for room in the queue; progress is dropped when there is none.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ipc::{Event, EventLine, Fetched, LineWriter, LogLevel, RoundParts};
use tokio::sync::mpsc;

use crate::latest::Latest;

/// Events that may wait for a slow reader.
const QUEUE: usize = 1024;
/// An event log longer than this is started afresh; the one before is kept.
const MAX_LOG_BYTES: u64 = 64 * 1024 * 1024;

/// A reader that does not read must not keep a process from ending.
const FLUSH_TIME: Duration = Duration::from_secs(2);
/// The last event left the queue; its line is on the way.
const LAST_LINE_TIME: Duration = Duration::from_millis(20);

/// Where events go.
pub enum Sink {
    /// JSON lines into a pipe.
    Json(Box<dyn Write + Send>),
    /// One sentence per fact on standard error.
    Words,
    /// Only into the log file.
    Silent,
}

/// A cheap handle for saying things. The writer thread ends when every handle is gone.
#[derive(Clone)]
pub struct Events {
    queue: mpsc::Sender<Event>,
    latest: Arc<Mutex<Latest>>,
    tap: Arc<OnceLock<Tap>>,
}

/// Hears every event as it is said, before it is queued; must be quick.
type Tap = Box<dyn Fn(&Event) + Send + Sync>;

/// Milliseconds since the Unix epoch by this machine's clock; for display, never for the protocol.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

impl Events {
    /// Starts the writer thread.
    ///
    /// # Errors
    /// The log file cannot be opened, or no thread can be had.
    pub fn open(sink: Sink, log: Option<&Path>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let log = log.map(open_log).transpose()?;
        let (queue, inbox) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("events".into()).spawn(move || write_all(inbox, sink, log))?;
        Ok((Self { queue, latest: Arc::default(), tap: Arc::default() }, thread))
    }

    /// Says a fact: waits for room. Nothing happens if the reader has gone.
    pub async fn say(&self, event: Event) {
        self.note(&event);
        let _ = self.queue.send(event).await;
    }

    /// Says progress: dropped if there is no room.
    pub fn progress(&self, event: Event) {
        self.note(&event);
        let _ = self.queue.try_send(event);
    }

    /// What still holds of everything said.
    pub fn snapshot(&self) -> Vec<Event> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).events()
    }

    /// From now on `tap` hears everything that is said through any clone of this handle, progress that is dropped
    /// included. There is one; a second is let go.
    pub fn tap(&self, tap: impl Fn(&Event) + Send + Sync + 'static) {
        let _ = self.tap.set(Box::new(tap));
    }

    /// Before it is queued, so that a snapshot never lacks what stands in front of it.
    fn note(&self, event: &Event) {
        if let Some(tap) = self.tap.get() {
            tap(event);
        }
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).take(event);
    }

    /// Waits until everything said so far has been taken by the writer thread, at most two seconds.
    pub async fn flush(&self) {
        let all = self.queue.max_capacity();
        let drained = self.queue.reserve_many(all);
        // Being handed the whole queue means that it is empty; the writer flushes after each line.
        let _ = tokio::time::timeout(FLUSH_TIME, drained).await.map(drop);
        tokio::time::sleep(LAST_LINE_TIME).await;
    }

    /// Says a line for the log.
    pub async fn log(&self, level: LogLevel, text: impl Into<String>) {
        self.say(Event::Log { level, text: text.into() }).await;
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    if path.metadata().is_ok_and(|m| m.len() > MAX_LOG_BYTES) {
        std::fs::rename(path, path.with_extension("previous.jsonl"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

fn write_all(mut inbox: mpsc::Receiver<Event>, sink: Sink, log: Option<File>) {
    let mut log = log.map(LineWriter::new);
    let (mut pipe, words) = match sink {
        Sink::Json(to) => (Some(LineWriter::new(to)), false),
        Sink::Words => (None, true),
        Sink::Silent => (None, false),
    };
    let (mut seq, mut fetching) = (0, Tenths::default());
    while let Some(event) = inbox.blocking_recv() {
        let line = EventLine { seq, at_ms: now_ms(), event };
        seq += 1;
        // A reader that has gone or a full disk must not stop training; the pipe's end is noticed on stdin.
        if pipe.as_mut().is_some_and(|pipe| pipe.write(&line).is_err()) {
            pipe = None;
        }
        let secret_free = !matches!(line.event, Event::SignRequest { .. });
        if secret_free && log.as_mut().is_some_and(|log| log.write(&line).is_err()) {
            log = None;
        }
        if words
            && fetching.is_news(&line.event)
            && let Some(sentence) = sentence(&line.event)
        {
            eprintln!("{sentence}");
        }
    }
}

/// A fetch is worth a line on a terminal at every tenth of it.
#[derive(Default)]
struct Tenths(Option<(Fetched, u64)>);

impl Tenths {
    fn is_news(&mut self, event: &Event) -> bool {
        let Event::Fetching { what, done, total, .. } = event else { return true };
        let tenth = (*what, percent(done.0, total.0) / 10);
        self.0.replace(tenth) != Some(tenth)
    }
}

fn percent(done: u64, total: u64) -> u64 {
    let percent = u128::from(done.min(total)) * 100 / u128::from(total.max(1));
    u64::try_from(percent).unwrap_or(100)
}

/// The sentence a fact is worth on a terminal; `None` for progress.
pub(crate) fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::CatchingUp { from, to, done } => format!("catching up from round {from} to {to}: {done} done"),
        Event::Submitted { round, bytes, .. } => format!("round {round}: submitted {bytes} bytes"),
        Event::OuterStepApplied { round, peers, theta, .. } => {
            format!("round {round}: outer step over {peers} peers, parameters {}", theta.short())
        }
        Event::RoundTimed { round, parts } => timed(round.0, parts),
        Event::Fetching { what, done, total, sources } => {
            let what = match what {
                Fetched::Run => "the run's manifest",
                Fetched::Dataset => "the data set",
                Fetched::Checkpoint => "the checkpoint",
            };
            let plural = if *sources == 1 { "source" } else { "sources" };
            format!("fetching {what}: {} % of {total} bytes from {sources} {plural}", percent(done.0, total.0))
        }
        Event::VerdictReceived { round, uid, verdict, .. } => format!("round {round}: peer {uid} {verdict}"),
        Event::Evaluated { round, loss } => format!("round {round}: held-out loss {loss:.4}"),
        Event::Paused { reason, .. } => format!("paused: {reason}"),
        Event::Resumed => "resumed".into(),
        Event::Stopping { price, .. } => format!("stopping: {price}"),
        Event::Problem { problem, .. } => problem.to_string(),
        Event::Log { level, text } if *level >= LogLevel::Info => text.clone(),
        _ => return None,
    })
}

/// `round 3: 90.0 s: compute 82.0, compress 1.2, gather 4.1`; what did not happen is left out.
fn timed(round: u64, parts: &RoundParts) -> String {
    let RoundParts { compute, compress, commit, upload, gather, outer, idle } = *parts;
    let named = [
        ("compute", compute),
        ("compress", compress),
        ("commit", commit),
        ("upload", upload),
        ("gather", gather),
        ("outer", outer),
        ("idle", idle),
    ];
    let secs = |ms: u64| ms as f64 / 1e3;
    let words: Vec<String> =
        named.iter().filter(|(_, ms)| *ms > 0).map(|(name, ms)| format!("{name} {:.1}", secs(*ms))).collect();
    format!("round {round}: {:.1} s: {}", secs(crate::timeline::sum(parts)), words.join(", "))
}

#[cfg(test)]
mod tests;
