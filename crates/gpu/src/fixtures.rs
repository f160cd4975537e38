//! Cards to test and to take pictures with: no driver, no child process.
//!
//! In: nothing. Out: surveys and samples of an RTX 4090 and an RTX 3090, of every failing layer, and a [`GpuProbe`] that
//! plays them. The figures are plausible, not measured.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::ByteCount;

use crate::{
    Card, CardId, ComputeCapability, CudaVersion, Fault, GpuEvent, GpuProbe, OtherProcess, PcieLink, PowerError,
    PowerLimits, ProbeEnd, ProcessKind, Refusal, Sample, Survey, Throttle, Verdict,
};

/// What the RTX 4090 is known by.
pub const RTX_4090: &str = "GPU-4090c0de-0000-4000-8000-000000000001";
/// What the RTX 3090 is known by.
pub const RTX_3090: &str = "GPU-3090c0de-0000-4000-8000-000000000002";

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// A healthy RTX 4090.
pub fn card_4090() -> Card {
    Card {
        uuid: CardId::new(RTX_4090),
        index: 0,
        name: Some("NVIDIA GeForce RTX 4090".into()),
        pci_bus_id: Some("00000000:01:00.0".into()),
        vram_total: Some(ByteCount(24_564 * MIB)),
        compute_capability: Some(ComputeCapability { major: 8, minor: 9 }),
        mig: None,
        ecc: None,
        power: PowerLimits {
            min_mw: Some(10_000),
            max_mw: Some(600_000),
            default_mw: Some(450_000),
            current_mw: Some(450_000),
        },
        pcie_max: PcieLink { generation: Some(4), width: Some(16) },
        fault: None,
    }
}

/// A healthy RTX 3090.
pub fn card_3090() -> Card {
    Card {
        uuid: CardId::new(RTX_3090),
        index: 1,
        name: Some("NVIDIA GeForce RTX 3090".into()),
        pci_bus_id: Some("00000000:05:00.0".into()),
        vram_total: Some(ByteCount(24 * GIB)),
        compute_capability: Some(ComputeCapability { major: 8, minor: 6 }),
        power: PowerLimits {
            min_mw: Some(100_000),
            max_mw: Some(366_000),
            default_mw: Some(350_000),
            current_mw: Some(350_000),
        },
        ..card_4090()
    }
}

/// A machine with both cards, healthy.
pub fn two_cards(at_ms: u64) -> Survey {
    Survey {
        at_ms,
        driver: Some("580.95.05".into()),
        cuda_driver: Some(CudaVersion { major: 13, minor: 0 }),
        wsl: false,
        cards_on_bus: Some(2),
        cards: vec![card_4090(), card_3090()],
        verdict: Verdict::Ready,
    }
}

/// A machine with the RTX 4090 only.
pub fn one_card(at_ms: u64) -> Survey {
    Survey { cards_on_bus: Some(1), cards: vec![card_4090()], ..two_cards(at_ms) }
}

/// A machine that cannot train for this reason. Faults of a card show on an RTX 4090 in its place.
pub fn failing(at_ms: u64, fault: Fault) -> Survey {
    let of_a_card = matches!(
        fault,
        Fault::ComputeCapabilityTooLow { .. }
            | Fault::TooLittleVram { .. }
            | Fault::MigEnabled { .. }
            | Fault::CardLost { .. }
            | Fault::PowerCable { .. }
            | Fault::DriverTooOld { .. }
            | Fault::NoCudaLibrary
            | Fault::CudaFailed { .. }
    );
    let verdict = Verdict::Failed { fault: fault.clone() };
    let card = Card { fault: Some(fault), ..card_4090() };
    if of_a_card {
        Survey { verdict, cards: vec![card], ..one_card(at_ms) }
    } else {
        Survey { verdict, ..Survey::failed(at_ms, Fault::NoCard) }
    }
}

/// One fault of every kind.
pub fn every_fault() -> Vec<Fault> {
    let card = || "NVIDIA GeForce RTX 4090".to_owned();
    vec![
        Fault::NoCard,
        Fault::NoDriver { card_on_bus: Some(true) },
        Fault::NoDriver { card_on_bus: None },
        Fault::ModuleNotLoaded { nouveau: false },
        Fault::ModuleNotLoaded { nouveau: true },
        Fault::VersionMismatch { library: Some("580.95.05".into()), kernel: Some("570.133.07".into()) },
        Fault::DriverTooOld { installed: Some("560.35.03".into()), cuda: Some(CudaVersion { major: 12, minor: 6 }) },
        Fault::CardNotSeen { on_bus: 1 },
        Fault::ComputeCapabilityTooLow {
            card: "NVIDIA GeForce GTX 1080 Ti".into(),
            found: ComputeCapability { major: 6, minor: 1 },
        },
        Fault::TooLittleVram { card: "NVIDIA GeForce MX450".into(), found: ByteCount(2 * GIB) },
        Fault::MigEnabled { card: "NVIDIA A100-SXM4-80GB".into() },
        Fault::Wsl,
        Fault::GoneAfterResume { cuda_error: Some(999) },
        Fault::GoneAfterResume { cuda_error: None },
        Fault::CardLost { card: card() },
        Fault::PowerCable { card: card() },
        Fault::NoPermission,
        Fault::NoCudaLibrary,
        Fault::CudaFailed { code: 100 },
        Fault::CudaFailed { code: 802 },
        Fault::CudaFailed { code: 803 },
        Fault::CudaFailed { code: 3 },
        Fault::ProbeCrashed { end: ProbeEnd::Signal { number: 6 } },
        Fault::ProbeCrashed { end: ProbeEnd::NotStarted },
        Fault::ProbeCrashed { end: ProbeEnd::Garbage },
        Fault::ProbeTimedOut { after_ms: 15_000 },
        Fault::Unknown { text: "an internal driver error occurred".into() },
    ]
}

/// The RTX 4090 while it trains.
pub fn sample_4090(at_ms: u64) -> Sample {
    Sample {
        uuid: CardId::new(RTX_4090),
        at_ms,
        util: Some(97),
        vram_used: Some(ByteCount(17_920 * MIB)),
        vram_free: Some(ByteCount(6_144 * MIB)),
        vram_reserved: Some(ByteCount(500 * MIB)),
        temp_c: Some(67),
        fan_percent: Some(54),
        fan_rpm: Some(1620),
        power_mw: Some(371_000),
        enforced_limit_mw: Some(450_000),
        sm_clock_mhz: Some(2_640),
        mem_clock_mhz: Some(10_501),
        throttle: Some(Vec::new()),
        pcie: PcieLink { generation: Some(4), width: Some(16) },
        energy_mj: Some(371 * at_ms),
        others: vec![OtherProcess {
            pid: 4_711,
            name: Some("covey-peer".into()),
            vram: Some(ByteCount(16_800 * MIB)),
            kind: ProcessKind::Compute,
        }],
    }
}

/// The RTX 3090 at its power limit, with a game on it.
pub fn sample_3090(at_ms: u64) -> Sample {
    Sample {
        uuid: CardId::new(RTX_3090),
        util: Some(99),
        vram_used: Some(ByteCount(19_456 * MIB)),
        vram_free: Some(ByteCount(4_744 * MIB)),
        vram_reserved: Some(ByteCount(376 * MIB)),
        temp_c: Some(81),
        fan_percent: Some(78),
        fan_rpm: Some(2_310),
        power_mw: Some(349_000),
        enforced_limit_mw: Some(350_000),
        sm_clock_mhz: Some(1_695),
        mem_clock_mhz: Some(9_751),
        throttle: Some(vec![Throttle::PowerCap, Throttle::SwThermal]),
        pcie: PcieLink { generation: Some(4), width: Some(4) },
        energy_mj: Some(349 * at_ms),
        others: vec![OtherProcess {
            pid: 4_242,
            name: Some("game.exe".into()),
            vram: Some(ByteCount(18 * GIB)),
            kind: ProcessKind::Graphics,
        }],
        ..sample_4090(at_ms)
    }
}

/// Both cards at one moment.
pub fn samples(at_ms: u64) -> Vec<Sample> {
    vec![sample_4090(at_ms), sample_3090(at_ms)]
}

/// A probe that plays what it was given.
pub struct FixtureProbe {
    survey: watch::Sender<Survey>,
    then: Vec<GpuEvent>,
    permitted: bool,
    set: Mutex<Vec<(CardId, u32)>>,
    tasks: TaskTracker,
}

impl FixtureProbe {
    /// One that finds this.
    pub fn new(survey: Survey) -> Self {
        let survey = watch::Sender::new(survey);
        Self { survey, then: Vec::new(), permitted: true, set: Mutex::new(Vec::new()), tasks: TaskTracker::new() }
    }

    /// The same; each watcher gets these after the first survey.
    #[must_use]
    pub fn then(mut self, events: impl IntoIterator<Item = GpuEvent>) -> Self {
        self.then.extend(events);
        self
    }

    /// The same, where nobody may set power limits.
    #[must_use]
    pub fn without_permission(mut self) -> Self {
        self.permitted = false;
        self
    }

    /// From now on it finds this; watchers are told.
    pub fn find(&self, survey: Survey) {
        self.survey.send_replace(survey);
    }

    /// The power limits that were set, in order.
    pub fn limits_set(&self) -> Vec<(CardId, u32)> {
        self.set.lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |set| set.clone())
    }
}

#[async_trait]
impl GpuProbe for FixtureProbe {
    async fn survey(&self) -> Survey {
        self.survey.borrow().clone()
    }

    fn watch(&self, cancel: CancellationToken) -> mpsc::Receiver<GpuEvent> {
        let (events, receiver) = mpsc::channel(16);
        let (mut survey, then) = (self.survey.subscribe(), self.then.clone());
        self.tasks.spawn(async move {
            let play = async {
                let first = survey.borrow_and_update().clone();
                events.send(GpuEvent::Survey(first)).await.ok()?;
                for event in then {
                    events.send(event).await.ok()?;
                }
                while survey.changed().await.is_ok() {
                    let next = survey.borrow_and_update().clone();
                    events.send(GpuEvent::Survey(next)).await.ok()?;
                }
                Some(())
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = play => {}
            }
        });
        receiver
    }

    fn rescan(&self) {
        self.survey.send_modify(|_| {});
    }

    fn resumed(&self) {
        self.rescan();
    }

    async fn set_power_limit(&self, uuid: &CardId, limit_mw: u32) -> Result<u32, PowerError> {
        if !self.permitted {
            return Err(PowerError::Refused(Refusal::NotPermitted));
        }
        let mut found = false;
        self.survey.send_if_modified(|survey| {
            if let Some(card) = survey.cards.iter_mut().find(|card| card.uuid == *uuid) {
                card.power.current_mw = Some(limit_mw);
                found = true;
            }
            false
        });
        if !found {
            return Err(PowerError::Refused(Refusal::NoSuchCard { uuid: uuid.clone() }));
        }
        if let Ok(mut set) = self.set.lock() {
            set.push((uuid.clone(), limit_mw));
        }
        Ok(limit_mw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fixture_plays_its_events_and_tells_what_it_finds_later() {
        let probe = FixtureProbe::new(one_card(1)).then([GpuEvent::Samples(samples(2))]);
        let cancel = CancellationToken::new();
        let mut events = probe.watch(cancel.clone());
        assert_eq!(events.recv().await, Some(GpuEvent::Survey(one_card(1))));
        assert_eq!(events.recv().await, Some(GpuEvent::Samples(samples(2))));
        probe.find(two_cards(3));
        assert_eq!(events.recv().await, Some(GpuEvent::Survey(two_cards(3))));
        assert_eq!(probe.survey().await, two_cards(3));
        cancel.cancel();
        assert_eq!(events.recv().await, None);
    }

    #[tokio::test]
    async fn a_fixture_takes_power_limits_as_a_card_does() {
        let (probe, card) = (FixtureProbe::new(one_card(1)), CardId::new(RTX_4090));
        assert_eq!(probe.set_power_limit(&card, 300_000).await.unwrap(), 300_000);
        assert_eq!(probe.survey().await.cards[0].power.current_mw, Some(300_000));
        assert_eq!(probe.limits_set(), [(card.clone(), 300_000)]);
        let absent = probe.set_power_limit(&CardId::new(RTX_3090), 1).await;
        assert!(matches!(absent, Err(PowerError::Refused(Refusal::NoSuchCard { .. }))));
        let refused = probe.without_permission().set_power_limit(&card, 300_000).await;
        assert!(matches!(refused, Err(PowerError::Refused(Refusal::NotPermitted))));
    }

    #[test]
    fn every_failing_survey_has_no_healthy_card_and_says_why() {
        for fault in every_fault() {
            let survey = failing(1, fault.clone());
            assert_eq!((survey.healthy().count(), survey.fault()), (0, Some(&fault)));
            assert_eq!(survey.problem(), Some(fault.problem()));
        }
    }
}
