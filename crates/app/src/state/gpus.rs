//! The cards: what is there, how they do, what they draw.
//!
//! In: surveys and samples of the probe, the settings. Out: the window's cards, points for charts, signals for the pause
//! rules, energy. A card that is silent is shown as such; a figure that the driver does not give stays unknown.

use courtesy::{CardSignal, ForeignLoad};
use gpu::{CardId, EnergyMeter, EnergySlice, FanCeiling, GpuEvent, Pacer, Sample, Survey, Throttle};
use std::collections::BTreeMap;
use types::{ByteCount, Problem};
use view_model::{GpuCard, GpuSettings, GpuView, Role};

/// Cards that are kept; the probe has the same bound.
const MAX_CARDS: usize = 16;
/// Processes of ours that are remembered: those of a swarm, restarts included.
const MAX_OURS: usize = 512;
/// Silence of a card after which its figures are old.
const STALE_MS: u64 = 5_000;
/// The least share that a peer takes, and the least change that is worth a word.
const LEAST_SHARE: f64 = 0.05;
const SHARE_STEP: f64 = 0.02;
/// Others that are named.
const MAX_OTHERS: usize = 8;
/// Memory for runs of the smallest size.
const SMALL_RUN: ByteCount = ByteCount(8 << 30);
/// Memory for the larger ones.
const LARGE_RUN: ByteCount = ByteCount(16 << 30);

/// All cards.
#[derive(Debug, Default)]
pub(crate) struct Gpus {
    survey: Option<Survey>,
    probing: bool,
    samples: BTreeMap<CardId, Sample>,
    meters: BTreeMap<CardId, EnergyMeter>,
    stale: Option<(u64, Problem)>,
    /// Processes of ours.
    ours: Vec<u32>,
    pacers: BTreeMap<CardId, Pacer>,
    /// What the pacers hold to: degrees and percent.
    held_to: (Option<u32>, Option<u32>),
    /// The share that the peer was told, of 1.
    told_share: Option<f64>,
}

/// What came out of a reading.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) slices: Vec<EnergySlice>,
    pub(crate) hottest: Option<f64>,
    pub(crate) watts: Option<f64>,
    pub(crate) util: Option<f64>,
    pub(crate) at_ms: u64,
}

impl Gpus {
    /// The cards are looked for.
    pub(crate) fn probing(&mut self) {
        self.probing = true;
    }

    /// Processes that are ours, so that nobody takes them for a game.
    pub(crate) fn ours(&mut self, pids: Vec<u32>) {
        self.ours = pids;
    }

    /// One more of them: a swarm's.
    pub(crate) fn also_ours(&mut self, pid: u32) {
        if self.ours.len() < MAX_OURS && !self.ours.contains(&pid) {
            self.ours.push(pid);
        }
    }

    pub(crate) fn take(&mut self, event: GpuEvent) -> Option<Reading> {
        match event {
            GpuEvent::Survey(survey) => {
                self.probing = false;
                let known = |uuid: &CardId| survey.card(uuid).is_some();
                self.samples.retain(|uuid, _| known(uuid));
                self.meters.retain(|uuid, _| known(uuid));
                self.survey = Some(survey);
                None
            }
            GpuEvent::Samples(samples) => {
                self.stale = None;
                Some(self.read(samples))
            }
            GpuEvent::Stale { since_ms, why } => {
                self.stale = Some((since_ms, why.problem()));
                None
            }
        }
    }

    fn read(&mut self, samples: Vec<Sample>) -> Reading {
        let mut reading = Reading::default();
        for sample in samples.into_iter().take(MAX_CARDS) {
            reading.at_ms = reading.at_ms.max(sample.at_ms);
            reading.watts = sum(reading.watts, sample.power_mw.map(|mw| f64::from(mw) / 1000.0));
            reading.hottest = larger(reading.hottest, sample.temp_c.map(f64::from));
            reading.util = larger(reading.util, sample.util.map(f64::from));
            if self.meters.len() < MAX_CARDS || self.meters.contains_key(&sample.uuid) {
                let meter = self.meters.entry(sample.uuid.clone()).or_default();
                reading.slices.extend(meter.observe(&sample));
                self.samples.insert(sample.uuid.clone(), sample);
            }
        }
        reading
    }

    /// Another process begins: it works at full speed until it is told otherwise.
    pub(crate) fn begin(&mut self) {
        self.told_share = None;
    }

    /// The share of the time to work from now on, if it is another than the peer was told.
    pub(crate) fn pace(&mut self, settings: &GpuSettings, now_ms: u64) -> Option<f64> {
        let held_to = (settings.temperature_c, settings.fan_percent);
        if self.held_to != held_to {
            self.held_to = held_to;
            self.pacers.clear();
        }
        let mut share = 1.0f64;
        if held_to != (None, None) {
            let cards = self.samples.iter().filter(|(uuid, _)| !settings.off.iter().any(|off| off == uuid.as_str()));
            for (uuid, sample) in cards {
                let new = || {
                    // A ceiling for the fan alone leaves the temperature to the card.
                    Pacer::new(held_to.0.unwrap_or(u32::MAX), held_to.1.map(FanCeiling::Percent))
                };
                let pacer = self.pacers.entry(uuid.clone()).or_insert_with(new);
                share = share.min(pacer.advise(now_ms, sample).work_share);
            }
        }
        let share = share.max(LEAST_SHARE);
        let before = self.told_share.unwrap_or(1.0);
        if (share - before).abs() < SHARE_STEP && !(share == 1.0 && before < 1.0) {
            return None;
        }
        self.told_share = Some(share);
        Some(share)
    }

    /// Signals for the pause rules. `working`: our own work loads the cards, so that their load says nothing of others.
    pub(crate) fn signals(&self, working: bool) -> Vec<CardSignal> {
        let cards = self.survey.iter().flat_map(|survey| &survey.cards);
        let signal = |card: &gpu::Card| {
            let sample = self.samples.get(&card.uuid);
            CardSignal {
                uuid: card.uuid.to_string(),
                foreign: sample.and_then(|sample| self.foreign(sample, working)),
                temp_c: sample.and_then(|sample| sample.temp_c),
                fan_percent: sample.and_then(|sample| sample.fan_percent),
            }
        };
        cards.take(MAX_CARDS).map(signal).collect()
    }

    /// NVML does not say whose load it is: with nobody else on the card it is nobody's, and while we do not work it is theirs.
    fn foreign(&self, sample: &Sample, working: bool) -> Option<ForeignLoad> {
        let Some(stranger) = sample.strangers(&self.ours).next() else { return Some(ForeignLoad::default()) };
        let mine = working && sample.others.iter().any(|process| self.ours.contains(&process.pid));
        (!mine).then_some(())?;
        Some(ForeignLoad { name: stranger.name.clone(), percent: sample.util? })
    }

    /// Whether any card may work.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.survey.as_ref().and_then(Survey::problem)
    }

    /// The last survey.
    pub(crate) fn survey(&self) -> Option<&Survey> {
        self.survey.as_ref()
    }

    /// Memory of the largest card that can work.
    pub(crate) fn largest(&self) -> Option<ByteCount> {
        self.survey.iter().flat_map(Survey::healthy).filter_map(|card| card.vram_total).max()
    }

    /// Cards that may work.
    pub(crate) fn working(&self, settings: &GpuSettings) -> Vec<CardId> {
        let may = |card: &&gpu::Card| !settings.off.iter().any(|off| off == card.uuid.as_str());
        self.survey.iter().flat_map(Survey::healthy).filter(may).map(|card| card.uuid.clone()).collect()
    }

    /// What this computer can do, best first.
    pub(crate) fn roles(&self) -> Vec<Role> {
        match self.largest() {
            Some(vram) if vram >= LARGE_RUN => vec![Role::Train, Role::TrainSmall, Role::Rehearse],
            Some(vram) if vram >= SMALL_RUN => vec![Role::TrainSmall, Role::Rehearse],
            _ => vec![Role::Rehearse],
        }
    }

    /// For the window.
    pub(crate) fn view(&self, settings: &GpuSettings, now_ms: u64) -> GpuView {
        let survey = self.survey.as_ref();
        GpuView {
            probing: self.probing,
            driver: survey.and_then(|survey| survey.driver.clone()),
            cuda: survey.and_then(|survey| survey.cuda_driver.map(|cuda| cuda.to_string())),
            cards: survey
                .iter()
                .flat_map(|survey| &survey.cards)
                .take(MAX_CARDS)
                .map(|card| self.card(card, settings, now_ms))
                .collect(),
            problem: self.problem(),
        }
    }

    fn card(&self, card: &gpu::Card, settings: &GpuSettings, now_ms: u64) -> GpuCard {
        let sample = self.samples.get(&card.uuid);
        let watts = |mw: u32| f64::from(mw) / 1000.0;
        let old = sample.map(|sample| now_ms.saturating_sub(sample.at_ms)).filter(|old| *old >= STALE_MS);
        let narrow = sample.and_then(|sample| sample.pcie.width).zip(card.pcie_max.width);
        let others = sample.iter().flat_map(|sample| sample.strangers(&self.ours)).take(MAX_OTHERS);
        GpuCard {
            uuid: card.uuid.to_string(),
            name: card.name.clone().unwrap_or_else(|| card.uuid.to_string()),
            enabled: !settings.off.iter().any(|uuid| uuid == card.uuid.as_str()),
            vram_total: card.vram_total,
            vram_used: sample.and_then(|sample| sample.vram_used),
            util: sample.and_then(|sample| sample.util).map(|percent| f64::from(percent) / 100.0),
            temp_c: sample.and_then(|sample| sample.temp_c).map(f64::from),
            fan_percent: sample.and_then(|sample| sample.fan_percent),
            watts: sample.and_then(|sample| sample.power_mw).map(watts),
            watts_limit: sample.and_then(|sample| sample.enforced_limit_mw).or(card.power.current_mw).map(watts),
            watts_range: card.power.min_mw.zip(card.power.max_mw).map(|(min, max)| (watts(min), watts(max))),
            compute_capability: card.compute_capability.map(|capability| capability.to_string()),
            throttle: sample
                .and_then(|sample| sample.throttle.as_ref())
                .map_or_else(Vec::new, |all| all.iter().filter_map(throttle_key).map(str::to_owned).collect()),
            pcie_narrow: narrow.filter(|(now, best)| now < best),
            others: others
                .map(|other| (other.name.clone().unwrap_or_else(|| other.pid.to_string()), other.vram))
                .collect(),
            stale_secs: old.map(|ms| ms / 1000),
            problem: card.fault.as_ref().map(gpu::Fault::problem).or_else(|| self.silent(old)),
        }
    }

    fn silent(&self, old: Option<u64>) -> Option<Problem> {
        old.and(self.stale.as_ref()).map(|(_, problem)| problem.clone())
    }
}

/// The text's key; an idle card's or a display's clock is nobody's trouble.
fn throttle_key(throttle: &Throttle) -> Option<&'static str> {
    match throttle {
        Throttle::Idle | Throttle::DisplayClock => None,
        Throttle::ClocksSetting => Some("throttle-clocks-setting"),
        Throttle::PowerCap => Some("throttle-power-cap"),
        Throttle::HwSlowdown => Some("throttle-hw-slowdown"),
        Throttle::SyncBoost => Some("throttle-sync-boost"),
        Throttle::SwThermal => Some("throttle-sw-thermal"),
        Throttle::HwThermal => Some("throttle-hw-thermal"),
        Throttle::PowerBrake => Some("throttle-power-brake"),
    }
}

/// The sum of two figures of which either may be unknown.
fn sum(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// The larger of two figures of which either may be unknown.
fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: u64, temp_c: u32, others: Vec<gpu::OtherProcess>) -> Sample {
        let uuid = CardId::new("GPU-1");
        Sample { temp_c: Some(temp_c), util: Some(80), others, ..Sample::unknown(uuid, at_ms) }
    }

    fn process(pid: u32) -> gpu::OtherProcess {
        gpu::OtherProcess { pid, name: Some("game".to_owned()), vram: None, kind: gpu::ProcessKind::Graphics }
    }

    #[test]
    fn a_hot_card_slows_the_peer_and_no_target_lets_it_go() {
        let mut gpus = Gpus::default();
        let mut settings = GpuSettings { temperature_c: Some(60), ..GpuSettings::default() };
        let mut told = None;
        for second in 0..120 {
            gpus.take(GpuEvent::Samples(vec![sample(second * 1000, 75, Vec::new())]));
            told = gpus.pace(&settings, second * 1000).or(told);
        }
        assert!(told.is_some_and(|share| share < 0.5), "{told:?}");
        settings.temperature_c = None;
        assert_eq!(gpus.pace(&settings, 121_000), Some(1.0));
        assert_eq!(gpus.pace(&settings, 122_000), None, "told once");
    }

    #[test]
    fn a_load_is_somebody_elses_only_where_that_is_known() {
        let mut gpus = Gpus::default();
        gpus.ours(vec![7]);
        let load = |gpus: &Gpus, sample: &Sample, working| gpus.foreign(sample, working).map(|load| load.percent);
        assert_eq!(load(&gpus, &sample(0, 50, vec![process(7)]), true), Some(0), "nobody else is there");
        assert_eq!(load(&gpus, &sample(0, 50, vec![process(9)]), true), Some(80), "we are not on that card");
        assert_eq!(
            load(&gpus, &sample(0, 50, vec![process(7), process(9)]), true),
            None,
            "nobody can tell whose it is"
        );
        assert_eq!(load(&gpus, &sample(0, 50, vec![process(7), process(9)]), false), Some(80), "we stand still");
    }
}
