//! `covey-peer earnings` and `covey-peer receipts`: what a peer earned, and the record of the rounds it earned it with.
//!
//! In: a run folder and a peer's name. Out: text, JSON or CSV. The chain is asked first unless that is not wanted; what
//! stands in the peer's own folder is shown in any case. Nothing here is signed or sent.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use earnings::receipts::{
    CommitFact, Fact, ReceiptFacts, ReceiptLog, ReceiptsText, ReportFact, RewardFact, RoundState, VerificationText,
    rounds, verify,
};
use earnings::{EarningsText, Standing, SummaryInput, Tariff, export_csv, summary};
use exchange::{BlobId, FetchLimits, Fetcher, FolderSource};
use tokio_util::sync::CancellationToken;
use types::manifest::RunId;
use types::{BlockNumber, Hotkey, Record, Round};

use crate::chains::{self, RunChain};
use crate::events::now_ms;
use crate::journal::RECEIPTS_FILE;
use crate::pay::{self, BOOK_FILE};
use crate::places::{RunFolder, read_bounded};
use crate::report::{MAX_REPORT_BYTES, Report};

/// Days shown.
const DAYS: u16 = 30;
/// A tariff is a page of numbers.
const MAX_TARIFF: u64 = 64 * 1024;
/// Reports lie in a local folder or come over a near line.
const FETCH_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// Whose account.
#[derive(Debug, Args)]
pub struct WhoseArgs {
    /// The run folder.
    #[arg(long)]
    pub run: PathBuf,
    /// The peer's name: its folder within the run folder.
    #[arg(long, default_value = "peer", value_parser = crate::command::name)]
    pub name: String,
    /// Do not ask the chain: show what stands here.
    #[arg(long)]
    pub offline: bool,
    /// JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Arguments of `earnings`.
#[derive(Debug, Args)]
pub struct EarningsArgs {
    /// Whose.
    #[command(flatten)]
    pub whose: WhoseArgs,
    /// The hotkey, if this peer has no receipts yet.
    #[arg(long)]
    pub hotkey: Option<Hotkey>,
    /// CSV on standard output.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Price of electricity by hour of the week, as JSON.
    #[arg(long, value_name = "FILE")]
    pub tariff: Option<PathBuf>,
}

/// Arguments of `receipts`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ReceiptsArgs {
    /// What to do; without it, the receipts are shown.
    #[command(subcommand)]
    pub command: Option<ReceiptsCommand>,
    /// Whose.
    #[command(flatten)]
    pub whose: Option<WhoseArgs>,
}

/// What `receipts` does.
#[derive(Debug, Subcommand)]
pub enum ReceiptsCommand {
    /// Recompute the chain of hashes and hold every number against the ledger or node. Ends with 1 if anything is wrong.
    Verify(WhoseArgs),
}

/// Shows earnings.
///
/// # Errors
/// One sentence.
pub async fn earnings(args: EarningsArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.whose.run)?;
    let folder = run.state_of(&args.whose.name);
    let tariff = args.tariff.as_deref().map(read_tariff).transpose()?;
    let read = if args.whose.offline {
        None
    } else {
        let Some(hotkey) = args.hotkey.or(hotkey_of(&folder)?) else {
            bail!("`{}` has no receipts yet that would name its hotkey: give it with --hotkey", args.whose.name);
        };
        let chain = chains::visit(&run).await.context("the chain cannot be asked (see --offline)")?;
        Some(pay::sync(&run, &chain, hotkey, &folder).await?)
    };
    let page = |book: &earnings::Book| -> anyhow::Result<_> {
        let zone = jiff::tz::TimeZone::system();
        let input = SummaryInput {
            now_ms: now_ms(),
            zone: &zone,
            days: DAYS,
            head: read.as_ref().map_or(BlockNumber(0), |read| read.head.number),
            pace: pay::pace(&run),
            finality_blocks: None,
            standing: read.as_ref().map_or(Standing::Unknown, |read| read.standing),
            since: read.as_ref().map_or(BlockNumber(0), |read| read.since),
            tariff: tariff.as_ref(),
            rates: &[],
        };
        Ok((summary(book, &input)?, book.all_rewards()?, book.id().clone()))
    };
    let path = folder.join(BOOK_FILE);
    let book = earnings::Book::open(&path)?.with_context(|| format!("`{}` has no book yet", args.whose.name))?;
    let (summary, rewards, id) = page(&book)?;
    if args.csv {
        std::io::stdout().write_all(&export_csv(&id, &rewards, &[])?)?;
    } else if args.whose.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        println!("{}", EarningsText(&summary));
    }
    Ok(())
}

fn read_tariff(path: &Path) -> anyhow::Result<Tariff> {
    let bytes = read_bounded(path, MAX_TARIFF)?;
    let tariff: Tariff =
        serde_json::from_slice(&bytes).with_context(|| format!("`{}` is no tariff", path.display()))?;
    tariff.check()?;
    Ok(tariff)
}

/// The hotkey that a peer's newest receipt names.
fn hotkey_of(folder: &Path) -> anyhow::Result<Option<Hotkey>> {
    let path = folder.join(RECEIPTS_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let states = rounds(&ReceiptLog::read(&path)?);
    Ok(states.iter().rev().find_map(|state| state.receipt.as_ref()).map(|receipt| receipt.hotkey))
}

/// Shows or verifies receipts; `false` if one of them is wrong.
///
/// # Errors
/// One sentence.
pub async fn receipts(args: ReceiptsArgs) -> anyhow::Result<bool> {
    match (args.command, args.whose) {
        (Some(ReceiptsCommand::Verify(whose)), _) => check(&whose).await,
        (None, Some(whose)) => {
            let run = RunFolder::open(&whose.run)?;
            let states = rounds(&ReceiptLog::read(&run.state_of(&whose.name).join(RECEIPTS_FILE))?);
            if whose.json {
                println!("{}", serde_json::to_string(&states)?);
            } else {
                print!("{}", ReceiptsText(&states));
            }
            Ok(true)
        }
        (None, None) => bail!("whose receipts? Name the run folder with --run"),
    }
}

async fn check(whose: &WhoseArgs) -> anyhow::Result<bool> {
    let run = RunFolder::open(&whose.run)?;
    let path = run.state_of(&whose.name).join(RECEIPTS_FILE);
    let facts: Box<dyn ReceiptFacts> = if whose.offline {
        Box::new(())
    } else {
        // A log that does not read is checked all the same: verification says which line is at fault.
        let states = ReceiptLog::read(&path).map(|entries| rounds(&entries)).unwrap_or_default();
        Box::new(Facts::read(&run, &chains::visit(&run).await?, &states).await?)
    };
    let file = std::fs::File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let verification = verify(BufReader::new(file), facts.as_ref(), None)?;
    if whose.json {
        println!("{}", serde_json::to_string(&verification)?);
    } else {
        print!("{}", VerificationText(&verification));
    }
    Ok(verification.holds())
}

/// What the chain and the validators' reports say of the rounds in the receipts.
struct Facts {
    run: RunId,
    /// Rounds whose records were read.
    read: Vec<Round>,
    commits: BTreeMap<(Hotkey, Round), CommitFact>,
    reports: BTreeMap<(Hotkey, Round), ReportFact>,
    /// Blocks below this were read for pay-outs.
    paid_to: BlockNumber,
    rewards: BTreeMap<BlockNumber, RewardFact>,
}

impl Facts {
    async fn read(run: &RunFolder, chain: &RunChain, states: &[RoundState]) -> anyhow::Result<Self> {
        let own = states.iter().rev().find_map(|state| state.receipt.as_ref());
        let mut facts = Self {
            run: run.id(),
            read: Vec::new(),
            commits: BTreeMap::new(),
            reports: BTreeMap::new(),
            paid_to: BlockNumber(0),
            rewards: BTreeMap::new(),
        };
        let Some(own) = own else { return Ok(facts) };
        let limits = FetchLimits::up_to(MAX_REPORT_BYTES);
        let fetcher = Fetcher::new(vec![Arc::new(FolderSource::parent(&run.places.share))], limits);
        let params = &run.manifest().rounds;
        let last = states.iter().map(|state| state.round).max().unwrap_or_default();
        let first = states.iter().map(|state| state.round).min().unwrap_or_default();
        // One round beyond the last: its report stands there.
        for round in (first.0..=last.0 + 1).map(Round) {
            let records = chain.backend.records(params.start(round), params.start(round.next())).await?;
            facts.read.push(round);
            for record in records {
                let (by, block) = (record.hotkey, record.block);
                match record.record {
                    Record::Commit { round, root, bytes, .. } => {
                        let fact = CommitFact { block, index: record.index, uid: record.uid, root, bytes };
                        facts.commits.entry((by, round)).or_insert(fact);
                    }
                    Record::Report { round, root, bytes, .. } if bytes <= MAX_REPORT_BYTES => {
                        let deadline = tokio::time::Instant::now() + FETCH_TIME;
                        let body = fetcher.fetch(BlobId { root, bytes }, deadline, &CancellationToken::new()).await;
                        let report = body.ok().and_then(|body| Report::from_bytes(&body, facts.run, round, by).ok());
                        let entry = |report: Report| report.verdicts.into_iter().find(|v| v.hotkey == own.hotkey);
                        let outcome = report.and_then(entry).map(|entry| entry.outcome);
                        facts.reports.entry((by, round)).or_insert(ReportFact { block, root, outcome });
                    }
                    _ => {}
                }
            }
        }
        facts.read_rewards(chain, own.uid, states).await?;
        Ok(facts)
    }

    async fn read_rewards(&mut self, chain: &RunChain, uid: types::Uid, states: &[RoundState]) -> anyhow::Result<()> {
        let blocks = states.iter().flat_map(|state| state.rewards.iter().map(|(block, _)| *block));
        let Some(last) = blocks.max() else { return Ok(()) };
        self.paid_to = BlockNumber(last.0 + 1);
        let mut from = 0;
        while from < self.paid_to.0 {
            let to = self.paid_to.0.min(from + 2048);
            for reward in chain.backend.epochs(BlockNumber(from), BlockNumber(to)).await? {
                if let Some((_, amount)) = reward.miner.iter().find(|(of, _)| *of == uid) {
                    self.rewards.insert(reward.block, RewardFact { amount: *amount });
                }
            }
            from = to;
        }
        Ok(())
    }
}

impl ReceiptFacts for Facts {
    fn commit_of(&self, run: RunId, hotkey: Hotkey, round: Round) -> Fact<CommitFact> {
        match self.commits.get(&(hotkey, round)) {
            _ if run != self.run => Fact::Unknown,
            Some(fact) => Fact::Known(*fact),
            None if self.read.contains(&round) => Fact::Absent,
            None => Fact::Unknown,
        }
    }

    fn report_of(&self, run: RunId, validator: Hotkey, round: Round) -> Fact<ReportFact> {
        match self.reports.get(&(validator, round)) {
            _ if run != self.run => Fact::Unknown,
            Some(fact) => Fact::Known(*fact),
            // A report may stand in a later round than was read.
            None => Fact::Unknown,
        }
    }

    fn reward_at(&self, run: RunId, block: BlockNumber) -> Fact<RewardFact> {
        match self.rewards.get(&block) {
            _ if run != self.run => Fact::Unknown,
            Some(fact) => Fact::Known(*fact),
            None if block < self.paid_to => Fact::Absent,
            None => Fact::Unknown,
        }
    }
}
