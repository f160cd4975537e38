//! What a process says: one bounded queue, one writer thread, one line per event.
//!
//! In: typed events from anywhere in the process. Out: JSON lines on a pipe, or words on the terminal, and an append-only
//! `events.jsonl` that can be replayed. Facts wait for room in the queue; progress is dropped when there is none.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ipc::{Event, EventLine, LineWriter, LogLevel};
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
}

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
        Ok((Self { queue, latest: Arc::default() }, thread))
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

    /// Before it is queued, so that a snapshot never lacks what stands in front of it.
    fn note(&self, event: &Event) {
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
    let mut seq = 0;
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
        if words && let Some(sentence) = sentence(&line.event) {
            eprintln!("{sentence}");
        }
    }
}

/// The sentence a fact is worth on a terminal; `None` for progress.
pub(crate) fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::CatchingUp { from, to, done } => format!("catching up from round {from} to {to}: {done} done"),
        Event::Submitted { round, bytes, .. } => format!("round {round}: submitted {bytes} bytes"),
        Event::OuterStepApplied { round, peers, theta, .. } => {
            format!("round {round}: outer step over {peers} peers, parameters {}", theta.short())
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
