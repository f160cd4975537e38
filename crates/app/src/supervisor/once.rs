//! A run of the peer's program that answers and ends: `covey-peer runs …`.
//!
//! In: a plan, a deadline, a token that ends it. Out: its exit and the beginning of what it printed. It is started as the
//! peer is, so that it cannot outlive the app; one that is late is ended with its children.

use super::child::Group;
use super::{Plan, Spawner};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::sync::CancellationToken;

/// Bytes of each stream that are kept; the rest is read and dropped.
const MAX_PRINTED: u64 = 128 * 1024;

/// What it printed, and whether it ended well.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) good: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs it to its end.
///
/// # Errors
/// It cannot be started, is late, or the app ends.
pub(crate) async fn ask(
    spawner: &Spawner,
    plan: Plan,
    deadline: Duration,
    stop: &CancellationToken,
) -> io::Result<Answer> {
    let mut child = spawner.spawn(plan).await?;
    let group = Group::of(&child);
    drop(child.stdin.take());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (out, err, status) = tokio::join!(text(stdout), text(stderr), child.wait());
        status.map(|status| Answer { good: status.success(), stdout: out, stderr: err })
    };
    let answer = tokio::select! {
        answer = tokio::time::timeout(deadline, work) => {
            answer.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long")))
        }
        () = stop.cancelled() => Err(io::Error::other("the app ends")),
    };
    if answer.is_err() {
        group.kill();
    }
    answer
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    let kept = (&mut stream).take(MAX_PRINTED).read_to_end(&mut bytes).await;
    if kept.is_ok() {
        // A pipe that nobody reads would hold it up.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
