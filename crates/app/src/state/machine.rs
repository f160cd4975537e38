//! What the machine says, taken into the state: cards, battery, desktop; and what is asked of it in turn.

use super::{Effect, Job, PowerWish, Reading, State};
use crate::api::ToShell;
use courtesy::Signals;
use ipc::Command;
use types::ByteCount;
use view_model::{Activity, PauseReason, RunKind, Series, Uptime};

/// Free memory and room are shown by this step.
const STEP_BYTES: u64 = 256 << 20;

impl State {
    pub(super) fn gpu(&mut self, event: gpu::GpuEvent, now_ms: u64, out: &mut Vec<Effect>) {
        let Some(reading) = self.gpus.take(event) else { return };
        for slice in &reading.slices {
            self.money.drew(slice, &self.settings.energy, &self.zone);
        }
        let x = reading.at_ms.max(now_ms.saturating_sub(60_000)) as f64;
        let points = [
            (Series::Temperature, reading.hottest),
            (Series::Power, reading.watts),
            (Series::Utilisation, reading.util),
        ];
        for (series, value) in points {
            if let Some(value) = value {
                self.charts.point(series, x, value);
            }
        }
        self.pace(now_ms, out);
    }

    /// The power limit holds while a peer runs, and the cards' own one else.
    pub(super) fn power_if_new(&mut self, out: &mut Vec<Effect>) {
        let watts = self.settings.gpus.power_watts.filter(|_| !self.work.is_gone());
        let cards = if watts.is_some() { self.gpus.working(&self.settings.gpus) } else { Vec::new() };
        let wish = PowerWish { cards, watts };
        if self.power != wish {
            self.power = wish.clone();
            out.push(Effect::Power(wish));
        }
    }

    /// Slows the peer down for a temperature or a fan, or lets it go on.
    fn pace(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        let Some(work_share) = self.gpus.pace(&self.settings.gpus, now_ms) else { return };
        if let Some(act) = self.work.pace(Command::Pace { work_share }, now_ms) {
            out.push(Effect::Act(act));
        }
    }

    pub(super) fn reading(&mut self, reading: Reading) {
        let signals = reading.signals;
        self.machine.on_battery = signals.on_battery;
        self.machine.disk_free = signals.disk_free.map(roughly).or(self.machine.disk_free);
        self.machine.memory_free = signals.memory_free.map(roughly).or(self.machine.memory_free);
        self.machine.memory = reading.memory.or(self.machine.memory);
        self.appearance = reading.appearance;
        // A reading on the way to sleep does not wake the computer.
        let (sleeping, month_bytes) = (self.pauses.signals.sleeping, self.pauses.signals.month_bytes);
        self.pauses.signals = Signals { sleeping, month_bytes, ..signals };
    }

    /// What the state itself knows of the rules' signals.
    pub(super) fn signal(&mut self, now_ms: u64) {
        self.pauses.signals.local_only = self.kind() == RunKind::Rehearsal;
        let working = matches!(self.activity(now_ms), Activity::Running | Activity::Starting);
        self.pauses.signals.cards = self.gpus.signals(working);
        self.pauses.signals.found = if self.wallet_is_locked() { vec![PauseReason::WalletLocked] } else { Vec::new() };
    }

    /// A run's peer signs every round: a locked wallet ends it.
    fn wallet_is_locked(&self) -> bool {
        let Some(Job::Train { hotkey, .. }) = self.work.wanted() else { return false };
        let address = hotkey.ss58();
        !self.wallet.wallets.iter().any(|row| row.hotkey == address && row.unlocked)
    }

    pub(super) fn awake_or_not(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        let on_mains = self.machine.on_battery != Some(true);
        let awake = self.settings.behaviour.keep_awake && on_mains && self.activity(now_ms) == Activity::Running;
        if awake != self.awake {
            self.awake = awake;
            out.push(Effect::Shell(ToShell::KeepAwake(awake)));
        }
    }

    pub(super) fn uptime_kind(&self, now_ms: u64) -> Option<Uptime> {
        match self.activity(now_ms) {
            Activity::Running => Some(Uptime::Training),
            Activity::Paused { .. } => Some(Uptime::Paused),
            _ if self.work.recovery(self.pauses.first().is_some(), now_ms).is_some() => Some(Uptime::Down),
            _ => None,
        }
    }
}

/// By steps that somebody may notice: a window at rest is not drawn again for a page of memory. The rules see the exact figure.
fn roughly(bytes: ByteCount) -> ByteCount {
    ByteCount(bytes.0 / STEP_BYTES * STEP_BYTES)
}
