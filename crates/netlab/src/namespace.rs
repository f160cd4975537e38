//! Network namespaces of this lab: made, entered, removed; and those that a killed lab left behind.
//!
//! In: a node's name. Out: a namespace called `covlab-PID-START-NAME`, gone again with all its processes when the value
//! is dropped. The process id and its start time say whose it is, so that a sweep never touches a living lab's.

use std::fs::{self, File};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::LabError;
use crate::system::run;

const PREFIX: &str = "covlab";
/// Where `ip` keeps the names.
const NAMES: &str = "/run/netns";
/// A process that was killed is gone well within this; a stuck one is left to the next sweep.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// A namespace; dropping it kills what runs inside and removes it.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one.
    pub(crate) fn add(name: &str) -> Result<Self, LabError> {
        let own = std::process::id();
        let started = start_time(own).unwrap_or(0);
        let name = format!("{PREFIX}-{own}-{started}-{name}");
        run("ip", &["netns", "add", &name])?;
        let made = Self { name };
        made.ip("link set lo up\n")?;
        Ok(made)
    }

    /// Its name for `ip netns`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs lines of `ip` inside.
    pub(crate) fn ip(&self, lines: &str) -> Result<(), LabError> {
        crate::system::feed("ip", &["-n", &self.name, "-batch", "-"], lines).map(drop)
    }

    /// Runs one `tc` inside.
    pub(crate) fn tc(&self, words: &str) -> Result<(), LabError> {
        let mut args = vec!["-n", self.name.as_str()];
        args.extend(words.split(' '));
        run("tc", &args).map(drop)
    }

    /// Loads rules of `nft` inside.
    pub(crate) fn nft(&self, rules: &str) -> Result<(), LabError> {
        crate::system::feed("ip", &["netns", "exec", &self.name, "nft", "-f", "-"], rules).map(drop)
    }

    /// Runs `work` on a thread of its own inside. Sockets and devices that it opens stay inside when they come back.
    ///
    /// # Errors
    /// What `work` says, or that the namespace could not be entered.
    pub(crate) fn inside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, LabError> {
        let doing = format!("work inside {}", self.name);
        let path = format!("{NAMES}/{}", self.name);
        let enter = move || {
            let file = File::open(path)?;
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), kind)?;
            work()
        };
        let thread =
            thread::Builder::new().name("inside".to_owned()).spawn(enter).map_err(LabError::io("start a thread"))?;
        thread.join().map_err(|_| LabError::Broken("a thread in a namespace"))?.map_err(LabError::io(doing))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes what labs that are gone left behind, with every process inside; says how many namespaces that were.
pub fn sweep() -> usize {
    let Ok(names) = fs::read_dir(NAMES) else { return 0 };
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let left: Vec<String> = names.filter(|name| owner(name).is_some_and(|owner| !owner.lives())).collect();
    for name in &left {
        remove(name);
    }
    left.len()
}

/// Kills what runs inside, waits for it, removes the name.
fn remove(name: &str) {
    let until = Instant::now() + KILL_WAIT;
    loop {
        let pids = run("ip", &["netns", "pids", name]).unwrap_or_default();
        let pids: Vec<Pid> = pids.lines().filter_map(|line| Pid::from_raw(line.trim().parse().ok()?)).collect();
        if pids.is_empty() || Instant::now() > until {
            break;
        }
        for pid in pids {
            // It may have ended by itself meanwhile.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
    // A name that is gone already is what is wanted.
    let _ = run("ip", &["netns", "del", name]);
}

/// A lab's process.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    pid: u32,
    started: u64,
}

impl Owner {
    fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

/// Whose namespace this is; `None` if it is no lab's.
fn owner(name: &str) -> Option<Owner> {
    let mut parts = name.strip_prefix(PREFIX)?.strip_prefix('-')?.splitn(3, '-');
    let owner = Owner { pid: parts.next()?.parse().ok()?, started: parts.next()?.parse().ok()? };
    parts.next().map(|_| owner)
}

/// When a process started, in the kernel's ticks since boot; `None` if it is gone.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything; start time is the 22nd.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is_and_no_other_name_does() {
        assert_eq!(owner("covlab-12-345-home-1"), Some(Owner { pid: 12, started: 345 }));
        for other in ["covlab", "covlab-12", "covlab-12-345", "covlab-x-1-a", "xcovlab-1-2-a", "vpn", ""] {
            assert_eq!(owner(other), None, "{other}");
        }
    }

    #[test]
    fn this_process_lives_and_an_earlier_one_of_its_number_does_not() {
        let pid = std::process::id();
        let started = start_time(pid).unwrap();
        assert!(Owner { pid, started }.lives());
        assert!(!Owner { pid, started: started - 1 }.lives());
    }
}
