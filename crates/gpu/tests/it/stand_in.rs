//! The stand-in library and the made-up machine.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use gpu::{GpuEvent, ProbeTimes, Prober};
use tokio::sync::mpsc;

/// How long a test waits for what must come, on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A machine: `sys` and `proc`, the stand-in library, and a folder in which the library keeps its state.
pub(crate) struct Machine {
    folder: PathBuf,
    /// Removes the folder; the process that did not make it has none.
    _made: Option<tempfile::TempDir>,
    library: PathBuf,
    cuda: PathBuf,
    scenario: String,
    cards: u32,
}

impl Machine {
    /// With `cards` healthy cards and a driver that runs.
    pub(crate) fn with_cards(cards: u32) -> Self {
        let made = tempfile::tempdir().unwrap();
        let machine = Self { cards, ..Self::at(made.path().to_owned()) };
        let machine = Self { _made: Some(made), ..machine };
        machine.write("root/proc/sys/kernel/osrelease", "6.12.0-generic\n");
        machine.write("root/sys/module/nvidia/version", "580.95.05\n");
        machine.write("root/sys/module/snd/version", "1\n");
        fs::create_dir_all(machine.path("state")).unwrap();
        machine.plug("0000:00:1f.3", "0x8086", "0x040300");
        for card in 0..cards {
            machine.plug_card(card);
        }
        machine
    }

    /// The one-card machine that another process has made in a folder.
    pub(crate) fn at(folder: PathBuf) -> Self {
        let library = stand_in(&[]);
        Self { folder, _made: None, cuda: library.clone(), library, scenario: String::new(), cards: 1 }
    }

    /// What the library is to be.
    pub(crate) fn scenario(mut self, scenario: &str) -> Self {
        self.scenario = scenario.into();
        self
    }

    /// Another build of the library.
    pub(crate) fn built_with(mut self, define: &str) -> Self {
        self.library = stand_in(&[define]);
        self
    }

    /// Another file as NVML.
    pub(crate) fn library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = path.into();
        self
    }

    /// Another file as CUDA.
    pub(crate) fn cuda(mut self, path: impl Into<PathBuf>) -> Self {
        self.cuda = path.into();
        self
    }

    /// A path of this machine.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(inside)
    }

    /// Writes a file of this machine.
    pub(crate) fn write(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Removes a folder of this machine.
    pub(crate) fn remove(&self, inside: &str) {
        fs::remove_dir_all(self.path(inside)).unwrap();
    }

    /// Puts a device on the bus.
    pub(crate) fn plug(&self, address: &str, vendor: &str, class: &str) {
        // Whole at once, as the kernel shows it.
        let passing = format!("root/sys/bus/pci/passing-{address}");
        self.write(&format!("{passing}/vendor"), &format!("{vendor}\n"));
        self.write(&format!("{passing}/class"), &format!("{class}\n"));
        fs::create_dir_all(self.path("root/sys/bus/pci/devices")).unwrap();
        fs::rename(self.path(&passing), self.path(&format!("root/sys/bus/pci/devices/{address}"))).unwrap();
    }

    /// Puts a card and its sound device on the bus.
    pub(crate) fn plug_card(&self, number: u32) {
        self.plug(&format!("0000:{:02x}:00.0", number + 1), "0x10de", "0x030000");
        self.plug(&format!("0000:{:02x}:00.1", number + 1), "0x10de", "0x040300");
    }

    /// Switches a part of the scenario on while processes run.
    pub(crate) fn switch_on(&self, word: &str) {
        self.write(&format!("state/{word}"), "1");
    }

    /// And off.
    pub(crate) fn switch_off(&self, word: &str) {
        fs::remove_file(self.path(&format!("state/{word}"))).unwrap();
    }

    /// A number that the library keeps.
    pub(crate) fn kept(&self, name: &str) -> Option<u32> {
        fs::read_to_string(self.path(&format!("state/{name}"))).ok()?.trim().parse().ok()
    }

    /// A prober that looks at this machine.
    pub(crate) fn prober(&self, times: ProbeTimes) -> Prober {
        Prober::new(env!("CARGO_BIN_EXE_gpu-probe"), [])
            .with_times(times)
            .with_libraries(&self.library, &self.cuda)
            .with_root(self.path("root"))
            .with_env("COVEY_STUB_SCENARIO", &self.scenario)
            .with_env("COVEY_STUB_CARDS", self.cards.to_string())
            .with_env("COVEY_STUB_STATE", self.path("state"))
    }

    /// Numbers of the probes of this machine that run in a mode; one that has ended is not among them.
    pub(crate) fn probes(&self, mode: &str) -> Vec<u32> {
        let root = self.path("root");
        let numbers = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
        numbers
            .filter(|pid: &u32| {
                // Empty for one that has ended and nobody has waited for.
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
                let names = |word: &str| words.contains(&word.as_bytes());
                names(mode) && names(root.to_str().unwrap())
            })
            .collect()
    }
}

/// Short times, for a machine that does other things too.
pub(crate) fn short() -> ProbeTimes {
    ProbeTimes {
        answer: PATIENCE,
        sample_every: Duration::from_millis(20),
        silence: Duration::from_secs(3),
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(200),
        hunt_every: Duration::from_millis(50),
        hunt_for: PATIENCE,
        recheck_every: PATIENCE,
    }
}

/// The next event for which `want` has an answer; others are passed over.
pub(crate) async fn next<T>(events: &mut mpsc::Receiver<GpuEvent>, mut want: impl FnMut(GpuEvent) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = want(events.recv().await.expect("the watcher goes on")) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("the event comes")
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Kills a process as the kernel does when memory runs out.
pub(crate) fn kill(pid: u32) {
    let killed = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap();
    assert!(killed.success());
}

/// The stand-in, compiled once for each set of defines.
pub(crate) fn stand_in(defines: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stub/nvml_stub.c");
    let mut hasher = DefaultHasher::new();
    (fs::read(&source).unwrap(), defines).hash(&mut hasher);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = folder.join(format!("nvml_stub_{:016x}.so", hasher.finish()));
    if !library.exists() {
        let passing = folder.join(format!("nvml_stub_{}.so", std::process::id()));
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-O1"]);
        command.args(defines.iter().map(|define| format!("-D{define}"))).arg("-o").arg(&passing).arg(&source);
        assert!(command.status().expect("a C compiler, `cc`").success(), "the stand-in compiles");
        fs::rename(passing, &library).unwrap();
    }
    library
}
