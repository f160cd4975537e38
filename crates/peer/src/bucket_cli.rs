//! `covey-peer bucket`: is one's own bucket usable, and who may read it.
//!
//! In: where the bucket is, a private file with its write key, a file with the read key that becomes public. Out: a check
//! in words, a file that names the bucket for training, records on the run's chain. A read key that can write is refused
//! before it is public. No key is ever an argument.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use bucket::{BucketPlace, BucketSection, OwnBucket, PublicBucket};
use chain::{ChainBackend, ChainError, Receipt};
use clap::{Args, Subcommand};
use serde::Serialize;
use types::{BlockNumber, BucketKeys, Hotkey, Record};

use crate::buckets::{LOOK_BACK, SAY_EVERY, buckets_of, first_round};
use crate::chain_cli::bucket_file;
use crate::chains;
use crate::places::RunFolder;
use crate::signing::{Host, StartedBy};

/// A record is said for the round that runs; between asking and saying, one may end.
const TRIES: u32 = 3;

/// Arguments of `bucket`.
#[derive(Debug, Args)]
pub struct BucketArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: BucketCommand,
}

/// What `bucket` does.
#[derive(Debug, Subcommand)]
pub enum BucketCommand {
    /// Write, read and remove a small object, and say what is wrong.
    Check(CheckArgs),
    /// Tell a run's peers where to read: puts a read-only key on the run's chain, where everybody sees it.
    Commit(CommitArgs),
    /// Tell a run's peers that there is no bucket any more.
    Forget(ForgetArgs),
    /// Whose bucket is where, as the run's chain has it.
    List(ListArgs),
}

/// Where a bucket is.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct PlaceArgs {
    /// A file that `--save` wrote.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["r2", "aws", "endpoint", "bucket", "key_file"])]
    pub file: Option<PathBuf>,
    /// Cloudflare R2: the account id.
    #[arg(long, value_name = "ACCOUNT", conflicts_with_all = ["aws", "endpoint"])]
    pub r2: Option<String>,
    /// Amazon S3: the region.
    #[arg(long, value_name = "REGION", conflicts_with = "endpoint", requires = "bucket")]
    pub aws: Option<String>,
    /// Any other S3-compatible server: its address.
    #[arg(long, value_name = "URL", requires = "bucket")]
    pub endpoint: Option<String>,
    /// The bucket's name; with --r2 the account id if left out, as the reference wants it.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Region with --endpoint.
    #[arg(long, default_value = "auto", requires = "endpoint")]
    pub region: String,
    /// With --endpoint: the bucket's name goes before the address and not behind it.
    #[arg(long, requires = "endpoint")]
    pub virtual_host: bool,
    /// File with two lines that only you may read (mode 600): id and secret of the access key that writes.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// Arguments of `bucket check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which bucket.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Where to write the file that names the bucket, if it is usable; never overwritten.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub save: Option<PathBuf>,
    /// JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bucket commit`.
#[derive(Debug, Args)]
pub struct CommitArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// File with three lines: Cloudflare account id (which is also the bucket's name), id of the read-only access key, its
    /// secret. They become public.
    #[arg(long, value_name = "FILE")]
    pub bucket: PathBuf,
    /// Whose bucket it is.
    #[command(flatten)]
    pub key: signer::SourceArgs,
    /// JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bucket forget`.
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// Whose bucket it was.
    #[command(flatten)]
    pub key: signer::SourceArgs,
    /// JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bucket list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Does it.
///
/// # Errors
/// One sentence.
pub async fn run(args: BucketArgs) -> anyhow::Result<()> {
    match args.command {
        BucketCommand::Check(args) => check(args).await,
        BucketCommand::Commit(args) => commit(&args).await,
        BucketCommand::Forget(args) => {
            let receipt = say(&args.run, &args.key, None).await?;
            show(args.json, &receipt, || format!("said in block {}: no bucket any more\n", receipt.block))
        }
        BucketCommand::List(args) => list(&args).await,
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

fn section(args: PlaceArgs) -> anyhow::Result<BucketSection> {
    if let Some(file) = &args.file {
        return Ok(BucketSection::read(file)?);
    }
    let name = args.bucket.as_deref();
    let place = match (&args.r2, &args.aws, &args.endpoint) {
        (Some(account), _, _) => BucketPlace::r2(account, name.unwrap_or(account))?,
        (_, Some(region), _) => BucketPlace::aws(region, name.context("--aws needs --bucket")?)?,
        (_, _, Some(endpoint)) => {
            let name = name.context("--endpoint needs --bucket")?;
            BucketPlace::at(endpoint, name, &args.region, !args.virtual_host)?
        }
        _ => bail!("where is the bucket? Name it with --file, --r2, --aws or --endpoint"),
    };
    let key_file = args.key_file.context("--key-file names the file with the access key that writes")?;
    // The file that is saved is read from anywhere.
    Ok(BucketSection { place, key_file: std::path::absolute(key_file)? })
}

/// What a check found.
#[derive(Serialize)]
struct Checked {
    bucket: BucketPlace,
    create_only: bool,
    skew_seconds: Option<i64>,
}

async fn check(args: CheckArgs) -> anyhow::Result<()> {
    let section = section(args.place)?;
    // A check uploads nothing that could be resumed, so no note is ever written.
    let own = OwnBucket::open_from(&section, std::env::temp_dir().join("covey-bucket-check"), None)?;
    let found = own.check().await?;
    if let Some(path) = &args.save {
        let text = serde_json::to_vec_pretty(&section)?;
        let mut file = std::fs::File::create_new(path).with_context(|| format!("cannot make `{}`", path.display()))?;
        file.write_all(&text)?;
    }
    let checked = Checked { bucket: section.place, create_only: found.create_only, skew_seconds: found.skew_seconds };
    show(args.json, &checked, || {
        let mut text = format!("bucket {} can be written, read and cleared\n", checked.bucket);
        if !checked.create_only {
            text.push_str("  it would overwrite an object: publishing looks first\n");
        }
        if let Some(skew) = checked.skew_seconds.filter(|skew| skew.abs() >= 60) {
            text.push_str(&format!("  this computer's clock differs by {skew} s; above 900 s nothing will work\n"));
        }
        text
    })
}

async fn commit(args: &CommitArgs) -> anyhow::Result<()> {
    let commitment = bucket_file(&args.bucket)?;
    let keys = BucketKeys::try_from(&commitment)?;
    PublicBucket::committed(&commitment)?.verify_read_only().await?;
    let receipt = say(&args.run, &args.key, Some(keys)).await?;
    show(args.json, &receipt, || {
        format!(
            "bucket {} is on the chain, block {}; peers look {LOOK_BACK} rounds back, so say it again every {SAY_EVERY} \
             rounds\n",
            commitment.account(),
            receipt.block
        )
    })
}

/// Says it on the run's chain, for the round that runs now.
async fn say(run: &std::path::Path, key: &signer::SourceArgs, bucket: Option<BucketKeys>) -> anyhow::Result<Receipt> {
    let run = RunFolder::open(run)?;
    let chain = chains::visit(&run).await?.backend;
    let sink = crate::events::Sink::Json(Box::new(std::io::sink()));
    let host = Host::with_signer_process(&key.source(), StartedBy::Hand(sink), None).await?;
    for _ in 1..TRIES {
        match publish(&run, chain.as_ref(), &host, bucket).await {
            Err(ChainError::Late { .. } | ChainError::Early { .. }) => {}
            other => return Ok(other?),
        }
    }
    Ok(publish(&run, chain.as_ref(), &host, bucket).await?)
}

async fn publish(
    run: &RunFolder,
    chain: &dyn ChainBackend,
    host: &Host,
    bucket: Option<BucketKeys>,
) -> Result<Receipt, ChainError> {
    let head = chain.head().await?.number;
    // It stands in the next block.
    let round = run.manifest().rounds.round_of(BlockNumber(head.0.saturating_add(1)));
    chain.publish(&Record::Bucket { round, bucket }, host.signer.as_ref()).await
}

/// One bucket of a run.
#[derive(Serialize)]
struct Listed {
    hotkey: Hotkey,
    account: String,
}

async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
    let chain = chains::visit(&run).await?.backend;
    let rounds = &run.manifest().rounds;
    let from = rounds.start(first_round(rounds.round_of(chain.head().await?.number)));
    let records = chain.records(from, BlockNumber(u64::MAX)).await?;
    let listed =
        |(hotkey, keys): (Hotkey, BucketKeys)| Listed { hotkey, account: keys.commitment().account().to_owned() };
    let found: Vec<Listed> = buckets_of(&records).into_iter().map(listed).collect();
    show(args.json, &found, || {
        if found.is_empty() {
            return "nobody has named a bucket lately\n".to_owned();
        }
        found.iter().map(|at| format!("{} {}\n", at.hotkey, at.account)).collect()
    })
}
