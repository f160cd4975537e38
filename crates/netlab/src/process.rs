//! Programs inside the lab, and what they print.
//!
//! In: a command that was made by the lab. Out: a process whose output goes to two files, line by line to whoever asks.
//! It is killed when the value is dropped.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};

use crate::LabError;

/// A program that runs on a node.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    /// Starts it; standard output goes to `NAME.out` in `logs`, errors to `NAME.err`, both added to what is there.
    pub(crate) fn start(mut command: Command, name: &str, logs: &Path) -> Result<Self, LabError> {
        let (out, err) = (logs.join(format!("{name}.out")), logs.join(format!("{name}.err")));
        let open = |path: &Path| {
            let doing = format!("write {}", path.display());
            File::options().create(true).append(true).open(path).map_err(LabError::io(doing))
        };
        command.stdin(Stdio::null()).stdout(open(&out)?).stderr(open(&err)?);
        let child = command.spawn().map_err(LabError::io(format!("start {name}")))?;
        Ok(Self { name: name.to_owned(), child, out, err })
    }

    /// The name that it was started with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything it printed, from its beginning.
    ///
    /// # Errors
    /// The file's reason.
    pub fn tail(&self) -> Result<Tail, LabError> {
        Tail::open(&self.out)
    }

    /// The end of what it wrote to standard error, for reports.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.err).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system's reason.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, LabError> {
        self.child.try_wait().map_err(LabError::io(format!("look at {}", self.name)))
    }

    /// Sends a signal. A process that has ended gets none.
    ///
    /// # Errors
    /// The system's reason.
    pub fn signal(&mut self, signal: Signal) -> Result<(), LabError> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        let doing = format!("signal {}", self.name);
        let pid =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or(LabError::Broken("a process id"))?;
        rustix::process::kill_process(pid, signal).map_err(|errno| LabError::io(doing)(errno.into()))
    }

    /// Kills it at once and waits for its end.
    ///
    /// # Errors
    /// The system's reason.
    pub fn kill(&mut self) -> Result<(), LabError> {
        let doing = format!("kill {}", self.name);
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(LabError::io(doing))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that is gone already is what is wanted.
        let _ = self.kill();
    }
}

/// Reads a file that grows, a whole line at a time.
#[derive(Debug)]
pub struct Tail {
    file: BufReader<File>,
    /// A line whose end has not been written yet.
    begun: Vec<u8>,
}

impl Tail {
    fn open(path: &Path) -> Result<Self, LabError> {
        let file = File::open(path).map_err(LabError::io(format!("read {}", path.display())))?;
        Ok(Self { file: BufReader::new(file), begun: Vec::new() })
    }

    /// The next whole line; `None` if there is none yet.
    ///
    /// # Errors
    /// The file's reason.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        self.file.read_until(b'\n', &mut self.begun)?;
        if self.begun.last() != Some(&b'\n') {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.begun);
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_line_is_read_when_its_end_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = File::create(&path).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(tail.next_line().unwrap(), None);
        log.write_all(b"one\ntw").unwrap();
        assert_eq!(tail.next_line().unwrap().as_deref(), Some("one"));
        assert_eq!(tail.next_line().unwrap(), None);
        log.write_all(b"o\n").unwrap();
        assert_eq!(tail.next_line().unwrap().as_deref(), Some("two"));
        assert_eq!(tail.next_line().unwrap(), None);
    }
}
