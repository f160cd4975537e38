//! The probe's process, seen from the app.
//!
//! In: which program to run and how long it may take. Out: lines it said, or how it ended. A child is killed when it is
//! dropped; one that the kernel cannot kill, because a driver call never returns, is kept and no second one is started.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::line::LineReader;
use crate::{Fault, ProbeEnd, ProbeLine};

/// How long a killed child may take to be gone; longer means that it hangs inside the kernel.
const REAP_LIMIT: Duration = Duration::from_secs(2);
/// Lines that are no word and are passed over before an answer: the driver's library may print some of its own.
const MAX_STRAY_LINES: usize = 64;

/// Which program the probe is.
#[derive(Debug, Clone)]
pub(crate) struct ProbeCommand {
    pub(crate) program: PathBuf,
    /// Before the mode.
    pub(crate) first_args: Vec<OsString>,
    /// After it.
    pub(crate) options: Vec<OsString>,
    /// Variables that only the child gets.
    pub(crate) env: Vec<(OsString, OsString)>,
}

/// A probe that runs.
#[derive(Debug)]
pub(crate) struct Probe {
    child: Child,
    lines: LineReader<BufReader<ChildStdout>>,
    /// Closing it ends a watching probe.
    _leash: Option<ChildStdin>,
}

impl ProbeCommand {
    /// Starts a probe in a mode. Its standard error goes nowhere: what the driver prints is not for people.
    ///
    /// # Errors
    /// [`ProbeEnd::NotStarted`] as a fault.
    pub(crate) fn start(&self, mode: &[OsString]) -> Result<Probe, Fault> {
        let mut command = Command::new(&self.program);
        command.args(&self.first_args).args(mode).args(&self.options);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        without_window(&mut command);
        let not_started = || Fault::ProbeCrashed { end: ProbeEnd::NotStarted };
        let mut child = command.spawn().map_err(|error| {
            tracing::warn!(%error, program = %self.program.display(), "the GPU probe did not start");
            not_started()
        })?;
        let out = child.stdout.take().ok_or_else(not_started)?;
        let leash = child.stdin.take();
        Ok(Probe { child, lines: LineReader::new(BufReader::new(out)), _leash: leash })
    }
}

/// A console program started by a window program would flash a console.
#[cfg(windows)]
fn without_window(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn without_window(_: &mut Command) {}

impl Probe {
    /// The next word within `limit`; lines that are none are passed over.
    ///
    /// # Errors
    /// [`Fault::ProbeTimedOut`], or [`Fault::ProbeCrashed`] with how it ended.
    pub(crate) async fn next(&mut self, limit: Duration) -> Result<ProbeLine, Fault> {
        match timeout(limit, self.word()).await {
            Ok(Some(word)) => Ok(word),
            Ok(None) => Err(Fault::ProbeCrashed { end: self.end().await }),
            Err(_) => Err(Fault::ProbeTimedOut { after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }),
        }
    }

    async fn word(&mut self) -> Option<ProbeLine> {
        for _ in 0..=MAX_STRAY_LINES {
            match self.lines.next().await? {
                Ok(word) => return Some(word),
                Err(error) => tracing::debug!(%error, "the GPU probe said something that is no word"),
            }
        }
        None
    }

    /// How a child ended whose words have ended.
    async fn end(&mut self) -> ProbeEnd {
        match timeout(REAP_LIMIT, self.child.wait()).await {
            // It ended well, and yet there was no answer in what it said.
            Ok(Ok(status)) if status.success() => ProbeEnd::Garbage,
            Ok(Ok(status)) => end_of(status),
            Ok(Err(_)) => ProbeEnd::Unknown,
            // Still running, and its words are none.
            Err(_) => ProbeEnd::Garbage,
        }
    }

    /// Kills the child; gives it back if even that does not end it.
    pub(crate) async fn kill(mut self) -> Option<Self> {
        if self.child.start_kill().is_err() {
            // Gone already.
            return None;
        }
        match timeout(REAP_LIMIT, self.child.wait()).await {
            Ok(_) => None,
            Err(_) => Some(self),
        }
    }

    /// Whether a child that could not be killed is still there.
    pub(crate) fn is_there(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

#[cfg(unix)]
fn end_of(status: ExitStatus) -> ProbeEnd {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ProbeEnd::Exit { code },
        (None, Some(number)) => ProbeEnd::Signal { number },
        (None, None) => ProbeEnd::Unknown,
    }
}

#[cfg(not(unix))]
fn end_of(status: ExitStatus) -> ProbeEnd {
    status.code().map_or(ProbeEnd::Unknown, |code| ProbeEnd::Exit { code })
}
