//! What one process did, in figures.
//!
//! In: its events. Out: totals that only grow, and the newest of what goes up and down. Fixed size: words come from closed
//! sets, and graphics cards are bounded.

use std::collections::BTreeMap;

use ipc::{Event, NetworkStatus, PeerPhase, RoundParts};
use types::{RejectReason, Uid, Verdict};

use crate::timeline::sum;

/// Graphics cards on the page: more than a home machine or a server holds.
const MAX_GPUS: u32 = 16;

/// Figures of one process.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) uid: Option<Uid>,
    pub(super) round: Option<u64>,
    pub(super) phase: Option<PeerPhase>,
    pub(super) paused: bool,
    pub(super) inner_steps: u64,
    pub(super) tokens: u64,
    pub(super) tokens_per_sec: Option<f64>,
    pub(super) loss: Option<f64>,
    pub(super) held_out_loss: Option<f64>,
    pub(super) submitted: u64,
    pub(super) submitted_bytes: u64,
    pub(super) rounds: u64,
    /// Submissions in the last set.
    pub(super) in_set: Option<u64>,
    pub(super) left_out: BTreeMap<&'static str, u64>,
    pub(super) verdicts: BTreeMap<&'static str, u64>,
    pub(super) checkpoints: u64,
    pub(super) parts: Seconds,
    pub(super) last_parts: Option<RoundParts>,
    pub(super) problems: u64,
    pub(super) gpus: BTreeMap<u32, Gpu>,
    pub(super) network: Option<Box<NetworkStatus>>,
}

/// Milliseconds by part of the round, over all rounds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seconds(pub(super) [u64; PARTS.len()]);

/// Parts of a round by their words.
pub(super) const PARTS: [&str; 7] = ["compute", "compress", "commit", "upload", "gather", "outer", "idle"];

/// Milliseconds of the parts, in the order of [`PARTS`].
pub(super) fn by_part(parts: &RoundParts) -> [u64; PARTS.len()] {
    let RoundParts { compute, compress, commit, upload, gather, outer, idle } = *parts;
    [compute, compress, commit, upload, gather, outer, idle]
}

/// A card's newest figures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gpu {
    pub(super) temp_c: Option<f64>,
    pub(super) watts: Option<f64>,
    pub(super) vram_used_bytes: Option<u64>,
    pub(super) util: Option<f64>,
}

impl Totals {
    /// Takes an event in; an inner step counts `tokens`.
    pub(super) fn take(&mut self, tokens: u64, event: &Event) {
        match event {
            Event::PeerStarted { uid, .. } if uid.is_some() => self.uid = *uid,
            Event::PhaseChanged { round, phase, .. } => {
                (self.round, self.phase) = (Some(round.0), Some(*phase));
            }
            Event::InnerStepDone { loss, tokens_per_sec, .. } => {
                self.inner_steps += 1;
                self.tokens = self.tokens.saturating_add(tokens);
                (self.loss, self.tokens_per_sec) = (Some(*loss), Some(*tokens_per_sec));
            }
            Event::Submitted { bytes, .. } => {
                self.submitted += 1;
                self.submitted_bytes = self.submitted_bytes.saturating_add(bytes.0);
            }
            Event::Gathered { rejected, .. } => {
                for rejection in rejected {
                    *self.left_out.entry(reason(rejection.reason)).or_default() += 1;
                }
            }
            Event::OuterStepApplied { peers, .. } => {
                self.rounds += 1;
                self.in_set = Some(u64::from(*peers));
            }
            Event::VerdictReceived { verdict: given, .. } => {
                *self.verdicts.entry(verdict(*given)).or_default() += 1;
            }
            Event::Evaluated { loss, .. } => self.held_out_loss = Some(*loss),
            Event::CheckpointSaved { .. } => self.checkpoints += 1,
            Event::RoundTimed { parts, .. } => self.timed(parts),
            Event::Paused { .. } => self.paused = true,
            Event::Resumed => self.paused = false,
            Event::Problem { .. } => self.problems += 1,
            Event::GpuSample { index, temp_c, watts, vram_used_bytes, util } if *index < MAX_GPUS => {
                let vram_used_bytes = vram_used_bytes.map(|bytes| bytes.0);
                let gpu = Gpu { temp_c: *temp_c, watts: *watts, vram_used_bytes, util: *util };
                self.gpus.insert(*index, gpu);
            }
            Event::Network(status) => self.network = Some(status.clone()),
            _ => {}
        }
    }

    fn timed(&mut self, parts: &RoundParts) {
        for (total, ms) in self.parts.0.iter_mut().zip(by_part(parts)) {
            *total = total.saturating_add(ms);
        }
        self.last_parts = Some(*parts);
    }

    /// Share of the last round's time in which this process computed.
    pub(super) fn utilisation(&self) -> Option<f64> {
        let parts = self.last_parts.as_ref()?;
        let all = sum(parts);
        (all > 0).then(|| parts.compute as f64 / all as f64)
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::OnProbation => "on_probation",
        Verdict::Rejected(why) => reason(why),
        Verdict::Missed => "missed",
    }
}

fn reason(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Format => "format",
        RejectReason::Signature => "signature",
        RejectReason::WrongHeader => "wrong_header",
        RejectReason::Desynced => "desynced",
        RejectReason::NormOutlier => "norm_outlier",
        RejectReason::Copied => "copied",
        RejectReason::Stale => "stale",
        RejectReason::NoImprovement => "no_improvement",
        RejectReason::NotOwnData => "not_own_data",
        RejectReason::Unavailable => "unavailable",
        RejectReason::WrongRoot => "wrong_root",
    }
}

/// A phase's word.
pub(super) fn phase(phase: PeerPhase) -> &'static str {
    match phase {
        PeerPhase::Sync => "sync",
        PeerPhase::Idle => "idle",
        PeerPhase::Inner => "inner",
        PeerPhase::Compress => "compress",
        PeerPhase::Submit => "submit",
        PeerPhase::Gather => "gather",
        PeerPhase::Evaluate => "evaluate",
        PeerPhase::Outer => "outer",
        PeerPhase::Settle => "settle",
        _ => "other",
    }
}
