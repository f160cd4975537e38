//! The peer process: found beside this program, started so that it can't outlive it, asked to end, or killed.
//!
//! Out: its process handle with a piped standard output. It does not read what the peer says.

use anyhow::{Context as _, Result};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Starts `covey-peer rehearse ARGS… --json`.
pub(crate) fn start(program: &std::path::Path, args: &[String]) -> Result<Child> {
    let mut command = Command::new(program);
    command.arg("rehearse").args(args).arg("--json");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    // A group of its own: Ctrl-C reaches us, and we end the peer in order.
    #[cfg(unix)]
    command.process_group(0);
    end_with_us(&mut command);
    command.spawn().with_context(|| format!("{} can't be started", program.display()))
}

/// Even if this program is killed with SIGKILL, the peer is told to end. (Windows: a job object, with the desktop part.)
#[cfg(target_os = "linux")]
fn end_with_us(command: &mut Command) {
    let parent = std::process::id();
    let set_death_signal = move || {
        // SAFETY: prctl with PR_SET_PDEATHSIG takes a signal number and touches no memory of ours.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
        // We may have died before the call: then nobody would send the signal.
        if std::os::unix::process::parent_id() != parent {
            return Err(std::io::Error::other("the app has gone"));
        }
        Ok(())
    };
    // SAFETY: the closure runs between fork and exec and makes only async-signal-safe calls (prctl, getppid).
    unsafe { command.pre_exec(set_death_signal) };
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_command: &mut Command) {}

/// Asks the peer to save and end. Where there are no signals it is ended at once; its checkpoints are atomic.
pub(crate) fn ask_to_end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(pid) = child.id().and_then(|pid| libc::pid_t::try_from(pid).ok()) {
        // SAFETY: kill takes two numbers; the process is ours and not yet waited for, so its id is not reused.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        return;
    }
    child.start_kill().ok();
}
