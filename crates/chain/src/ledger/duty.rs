//! Who is waited for.
//!
//! In: the state after a block. Out: what is still owed in this phase, by whom. A pure function: the sequencer's paced
//! clock ends a phase when nothing is owed, and the app shows the same list. It knows no clock.

use serde::{Deserialize, Serialize};
use types::manifest::Phase;
use types::{BlockNumber, Round, Uid};

use super::genesis::Genesis;
use super::state::State;

/// Something a phase waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "duty", rename_all = "snake_case")]
pub enum Duty {
    /// The run has not started: so many miners are still expected.
    Join {
        /// How many.
        missing: u16,
    },
    /// A miner's commitment.
    Commit {
        /// The round.
        round: Round,
        /// Who.
        uid: Uid,
    },
    /// A validator's report on the round before.
    Report {
        /// The round reported on.
        round: Round,
        /// Who.
        uid: Uid,
    },
    /// An attestation of a miner that committed, or of a validator.
    Attest {
        /// The round.
        round: Round,
        /// Who.
        uid: Uid,
    },
}

/// The running phase and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The running round.
    pub round: Round,
    /// First block of the phase.
    pub phase_began: BlockNumber,
    /// When the phase began, milliseconds since 1970 (after a restart of the ledger: when it came back).
    pub since_ms: u64,
    /// When it ends at the latest; `None` if the clock is not paced.
    pub until_ms: Option<u64>,
    /// What is owed.
    pub duties: Vec<Duty>,
}

/// What is owed in the phase that block `head` belongs to. `expected_miners` counts at the very start only.
pub(crate) fn duties(rules: &Genesis, state: &State, head: BlockNumber, expected_miners: u16) -> Vec<Duty> {
    let round = rules.rounds.round_of(head);
    match rules.rounds.phase_of(head) {
        Phase::Compute => compute_duties(rules, state, round, expected_miners),
        Phase::Gather => gather_duties(state, round),
        Phase::Settle => Vec::new(),
    }
}

fn compute_duties(rules: &Genesis, state: &State, round: Round, expected_miners: u16) -> Vec<Duty> {
    let mut owed = Vec::new();
    let miners = state.accounts.iter().filter(|a| !a.is_validator).count() as u16;
    if round == Round(0) && miners < expected_miners {
        owed.push(Duty::Join { missing: expected_miners - miners });
    }
    let newcomer_from = rules.rounds.start(round.previous().unwrap_or_default());
    for (uid, account) in accounts(state) {
        let committed = |round: &Round| state.slots(*round).commits.contains_key(&uid);
        let newcomer = !account.is_validator && account.registered.block >= newcomer_from;
        if (newcomer || last_two(round).iter().any(committed)) && !committed(&round) {
            owed.push(Duty::Commit { round, uid });
        }
    }
    if let Some(before) = round.previous() {
        for uid in active_validators(state, round) {
            if !state.slots(before).reports.contains_key(&uid) {
                owed.push(Duty::Report { round: before, uid });
            }
        }
    }
    owed
}

fn gather_duties(state: &State, round: Round) -> Vec<Duty> {
    let slots = state.slots(round);
    let mut owing: Vec<Uid> = slots.commits.keys().copied().chain(active_validators(state, round)).collect();
    owing.sort_unstable();
    owing.dedup();
    owing.retain(|uid| !slots.attests.contains_key(uid));
    owing.into_iter().map(|uid| Duty::Attest { round, uid }).collect()
}

/// Validators that attested or reported while this round or one of the two before it ran; at the start, all.
fn active_validators(state: &State, round: Round) -> Vec<Uid> {
    let seen = |round: &Round, uid: &Uid| {
        let slots = state.slots(*round);
        slots.attests.contains_key(uid) || slots.reporters.contains(uid)
    };
    let validators = accounts(state).filter(|(_, account)| account.is_validator).map(|(uid, _)| uid);
    validators.filter(|uid| round.0 <= 1 || seen(&round, uid) || last_two(round).iter().any(|r| seen(r, uid))).collect()
}

fn accounts(state: &State) -> impl Iterator<Item = (Uid, &super::state::Account)> {
    state.accounts.iter().enumerate().map(|(uid, account)| (Uid(uid as u16), account))
}

/// The two rounds before `round`, as far as there are any.
fn last_two(round: Round) -> Vec<Round> {
    [1, 2].iter().filter_map(|back| round.0.checked_sub(*back)).map(Round).collect()
}

#[cfg(test)]
mod tests;
