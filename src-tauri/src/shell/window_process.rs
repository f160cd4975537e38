//! The window as a process: started when somebody wants to see it, ended when it is closed, started again once if it died.
//!
//! In: lines for it. Out: lines from it, and how it ended. A window that has not painted in time is started anew on a
//! plainer way of drawing; when the plainest fails too, that is said and the tray remains. The peer never notices.

use anyhow::{Context as _, Result};
use app::FromShell;
use ipc::{LineSplitter, decode_line};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use view_model::{FromWindow, MAX_LINE_BYTES, Screen, ToWindow};
use zeroize::Zeroize as _;

/// Longest wait for the first frame. A cold start on a slow disk takes two seconds.
const FIRST_PAINT: Duration = Duration::from_secs(8);
/// Longest wait for a window that was told to close.
const CLOSING: Duration = Duration::from_secs(2);
/// Lines on their way to the window. A window that reads slower than this misses snapshots, never the last one.
const QUEUE: usize = 64;
/// One pipe buffer.
const READ_BYTES: usize = 64 * 1024;

/// A way of drawing, from the best to the plainest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// Whatever wgpu finds, on the card that trains least.
    Best,
    /// OpenGL.
    Gl,
    /// OpenGL without a card.
    Software,
}

impl Drawing {
    /// The next plainer one.
    pub(crate) fn plainer(self) -> Option<Self> {
        match self {
            Self::Best => Some(Self::Gl),
            Self::Gl => Some(Self::Software),
            Self::Software => None,
        }
    }

    /// Its word on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Gl => "gl",
            Self::Software => "software",
        }
    }
}

/// How a window came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Somebody closed it.
    Closed,
    /// It ended by itself, after it had painted or before.
    Crashed {
        /// Whether a frame was seen.
        painted: bool,
    },
}

/// What the shell holds of the window.
#[derive(Debug)]
pub(crate) struct WindowProcess {
    lines: mpsc::Sender<ToWindow>,
    close: CancellationToken,
}

impl WindowProcess {
    /// Starts it; `ended` hears how it ended.
    pub(crate) fn start(
        program: &Path,
        drawing: Drawing,
        screen: Screen,
        to_app: mpsc::Sender<FromShell>,
        ended: mpsc::Sender<(Drawing, Ended)>,
        tasks: &TaskTracker,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("--window").arg(drawing.word());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if drawing != Drawing::Best {
            command.env("WGPU_BACKEND", "gl");
        }
        if drawing == Drawing::Software {
            command.env("LIBGL_ALWAYS_SOFTWARE", "1");
        }
        let mut child = command.spawn().with_context(|| format!("{} can't be started", program.display()))?;
        let stdin = child.stdin.take().context("the window has no standard input")?;
        let stdout = child.stdout.take().context("the window has no standard output")?;
        let (lines, queue) = mpsc::channel(QUEUE);
        lines.try_send(ToWindow::Show { screen }).ok();
        let close = CancellationToken::new();
        let life = Life { child, drawing, to_app, close: close.clone() };
        tasks.spawn(async move {
            let drawing = life.drawing;
            let end = life.live(stdin, stdout, queue).await;
            // The shell may be gone already; then nobody has to know.
            ended.send((drawing, end)).await.ok();
        });
        Ok(Self { lines, close })
    }

    /// Sends a line. A full queue drops it: the app sends the whole state again with the next change.
    pub(crate) async fn send(&self, line: ToWindow) {
        if self.lines.send_timeout(line, CLOSING).await.is_err() {
            tracing::debug!("the window reads no lines");
        }
    }

    /// Asks it to close; it is ended after [`CLOSING`].
    pub(crate) fn close(&self) {
        self.close.cancel();
    }

    /// Whether it takes lines.
    pub(crate) fn is_open(&self) -> bool {
        !self.lines.is_closed()
    }
}

struct Life {
    child: Child,
    drawing: Drawing,
    to_app: mpsc::Sender<FromShell>,
    close: CancellationToken,
}

impl Life {
    async fn live(mut self, stdin: ChildStdin, stdout: ChildStdout, queue: mpsc::Receiver<ToWindow>) -> Ended {
        let (painted, mut paint) = mpsc::channel(1);
        let writing = write_lines(stdin, queue, self.close.clone());
        let reading = read_lines(stdout, self.to_app.clone(), painted);
        tokio::pin!(writing, reading);
        let (mut wrote, mut read, mut seen) = (false, false, false);
        let first_paint = tokio::time::sleep(FIRST_PAINT);
        tokio::pin!(first_paint);
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status,
                () = &mut writing, if !wrote => wrote = true,
                () = &mut reading, if !read => read = true,
                Some(()) = paint.recv(), if !seen => seen = true,
                () = &mut first_paint, if !seen => {
                    tracing::warn!("the window has not painted in {} s", FIRST_PAINT.as_secs());
                    self.child.start_kill().ok();
                    break self.child.wait().await;
                }
                () = self.close.cancelled() => {
                    break match tokio::time::timeout(CLOSING, self.child.wait()).await {
                        Ok(status) => status,
                        Err(_) => {
                            self.child.start_kill().ok();
                            self.child.wait().await
                        }
                    };
                }
            }
        };
        match status {
            Ok(status) if status.success() => Ended::Closed,
            _ if self.close.is_cancelled() => Ended::Closed,
            _ => Ended::Crashed { painted: seen },
        }
    }
}

/// Writes lines until the window is gone or is to close; its end is the end of its input.
async fn write_lines(mut stdin: ChildStdin, mut queue: mpsc::Receiver<ToWindow>, close: CancellationToken) {
    loop {
        let line = tokio::select! {
            line = queue.recv() => line,
            () = close.cancelled() => Some(ToWindow::Bye),
        };
        let Some(line) = line else { return };
        let bye = matches!(line, ToWindow::Bye);
        let Ok(mut text) = serde_json::to_string(&line) else { continue };
        text.push('\n');
        if text.len() > MAX_LINE_BYTES {
            tracing::warn!("a line for the window has {} bytes and is left out", text.len());
            continue;
        }
        if stdin.write_all(text.as_bytes()).await.is_err() || stdin.flush().await.is_err() || bye {
            return;
        }
    }
}

/// Reads lines until the window closes its output. A line that is none of ours is passed over.
async fn read_lines(mut stdout: ChildStdout, to_app: mpsc::Sender<FromShell>, painted: mpsc::Sender<()>) {
    let mut splitter = LineSplitter::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        // What was typed may be a passphrase: it does not stay in the buffer. (Freed memory is wiped by the allocator.)
        buffer.as_mut_slice().zeroize();
        let Ok(count @ 1..) = stdout.read(&mut buffer).await else { return };
        let mut bytes = &buffer[..count];
        while let Some(line) = splitter.next_line(&mut bytes) {
            let said = match line.and_then(|line| decode_line::<FromWindow>(&line)) {
                Ok(FromWindow::Painted { after_ms, adapter }) => {
                    tracing::info!("first frame after {after_ms} ms, drawn by {adapter}");
                    painted.try_send(()).ok();
                    FromShell::Painted { after_ms, adapter }
                }
                Ok(FromWindow::Intent(intent)) => FromShell::Intent(intent),
                Err(error) => {
                    tracing::debug!("a line of the window is passed over: {error}");
                    continue;
                }
            };
            if to_app.send(said).await.is_err() {
                return;
            }
        }
    }
}
