//! What the peer may use, told as soon as it listens and whenever it changes.
//!
//! In: the settings and the month's volume. Out: `set_limits`, before the first byte is fetched and live. The volume that is
//! left is told again while it runs down, so that a month's end or a long run holds to the quota.

use super::{Effect, Job, State};
use ipc::{Command, Limits};
use types::ByteCount;
use view_model::RunKind;

/// Between two words on the volume that is left.
const VOLUME_EVERY_MS: u64 = 30_000;

/// What was told of the volume.
#[derive(Debug, Default)]
pub(crate) struct ToldVolume {
    left: Option<ByteCount>,
    at_ms: u64,
}

impl State {
    /// What the peer may use now.
    pub(super) fn limits(&self, now_ms: u64) -> Limits {
        let (gpus, network) = (&self.settings.gpus, &self.settings.network);
        let used = self.network.month(now_ms, &self.zone);
        Limits {
            power_watts: gpus.power_watts,
            vram_bytes: gpus.vram_bytes,
            upload_bytes_per_sec: network.upload,
            download_bytes_per_sec: network.download,
            volume_left_bytes: network.month.map(|month| ByteCount(month.0.saturating_sub(used.0))),
        }
    }

    /// The first time that a run's peer says something of its own: its limits, before it fetches much.
    pub(super) fn limits_once(&mut self, job: &Job, now_ms: u64, out: &mut Vec<Effect>) {
        let first = self.work.process_mut().is_some_and(|process| !std::mem::replace(&mut process.limited, true));
        let limits = self.limits(now_ms);
        if first && job.kind() == RunKind::Shared && limits != Limits::default() {
            self.tell_limits(limits, now_ms, out);
        }
    }

    /// The volume that is left, from time to time.
    pub(super) fn volume_if_due(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        self.pauses.signals.month_bytes = Some(self.network.month(now_ms, &self.zone));
        let limited = self.work.process().is_some_and(|process| process.limited);
        let shared = self.kind() == RunKind::Shared;
        // A clock that was set back must not silence it.
        let due = now_ms.abs_diff(self.told_volume.at_ms) >= VOLUME_EVERY_MS;
        if !(limited && shared && due) || self.settings.network.month.is_none() {
            return;
        }
        let limits = self.limits(now_ms);
        if limits.volume_left_bytes != self.told_volume.left {
            self.tell_limits(limits, now_ms, out);
        }
    }

    /// No press: one that is not taken is no problem, the next one comes.
    fn tell_limits(&mut self, limits: Limits, now_ms: u64, out: &mut Vec<Effect>) {
        self.told_volume = ToldVolume { left: limits.volume_left_bytes, at_ms: now_ms };
        if let Some(act) = self.work.mention(Command::SetLimits(limits), now_ms) {
            out.push(Effect::Act(act));
        }
    }
}
