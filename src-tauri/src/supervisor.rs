//! The loop between the peer and the person: events in, screens out, and an orderly end.
//!
//! One task owns everything: the child, the state, the terminal. Waiting is bounded: after Ctrl-C the peer has
//! [`GRACE`] to end, then it is killed; a second Ctrl-C kills it at once.

use crate::state::Shown;
use crate::terminal::Terminal;
use crate::{child, places};
use anyhow::{Context as _, Result};
use ipc::{EventLine, LineSplitter, decode_line};
use serde_json::Value;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::time::{Instant, MissedTickBehavior};

/// Longest orderly end: a rehearsal gives its own children twenty seconds.
const GRACE: Duration = Duration::from_secs(30);
/// Redraws per second at most, and how often durations on screen move.
const FRAME: Duration = Duration::from_millis(250);
/// One pipe buffer.
const READ_BYTES: usize = 64 * 1024;

/// Rehearses and shows it; ends with the peer's own exit code.
pub(crate) fn rehearse(args: &[String]) -> Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("no event loop can be had")?;
    // On this thread: the peer's death signal is tied to the thread that starts it.
    runtime.block_on(supervise(&places::peer()?, args, &mut Terminal::new()))
}

async fn supervise(program: &Path, args: &[String], terminal: &mut Terminal) -> Result<ExitCode> {
    let mut end_signals = EndSignals::listen()?;
    let mut child = child::start(program, args)?;
    let mut stdout = child.stdout.take().context("the peer has no standard output")?;
    let (mut state, mut splitter) = (Shown::new(), LineSplitter::new());
    let mut buffer = vec![0; READ_BYTES];
    let mut frame = tokio::time::interval(FRAME);
    frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kill_at: Option<Instant> = None;
    let mut open = true;
    let status = loop {
        tokio::select! {
            read = stdout.read(&mut buffer), if open => match read {
                Ok(0) | Err(_) => open = false,
                Ok(count) => hear(&mut state, &mut splitter, &buffer[..count]),
            },
            // Not before the last line is read: the summary comes right before the end.
            status = child.wait(), if !open => break status.context("the peer can't be waited for")?,
            _ = frame.tick() => show(&state, terminal)?,
            () = end_signals.next() => {
                kill_at = Some(on_end_asked(&mut child, &mut state, kill_at));
            }
            () = sleep_until(kill_at) => {
                child.start_kill().ok();
                // Whoever inherited the pipe may keep it open; the peer itself is gone.
                open = false;
            }
        }
    };
    show(&state, terminal)?;
    terminal.finish().context("the terminal is gone")?;
    Ok(exit_code(status, &state))
}

fn on_end_asked(child: &mut Child, state: &mut Shown, kill_at: Option<Instant>) -> Instant {
    if kill_at.is_some() {
        child.start_kill().ok();
        return Instant::now();
    }
    child::ask_to_end(child);
    state.stopping(now_ms().saturating_add(u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX)));
    Instant::now() + GRACE
}

/// Feeds bytes to the state, line by line. A line that is no event is passed over: a newer peer may know more words.
fn hear(state: &mut Shown, splitter: &mut LineSplitter, mut bytes: &[u8]) {
    while let Some(line) = splitter.next_line(&mut bytes) {
        let Ok(value) = line.and_then(|line| decode_line::<Value>(&line)) else { continue };
        let speaker = ["who", "name"].iter().find_map(|key| value[*key].as_str()).unwrap_or("peer").to_owned();
        if let Ok(event) = serde_json::from_value::<EventLine>(value) {
            state.take(&speaker, &event);
        }
    }
}

fn show(state: &Shown, terminal: &mut Terminal) -> Result<()> {
    let screen = ui::screen(&state.snapshot(now_ms()), terminal.width());
    terminal.draw(screen).context("the terminal is gone")
}

/// Ctrl-C, and SIGTERM where there is one. Listens from its making on, so that none is missed between two waits.
#[cfg(unix)]
struct EndSignals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl EndSignals {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("signals can't be listened to");
        Ok(Self(listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(windows)]
struct EndSignals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl EndSignals {
    fn listen() -> Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self).context("Ctrl-C can't be listened to")
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Milliseconds since the Unix epoch by this machine's clock; for display only.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn exit_code(status: ExitStatus, state: &Shown) -> ExitCode {
    match status.code() {
        Some(0) if !state.finished() => ExitCode::FAILURE,
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::FAILURE,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
