//! The probe: the process that is allowed to crash.
//!
//! In: its command line, and standard input as a leash. Out: [`ProbeLine`]s on standard output, one or one a second. It
//! loads NVIDIA's libraries, which is why nobody else does, and it holds nothing that would be lost with it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use sysinfo::System;

use crate::argument::{Arguments, Mode};
use crate::library::{LoadError, cuda_init, library_version, load_nvml};
use crate::machine::Machine;
use crate::{Card, CardId, CudaVersion, Fault, LeastNeeded, ProbeLine, Refusal, Survey, Verdict, nvml};

/// A wrong command line, as shells' own tools report it.
const EXIT_USAGE: u8 = 2;

/// Runs a probe. `args` are those after the program's name and its `--gpu-probe`. Exit code 0 if something was answered,
/// whatever the answer is; 2 for a wrong command line.
pub fn probe_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(args) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Without a reader there is nobody to tell.
            let _ = writeln!(io::stderr(), "gpu probe: {error}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let leash = match &arguments.mode {
        Mode::Watch => leash(),
        Mode::Survey | Mode::SetPower { .. } => life_limit(arguments.life),
    };
    let Ok(leash) = leash else { return ExitCode::FAILURE };
    let said = match &arguments.mode {
        Mode::Survey => say(&ProbeLine::Survey(survey(&arguments))),
        Mode::Watch => watch(&arguments, &leash),
        Mode::SetPower { uuid, limit_mw } => say(&match set_power(&arguments, uuid, *limit_mw) {
            Ok(limit_mw) => ProbeLine::PowerSet { limit_mw },
            Err(refusal) => ProbeLine::PowerRefused { refusal },
        }),
    };
    if said.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(line: &ProbeLine) -> io::Result<()> {
    let bytes = line.encode().map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes)?;
    out.flush()
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn survey(arguments: &Arguments) -> Survey {
    let machine = Machine::at(&arguments.root);
    let cards_on_bus = machine.cards_on_bus().map(|cards| u32::try_from(cards.len()).unwrap_or(u32::MAX));
    let wsl = machine.is_wsl();
    let mut survey = match load_nvml(arguments.library.as_deref()) {
        Ok(nvml) => survey_of(&nvml, arguments, cards_on_bus),
        Err(error) => Survey::failed(now_ms(), fault_of_load(&error, arguments, &machine)),
    };
    survey.cards_on_bus = cards_on_bus;
    survey.wsl = wsl;
    survey
}

fn survey_of(nvml: &Nvml, arguments: &Arguments, cards_on_bus: Option<u32>) -> Survey {
    let (driver, cuda_driver) = nvml::versions(nvml);
    let mut cards = match nvml::cards(nvml) {
        Ok(cards) => cards,
        Err(error) => return Survey::failed(now_ms(), nvml::fault_of(&error, "the card")),
    };
    let works = |cards: &[Card]| cards.iter().any(Card::is_healthy);
    if works(&cards) {
        let of_all = too_old(driver.as_deref(), cuda_driver).or_else(|| cuda_fault(arguments));
        for card in cards.iter_mut().filter(|card| card.is_healthy()) {
            card.fault.clone_from(&of_all);
        }
    }
    let verdict = if works(&cards) { Verdict::Ready } else { Verdict::Failed { fault: worst(&cards, cards_on_bus) } };
    Survey { at_ms: now_ms(), driver, cuda_driver, wsl: false, cards_on_bus, cards, verdict }
}

/// The one reason to tell if no card works: what can be mended comes before what cannot.
fn worst(cards: &[Card], cards_on_bus: Option<u32>) -> Fault {
    let faults = || cards.iter().filter_map(|card| card.fault.as_ref());
    let mendable = faults()
        .find(|fault| !matches!(fault, Fault::ComputeCapabilityTooLow { .. } | Fault::TooLittleVram { .. }))
        .or_else(|| faults().next());
    match (mendable, cards_on_bus) {
        (Some(fault), _) => fault.clone(),
        (None, Some(on_bus @ 1..)) => Fault::CardNotSeen { on_bus },
        (None, _) => Fault::NoCard,
    }
}

/// Where the driver tells its CUDA version, that decides; its own version only where it does not.
fn too_old(driver: Option<&str>, cuda: Option<CudaVersion>) -> Option<Fault> {
    let major = driver.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    let old = match cuda {
        Some(cuda) => cuda < LeastNeeded::CUDA,
        None => major.is_some_and(|major| major < LeastNeeded::DRIVER_MAJOR),
    };
    old.then(|| Fault::DriverTooOld { installed: driver.map(str::to_owned), cuda })
}

fn cuda_fault(arguments: &Arguments) -> Option<Fault> {
    match cuda_init(arguments.cuda_library.as_deref()) {
        None => Some(Fault::NoCudaLibrary),
        Some(0) => None,
        // CUDA_ERROR_UNKNOWN while NVML is well: its memory manager did not survive the sleep.
        Some(code @ 999) => Some(Fault::GoneAfterResume { cuda_error: Some(code) }),
        Some(code) => Some(Fault::CudaFailed { code }),
    }
}

fn fault_of_load(error: &LoadError, arguments: &Arguments, machine: &Machine) -> Fault {
    let card_on_bus = machine.cards_on_bus().map(|cards| !cards.is_empty());
    match error {
        _ if machine.is_wsl() && !matches!(error, LoadError::Refused(NvmlError::NoPermission)) => Fault::Wsl,
        LoadError::Absent | LoadError::Refused(NvmlError::LibraryNotFound | NvmlError::DriverNotLoaded)
            if card_on_bus == Some(false) =>
        {
            Fault::NoCard
        }
        LoadError::Absent | LoadError::Refused(NvmlError::LibraryNotFound) => Fault::NoDriver { card_on_bus },
        LoadError::Refused(NvmlError::DriverNotLoaded) if machine.nvidia_loaded() == Some(true) => Fault::CardNotSeen {
            on_bus: machine.cards_on_bus().map_or(1, |cards| u32::try_from(cards.len()).unwrap_or(u32::MAX)),
        },
        LoadError::Refused(NvmlError::DriverNotLoaded) => Fault::ModuleNotLoaded { nouveau: machine.nouveau_loaded() },
        LoadError::Refused(NvmlError::LibRmVersionMismatch) => Fault::VersionMismatch {
            library: library_version(arguments.library.as_deref()),
            kernel: machine.kernel_driver_version(),
        },
        LoadError::Refused(error) => nvml::fault_of(error, "the card"),
    }
}

/// Speaks once a second until standard input closes: it hangs on the app like a dog on a leash.
fn watch(arguments: &Arguments, leash: &Receiver<()>) -> io::Result<()> {
    let nvml = match load_nvml(arguments.library.as_deref()) {
        Ok(nvml) => nvml,
        Err(error) => {
            let fault = fault_of_load(&error, arguments, &Machine::at(&arguments.root));
            return say(&ProbeLine::Failed { fault });
        }
    };
    let mut system = System::new();
    let mut lost_before = None;
    loop {
        let (samples, lost) = nvml::samples(&nvml, &mut system, now_ms());
        say(&ProbeLine::Samples { samples })?;
        if lost_before.replace(lost).is_some_and(|before| before != lost) {
            say(&ProbeLine::Changed)?;
        }
        match leash.recv_timeout(arguments.every) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// A thread that ends the process when standard input does.
fn leash() -> io::Result<Receiver<()>> {
    ending_after(|| {
        let mut bytes = [0u8; 64];
        while matches!(io::stdin().read(&mut bytes), Ok(1..)) {}
    })
}

/// A thread that ends the process after a time.
fn life_limit(life: Duration) -> io::Result<Receiver<()>> {
    ending_after(move || std::thread::sleep(life))
}

fn ending_after(waits: impl FnOnce() + Send + 'static) -> io::Result<Receiver<()>> {
    let (end, ended) = sync_channel::<()>(1);
    std::thread::Builder::new().name("leash".into()).spawn(move || {
        waits();
        drop(end);
        // The other thread may hang in a driver and never look at its end of the channel.
        end_at_once();
    })?;
    Ok(ended)
}

/// Without the exit handlers of the driver's libraries, which may wait for the thread that hangs.
#[cfg(unix)]
fn end_at_once() -> ! {
    // SAFETY: `_exit` takes any number and never returns; nothing of ours is left to be written.
    unsafe { libc::_exit(0) }
}

#[cfg(not(unix))]
fn end_at_once() -> ! {
    std::process::exit(0)
}

fn set_power(arguments: &Arguments, uuid: &CardId, limit_mw: u32) -> Result<u32, Refusal> {
    let nvml: ManuallyDrop<Nvml> = load_nvml(arguments.library.as_deref()).map_err(|error| Refusal::NoDriver {
        fault: fault_of_load(&error, arguments, &Machine::at(&arguments.root)),
    })?;
    let mut device = nvml::device(&nvml, uuid).ok_or_else(|| Refusal::NoSuchCard { uuid: uuid.clone() })?;
    device.set_power_management_limit(limit_mw).map_err(|error| refusal(&error))?;
    // Some cards round; what they report is what is in force.
    Ok(device.power_management_limit().unwrap_or(limit_mw))
}

fn refusal(error: &NvmlError) -> Refusal {
    match error {
        NvmlError::NoPermission => Refusal::NotPermitted,
        NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_) => Refusal::NotSupported,
        other => Refusal::Other { text: nvml::bounded(&other.to_string(), 200) },
    }
}
