//! This computer's rounds: tiles of the last ones, and the running one as bars.
//!
//! In: its own events. Out: at most 50 tiles with one verdict each, and a timeline. Rounds of one process only ascend; an
//! event of an older round than the tiles go back to is passed over.

use super::run::shown;
use ipc::{Event, LayerMoved};
use types::{Round, Verdict};
use view_model::{PhaseBar, RoundTile, Step, Timeline};

/// Tiles that are kept.
pub(crate) const MAX_TILES: usize = 50;
/// Bars of a round: nine phases, some of them twice after a restart.
const MAX_BARS: usize = 32;

/// Tiles and timeline.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    tiles: Vec<RoundTile>,
    running: Option<Running>,
}

/// The running round, in moments.
#[derive(Debug)]
struct Running {
    round: Round,
    from_ms: u64,
    bars: Vec<(view_model::Phase, u64)>,
    sizes: Option<(types::ByteCount, types::ByteCount)>,
    step: Option<Step>,
    ended_ms: Option<u64>,
}

impl Rounds {
    /// One of this computer's own events. Gives whether it is the first word of an accepted round.
    pub(crate) fn take(&mut self, event: &Event, at_ms: u64) {
        match event {
            Event::PhaseChanged { round, phase, .. } => self.phase(*round, shown(*phase), at_ms),
            Event::InnerStepDone { round, step, of, .. } => {
                if let Some(running) = self.running_at(*round) {
                    running.step = Some(Step { done: *step, of: *of });
                }
            }
            Event::Compressed { round, raw_bytes, sent_bytes, .. } => {
                if let Some(running) = self.running_at(*round) {
                    running.sizes = Some((*raw_bytes, *sent_bytes));
                }
            }
            Event::LayersMoved { round, layers, .. } => {
                let moved = moved(layers);
                if let Some(tile) = self.tile(*round) {
                    tile.moved = Some(moved);
                }
            }
            Event::OuterStepApplied { round, .. } => {
                if let Some(tile) = self.tile(*round) {
                    tile.at_ms = at_ms;
                }
            }
            _ => {}
        }
    }

    /// A verdict on this computer's round: the first one stays. Gives whether it was the first.
    pub(crate) fn judged(&mut self, round: Round, verdict: Verdict, score: Option<f64>, at_ms: u64) -> bool {
        let Some(tile) = self.tile_or_new(round, at_ms) else { return false };
        if tile.verdict.is_some() {
            return false;
        }
        tile.verdict = Some(verdict);
        tile.score = score.filter(|score| score.is_finite());
        true
    }

    /// The process has gone: nothing runs on.
    pub(crate) fn end(&mut self, at_ms: u64) {
        if let Some(running) = &mut self.running {
            running.ended_ms.get_or_insert(at_ms);
        }
    }

    fn phase(&mut self, round: Round, phase: view_model::Phase, at_ms: u64) {
        if self.running.as_ref().is_none_or(|running| running.round < round || running.ended_ms.is_some()) {
            self.running =
                Some(Running { round, from_ms: at_ms, bars: Vec::new(), sizes: None, step: None, ended_ms: None });
        }
        let Some(running) = self.running_at(round) else { return };
        if running.bars.last().map(|(last, _)| *last) != Some(phase) && running.bars.len() < MAX_BARS {
            running.bars.push((phase, at_ms));
        }
        if phase == view_model::Phase::Inner {
            self.tile_or_new(round, at_ms);
        }
    }

    fn running_at(&mut self, round: Round) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.round == round)
    }

    fn tile(&mut self, round: Round) -> Option<&mut RoundTile> {
        self.tiles.iter_mut().rev().find(|tile| tile.round == round)
    }

    fn tile_or_new(&mut self, round: Round, at_ms: u64) -> Option<&mut RoundTile> {
        if self.tiles.iter().all(|tile| tile.round != round) {
            let place = self.tiles.partition_point(|tile| tile.round < round);
            if place == 0 && self.tiles.len() >= MAX_TILES {
                return None;
            }
            self.tiles.insert(place, RoundTile { round, verdict: None, score: None, at_ms, moved: None });
            super::run::drop_oldest(&mut self.tiles, MAX_TILES);
        }
        self.tile(round)
    }

    /// Tiles, newest last.
    pub(crate) fn tiles(&self) -> Vec<RoundTile> {
        self.tiles.clone()
    }

    /// The running round at `now_ms`.
    pub(crate) fn timeline(&self, now_ms: u64) -> Option<Timeline> {
        let running = self.running.as_ref()?;
        let end_ms = running.ended_ms.unwrap_or(now_ms);
        let secs = |ms: u64| ms.saturating_sub(running.from_ms) as f64 / 1000.0;
        let ends = running.bars.iter().skip(1).map(|(_, from)| Some(*from)).chain([running.ended_ms]);
        let bar = |((phase, from), to): (&(view_model::Phase, u64), Option<u64>)| PhaseBar {
            phase: *phase,
            from_secs: secs(*from),
            to_secs: to.map(secs),
        };
        Some(Timeline {
            round: running.round,
            phases: running.bars.iter().zip(ends).map(bar).collect(),
            elapsed_secs: secs(end_ms).floor(),
            deadline_secs: None,
            sizes: running.sizes,
            step: running.step,
        })
    }
}

/// Parameters moved in all layers.
pub(crate) fn moved(layers: &[LayerMoved]) -> u64 {
    layers.iter().fold(0u64, |sum, layer| sum.saturating_add(layer.moved))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::PeerPhase;
    use types::{BlockNumber, RejectReason};
    use view_model::Phase;

    fn phase(rounds: &mut Rounds, round: u64, phase: PeerPhase, at_ms: u64) {
        let event = Event::PhaseChanged { round: Round(round), phase, deadline_block: BlockNumber(1) };
        rounds.take(&event, at_ms);
    }

    #[test]
    fn bars_follow_each_other_and_the_last_one_runs() {
        let mut rounds = Rounds::default();
        phase(&mut rounds, 4, PeerPhase::Inner, 1000);
        phase(&mut rounds, 4, PeerPhase::Inner, 2000);
        phase(&mut rounds, 4, PeerPhase::Compress, 4000);
        let timeline = rounds.timeline(9000).unwrap();
        let bars: Vec<_> = timeline.phases.iter().map(|bar| (bar.phase, bar.from_secs, bar.to_secs)).collect();
        assert_eq!(bars, [(Phase::Inner, 0.0, Some(3.0)), (Phase::Compress, 3.0, None)]);
        assert_eq!((timeline.round, timeline.elapsed_secs), (Round(4), 8.0));
        rounds.end(10_000);
        assert_eq!(rounds.timeline(99_000).unwrap().phases[1].to_secs, Some(9.0));
    }

    #[test]
    fn a_round_has_one_verdict_and_the_oldest_tiles_go() {
        let mut rounds = Rounds::default();
        for round in 0..60 {
            phase(&mut rounds, round, PeerPhase::Inner, round);
        }
        assert!(rounds.judged(Round(59), Verdict::Accepted, Some(1.0), 0));
        assert!(!rounds.judged(Round(59), Verdict::Rejected(RejectReason::Stale), None, 0));
        assert!(!rounds.judged(Round(3), Verdict::Accepted, None, 0), "long gone");
        let tiles = rounds.tiles();
        assert_eq!((tiles.len(), tiles[0].round, tiles[49].verdict), (50, Round(10), Some(Verdict::Accepted)));
    }
}
