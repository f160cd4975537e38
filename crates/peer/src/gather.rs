//! A round's payloads: fetched, checked once, and the set that everybody aggregates.
//!
//! In: chain records, a supply of blobs, the parameters' hash. Out: per uid a decoded submission or the reason it is refused, and
//! the round's final set. Deterministic where it matters: two peers that hold the same payloads fix the same set.
//! It moves no parameters and says nothing on chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chain::{ChainBackend, ChainError, ChainRecord};
use exchange::{BlobId, FetchError, SourceFailure, SourceReport};
use gauntlet::{Candidate, filter_set};
use ipc::Event;
use sparseloco::{Expected, Layout, Submission};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::manifest::{RunId, RunManifest};
use types::{BlockNumber, Hash32, RejectReason, Round, Uid};

use crate::events::{Events, now_ms};
use crate::settlement::{Commitment, RoundRecords, gather_list, validators_by_stake};
use crate::supply::Supply;

/// Payloads fetched at once: enough to hide latency, few enough for a home router.
const PARALLEL_FETCHES: usize = 8;
/// One try for a payload of the fixed set; repeated until it comes, with a `waiting` event each time.
const RETRY_SECS: u64 = 20;
/// Rounds whose payloads stay in memory: the one that is gathered, and the one that is judged.
const KEEP_ROUNDS: u64 = 2;
/// Rounds per page when looking back for the last gather list.
const LOOK_BACK_ROUNDS: u64 = 16;

/// Why a round could not be gathered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatherError {
    /// The chain does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Most of the others started from other parameters than ours.
    #[error("round {round}: the others started from parameters {theirs:?}, we stand at {ours:?}")]
    Desynced {
        /// The round.
        round: Round,
        /// Our hash.
        ours: Hash32,
        /// The majority's.
        theirs: Hash32,
    },
    /// Shutting down.
    #[error("cancelled")]
    Cancelled,
}

/// A payload after fetching and decoding.
#[derive(Debug, Clone)]
pub enum Checked {
    /// Decodes, signed by the committer, for this round and these parameters.
    Good(Arc<Submission>),
    /// Does not, and why.
    Bad(RejectReason),
}

/// The round as fixed by the chain and its payloads.
#[derive(Debug, Clone)]
pub struct FixedSet {
    /// What is aggregated, ascending by uid.
    pub set: Vec<(Uid, Arc<Submission>)>,
    /// What was attested but filtered out, and why.
    pub filtered: Vec<(Uid, RejectReason)>,
    /// The gather list that was in force.
    pub listed: Vec<Uid>,
    /// The round's records.
    pub records: RoundRecords,
}

/// Fetches and checks; shared by trainer and validator.
pub struct Gatherer {
    manifest: Arc<RunManifest>,
    run: RunId,
    chain: Arc<dyn ChainBackend>,
    supply: Arc<Supply>,
    layout: Arc<Layout>,
    events: Events,
    stop: CancellationToken,
    checked: Mutex<BTreeMap<(Round, Uid), Checked>>,
}

impl Gatherer {
    /// A gatherer of one run.
    pub fn new(
        manifest: Arc<RunManifest>,
        chain: Arc<dyn ChainBackend>,
        supply: Arc<Supply>,
        layout: Arc<Layout>,
        events: Events,
        stop: CancellationToken,
    ) -> Self {
        let run = manifest.id();
        Self { manifest, run, chain, supply, layout, events, stop, checked: Mutex::default() }
    }

    /// Everything a round put on chain before `to`.
    ///
    /// # Errors
    /// [`GatherError::Chain`].
    pub async fn records(&self, round: Round, to: BlockNumber) -> Result<Vec<ChainRecord>, GatherError> {
        Ok(self.chain.records(self.manifest.rounds.start(round), to).await?)
    }

    /// Fetches and checks all payloads of a round until `deadline`; `theta` is the hash they must have started from.
    ///
    /// # Errors
    /// [`GatherError`].
    pub async fn gather(
        self: &Arc<Self>,
        round: Round,
        theta: Hash32,
        deadline: Instant,
    ) -> Result<BTreeMap<Uid, Checked>, GatherError> {
        let records = self.records(round, self.manifest.rounds.commit_deadline(round)).await?;
        let commits = RoundRecords::of(round, &records).commits;
        let mut checked = BTreeMap::new();
        let mut news = self.supply.news();
        loop {
            let open = commits.iter().filter(|(uid, _)| !is_final(checked.get(*uid)));
            let queue: Vec<(Uid, Commitment)> = open.map(|(uid, commitment)| (*uid, *commitment)).collect();
            if queue.is_empty() {
                break;
            }
            checked.extend(self.fetch_all(round, queue, theta, deadline).await);
            if self.stop.is_cancelled() {
                return Err(GatherError::Cancelled);
            }
            if Instant::now() >= deadline {
                break;
            }
            // Peers reveal at slightly different moments.
            news.wait().await;
        }
        self.forget_before(round);
        Ok(checked)
    }

    async fn fetch_all(
        self: &Arc<Self>,
        round: Round,
        mut queue: Vec<(Uid, Commitment)>,
        theta: Hash32,
        deadline: Instant,
    ) -> Vec<(Uid, Checked)> {
        let mut running = JoinSet::new();
        let mut out = Vec::with_capacity(queue.len());
        loop {
            while running.len() < PARALLEL_FETCHES
                && let Some((uid, commitment)) = queue.pop()
            {
                let this = Arc::clone(self);
                running.spawn(async move { (uid, this.payload(round, uid, commitment, theta, deadline).await) });
            }
            match running.join_next().await {
                None => return out,
                Some(Ok(outcome)) => out.push(outcome),
                Some(Err(error)) => tracing::error!("a fetch task failed: {error}"),
            }
        }
    }

    /// One payload: from memory, or fetched and decoded. Only outcomes that cannot change are remembered.
    async fn payload(
        &self,
        round: Round,
        uid: Uid,
        commitment: Commitment,
        theta: Hash32,
        deadline: Instant,
    ) -> Checked {
        if let Some(known) = self.known(round, uid) {
            return known;
        }
        let id = BlobId { root: commitment.root, bytes: commitment.bytes };
        let max = self.layout.max_submission_bytes() as u64;
        if id.bytes > max {
            return self.remember(round, uid, Checked::Bad(RejectReason::Format));
        }
        if commitment.theta != theta {
            return self.remember(round, uid, Checked::Bad(RejectReason::Desynced));
        }
        let bytes = match self.supply.payload(id, commitment.hotkey, max, deadline, &self.stop).await {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::debug!("payload of uid {uid}, round {round}: {error}");
                return Checked::Bad(unfetched(&error));
            }
        };
        let expected = Expected { run: self.run, round, uid, hotkey: commitment.hotkey, theta: Some(theta) };
        let outcome = match sparseloco::decode_owned(bytes, &self.layout, &expected) {
            Ok(submission) => Checked::Good(Arc::new(submission)),
            Err(error) => Checked::Bad(error.reject_reason()),
        };
        self.remember(round, uid, outcome)
    }

    /// Uids whose payload of the round is held and good, ascending.
    pub fn good(&self, round: Round) -> Vec<Uid> {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let of_round = checked.range((round, Uid(0))..=(round, Uid(u16::MAX)));
        of_round.filter(|(_, c)| matches!(c, Checked::Good(_))).map(|((_, uid), _)| *uid).collect()
    }

    /// The gather list in force in a round.
    ///
    /// # Errors
    /// [`GatherError::Chain`].
    pub async fn listed(&self, round: Round) -> Result<Vec<Uid>, GatherError> {
        let rounds = &self.manifest.rounds;
        let validators = validators_by_stake(&self.chain.neurons().await?);
        let deadline = rounds.commit_deadline(round);
        let mut from = Round((round.0 + 1).saturating_sub(LOOK_BACK_ROUNDS));
        loop {
            let records = self.chain.records(rounds.start(from), deadline).await?;
            if let Some(list) = gather_list(round, rounds, &validators, &records) {
                return Ok(list);
            }
            if from == Round(0) {
                return Ok(Vec::new());
            }
            from = Round(from.0.saturating_sub(LOOK_BACK_ROUNDS));
        }
    }

    /// Fixes the round's set; only to be asked once its attestations are closed. Waits for missing payloads as long as it
    /// takes: without them this peer could not go on in step.
    ///
    /// # Errors
    /// [`GatherError`]; `Desynced` if the listed peers started from other parameters than `theta`.
    pub async fn fix_set(self: &Arc<Self>, round: Round, theta: Hash32) -> Result<FixedSet, GatherError> {
        let records = self.records(round, self.manifest.rounds.attest_deadline(round)).await?;
        let records = RoundRecords::of(round, &records);
        let listed = self.listed(round).await?;
        if let Some(theirs) = records.majority_theta(&listed).filter(|theirs| *theirs != theta) {
            return Err(GatherError::Desynced { round, ours: theta, theirs });
        }
        let validators: BTreeSet<Uid> = validators_by_stake(&self.chain.neurons().await?).into_iter().collect();
        let mut good = Vec::new();
        let mut filtered = Vec::new();
        for uid in records.candidates(&listed, &validators) {
            match self.insist(round, uid, records.commits[&uid], theta).await? {
                Checked::Good(submission) => good.push((uid, submission)),
                // Decoding is deterministic: whoever attested this lied, and every honest peer leaves it out alike.
                Checked::Bad(reason) => filtered.push((uid, reason)),
            }
        }
        let verdicts = self.filter(&records, &good);
        let mut set = Vec::with_capacity(good.len());
        for (uid, submission) in good {
            match verdicts.get(&uid) {
                Some(reason) => filtered.push((uid, *reason)),
                None => set.push((uid, submission)),
            }
        }
        Ok(FixedSet { set, filtered, listed, records })
    }

    /// Norm and copy checks over the decoded payloads, the same for everybody.
    pub fn filter(&self, records: &RoundRecords, good: &[(Uid, Arc<Submission>)]) -> BTreeMap<Uid, RejectReason> {
        let candidates: Vec<Candidate> = good
            .iter()
            .map(|(uid, submission)| Candidate {
                uid: *uid,
                commit_order: records.commits[uid].order,
                norm: submission.global_norm() as f32,
                body_digest: submission.body_digest(),
                previous_body_digest: None,
            })
            .collect();
        let overlaps = overlaps(good);
        let results = filter_set(&self.manifest.gauntlet, &candidates, &overlaps);
        results.into_iter().filter_map(|(uid, result)| result.err().map(|reason| (uid, reason))).collect()
    }

    async fn insist(
        &self,
        round: Round,
        uid: Uid,
        commitment: Commitment,
        theta: Hash32,
    ) -> Result<Checked, GatherError> {
        let since_ms = now_ms();
        loop {
            let deadline = Instant::now() + Duration::from_secs(RETRY_SECS);
            match self.payload(round, uid, commitment, theta, deadline).await {
                Checked::Bad(RejectReason::Unavailable | RejectReason::WrongRoot) if self.stop.is_cancelled() => {
                    return Err(GatherError::Cancelled);
                }
                // Most attested it, so somebody holds the right bytes.
                Checked::Bad(RejectReason::Unavailable | RejectReason::WrongRoot) => {
                    let (for_whom, what) = (vec![format!("uid {uid}")], format!("its payload of round {round}"));
                    self.events.say(Event::Waiting { for_whom, since_ms, what }).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                outcome => return Ok(outcome),
            }
        }
    }

    fn known(&self, round: Round, uid: Uid) -> Option<Checked> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&(round, uid)).cloned()
    }

    fn remember(&self, round: Round, uid: Uid, outcome: Checked) -> Checked {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).insert((round, uid), outcome.clone());
        outcome
    }

    fn forget_before(&self, round: Round) {
        let oldest = Round(round.0.saturating_sub(KEEP_ROUNDS));
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        *checked = checked.split_off(&(oldest, Uid(0)));
    }

    /// Forgets everything: after parameters were replaced, old verdicts about them mean nothing.
    pub fn forget_all(&self) {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Index overlap of every pair, the smaller uid first.
pub fn overlaps(good: &[(Uid, Arc<Submission>)]) -> Vec<(Uid, Uid, f64)> {
    let mut out = Vec::new();
    for (i, (first, a)) in good.iter().enumerate() {
        for (second, b) in &good[i + 1..] {
            out.push((*first, *second, a.overlap(b)));
        }
    }
    out
}

/// Whether asking again could change nothing.
fn is_final(checked: Option<&Checked>) -> bool {
    !matches!(checked, None | Some(Checked::Bad(RejectReason::Unavailable)))
}

/// A payload that a source holds but that is not what was committed is the committer's fault; one that nobody gives is
/// merely unavailable, and may come yet.
fn unfetched(error: &FetchError) -> RejectReason {
    let sources = match error {
        FetchError::Unavailable { sources, .. } | FetchError::Deadline { sources, .. } => sources.as_slice(),
        _ => &[],
    };
    let lied =
        |s: &SourceReport| matches!(s.failure, Some(SourceFailure::BadChunk { .. } | SourceFailure::WrongManifest));
    if sources.iter().any(lied) { RejectReason::WrongRoot } else { RejectReason::Unavailable }
}
