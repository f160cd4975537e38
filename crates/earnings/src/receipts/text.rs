//! Receipts as lines of text.
//!
//! In: rounds on record, a verification. Out: lines for a terminal or a log, without control characters; every number says whether it
//! was measured, reported, attributed or stands on chain.

use std::fmt;

use super::verify::{RoundState, Verification};
use crate::amount::{Mark, decimal};

/// Rounds, to be shown with `{}`.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptsText<'a>(pub &'a [RoundState]);

impl fmt::Display for ReceiptsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "No round is on record yet.");
        }
        self.0.iter().try_for_each(|state| round(f, state))
    }
}

fn round(f: &mut fmt::Formatter<'_>, state: &RoundState) -> fmt::Result {
    write!(f, "round {} of run {}: ", state.round, state.run.0.short())?;
    match &state.receipt {
        Some(receipt) => {
            let secs = receipt.ended_ms.saturating_sub(receipt.began_ms) / 1000;
            write!(f, "{} steps, {} tokens in {secs} s", receipt.inner_steps, receipt.tokens)?;
            if let Some(energy) = receipt.energy {
                write!(f, ", {} kJ", decimal(energy.millijoules / 1000, 3))?;
            }
            if let Some((root, bytes)) = receipt.payload_root.zip(receipt.payload_bytes) {
                write!(f, ", payload {} of {bytes} bytes", root.short())?;
            }
            write!(f, " ({})", Mark::Measured)?;
        }
        None => write!(f, "nothing was measured here")?,
    }
    if let Some((block, index)) = state.commit {
        write!(f, "; committed in block {block} as {index}")?;
    }
    for given in &state.verdicts {
        write!(f, "; {} ({} by {})", given.outcome, Mark::Reported, given.judged_by.validator)?;
    }
    for (block, rao) in &state.rewards {
        write!(f, "; {} from the pay-out of block {block} ({})", decimal(rao.0, 9), Mark::Attributed)?;
    }
    writeln!(f)
}

/// A verification, to be shown with `{}`.
#[derive(Debug, Clone, Copy)]
pub struct VerificationText<'a>(pub &'a Verification);

impl fmt::Display for VerificationText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verification { head, wrong, rounds, confirmed, unchecked } = self.0;
        for state in rounds {
            writeln!(f, "round {} of run {}", state.round, state.run.0.short())?;
            for number in &state.numbers {
                write!(f, "  {:<14} {} ({}", number.field, number.value, number.mark)?;
                if let Some(by) = number.by {
                    write!(f, " by {by}")?;
                }
                writeln!(f, "{})", if number.confirmed { ", confirmed by the chain" } else { "" })?;
            }
        }
        writeln!(
            f,
            "{} receipts of {} rounds hold; {confirmed} numbers are confirmed by the chain, {unchecked} could not be checked.",
            head.records,
            rounds.len()
        )?;
        match wrong {
            None => writeln!(f, "The chain of hashes is whole up to {}.", head.hash),
            Some(wrong) => {
                let round = wrong.round.map(|round| format!(" (round {round})")).unwrap_or_default();
                writeln!(f, "Receipt {}{round} is wrong: `{}` {}.", wrong.record, wrong.field, wrong.why)
            }
        }
    }
}
