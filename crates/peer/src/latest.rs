//! What still holds of everything a process has said: the answer to a snapshot.
//!
//! In: events as they are said. Out: the latest of each kind, in the order in which they were said. What a later event
//! takes back (a pause by a resumption, a wait by the next phase) is gone. Bounded: one event a kind, and one start a
//! process.

use std::mem::{Discriminant, discriminant};

use ipc::{Event, SampleWhen};

/// The latest events.
#[derive(Debug, Clone, Default)]
pub struct Latest {
    events: Vec<Event>,
}

/// Events with equal keys replace each other.
#[derive(PartialEq)]
struct Key {
    kind: Discriminant<Event>,
    which: String,
}

impl Latest {
    /// Nothing was said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event; one that says nothing lasting is let go.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Hello(_)
            | Event::Ack { .. }
            | Event::Refused { .. }
            | Event::Snapshot { .. }
            | Event::SignRequest { .. }
            | Event::Log { .. } => return,
            Event::Resumed => return self.forget(|event| matches!(event, Event::Paused { .. })),
            Event::PhaseChanged { .. } => {
                self.forget(|event| {
                    matches!(event, Event::Waiting { .. } | Event::CatchingUp { .. } | Event::Fetching { .. })
                });
            }
            // What has come is not being fetched any more.
            Event::Fetching { what, done, total, .. } if done >= total => {
                return self.forget(|event| matches!(event, Event::Fetching { what: other, .. } if other == what));
            }
            Event::PeerExited { name, .. } => {
                self.forget(|event| matches!(event, Event::PeerStarted { name: started, .. } if started == name));
            }
            Event::PeerStarted { name, .. } => {
                self.forget(|event| matches!(event, Event::PeerExited { name: ended, .. } if ended == name));
            }
            _ => {}
        }
        let key = key(event);
        self.forget(|held| self::key(held) == key);
        self.events.push(event.clone());
    }

    /// What holds, to be applied in this order.
    pub fn events(&self) -> Vec<Event> {
        self.events.clone()
    }

    fn forget(&mut self, which: impl Fn(&Event) -> bool) {
        self.events.retain(|event| !which(event));
    }
}

fn key(event: &Event) -> Key {
    let which = match event {
        Event::PeerStarted { name, .. } | Event::PeerExited { name, .. } => name.clone(),
        Event::Sample { when: SampleWhen::Joined, .. } => "joined".to_owned(),
        // A validator judges several peers in a round.
        Event::VerdictReceived { uid, .. } | Event::ScoreUpdated { uid, .. } => uid.to_string(),
        Event::GpuSample { index, .. } => index.to_string(),
        // Shards may come while a checkpoint does.
        Event::Fetching { what, .. } => format!("{what:?}"),
        _ => String::new(),
    };
    Key { kind: discriminant(event), which }
}

#[cfg(test)]
mod tests {
    use ipc::{Fetched, PeerPhase, RoundParts};
    use types::{BlockNumber, ByteCount, Round, Uid, Verdict};

    use super::*;

    fn after(events: &[Event]) -> Vec<Event> {
        let mut latest = Latest::new();
        events.iter().for_each(|event| latest.take(event));
        latest.events()
    }

    fn loss(round: u64) -> Event {
        Event::Evaluated { round: Round(round), loss: 2.5 }
    }

    fn paused() -> Event {
        Event::Paused { reason: "a game".into(), since_ms: 1, until: None }
    }

    #[test]
    fn the_latest_of_each_kind_stands_in_the_order_it_was_said() {
        assert_eq!(after(&[loss(1), paused(), loss(2)]), [paused(), loss(2)]);
    }

    #[test]
    fn what_was_taken_back_is_gone() {
        let waiting = Event::Waiting { for_whom: vec!["uid 1".into()], since_ms: 1, what: "its payload".into() };
        let phase = Event::PhaseChanged { round: Round(1), phase: PeerPhase::Inner, deadline_block: BlockNumber(3) };
        assert_eq!(after(&[paused(), waiting, phase.clone(), Event::Resumed, Event::Ack { id: 1 }]), [phase]);
    }

    #[test]
    fn verdicts_on_different_peers_stand_beside_each_other() {
        let verdict = |round, uid| Event::VerdictReceived {
            round: Round(round),
            uid: Uid(uid),
            verdict: Verdict::Accepted,
            score: None,
            loss_own: None,
            loss_random: None,
        };
        assert_eq!(after(&[verdict(1, 2), verdict(1, 3), verdict(2, 2)]), [verdict(1, 3), verdict(2, 2)]);
    }

    fn fetching(what: Fetched, done: u64) -> Event {
        Event::Fetching { what, done: ByteCount(done), total: ByteCount(100), sources: 1 }
    }

    #[test]
    fn a_fetch_holds_until_it_has_come_or_the_round_goes_on() {
        let (shards, checkpoint) = (fetching(Fetched::Dataset, 40), fetching(Fetched::Checkpoint, 10));
        let both = [fetching(Fetched::Dataset, 1), shards.clone(), checkpoint.clone()];
        assert_eq!(after(&both), [shards, checkpoint.clone()]);
        let come = [both.as_slice(), &[fetching(Fetched::Dataset, 100)]].concat();
        assert_eq!(after(&come), [checkpoint]);
        let phase = Event::PhaseChanged { round: Round(1), phase: PeerPhase::Inner, deadline_block: BlockNumber(3) };
        assert_eq!(after(&[both.as_slice(), std::slice::from_ref(&phase)].concat()), [phase]);
    }

    #[test]
    fn the_last_rounds_time_line_is_the_one_that_holds() {
        let timed = |round| Event::RoundTimed { round: Round(round), parts: RoundParts::default() };
        assert_eq!(after(&[timed(1), timed(2)]), [timed(2)]);
    }
}
