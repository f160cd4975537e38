//! `covey-peer chain`: what a chain says of a hotkey, registration, and the commitment of a bucket.
//!
//! In: a run folder, or nodes and a network by name. Out: facts as text or JSON; on Bittensor also a registration paid by
//! a coldkey, and the read-only credentials of a bucket. Nothing is paid above a limit that the caller states, and a
//! secret comes from a file or a terminal, never from an argument.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chain::Neuron;
use clap::{Args, Subcommand};
use serde::Serialize;
use signer::Price;
use subtensor::{BucketCommitment, Status, Subtensor};
use types::manifest::SubtensorParams;
use types::{BlockNumber, Coldkey, Hash32, Hotkey, Rao};

use crate::chains::{self, RunChain};
use crate::places::{RunFolder, read_bounded};
use crate::signing::{Host, StartedBy};

/// First block of Bittensor's main network (wallet-chain recipe §7).
const FINNEY: &str = "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03";
/// Time between two of its blocks.
const FINNEY_BLOCK_MS: u64 = 12_000;
/// A bucket's file has three short lines.
const MAX_BUCKET_FILE: u64 = 4096;

/// Arguments of `chain`.
#[derive(Debug, Args)]
pub struct ChainArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ChainCommand,
}

/// What `chain` does.
#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// What the chain says of the subnet or run, and of a hotkey.
    Status(StatusArgs),
    /// Register a hotkey on Bittensor, paid by a coldkey.
    Register(RegisterArgs),
    /// Publish a bucket's read-only credentials on Bittensor.
    Commit(CommitArgs),
}

/// Which chain.
#[derive(Debug, Args)]
pub struct WhichArgs {
    /// The run folder whose chain is meant.
    #[arg(long, required_unless_present = "node")]
    pub run: Option<PathBuf>,
    /// Address of a Bittensor node (wss://…); two of different operators cannot lie unnoticed.
    #[arg(long, value_name = "URL", conflicts_with = "run", requires = "netuid")]
    pub node: Vec<String>,
    /// The subnet.
    #[arg(long, conflicts_with = "run")]
    pub netuid: Option<u16>,
    /// Genesis hash of the network; Bittensor's main network if left out.
    #[arg(long, conflicts_with = "run")]
    pub genesis: Option<Hash32>,
    /// JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `chain status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which chain.
    #[command(flatten)]
    pub which: WhichArgs,
    /// The hotkey to ask about.
    #[arg(long)]
    pub hotkey: Option<Hotkey>,
    /// The address its earnings are expected at.
    #[arg(long)]
    pub payout: Option<Coldkey>,
}

/// Arguments of `chain register`.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Which chain.
    #[command(flatten)]
    pub which: WhichArgs,
    /// The hotkey to register.
    #[arg(long)]
    pub hotkey: Hotkey,
    /// The coldkey's address.
    #[arg(long)]
    pub coldkey: Coldkey,
    /// The coldkey's encrypted key file (btcli's `coldkey`). Without it, nothing is sent and the way to do it with `btcli`
    /// on another computer is shown.
    #[arg(long, value_name = "FILE")]
    pub coldkey_file: Option<PathBuf>,
    /// File with its passphrase (mode 600), instead of asking for it.
    #[arg(long, value_name = "FILE", requires = "coldkey_file")]
    pub passphrase_file: Option<PathBuf>,
    /// The most it may cost, in TAO.
    #[arg(long, value_name = "TAO", value_parser = tao)]
    pub max_price: Rao,
    /// Sign even if the runtime knows no limit price (older ones): the price is looked up first, and whatever it is within
    /// the next eight blocks is paid.
    #[arg(long, requires = "coldkey_file")]
    pub without_limit: bool,
}

/// Arguments of `chain commit`.
#[derive(Debug, Args)]
pub struct CommitArgs {
    /// Which chain.
    #[command(flatten)]
    pub which: WhichArgs,
    /// File with three lines: account id, id of the read-only access key, its secret. They become public.
    #[arg(long, value_name = "FILE")]
    pub bucket: PathBuf,
    /// Whose bucket it is.
    #[command(flatten)]
    pub key: signer::SourceArgs,
}

fn tao(text: &str) -> Result<Rao, String> {
    earnings::parse_decimal(text, 9).map(Rao).map_err(|error| error.to_string())
}

/// Does it.
///
/// # Errors
/// One sentence.
pub async fn run(args: ChainArgs) -> anyhow::Result<()> {
    match args.command {
        ChainCommand::Status(args) => status(&args).await,
        ChainCommand::Register(args) => register(&args).await,
        ChainCommand::Commit(args) => commit(&args).await,
    }
}

/// The embedded ledger of a run, or a Bittensor subnet.
enum Which {
    Run(Box<RunChain>),
    Subnet(Arc<Subtensor>),
}

async fn which(args: &WhichArgs) -> anyhow::Result<Which> {
    if let Some(run) = &args.run {
        let chain = chains::visit(&RunFolder::open(run)?).await?;
        return Ok(match chain.bittensor.clone() {
            Some(subnet) => Which::Subnet(subnet),
            None => Which::Run(Box::new(chain)),
        });
    }
    let genesis = match args.genesis {
        Some(genesis) => genesis,
        None => FINNEY.parse()?,
    };
    let netuid = args.netuid.context("--node needs --netuid")?;
    let pin = SubtensorParams { genesis, netuid, start_block: BlockNumber(0) };
    Ok(Which::Subnet(Arc::new(Subtensor::connect(&args.node, pin, FINNEY_BLOCK_MS).await?)))
}

async fn subnet(args: &WhichArgs) -> anyhow::Result<Arc<Subtensor>> {
    match which(args).await? {
        Which::Subnet(subnet) => Ok(subnet),
        Which::Run(_) => {
            bail!("this run lives on its embedded ledger: peers register there by themselves, and it knows no buckets")
        }
    }
}

/// What the embedded ledger says.
#[derive(Serialize)]
struct LedgerStatus {
    network: chain::NetworkInfo,
    head: chain::Head,
    registered: usize,
    hotkey: Option<Neuron>,
}

async fn status(args: &StatusArgs) -> anyhow::Result<()> {
    match which(&args.which).await? {
        Which::Run(chain) => {
            let neurons = chain.backend.neurons().await?;
            let status = LedgerStatus {
                network: chain.backend.network(),
                head: chain.backend.head().await?,
                registered: neurons.len(),
                hotkey: neurons.into_iter().find(|neuron| Some(neuron.hotkey) == args.hotkey),
            };
            show(args.which.json, &status, || ledger_text(&status, args.hotkey))
        }
        Which::Subnet(subnet) => {
            // Without a hotkey only the subnet's own numbers mean anything; the zero key has none of its own.
            let hotkey = args.hotkey.unwrap_or(Hotkey([0; 32]));
            let status = subnet.status(&hotkey, args.payout.as_ref()).await?;
            show(args.which.json, &status, || subnet_text(&status, args.hotkey))
        }
    }
}

fn show<T: Serialize>(json: bool, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(value)?);
    } else {
        print!("{}", text());
    }
    Ok(())
}

fn ledger_text(status: &LedgerStatus, hotkey: Option<Hotkey>) -> String {
    let network = &status.network;
    let worth = if network.has_value { "" } else { ", which have no value" };
    let mut out = format!(
        "{}, genesis {}\nblock {}, {} keys registered; pays {}{worth}\n",
        network.name,
        network.genesis.short(),
        status.head.number,
        status.registered,
        network.symbol
    );
    match (&status.hotkey, hotkey) {
        (Some(own), _) => out.push_str(&format!(
            "{}\n  uid {}, registered in block {}\n  paid in the last epoch {}, in all {}\n",
            own.hotkey,
            own.uid,
            own.registered_at,
            amount(own.emission),
            amount(own.balance)
        )),
        (None, Some(hotkey)) => out.push_str(&format!("{hotkey} is not registered in this run\n")),
        (None, None) => {}
    }
    out
}

fn amount(rao: Rao) -> String {
    earnings::decimal(rao.0, 9)
}

fn subnet_text(status: &Status, hotkey: Option<Hotkey>) -> String {
    let known = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let rao = |value: Option<Rao>, unit: &str| known(value.map(|rao| format!("{} {unit}", amount(rao))));
    let count = |value: Option<u16>| known(value.map(|n| n.to_string()));
    let mut out = format!(
        "block {} (runtime {})\nsubnet: {} of {} places taken, pays every {} blocks\n\
         a registration costs {}{}\none α is worth {}\n",
        status.chain_block,
        status.spec_version,
        count(status.size),
        count(status.max_size),
        count(status.tempo),
        rao(status.burn, "TAO, which the chain keeps"),
        if status.registration_allowed == Some(false) { "; closed at present" } else { "" },
        rao(status.alpha_price, "TAO"),
    );
    let Some(hotkey) = hotkey else { return out };
    match status.uid {
        None => out.push_str(&format!("{hotkey} is not registered\n")),
        Some(uid) => out.push_str(&format!(
            "{hotkey}\n  uid {uid}, registered in block {}\n  owned by {}{}\n  paid in the last epoch {}, staked {} (would bring {} now)\n",
            known(status.registered_at.map(|n| n.to_string())),
            known(status.owner.map(|owner| owner.to_string())),
            if status.owner_is_payout == Some(false) { ": NOT the payout address you named" } else { "" },
            rao(status.emission, "α"),
            rao(status.stake, "α"),
            rao(status.stake_value, "TAO"),
        )),
    }
    if !status.missing.is_empty() {
        out.push_str(&format!("this chain does not have: {}\n", status.missing.join(", ")));
    }
    out
}

async fn register(args: &RegisterArgs) -> anyhow::Result<()> {
    let subnet = subnet(&args.which).await?;
    if let Some(there) = subnet.registration(&args.hotkey).await? {
        return done(args.which.json, &args.hotkey, there, "is registered already");
    }
    let status = subnet.status(&args.hotkey, Some(&args.coldkey)).await?;
    let cost = status.burn.context("the chain does not say what a registration costs")?;
    let Some(file) = &args.coldkey_file else {
        bail!(
            "a registration costs {} TAO and is paid by the coldkey. Where that is kept, with this hotkey's public file in \
             its wallet folder (`covey-peer wallet export --btcli` writes one), run: btcli subnets register --netuid {} \
             --wallet.name NAME --wallet.hotkey HOTKEY. Or name the coldkey's encrypted file here with --coldkey-file",
            amount(cost),
            subnet.pin().netuid
        );
    };
    if cost > args.max_price {
        bail!("a registration costs {} TAO, more than your limit of {}", amount(cost), amount(args.max_price));
    }
    let price = if args.without_limit { Price::Whatever } else { Price::AtMost(args.max_price) };
    let cold = signer::ColdSigner::open(file, args.coldkey, args.passphrase_file.as_deref(), price)?;
    let there = subnet.register(args.hotkey, &cold, args.max_price).await;
    let there = there.context("nothing was registered; if this runtime knows no limit price, see --without-limit")?;
    done(args.which.json, &args.hotkey, there, "is registered")
}

fn done(json: bool, hotkey: &Hotkey, there: chain::Registration, words: &str) -> anyhow::Result<()> {
    show(json, &there, || format!("{hotkey} {words}: uid {}, block {}\n", there.uid, there.block))
}

async fn commit(args: &CommitArgs) -> anyhow::Result<()> {
    let bucket = bucket_file(&args.bucket)?;
    let subnet = subnet(&args.which).await?;
    let sink = crate::events::Sink::Json(Box::new(std::io::sink()));
    let host = Host::with_signer_process(&args.key.source(), StartedBy::Hand(sink), None).await?;
    let hotkey = host.signer.hotkey();
    if subnet.bucket_of(&hotkey).await?.is_some_and(|there| there.to_bytes() == bucket.to_bytes()) {
        println!("{hotkey} has committed this bucket already");
        return Ok(());
    }
    let receipt = subnet.commit(bucket.to_bytes(), host.signer.as_ref()).await?;
    show(args.which.json, &receipt, || {
        format!("bucket {} is committed for {hotkey}, block {}\n", bucket.account(), receipt.block)
    })
}

/// A file with three lines: account id, id of the read key, its secret.
pub(crate) fn bucket_file(path: &Path) -> anyhow::Result<BucketCommitment> {
    let bytes = read_bounded(path, MAX_BUCKET_FILE)?;
    let text = String::from_utf8(bytes).ok().context("the bucket's file is no text")?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let [account, key_id, secret] = lines[..] else {
        bail!("the bucket's file has three lines: account id, access key id, secret; this one has {}", lines.len());
    };
    Ok(BucketCommitment::new(account, key_id, secret)?)
}
