//! `subtensor-node`: serves a made-up Subtensor chain on loopback until its standard input ends.
//!
//! In: flags, or a whole configuration in JSON. Out: one JSON line with addresses and genesis hash, then a chain.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use serde_json::json;
use subtensor_node::{Config, Node};
use tokio::sync::oneshot;

/// A Subtensor node for tests. It ends with its standard input, or on SIGTERM.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Configuration in JSON; the flags below change it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Milliseconds between blocks; 0: only on dev_seal
    #[arg(long)]
    block_ms: Option<u64>,
    /// Blocks by which finality is behind
    #[arg(long)]
    finality_lag: Option<u32>,
    /// Addresses at which the chain is served
    #[arg(long)]
    endpoints: Option<u8>,
    /// Blocks per epoch
    #[arg(long)]
    tempo: Option<u16>,
    /// Number of the subnet
    #[arg(long)]
    netuid: Option<u16>,
    /// Another seed is another chain
    #[arg(long)]
    seed: Option<u64>,
    /// Keeps the chain here for the next start
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

impl Flags {
    fn config(self) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => {
                let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                serde_json::from_slice(&text).with_context(|| format!("{} is no configuration", path.display()))?
            }
            None => Config { block_ms: 1000, ..Config::default() },
        };
        config.block_ms = self.block_ms.unwrap_or(config.block_ms);
        config.finality_lag = self.finality_lag.unwrap_or(config.finality_lag);
        config.endpoints = self.endpoints.unwrap_or(config.endpoints);
        config.genesis.tempo = self.tempo.unwrap_or(config.genesis.tempo);
        config.genesis.netuid = self.netuid.unwrap_or(config.genesis.netuid);
        config.genesis.seed = self.seed.unwrap_or(config.genesis.seed);
        config.state_file = self.state.or(config.state_file);
        Ok(config)
    }
}

fn main() -> ExitCode {
    match run(Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("subtensor-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    let config = flags.config()?;
    let closed = stdin_end()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(config, closed))
}

async fn serve(config: Config, closed: oneshot::Receiver<()>) -> anyhow::Result<()> {
    let node = Node::start(config).await?;
    let ready = json!({
        "url": node.url(),
        "urls": node.urls(),
        "genesis": format!("0x{}", hex::encode(node.genesis())),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    tokio::select! {
        _ = closed => {}
        () = terminated() => {}
        () = node.ended() => anyhow::bail!("the chain could not be continued"),
    }
    node.stop().await;
    Ok(())
}

/// Resolves when standard input ends: whoever started this process is gone.
fn stdin_end() -> std::io::Result<oneshot::Receiver<()>> {
    let (send, receive) = oneshot::channel();
    // Not tokio's stdin: its blocked read would hold up the end of the runtime.
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut bytes = [0u8; 4096];
        while std::io::stdin().read(&mut bytes).is_ok_and(|read| read > 0) {}
        // Nobody waits any more: the node has ended already.
        let _ = send.send(());
    })?;
    Ok(receive)
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        // Without a handler the signal ends the process as it is.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
