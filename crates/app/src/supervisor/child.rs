//! How a process is started so that it and its children cannot outlive this program.
//!
//! Unix: a process group of its own, ended as one; on Linux also a signal when this program dies in whatever way. Windows:
//! the process is ended with its handle, and its children end with their standard input.

use super::Plan;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Starts it. Must be called inside a tokio runtime, on a thread that lives as long as the process may.
pub(super) fn start(plan: &Plan) -> std::io::Result<Child> {
    if !plan.program.is_file() {
        let error = format!("{} is missing", plan.program.display());
        return Err(std::io::Error::new(std::io::ErrorKind::NotFound, error));
    }
    std::fs::create_dir_all(&plan.folder)?;
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).current_dir(&plan.folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    apart(&mut command);
    end_with_us(&mut command);
    command.spawn()
}

/// Ctrl-C reaches this program, and it ends the peer in order.
#[cfg(unix)]
fn apart(command: &mut Command) {
    command.process_group(0);
}

/// No console window.
#[cfg(windows)]
fn apart(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

/// Even if this program is killed with SIGKILL, the peer is told to end.
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

/// A process and what it started.
#[derive(Debug)]
pub(super) struct Group {
    #[cfg(unix)]
    leader: Option<libc::pid_t>,
}

impl Group {
    pub(super) fn of(child: &Child) -> Self {
        let _ = child;
        Self {
            #[cfg(unix)]
            leader: child.id().and_then(|pid| libc::pid_t::try_from(pid).ok()).filter(|pid| *pid > 1),
        }
    }

    /// Ends whatever is left of the group.
    pub(super) fn kill(&self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader {
            // SAFETY: kill takes two numbers. The group is ours: we made it, and its number stays taken while a member lives;
            // after that the call finds nobody. The leader's number cannot be another group's within that moment, since
            // numbers are given in turn.
            unsafe { libc::kill(-leader, libc::SIGKILL) };
        }
    }
}
