//! Whether the same hotkey is at work on another machine.
//!
//! In: rounds for which the chain shows a record by our hotkey, and what the guard remembers of each. Out: an alarm for a
//! round that was not signed here. Two machines with one hotkey cost both their standing: each overwrites the other's
//! commitments. It reads no chain itself, and stays silent where the guard cannot know.

use types::{Round, RunId};

use crate::RoundMemory;

/// Another machine signs with our hotkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this hotkey is active elsewhere: round {round} has a record by it that was not signed here")]
pub struct Elsewhere {
    /// The run.
    pub run: RunId,
    /// The first round in which it showed, of those not told yet.
    pub round: Round,
}

/// Watches one run of one hotkey.
#[derive(Debug, Clone)]
pub struct ElsewhereAlarm {
    run: RunId,
    next: Round,
}

impl ElsewhereAlarm {
    /// Watches from round `since` on: the first that only this machine should have signed. Earlier ones may be the work
    /// of the machine that the wallet came from.
    pub fn new(run: RunId, since: Round) -> Self {
        Self { run, next: since }
    }

    /// Takes in that the chain has a record by our hotkey for `round`; `memory` is
    /// [`GuardedSigner::signed`](crate::GuardedSigner::signed) of it. Each round is told once.
    pub fn observe(&mut self, round: Round, memory: RoundMemory) -> Option<Elsewhere> {
        if round < self.next || memory != RoundMemory::NotSigned {
            return None;
        }
        self.next = round.next();
        Some(Elsewhere { run: self.run, round })
    }
}

#[cfg(test)]
mod tests {
    use types::Hash32;

    use super::*;

    #[test]
    fn a_record_that_was_not_signed_here_raises_the_alarm_once() {
        let run = RunId(Hash32([1; 32]));
        let mut alarm = ElsewhereAlarm::new(run, Round(10));
        assert_eq!(alarm.observe(Round(9), RoundMemory::NotSigned), None, "the machine before this one");
        assert_eq!(alarm.observe(Round(10), RoundMemory::Signed(Hash32([2; 32]))), None);
        assert_eq!(alarm.observe(Round(11), RoundMemory::Forgotten), None);
        assert_eq!(alarm.observe(Round(12), RoundMemory::NotSigned), Some(Elsewhere { run, round: Round(12) }));
        assert_eq!(alarm.observe(Round(12), RoundMemory::NotSigned), None);
        assert_eq!(alarm.observe(Round(13), RoundMemory::NotSigned), Some(Elsewhere { run, round: Round(13) }));
    }
}
