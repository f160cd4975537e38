//! `covey-netlab`: the laboratory on the command line.
//!
//! In: a command. Out: what it prints; exit code 1 with a sentence when it fails, 3 with "not run: …" where this machine
//! cannot hold a lab. Only a developer's tool: nothing installs it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Network namespaces with shaped home lines, for tests.
#[derive(Parser)]
#[command(version)]
struct Flags {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Says whether this machine can hold a lab
    Check,
    /// Removes what killed labs left behind
    Sweep,
    /// Builds a lab and holds it until it is interrupted
    Hold {
        /// The plan, in JSON
        plan: PathBuf,
    },
}

/// Exit code for "not run": neither good nor bad.
const NOT_RUN: u8 = 3;

fn main() -> ExitCode {
    let task = Flags::parse().command;
    if let Some(missing) = netlab::missing() {
        println!("not run: {missing}");
        return ExitCode::from(NOT_RUN);
    }
    match run(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("covey-netlab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn run(_: Task) -> anyhow::Result<()> {
    anyhow::bail!("no network namespaces: not Linux")
}

#[cfg(target_os = "linux")]
fn run(task: Task) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match task {
        Task::Check => {
            println!("a lab can be built here");
            Ok(())
        }
        Task::Sweep => {
            println!("{} namespaces of killed labs removed", netlab::sweep());
            Ok(())
        }
        Task::Hold { plan } => runtime.block_on(hold(&plan)),
    }
}

#[cfg(target_os = "linux")]
async fn hold(plan: &std::path::Path) -> anyhow::Result<()> {
    use anyhow::Context as _;
    use tokio::signal::unix::{SignalKind, signal};
    let text = std::fs::read(plan).with_context(|| format!("{} can't be read", plan.display()))?;
    let plan: netlab::Plan = serde_json::from_slice(&text).with_context(|| format!("{} is no plan", plan.display()))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let lab = netlab::Lab::build(&plan, &std::env::temp_dir())?;
    for node in &plan.nodes {
        let name = &node.name;
        println!("{name}: {}, {}, `ip netns exec {}`", lab.public_address(name)?, node.words(), lab.namespace(name)?);
    }
    println!("TCP: {}. Ready.", lab.congestion());
    tokio::select! {
        done = tokio::signal::ctrl_c() => done?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
