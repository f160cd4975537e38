//! The rehearsal's account, drawn up from the ledger and the validators' reports, not from what the processes said of
//! themselves.
//!
//! In: a ledger, the shared folder, what the events amounted to. Out: an [`ipc::Summary`]. Credits are added up in integers
//! and held against what the ledger says it emitted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chain::{ChainBackend, ChainError, EpochReward, Neuron};
use exchange::{BlobId, FetchError, FetchLimits, Fetcher, FolderSource};
use ipc::{Role, Summary};
use tokio_util::sync::CancellationToken;
use types::{BlockNumber, Hotkey, Rao, Record, Round, Signer as _, Uid, Verdict};

use super::facts::{Facts, role_of};
use super::plan::Plan;
use super::prepare::Prepared;
use crate::chains::RunChain;
use crate::pay::{self, BOOK_FILE, PayError};
use crate::report::{MAX_REPORT_BYTES, Report, ReportError};
use crate::settlement::RoundRecords;

/// Reports lie in a local folder.
const FETCH_TIME: Duration = Duration::from_secs(10);
/// Rounds per page: a ledger call returns a bounded number of records.
const PAGE_ROUNDS: u64 = 64;

/// Why no account could be drawn up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// The ledger does not answer.
    #[error("the ledger's account cannot be read: {0}")]
    Chain(#[from] ChainError),
    /// A report is missing.
    #[error("a validator's report cannot be read: {0}")]
    Fetch(#[from] FetchError),
    /// A peer's book cannot be read or brought up to date.
    #[error(transparent)]
    Pay(#[from] PayError),
    /// A report is not what the ledger says.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Draws up the account of so many rounds.
///
/// # Errors
/// [`SummaryError`].
pub(super) async fn of(
    plan: &Plan,
    prepared: &Prepared,
    facts: &Facts,
    rounds: u64,
    wall: Duration,
    chain: &RunChain,
) -> Result<Summary, SummaryError> {
    let backend = chain.backend.as_ref();
    let names = names_by_key(plan, prepared);
    let history = history(prepared, backend, rounds).await?;
    let (neurons, epochs) = account(prepared, backend).await?;
    let mut summary = Summary {
        rounds,
        peers: u32::try_from(neurons.iter().filter(|n| !n.is_validator).count()).unwrap_or(u32::MAX),
        model: plan.model.name.clone(),
        model_params: plan.model.parameter_count(),
        text: prepared.text.clone(),
        dataset: prepared.run.manifest().data.dataset,
        seed: plan.input.seed,
        eval_loss_first: facts.held_out.get(&Round(0)).copied().unwrap_or(f64::NAN),
        eval_loss_last: facts.held_out.get(&Round(rounds)).copied().unwrap_or(f64::NAN),
        theta_hash_equal: facts.thetas_equal() && history.thetas_equal,
        wire_bytes_per_param: history.mean_bytes() / plan.model.parameter_count() as f64,
        utilisation: utilisation(facts, wall),
        first_accepted_s: facts.first_accepted_s,
        restarts: facts.restarts,
        wall_s: wall.as_secs_f64(),
        cheater: plan
            .input
            .cheaters
            .first()
            .map(|_| plan.input.cheaters.iter().map(|c| c.word()).collect::<Vec<_>>().join(",")),
        ..Summary::default()
    };
    summary.books_match = books_match(plan, prepared, chain, &neurons).await?;
    count_verdicts(&mut summary, &history, &neurons);
    credit(&mut summary, plan, &names, &neurons, &epochs);
    Ok(summary)
}

/// Whether every peer's own book shows what the chain says it was paid, to the rao: across restarts, forks and outages.
async fn books_match(
    plan: &Plan,
    prepared: &Prepared,
    chain: &RunChain,
    neurons: &[Neuron],
) -> Result<bool, SummaryError> {
    for name in plan.honest() {
        let hotkey = prepared.signer(&name).hotkey();
        let Some(mut paid) = neurons.iter().find(|n| n.hotkey == hotkey).map(|n| n.balance) else { continue };
        let folder = plan.state_of(&prepared.run.dir, &name);
        loop {
            pay::sync(&prepared.run, chain, hotkey, &folder).await?;
            let id = pay::book_id(&prepared.run, chain, hotkey);
            let booked = pay::with_book(&folder.join(BOOK_FILE), &id, |book| book.all_rewards()).await?;
            let booked: u64 = booked.iter().map(|reward| reward.amount().0).sum();
            // A chain whose clock waits for nobody may pay between two questions.
            let now =
                chain.backend.neurons().await?.into_iter().find(|n| n.hotkey == hotkey).map_or(paid, |n| n.balance);
            if booked == now.0 {
                break;
            }
            if now == std::mem::replace(&mut paid, now) {
                tracing::error!("`{name}` has booked {booked} rao and was paid {now}");
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// What the chain and the reports say of all rounds.
struct History {
    rounds: BTreeMap<Round, RoundRecords>,
    reports: BTreeMap<Round, Vec<Report>>,
    starts: BTreeMap<Round, BlockNumber>,
    thetas_equal: bool,
}

impl History {
    fn mean_bytes(&self) -> f64 {
        let sizes: Vec<u64> = self.rounds.values().flat_map(|r| r.commits.values().map(|c| c.bytes)).collect();
        sizes.iter().sum::<u64>() as f64 / sizes.len().max(1) as f64
    }
}

async fn history(prepared: &Prepared, chain: &dyn ChainBackend, rounds: u64) -> Result<History, SummaryError> {
    let params = &prepared.run.manifest().rounds;
    let source = Arc::new(FolderSource::parent(&prepared.run.places.share));
    let fetcher = Fetcher::new(vec![source], FetchLimits::up_to(MAX_REPORT_BYTES));
    let mut out =
        History { rounds: BTreeMap::new(), reports: BTreeMap::new(), starts: BTreeMap::new(), thetas_equal: true };
    let mut from = 0;
    // Reports on the last rounds stand in the rounds after it.
    while from <= rounds + 1 {
        let to = from + PAGE_ROUNDS;
        let records = chain.records(params.start(Round(from)), params.start(Round(to))).await?;
        for round in (from..to.min(rounds)).map(Round) {
            let of_round = RoundRecords::of(round, &records);
            let thetas: BTreeSet<_> = of_round.commits.values().map(|c| c.theta).collect();
            out.thetas_equal &= thetas.len() <= 1;
            out.starts.insert(round, params.start(round));
            out.rounds.insert(round, of_round);
        }
        for record in records {
            let Record::Report { round, root, bytes, .. } = record.record else { continue };
            let deadline = tokio::time::Instant::now() + FETCH_TIME;
            let body = fetcher.fetch(BlobId { root, bytes }, deadline, &CancellationToken::new()).await?;
            let report = Report::from_bytes(&body, prepared.id(), round, record.hotkey)?;
            out.reports.entry(round).or_default().push(report);
        }
        from = to;
    }
    Ok(out)
}

async fn epochs(prepared: &Prepared, chain: &dyn ChainBackend) -> Result<Vec<EpochReward>, SummaryError> {
    let params = &prepared.run.manifest().rounds;
    let head = chain.head().await?.number;
    let mut out = Vec::new();
    let mut from = BlockNumber(0);
    while from <= head {
        let to = BlockNumber(from.0 + PAGE_ROUNDS * params.blocks);
        out.extend(chain.epochs(from, to).await?);
        from = to;
    }
    Ok(out)
}

/// Balances and pay-outs of the same moment: a chain whose clock waits for nobody may pay out between two questions.
async fn account(
    prepared: &Prepared,
    chain: &dyn ChainBackend,
) -> Result<(Vec<Neuron>, Vec<EpochReward>), SummaryError> {
    let mut paid = epochs(prepared, chain).await?;
    loop {
        let neurons = chain.neurons().await?;
        let again = epochs(prepared, chain).await?;
        if again.len() == paid.len() {
            return Ok((neurons, paid));
        }
        paid = again;
    }
}

fn names_by_key(plan: &Plan, prepared: &Prepared) -> BTreeMap<Hotkey, String> {
    plan.processes().into_iter().map(|name| (prepared.signer(&name).hotkey(), name)).collect()
}

/// Counts the first validator's verdicts, and checks that every peer that owed a round got exactly one per validator.
fn count_verdicts(summary: &mut Summary, history: &History, neurons: &[Neuron]) {
    let mut complete = true;
    for (round, records) in &history.rounds {
        let start = history.starts[round];
        let owing: BTreeSet<Uid> = neurons
            .iter()
            .filter(|n| !n.is_validator && (n.registered_at < start || records.commits.contains_key(&n.uid)))
            .map(|n| n.uid)
            .collect();
        let reports = history.reports.get(round).map_or(&[][..], Vec::as_slice);
        complete &= !reports.is_empty();
        for report in reports {
            let judged: Vec<Uid> = report.verdicts.iter().map(|v| v.uid).collect();
            complete &= judged.len() == owing.len() && judged.iter().all(|uid| owing.contains(uid));
        }
        for entry in reports.first().map_or(&[][..], |r| r.verdicts.as_slice()) {
            match entry.outcome {
                Verdict::Accepted => summary.accepted += 1,
                Verdict::OnProbation => *summary.rejected.entry("on_probation".into()).or_default() += 1,
                Verdict::Missed => *summary.rejected.entry("missed".into()).or_default() += 1,
                Verdict::Rejected(reason) => *summary.rejected.entry(snake(reason)).or_default() += 1,
            }
        }
    }
    summary.verdicts_per_peer_round_ok = complete;
}

fn snake(reason: types::RejectReason) -> String {
    serde_json::to_value(reason).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn credit(
    summary: &mut Summary,
    plan: &Plan,
    names: &BTreeMap<Hotkey, String>,
    neurons: &[Neuron],
    epochs: &[EpochReward],
) {
    let add = |to: &mut Rao, rao: Rao| to.0 = to.0.saturating_add(rao.0);
    for epoch in epochs {
        add(&mut summary.emitted, epoch.minted);
        add(&mut summary.credits_owner, epoch.owner);
        add(&mut summary.credits_burned, epoch.burned);
        epoch.validator.iter().for_each(|(_, rao)| add(&mut summary.credits_validators, *rao));
    }
    for neuron in neurons {
        let name = names.get(&neuron.hotkey).cloned().unwrap_or_else(|| neuron.hotkey.ss58());
        if !neuron.is_validator {
            summary.credits_by_peer.insert(name, neuron.balance);
        }
    }
    let cheaters: BTreeSet<String> = plan.cheaters().into_iter().map(|(name, _)| name).collect();
    let mean = |of: &dyn Fn(&String) -> bool| {
        let balances: Vec<u64> =
            summary.credits_by_peer.iter().filter(|(name, _)| of(name)).map(|(_, r)| r.0).collect();
        balances.iter().map(|b| *b as f64).sum::<f64>() / balances.len().max(1) as f64
    };
    let honest = mean(&|name| !cheaters.contains(name));
    summary.cheaters_paid =
        if honest > 0.0 && !cheaters.is_empty() { mean(&|name| cheaters.contains(name)) / honest } else { 0.0 };
}

/// Mean share of the time since training began that the peers spent in inner steps.
fn utilisation(facts: &Facts, wall: Duration) -> f64 {
    let trainers: Vec<f64> =
        facts.processes.iter().filter(|(name, _)| role_of(name) == Role::Train).map(|(_, p)| p.inner_secs).collect();
    let span = wall.as_secs_f64() - facts.first_inner_s.unwrap_or_default();
    if trainers.is_empty() || span <= 0.0 { 0.0 } else { trainers.iter().sum::<f64>() / trainers.len() as f64 / span }
}
