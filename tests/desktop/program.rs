//! The real `covey` in a session: started, asked by `covey ctl`, looked at through /proc, ended.

use crate::session::{Session, eventually};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Output, Stdio};

/// A running app.
pub(crate) struct App<'s> {
    session: &'s Session,
    child: Child,
}

impl<'s> App<'s> {
    /// Starts it.
    pub(crate) fn start(session: &'s Session, args: &[&str]) -> Self {
        Self::start_with(session, args, &[])
    }

    /// Starts it with more in its environment.
    pub(crate) fn start_with(session: &'s Session, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let log = File::options().create(true).append(true).open(session.home().join("covey.out")).unwrap();
        let mut command = session.command(env!("CARGO_BIN_EXE_covey"));
        command.args(args).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        command.envs(environment.iter().copied());
        let child = command.spawn().expect("covey starts");
        Self { session, child }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `covey ctl WORDS`.
    pub(crate) fn ctl(&self, words: &[&str]) -> Output {
        let mut command = self.session.command(env!("CARGO_BIN_EXE_covey"));
        command.arg("ctl").args(words).stdin(Stdio::null()).output().expect("covey starts")
    }

    /// The running app's whole state; `null` while it does not answer.
    pub(crate) fn snapshot(&self) -> Value {
        serde_json::from_slice(&self.ctl(&["snapshot"]).stdout).unwrap_or_default()
    }

    /// Waits until the state is so.
    pub(crate) fn wait_for(&self, what: &str, mut is_so: impl FnMut(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        eventually(what, || {
            last = self.snapshot();
            is_so(&last)
        });
        last
    }

    /// Waits until the run's activity has that word.
    pub(crate) fn wait_for_activity(&self, word: &str) -> Value {
        self.wait_for(&format!("the run is {word}"), |state| state["run"]["activity"]["activity"] == word)
    }

    /// Processes below the app whose command line contains a word.
    pub(crate) fn below(&self, word: &str) -> Vec<u32> {
        below(self.id()).into_iter().filter(|pid| command_line(*pid).contains(word)).collect()
    }

    /// The window's process, if there is one.
    pub(crate) fn window(&self) -> Option<u32> {
        self.below("--window").first().copied()
    }

    /// Waits for the program's own end and returns whether it was a good one.
    pub(crate) fn wait(&mut self) -> bool {
        let mut status = None;
        eventually("covey has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.is_some_and(|status| status.success())
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it printed.
    pub(crate) fn printed(&self) -> String {
        let log = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        let own = log(&self.session.home().join("covey.out"));
        format!("{own}\n{}", log(&self.session.data().join("logs/covey.log")))
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.printed());
            self.session.screenshot("failed");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every process below this one.
pub(crate) fn below(pid: u32) -> Vec<u32> {
    let children = |pid: u32| {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
            .collect::<Vec<u32>>()
    };
    let (mut waiting, mut found) = (children(pid), Vec::new());
    while let Some(pid) = waiting.pop() {
        waiting.extend(children(pid));
        found.push(pid);
    }
    found
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// Ends a process at once.
pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
