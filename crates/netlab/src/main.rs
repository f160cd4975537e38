//! `covey-netlab`: the laboratory on the command line.
//!
//! In: a command. Out: what it prints; exit code 1 with a sentence when it fails, 3 with "not run: …" where this machine
//! cannot hold a lab. Only a developer's tool: nothing installs it.

use std::path::PathBuf;
use std::process::ExitCode;
#[cfg(target_os = "linux")]
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Runs a small node until it is killed
    Node(netlab::node::NodeArgs),
    /// Runs an experiment; the last line is its report in JSON
    Campaign {
        /// home-lines, wire-churn, nat, uplink, payload-1b
        name: String,
        /// `covey-peer`
        #[arg(long, value_name = "FILE")]
        peer_program: PathBuf,
        /// Folder for keys, run folders and logs; what is in it is removed
        #[arg(long, value_name = "FOLDER")]
        work: PathBuf,
        /// Rounds instead of the experiment's own number
        #[arg(long)]
        rounds: Option<u64>,
    },
}

/// Exit code for "not run": neither good nor bad.
const NOT_RUN: u8 = 3;

fn main() -> ExitCode {
    let task = Flags::parse().command;
    // A node runs anywhere.
    let needs_lab = !matches!(task, Task::Node(_));
    if let Some(missing) = netlab::missing().filter(|_| needs_lab) {
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
        Task::Check => println!("a lab can be built here"),
        Task::Sweep => println!("{} namespaces of killed labs removed", netlab::sweep()),
        Task::Hold { plan } => runtime.block_on(hold(&plan))?,
        Task::Node(args) => runtime.block_on(netlab::node::run(args))?,
        Task::Campaign { name, peer_program, work, rounds } => {
            let stop = Arc::new(AtomicBool::new(false));
            let bench = netlab::campaign::Bench { peer_program, work, rounds, stop: Arc::clone(&stop) };
            let report = runtime.block_on(campaign(name, bench, &stop))?;
            println!("{}", serde_json::to_string(&report)?);
        }
    }
    Ok(())
}

/// Runs the experiment off the runtime; an interruption lets it clean up first.
#[cfg(target_os = "linux")]
async fn campaign(
    name: String,
    bench: netlab::campaign::Bench,
    stop: &AtomicBool,
) -> anyhow::Result<netlab::report::Report> {
    let mut running = tokio::task::spawn_blocking(move || netlab::campaign::run(&name, &bench));
    tokio::select! {
        done = &mut running => return Ok(done??),
        () = interrupted() => stop.store(true, Ordering::Relaxed),
    }
    Ok(running.await??)
}

/// Ctrl-C or SIGTERM.
#[cfg(target_os = "linux")]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(target_os = "linux")]
async fn hold(plan: &std::path::Path) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let text = std::fs::read(plan).with_context(|| format!("{} can't be read", plan.display()))?;
    let plan: netlab::Plan = serde_json::from_slice(&text).with_context(|| format!("{} is no plan", plan.display()))?;
    let lab = netlab::Lab::build(&plan, &std::env::temp_dir())?;
    for node in &plan.nodes {
        let name = &node.name;
        println!("{name}: {}, {}, `ip netns exec {}`", lab.public_address(name)?, node.words(), lab.namespace(name)?);
    }
    println!("TCP: {}. Ready.", lab.congestion());
    interrupted().await;
    Ok(())
}
