//! `cargo xtask fuzz [TARGET…] [--secs N]`: the targets of `tests/fuzz` under libFuzzer, with coverage, on a stable compiler.
//!
//! Coverage comes from LLVM's own pass, which stable rustc can be asked to run. Only crates of the workspace are compiled
//! with it: this program stands in for rustc as `RUSTC_WORKSPACE_WRAPPER`, so everything from elsewhere is shared with the
//! normal build. A finding is written to a file that is named; the exit code is 1 then. What was learnt stays in the build
//! folder and is gone on from next time.

use crate::cargo::{cargo, status_code};
use crate::place::Place;
use crate::say;
use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

/// Set for the compiler's stand-in, which gets rustc's command line and no room for a word of its own.
const STAND_IN: &str = "COVEY_RUSTC_FOR_FUZZING";

/// What to run and how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FuzzOptions {
    /// Names of targets; none means all.
    pub(crate) targets: Vec<String>,
    /// Seconds for each.
    pub(crate) secs: u32,
}

/// Coverage that libFuzzer reads: counters at each edge, their addresses, and what comparisons compared.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// If this process stands in for rustc: what became of it.
pub(crate) fn stand_in() -> Option<Result<ExitCode>> {
    std::env::var_os(STAND_IN)?;
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((rustc, rest)) = args.split_first() else {
        return Some(Err(anyhow::anyhow!("{STAND_IN} is set, but no compiler is named")));
    };
    let mut command = Command::new(rustc);
    command.args(rest);
    if is_measured(rest) {
        command.args(COVERAGE);
    }
    Some(status_code(&mut command))
}

/// Whether rustc is to compile something that the fuzzer runs. Build scripts and macros run without libFuzzer.
fn is_measured(args: &[OsString]) -> bool {
    let after = |flag: &str| args.iter().zip(args.iter().skip(1)).find(|(at, _)| *at == flag).map(|(_, value)| value);
    let kind = after("--crate-type").and_then(|kind| kind.to_str());
    let name = after("--crate-name").and_then(|name| name.to_str());
    match (name, kind) {
        (Some("fuzz"), _) => true,
        (Some(_), Some(kind)) => kind.ends_with("lib"),
        _ => false,
    }
}

pub(crate) fn fuzz(place: &Place, options: &FuzzOptions) -> Result<ExitCode> {
    let program = build(place)?;
    let all = targets(&program)?;
    if let Some(unknown) = options.targets.iter().find(|name| all.iter().all(|target| target.name != **name)) {
        let names: Vec<&str> = all.iter().map(|target| target.name.as_str()).collect();
        bail!("there is no target {unknown:?}; there are {}", names.join(", "));
    }
    let chosen: Vec<Target> =
        all.into_iter().filter(|target| options.targets.is_empty() || options.targets.contains(&target.name)).collect();
    let side_by_side = std::thread::available_parallelism().map_or(1, usize::from);
    let mut findings = 0;
    for group in chosen.chunks(side_by_side) {
        let running: Vec<Running> =
            group.iter().map(|target| start(place, &program, target, options.secs)).collect::<Result<_>>()?;
        for run in running {
            findings += usize::from(!run.end()?);
        }
    }
    if findings == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    say::note(&format!(
        "{findings} findings. Put each file into tests/fuzz/corpus/TARGET/, and `cargo test -p fuzz` shows it for good"
    ));
    Ok(ExitCode::from(1))
}

fn build(place: &Place) -> Result<PathBuf> {
    let mut command = cargo(place);
    // The whole workspace is named so that features of shared crates are those of the normal build; one program is built.
    command.args(["build", "--workspace", "--bin", "fuzz", "--features", "fuzz/libfuzzer"]);
    command.env("RUSTC_WORKSPACE_WRAPPER", std::env::current_exe().context("xtask does not know where it lies")?);
    command.env(STAND_IN, "1");
    if !command.status().context("cargo can't be started")?.success() {
        bail!("the build failed; cargo's message stands above");
    }
    Ok(place.target.join("debug").join(format!("fuzz{}", std::env::consts::EXE_SUFFIX)))
}

struct Target {
    name: String,
    max_bytes: String,
}

fn targets(program: &Path) -> Result<Vec<Target>> {
    let output = Command::new(program).env("COVEY_FUZZ_LIST", "1").output().context("the fuzzer can't be started")?;
    let text = String::from_utf8(output.stdout).context("the fuzzer's list of targets is no text")?;
    let target = |line: &str| {
        let (name, max_bytes) = line.split_once(' ').with_context(|| format!("{line:?} names no target"))?;
        Ok(Target { name: name.to_owned(), max_bytes: max_bytes.to_owned() })
    };
    text.lines().map(target).collect()
}

struct Running {
    name: String,
    child: Child,
    log: PathBuf,
    findings: PathBuf,
}

fn start(place: &Place, program: &Path, target: &Target, secs: u32) -> Result<Running> {
    let name = &target.name;
    let folder = place.target.join("fuzz");
    let (corpus, findings) = (folder.join("corpus").join(name), folder.join("findings"));
    let log = folder.join(format!("{name}.log"));
    for made in [&corpus, &findings] {
        fs::create_dir_all(made).with_context(|| format!("{} can't be made", made.display()))?;
    }
    let output = File::create(&log).with_context(|| format!("{} can't be written", log.display()))?;
    let mut command = Command::new(program);
    command
        .env("COVEY_FUZZ_TARGET", name)
        .env("COVEY_FUZZ_SEEDS", &corpus)
        .arg(format!("-max_total_time={secs}"))
        .arg(format!("-max_len={}", target.max_bytes))
        .arg(format!("-artifact_prefix={}", findings.join(format!("{name}-")).display()))
        .args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(&corpus);
    let known = place.root.join("tests").join("fuzz").join("corpus").join(name);
    if known.is_dir() {
        command.arg(known);
    }
    command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
    let child = command.spawn().with_context(|| format!("{} can't be started", program.display()))?;
    Ok(Running { name: name.clone(), child, log, findings })
}

impl Running {
    /// Waits for the end and says in one line what came of it; whether nothing was found.
    fn end(mut self) -> Result<bool> {
        let status = self.child.wait().with_context(|| format!("{} can't be waited for", self.name))?;
        let log = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
        if status.success() {
            say::note(&format!("{:<16} {}", self.name, progress(&log)));
            return Ok(true);
        }
        say::note(&format!("{:<16} BROKEN, {status}; all of it stands in {}", self.name, self.log.display()));
        let told = log.lines().filter(|line| line.contains("panicked at") || line.contains("Test unit written to"));
        let told: Vec<&str> = told.collect();
        for line in &told {
            say::note(&format!("  {line}"));
        }
        if told.is_empty() {
            say::note(&format!("  no file was written to {}", self.findings.display()));
        }
        Ok(false)
    }
}

/// Inputs tried, edges seen.
fn progress(log: &str) -> String {
    let tried = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let edges = log.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next());
    format!("{} inputs, {} edges", tried.unwrap_or("?").trim(), edges.unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(line: &str) -> bool {
        is_measured(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn coverage_is_for_what_the_fuzzer_runs() {
        assert!(measured("--crate-name types --edition=2024 src/lib.rs --crate-type lib"));
        assert!(measured("--crate-name fuzz --edition=2024 src/main.rs --crate-type bin"));
        assert!(!measured("--crate-name build_script_build --crate-type bin build.rs"));
        assert!(!measured("--crate-name derive --crate-type proc-macro src/lib.rs"));
        assert!(!measured("-vV"));
        assert!(!measured("- --crate-name ___ --print=file-names --crate-type bin"));
    }

    #[test]
    fn progress_is_read_from_libfuzzers_log() {
        let log = "#4096\tpulse  cov: 310 ft: 700 corp: 9/2Kb\n#9\tDONE   cov: 512 ft: 1 corp: 2/3b\n\
                   stat::number_of_executed_units: 90210\n";
        assert_eq!(progress(log), "90210 inputs, 512 edges");
        assert_eq!(progress(""), "? inputs, ? edges");
    }
}
