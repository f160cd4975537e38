//! Each failing layer in words: what happened with its numbers, what to do, at most one button.
//!
//! In: a fault. Out: its stable code and its problem. The hint says first what most people need.

use types::{ByteCount, Problem, ProblemAction};

use super::{Fault, LeastNeeded, ProbeEnd};

/// NVIDIA's own page, which finds the driver for a card and a system.
const DRIVER_PAGE: &str = "https://www.nvidia.com/drivers";

impl Fault {
    /// A stable code for reports, rules and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCard => "gpu_no_card",
            Self::NoDriver { .. } => "gpu_no_driver",
            Self::ModuleNotLoaded { .. } => "gpu_module_not_loaded",
            Self::VersionMismatch { .. } => "gpu_driver_version_mismatch",
            Self::DriverTooOld { .. } => "gpu_driver_too_old",
            Self::CardNotSeen { .. } => "gpu_card_not_seen",
            Self::ComputeCapabilityTooLow { .. } => "gpu_card_too_old",
            Self::TooLittleVram { .. } => "gpu_too_little_vram",
            Self::MigEnabled { .. } => "gpu_mig_enabled",
            Self::Wsl => "gpu_wsl",
            Self::GoneAfterResume { .. } => "gpu_gone_after_resume",
            Self::CardLost { .. } => "gpu_card_lost",
            Self::PowerCable { .. } => "gpu_power_cable",
            Self::NoPermission => "gpu_no_permission",
            Self::NoCudaLibrary => "gpu_no_cuda_library",
            Self::CudaFailed { .. } => "gpu_cuda_failed",
            Self::ProbeCrashed { .. } => "gpu_probe_crashed",
            Self::ProbeTimedOut { .. } => "gpu_probe_timed_out",
            Self::Unknown { .. } => "gpu_unknown",
        }
    }

    /// The fault in words.
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code(), self.title(), self.hint());
        match self.action() {
            Some(action) => problem.with_action(action),
            None => problem,
        }
    }

    fn action(&self) -> Option<ProblemAction> {
        match self {
            Self::NoDriver { .. } | Self::DriverTooOld { .. } | Self::NoCudaLibrary | Self::Wsl => {
                Some(ProblemAction::Open(DRIVER_PAGE.into()))
            }
            Self::ModuleNotLoaded { nouveau: false } if cfg!(target_os = "linux") => {
                Some(ProblemAction::Command("sudo modprobe nvidia".into()))
            }
            Self::GoneAfterResume { .. } if cfg!(target_os = "linux") => {
                Some(ProblemAction::Command("sudo rmmod nvidia_uvm; sudo modprobe nvidia_uvm".into()))
            }
            Self::ComputeCapabilityTooLow { .. } | Self::TooLittleVram { .. } | Self::MigEnabled { .. } => None,
            _ => Some(ProblemAction::Retry),
        }
    }

    fn title(&self) -> String {
        let driver = LeastNeeded::DRIVER_MAJOR;
        match self {
            Self::NoCard => "There is no NVIDIA card in this computer".into(),
            Self::NoDriver { card_on_bus: Some(true) } => {
                "There is an NVIDIA card, and its driver is not installed".into()
            }
            Self::NoDriver { .. } => "NVIDIA's driver is not installed".into(),
            Self::ModuleNotLoaded { nouveau: true } => "The open nouveau driver holds the card".into(),
            Self::ModuleNotLoaded { nouveau: false } => "NVIDIA's driver is installed and not running".into(),
            Self::VersionMismatch { .. } => "NVIDIA's driver was updated and waits for a restart".into(),
            Self::DriverTooOld { installed: Some(version), .. } => {
                format!("NVIDIA's driver {version} is too old: {driver} or newer needed")
            }
            Self::DriverTooOld { .. } => format!("NVIDIA's driver is too old: {driver} or newer needed"),
            Self::CardNotSeen { on_bus: 1 } => "1 NVIDIA card is on the bus, and the driver sees none".into(),
            Self::CardNotSeen { on_bus } => format!("{on_bus} NVIDIA cards are on the bus, and the driver sees none"),
            Self::ComputeCapabilityTooLow { card, found } => {
                format!("{card} is too old: compute capability {found}, {} needed", LeastNeeded::COMPUTE_CAPABILITY)
            }
            Self::TooLittleVram { card, found } => format!("{card} has {} of memory, 4 GB needed", gigabytes(*found)),
            Self::MigEnabled { card } => format!("{card} is cut into instances (MIG)"),
            Self::Wsl => "The card does not reach into this Linux (WSL)".into(),
            Self::GoneAfterResume { .. } => "The card did not come back after the computer slept".into(),
            Self::CardLost { card } => format!("{card} has fallen off the bus"),
            Self::PowerCable { card } => format!("{card} does not get enough power"),
            Self::NoPermission => "This user may not talk to NVIDIA's driver".into(),
            Self::NoCudaLibrary => "NVIDIA's driver is installed without its CUDA library".into(),
            Self::CudaFailed { code: code @ 100 } => format!("CUDA sees no card (error {code})"),
            Self::CudaFailed { code: code @ 802 } => {
                format!("CUDA waits for the link between the cards (error {code})")
            }
            Self::CudaFailed { code: code @ 803 } => {
                format!("CUDA's library and the driver do not belong together (error {code})")
            }
            Self::CudaFailed { code } => format!("CUDA does not start (error {code})"),
            Self::ProbeCrashed { end: end @ (ProbeEnd::NotStarted | ProbeEnd::Garbage) } => {
                format!("The program that looks for cards gave no answer: {end}")
            }
            Self::ProbeCrashed { end } => format!("NVIDIA's driver crashed while Covey looked for cards ({end})"),
            Self::ProbeTimedOut { after_ms } => {
                format!("NVIDIA's driver did not answer within {} s", after_ms.div_ceil(1000))
            }
            Self::Unknown { .. } => "NVIDIA's driver reports an error".into(),
        }
    }

    fn hint(&self) -> String {
        let driver = LeastNeeded::DRIVER_MAJOR;
        match self {
            Self::NoDriver { card_on_bus: Some(true) } => {
                format!("Install NVIDIA's driver, version {driver} or newer, and restart the computer.")
            }
            Self::NoDriver { .. } => {
                format!("If this computer has an NVIDIA card, install its driver, version {driver} or newer.")
            }
            Self::ModuleNotLoaded { nouveau: true } => format!(
                "NVIDIA's driver, version {driver} or newer, is needed in its place. Restart after installing it."
            ),
            Self::VersionMismatch { library, kernel } => {
                format!("Restart the computer. {}", versions(library.as_deref(), kernel.as_deref()))
            }
            Self::DriverTooOld { cuda, .. } => {
                let speaks = cuda.map_or_else(String::new, |cuda| format!(" This one speaks CUDA {cuda}."));
                format!("Covey computes with CUDA {}.{speaks} Install the newest driver.", LeastNeeded::CUDA)
            }
            Self::Wsl => format!(
                "Under WSL the driver belongs into Windows, version {driver} or newer, and none into Linux. Install it \
                 there, then run: wsl --shutdown. Covey for Windows needs no WSL."
            ),
            Self::GoneAfterResume { cuda_error: Some(code) } => {
                format!("CUDA answers error {code}. Restart the computer, or load the driver again.")
            }
            Self::Unknown { text } => {
                format!("It says: {text}. Covey tries again by itself. If it stays, restart the computer.")
            }
            _ => self.fixed_hint().into(),
        }
    }

    /// The hints without numbers in them.
    fn fixed_hint(&self) -> &'static str {
        match self {
            Self::NoCard => {
                "Training needs an NVIDIA card; the rehearsal runs without one. If there is a card, check that it sits \
                 in its slot, has power, and is not switched off in the firmware's settings."
            }
            Self::CardNotSeen { .. } => {
                "The card may be too old for this driver, lack power, or be handed to a virtual machine. Check its power \
                 cables, then restart the computer."
            }
            Self::CardLost { .. } => {
                "The driver has lost the card; work on it stops. Restart the computer. If it comes back, look at its \
                 power cables, its heat and its overclocking."
            }
            Self::PowerCable { .. } => "Switch the computer off and attach all of the card's power cables.",
            Self::ComputeCapabilityTooLow { .. } => {
                "Cards from the GeForce RTX 20 and GTX 16 series on can train. The rehearsal runs without a card."
            }
            Self::TooLittleVram { .. } => {
                "Even the smallest run does not fit this card. The rehearsal runs without a card."
            }
            Self::MigEnabled { .. } => {
                "Covey trains on whole cards. The machine's administrator can switch MIG off with: nvidia-smi -mig 0"
            }
            Self::ModuleNotLoaded { .. } => {
                "Restart the computer. If that does not help: after a new kernel the driver must be installed again, and \
                 with Secure Boot its module must be signed."
            }
            Self::GoneAfterResume { .. } => {
                "Restart the computer, or load the driver again. Covey goes on by itself when the card is back."
            }
            Self::NoPermission if cfg!(target_os = "linux") => {
                "The files /dev/nvidia* must be open to this user; often the groups video and render give that. A \
                 container must be started with the card."
            }
            Self::NoPermission => "Ask the computer's administrator.",
            Self::NoCudaLibrary => {
                "Install the whole driver; on Linux the part often called libcuda or nvidia-compute is missing."
            }
            Self::CudaFailed { code: 100 } => {
                "The driver does. If the variable CUDA_VISIBLE_DEVICES is set, remove it; in a container, hand the card \
                 in."
            }
            Self::CudaFailed { code: 802 } => {
                "On machines with NVSwitch the service nvidia-fabricmanager must run, in the driver's version."
            }
            Self::CudaFailed { code: 803 } => "Restart the computer after a driver update.",
            Self::CudaFailed { .. } => "Restart the computer. If it stays, install NVIDIA's driver again.",
            Self::ProbeCrashed { end: ProbeEnd::NotStarted } => {
                "A virus scanner may hold it back, or Covey was changed while it ran. Restart Covey."
            }
            Self::ProbeCrashed { .. } => {
                "Covey goes on and tries again by itself. If it stays, restart the computer and install the driver again."
            }
            _ => "Covey goes on and tries again by itself. If it stays, restart the computer.",
        }
    }
}

fn versions(library: Option<&str>, kernel: Option<&str>) -> String {
    match (library, kernel) {
        (Some(library), Some(kernel)) => format!("Installed is {library}, running is {kernel}."),
        (Some(library), None) => format!("Installed is {library}, running is an older one."),
        (None, Some(kernel)) => format!("Running is {kernel}, installed is another one."),
        (None, None) => "The running part and the installed part differ.".into(),
    }
}

/// As cards are sold: 2147483648 bytes is "2 GB".
fn gigabytes(bytes: ByteCount) -> String {
    let tenths = (u128::from(bytes.0) * 10 + (1 << 29)) >> 30;
    if tenths % 10 == 0 { format!("{} GB", tenths / 10) } else { format!("{}.{} GB", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests;
