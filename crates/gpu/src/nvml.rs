//! Asks NVML for everything Covey shows. Only the probe's process does.
//!
//! In: a started NVML. Out: a survey, or one sample for each card. A call that the driver lacks or refuses leaves its
//! field `None`; a card that is lost is told apart from a card that is silent.

use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, Nvml};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use types::ByteCount;

use crate::line::{MAX_CARDS, MAX_OTHERS, MAX_PROCESS_CHARS, MAX_TEXT_CHARS};
use crate::{
    Card, CardId, ComputeCapability, CudaVersion, Fault, LeastNeeded, OtherProcess, PcieLink, PowerLimits, ProcessKind,
    Sample, Throttle,
};

/// Longest driver's message that is kept, characters.
const MAX_MESSAGE_CHARS: usize = 200;

/// The driver's version and the newest CUDA it speaks.
pub(crate) fn versions(nvml: &Nvml) -> (Option<String>, Option<CudaVersion>) {
    let driver =
        nvml.sys_driver_version().ok().map(|text| bounded(&text, MAX_TEXT_CHARS)).filter(|text| !text.is_empty());
    (driver, nvml.sys_cuda_driver_version().ok().and_then(CudaVersion::from_driver))
}

/// Every card the driver sees, healthy or not, by index.
///
/// # Errors
/// The driver does not even say how many there are.
pub(crate) fn cards(nvml: &Nvml) -> Result<Vec<Card>, NvmlError> {
    let count = nvml.device_count()?.min(u32::try_from(MAX_CARDS).unwrap_or(u32::MAX));
    Ok((0..count)
        .map(|index| nvml.device_by_index(index).map_or_else(|e| refused(index, &e), |d| card(&d, index)))
        .collect())
}

/// A card whose handle the driver refuses.
fn refused(index: u32, error: &NvmlError) -> Card {
    let mut card = Card::unknown(CardId::new(format!("index:{index}")), index);
    card.fault = Some(fault_of(error, &card.label()));
    card
}

/// The card known by `uuid`.
pub(crate) fn device<'nvml>(nvml: &'nvml Nvml, uuid: &CardId) -> Option<Device<'nvml>> {
    let devices = (0..nvml.device_count().ok()?).filter_map(|index| Some((index, nvml.device_by_index(index).ok()?)));
    let mut known = devices.map(|(index, device)| {
        let pci = device.pci_info().ok().map(|pci| bounded(&pci.bus_id, MAX_TEXT_CHARS));
        (identity(device.uuid().ok().as_deref(), pci.as_deref(), index), device)
    });
    known.find_map(|(id, device)| (id == *uuid).then_some(device))
}

fn card(device: &Device<'_>, index: u32) -> Card {
    let mut told = Told::default();
    let pci_bus_id = told.keep(device.pci_info()).map(|pci| bounded(&pci.bus_id, MAX_TEXT_CHARS));
    let constraints = told.keep(device.power_management_limit_constraints());
    let mut card = Card {
        uuid: identity(told.keep(device.uuid()).as_deref(), pci_bus_id.as_deref(), index),
        index,
        name: told.keep(device.name()).map(|name| bounded(&name, MAX_TEXT_CHARS)).filter(|name| !name.is_empty()),
        pci_bus_id,
        vram_total: told.keep(device.memory_info()).map(|memory| ByteCount(memory.total)),
        compute_capability: told.keep(device.cuda_compute_capability()).and_then(|found| {
            Some(ComputeCapability { major: found.major.try_into().ok()?, minor: found.minor.try_into().ok()? })
        }),
        mig: told.keep(device.mig_mode()).map(|mode| mode.current == 1),
        ecc: told.keep(device.is_ecc_enabled()).map(|ecc| ecc.currently_enabled),
        power: PowerLimits {
            min_mw: constraints.as_ref().map(|limits| limits.min_limit),
            max_mw: constraints.as_ref().map(|limits| limits.max_limit),
            default_mw: told.keep(device.power_management_limit_default()),
            current_mw: told.keep(device.power_management_limit()),
        },
        pcie_max: PcieLink {
            generation: told.keep(device.max_pcie_link_gen()),
            width: told.keep(device.max_pcie_link_width()),
        },
        fault: None,
    };
    card.fault = told.lost.map(|error| fault_of(&error, &card.label())).or_else(|| shortcoming(&card));
    card
}

fn identity(uuid: Option<&str>, pci_bus_id: Option<&str>, index: u32) -> CardId {
    match (uuid.filter(|uuid| !uuid.is_empty()), pci_bus_id) {
        (Some(uuid), _) => CardId::new(bounded(uuid, MAX_TEXT_CHARS)),
        (None, Some(address)) => CardId::new(format!("pci:{address}")),
        (None, None) => CardId::new(format!("index:{index}")),
    }
}

/// What the card itself lacks. What the driver does not tell is not held against the card.
fn shortcoming(card: &Card) -> Option<Fault> {
    if let Some(found) = card.compute_capability.filter(|found| *found < LeastNeeded::COMPUTE_CAPABILITY) {
        return Some(Fault::ComputeCapabilityTooLow { card: card.label(), found });
    }
    if let Some(found) = card.vram_total.filter(|found| *found < LeastNeeded::VRAM) {
        return Some(Fault::TooLittleVram { card: card.label(), found });
    }
    (card.mig == Some(true)).then(|| Fault::MigEnabled { card: card.label() })
}

/// An error of NVML as a failing layer. `card` is how to call the card it is about.
pub(crate) fn fault_of(error: &NvmlError, card: &str) -> Fault {
    match error {
        NvmlError::NoPermission => Fault::NoPermission,
        NvmlError::GpuLost | NvmlError::ResetRequired => Fault::CardLost { card: card.to_owned() },
        NvmlError::InsufficientPower => Fault::PowerCable { card: card.to_owned() },
        other => Fault::Unknown { text: bounded(&other.to_string(), MAX_MESSAGE_CHARS) },
    }
}

/// Answers of one card: keeps what it tells, and remembers if it turned out to be lost.
#[derive(Default)]
struct Told {
    lost: Option<NvmlError>,
}

impl Told {
    fn keep<T>(&mut self, answer: Result<T, NvmlError>) -> Option<T> {
        match answer {
            Ok(value) => Some(value),
            Err(error @ (NvmlError::GpuLost | NvmlError::ResetRequired)) => {
                self.lost = Some(error);
                None
            }
            Err(_) => None,
        }
    }
}

/// Samples of all cards that answer, and how many do not.
pub(crate) fn samples(nvml: &Nvml, system: &mut System, at_ms: u64) -> (Vec<Sample>, usize) {
    let count = nvml.device_count().unwrap_or(0).min(u32::try_from(MAX_CARDS).unwrap_or(u32::MAX));
    let mut samples = Vec::new();
    let mut lost = 0;
    for index in 0..count {
        match nvml.device_by_index(index).ok().and_then(|device| sample(&device, index, at_ms)) {
            Some(sample) => samples.push(sample),
            None => lost += 1,
        }
    }
    name_processes(&mut samples, system);
    (samples, lost)
}

fn sample(device: &Device<'_>, index: u32, at_ms: u64) -> Option<Sample> {
    let mut told = Told::default();
    let pci = told.keep(device.pci_info()).map(|pci| bounded(&pci.bus_id, MAX_TEXT_CHARS));
    let uuid = identity(told.keep(device.uuid()).as_deref(), pci.as_deref(), index);
    let memory = told.keep(device.memory_info());
    let fans = told.keep(device.num_fans()).unwrap_or(1).min(8);
    let sample = Sample {
        uuid,
        at_ms,
        util: told.keep(device.utilization_rates()).map(|rates| rates.gpu),
        vram_used: memory.as_ref().map(|memory| ByteCount(memory.used)),
        vram_free: memory.as_ref().map(|memory| ByteCount(memory.free)),
        vram_reserved: memory.as_ref().map(|memory| ByteCount(memory.reserved)),
        temp_c: told.keep(device.temperature(TemperatureSensor::Gpu)),
        fan_percent: (0..fans).filter_map(|fan| device.fan_speed(fan).ok()).max(),
        fan_rpm: (0..fans).filter_map(|fan| device.fan_speed_rpm(fan).ok()).max(),
        power_mw: told.keep(device.power_usage()),
        enforced_limit_mw: told.keep(device.enforced_power_limit()),
        sm_clock_mhz: told.keep(device.clock_info(Clock::SM)),
        mem_clock_mhz: told.keep(device.clock_info(Clock::Memory)),
        throttle: told.keep(device.current_throttle_reasons()).map(throttle),
        pcie: PcieLink {
            generation: told.keep(device.current_pcie_link_gen()),
            width: told.keep(device.current_pcie_link_width()),
        },
        energy_mj: told.keep(device.total_energy_consumption()),
        others: others(
            told.keep(device.running_graphics_processes()).unwrap_or_default(),
            told.keep(device.running_compute_processes()).unwrap_or_default(),
        ),
    };
    told.lost.is_none().then_some(sample)
}

fn throttle(reasons: ThrottleReasons) -> Vec<Throttle> {
    [
        (ThrottleReasons::GPU_IDLE, Throttle::Idle),
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, Throttle::ClocksSetting),
        (ThrottleReasons::SW_POWER_CAP, Throttle::PowerCap),
        (ThrottleReasons::HW_SLOWDOWN, Throttle::HwSlowdown),
        (ThrottleReasons::SYNC_BOOST, Throttle::SyncBoost),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, Throttle::SwThermal),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, Throttle::HwThermal),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, Throttle::PowerBrake),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, Throttle::DisplayClock),
    ]
    .into_iter()
    .filter_map(|(bit, reason)| reasons.contains(bit).then_some(reason))
    .collect()
}

fn others(graphics: Vec<ProcessInfo>, compute: Vec<ProcessInfo>) -> Vec<OtherProcess> {
    let of_kind = |list: Vec<ProcessInfo>, kind| {
        list.into_iter().map(move |process| OtherProcess {
            pid: process.pid,
            name: None,
            vram: match process.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(ByteCount(bytes)),
                UsedGpuMemory::Unavailable => None,
            },
            kind,
        })
    };
    let mut others: Vec<_> =
        of_kind(graphics, ProcessKind::Graphics).chain(of_kind(compute, ProcessKind::Compute)).collect();
    // Those that matter most stay if there are more than a line holds.
    others.sort_by_key(|process| (std::cmp::Reverse(process.vram), process.pid));
    others.truncate(MAX_OTHERS);
    others
}

/// Looks up the names of the processes that NVML named, and of no other.
fn name_processes(samples: &mut [Sample], system: &mut System) {
    let pids: Vec<Pid> = samples.iter().flat_map(|s| &s.others).map(|other| Pid::from_u32(other.pid)).collect();
    if pids.is_empty() {
        return;
    }
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, ProcessRefreshKind::nothing());
    for other in samples.iter_mut().flat_map(|sample| &mut sample.others) {
        let process = system.process(Pid::from_u32(other.pid));
        other.name = process.map(|process| bounded(&process.name().to_string_lossy(), MAX_PROCESS_CHARS));
    }
}

/// Text from outside on one line and within bounds.
pub(crate) fn bounded(text: &str, chars: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(chars).collect()
}
