//! Each failing layer in words: what happened with its numbers, what to do, at most one button.
//!
//! In: a fault. Out: its stable code and its problem. The hint says first what most people need.

use types::{ByteCount, Problem, ProblemAction};

use super::{Fault, LeastNeeded};

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
        let (title, hint) = self.words();
        let problem = Problem::new(self.code(), title, hint);
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

    fn words(&self) -> (String, String) {
        match self {
            Self::NoCard | Self::CardNotSeen { .. } | Self::CardLost { .. } | Self::PowerCable { .. } => {
                self.words_of_the_slot()
            }
            Self::ComputeCapabilityTooLow { .. } | Self::TooLittleVram { .. } | Self::MigEnabled { .. } => {
                self.words_of_the_card()
            }
            Self::ProbeCrashed { .. } | Self::ProbeTimedOut { .. } | Self::Unknown { .. } => self.words_of_the_probe(),
            _ => self.words_of_the_driver(),
        }
    }

    fn words_of_the_slot(&self) -> (String, String) {
        match self {
            Self::CardNotSeen { on_bus } => (
                format!("{} on the bus, and the driver sees none", cards_are(*on_bus)),
                "The card may be too old for this driver, lack power, or be handed to a virtual machine. Check its \
                 power cables, then restart the computer."
                    .into(),
            ),
            Self::CardLost { card } => (
                format!("{card} has fallen off the bus"),
                "The driver has lost the card; work on it stops. Restart the computer. If it comes back, look at its \
                 power cables, its heat and its overclocking."
                    .into(),
            ),
            Self::PowerCable { card } => (
                format!("{card} does not get enough power"),
                "Switch the computer off and attach all of the card's power cables.".into(),
            ),
            _ => (
                "There is no NVIDIA card in this computer".into(),
                "Training needs an NVIDIA card; the rehearsal runs without one. If there is a card, check that it sits \
                 in its slot, has power, and is not switched off in the firmware's settings."
                    .into(),
            ),
        }
    }

    fn words_of_the_card(&self) -> (String, String) {
        match self {
            Self::ComputeCapabilityTooLow { card, found } => (
                format!("{card} is too old: compute capability {found}, {} needed", LeastNeeded::COMPUTE_CAPABILITY),
                "Cards from the GeForce RTX 20 and GTX 16 series on can train. The rehearsal runs without a card."
                    .into(),
            ),
            Self::TooLittleVram { card, found } => (
                format!("{card} has {} of memory, 4 GB needed", gigabytes(*found)),
                "Even the smallest run does not fit this card. The rehearsal runs without a card.".into(),
            ),
            Self::MigEnabled { card } => (
                format!("{card} is cut into instances (MIG)"),
                "Covey trains on whole cards. Its administrator can switch MIG off with: nvidia-smi -mig 0".into(),
            ),
            _ => self.words_of_the_probe(),
        }
    }

    fn words_of_the_driver(&self) -> (String, String) {
        let needed = LeastNeeded::DRIVER_MAJOR;
        match self {
            Self::NoDriver { card_on_bus: Some(true) } => (
                "There is an NVIDIA card, and its driver is not installed".into(),
                format!("Install NVIDIA's driver, version {needed} or newer, and restart the computer."),
            ),
            Self::NoDriver { .. } => (
                "NVIDIA's driver is not installed".into(),
                format!("If this computer has an NVIDIA card, install its driver, version {needed} or newer."),
            ),
            Self::ModuleNotLoaded { nouveau: true } => (
                "The open nouveau driver holds the card".into(),
                format!(
                    "NVIDIA's driver, version {needed} or newer, is needed in its place. Restart after installing it."
                ),
            ),
            Self::ModuleNotLoaded { nouveau: false } => (
                "NVIDIA's driver is installed and not running".into(),
                "Restart the computer. If that does not help: after a new kernel the driver must be installed again, \
                 and with Secure Boot its module must be signed."
                    .into(),
            ),
            Self::VersionMismatch { library, kernel } => (
                "NVIDIA's driver was updated and waits for a restart".into(),
                format!("Restart the computer. {}", versions(library.as_deref(), kernel.as_deref())),
            ),
            Self::DriverTooOld { installed, cuda } => {
                let installed = installed.as_ref().map_or_else(String::new, |version| format!(" {version}"));
                let cuda = cuda.map_or_else(String::new, |cuda| format!(" This one speaks CUDA {cuda}."));
                (
                    format!("NVIDIA's driver{installed} is too old: {needed} or newer needed"),
                    format!("Covey computes with CUDA {}.{cuda} Install the newest driver.", LeastNeeded::CUDA),
                )
            }
            Self::Wsl => (
                "The card does not reach into this Linux (WSL)".into(),
                format!(
                    "Under WSL the driver belongs into Windows, version {needed} or newer, and none into Linux. Install \
                     it there, then run: wsl --shutdown. Covey for Windows needs no WSL."
                ),
            ),
            Self::GoneAfterResume { cuda_error } => (
                "The card did not come back after the computer slept".into(),
                cuda_error.map_or_else(
                    || {
                        "Restart the computer, or load the driver again. Work goes on by itself when the card is back."
                            .into()
                    },
                    |code| format!("CUDA answers error {code}. Restart the computer, or load the driver again."),
                ),
            ),
            Self::NoPermission => (
                "This user may not talk to NVIDIA's driver".into(),
                if cfg!(target_os = "linux") {
                    "The files /dev/nvidia* must be open to this user; often the groups video and render give that. A \
                     container must be started with the card."
                        .into()
                } else {
                    "Ask the computer's administrator.".into()
                },
            ),
            Self::NoCudaLibrary => (
                "NVIDIA's driver is installed without its CUDA library".into(),
                "Install the whole driver; on Linux the part often called libcuda or nvidia-compute is missing.".into(),
            ),
            Self::CudaFailed { code } => cuda_words(*code),
            _ => self.words_of_the_probe(),
        }
    }

    fn words_of_the_probe(&self) -> (String, String) {
        match self {
            Self::ProbeCrashed { end } => (
                format!("Looking for cards crashed inside NVIDIA's driver ({end})"),
                "Covey goes on and tries again by itself. If it stays, restart the computer and install the driver again."
                    .into(),
            ),
            Self::ProbeTimedOut { after_ms } => (
                format!("NVIDIA's driver did not answer within {} s", after_ms.div_ceil(1000)),
                "Covey goes on and tries again by itself. If it stays, restart the computer.".into(),
            ),
            Self::Unknown { text } => (
                "NVIDIA's driver reports an error".into(),
                format!("It says: {text}. Covey tries again by itself. If it stays, restart the computer."),
            ),
            other => ("NVIDIA's driver reports an error".into(), format!("Its code is {}.", other.code())),
        }
    }
}

fn cuda_words(code: i32) -> (String, String) {
    let (title, hint) = match code {
        100 => (
            "CUDA sees no card",
            "The driver does. If the variable CUDA_VISIBLE_DEVICES is set, remove it; in a container, hand the card in.",
        ),
        802 => (
            "CUDA waits for the link between the cards",
            "On machines with NVSwitch the service nvidia-fabricmanager must run, in the driver's version.",
        ),
        803 => ("CUDA's library and the driver do not belong together", "Restart the computer after a driver update."),
        _ => ("CUDA does not start", "Restart the computer. If it stays, install NVIDIA's driver again."),
    };
    (format!("{title} (error {code})"), hint.into())
}

fn versions(library: Option<&str>, kernel: Option<&str>) -> String {
    match (library, kernel) {
        (Some(library), Some(kernel)) => format!("Installed is {library}, running is {kernel}."),
        (Some(library), None) => format!("Installed is {library}, running is an older one."),
        (None, Some(kernel)) => format!("Running is {kernel}, installed is another one."),
        (None, None) => "The running part and the installed part differ.".into(),
    }
}

fn cards_are(count: u32) -> String {
    if count == 1 { "1 NVIDIA card is".into() } else { format!("{count} NVIDIA cards are") }
}

/// As cards are sold: 2147483648 bytes is "2 GB".
fn gigabytes(bytes: ByteCount) -> String {
    let tenths = (u128::from(bytes.0) * 10 + (1 << 29)) >> 30;
    if tenths % 10 == 0 { format!("{} GB", tenths / 10) } else { format!("{}.{} GB", tenths / 10, tenths % 10) }
}
