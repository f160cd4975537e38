//! How a peer process ends: its errors as an exit code and as a problem in words.
//!
//! In: any error of this crate. Out: one [`ipc::ExitCode`] and one [`types::Problem`]. It logs nothing and decides nothing.

use chain::ChainError;
use engine::EngineError;
use exchange::{FetchError, StoreError};
use ipc::ExitCode;
use types::{Problem, SignError};

use crate::checkpoint::CheckpointError;
use crate::gather::GatherError;
use crate::places::PlacesError;
use crate::signing::HostError;
use crate::trainer::TrainerError;

/// Anything that ends a role.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The run folder cannot be used.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// No signer.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The signer refused or went away.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The chain refused or does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The trainer failed.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// Payloads could not be gathered.
    #[error(transparent)]
    Gather(#[from] GatherError),
    /// Own state could not be saved or loaded.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A blob could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A blob could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// There is no way to the other peers.
    #[error(transparent)]
    Network(#[from] crate::network::NetworkError),
    /// The run's data cannot be had, or does not fit.
    #[error(transparent)]
    RunFetch(#[from] crate::run_fetch::RunFetchError),
    /// The data set cannot be used.
    #[error(transparent)]
    Data(#[from] dataset::OpenError),
    /// A file could not be read or written.
    #[error("cannot access `{path}`: {source}")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A validator's state refused a round.
    #[error("the validator's state: {0}")]
    State(String),
    /// The peer stands at other parameters than the run and no checkpoint leads back.
    #[error("this peer's parameters differ from the run's and no checkpoint could be found to start again from")]
    Lost,
}

impl PeerError {
    /// The code the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        // A transparent error's source is that of what it wraps, so the innermost is not in the chain.
        let machine = match self {
            Self::Trainer(TrainerError::Engine(error)) => of_engine(error),
            Self::Chain(error) | Self::Gather(GatherError::Chain(error)) => of_chain(error),
            _ => None,
        };
        if let Some(code) = machine.or_else(|| code_of(self)) {
            return code;
        }
        match self {
            Self::Places(_) => ExitCode::WrongRun,
            Self::RunFetch(error) => error.exit_code(),
            Self::Host(HostError::Protocol(_)) => ExitCode::ProtocolMismatch,
            Self::Host(_) | Self::Sign(SignError::Unavailable(_)) => ExitCode::SignerUnavailable,
            Self::Sign(_) => ExitCode::SignerRefused,
            Self::Chain(error) | Self::Gather(GatherError::Chain(error)) => match error {
                ChainError::NotRegistered { .. } => ExitCode::HotkeyNotRegistered,
                ChainError::Sign(SignError::Unavailable(_)) => ExitCode::SignerUnavailable,
                ChainError::Sign(_) => ExitCode::SignerRefused,
                _ => ExitCode::ChainUnreachable,
            },
            Self::Trainer(TrainerError::Checkpoint(error)) | Self::Checkpoint(error) => match error {
                CheckpointError::OtherRun { .. } => ExitCode::WrongRun,
                _ => ExitCode::CheckpointCorrupt,
            },
            Self::Data(_) | Self::Trainer(TrainerError::Data(_) | TrainerError::Tokenizer(_)) => {
                ExitCode::DatasetCorrupt
            }
            // It ends early only by a panic, which is on standard error.
            Self::Trainer(TrainerError::Gone) => ExitCode::Panic,
            Self::Store(_) | Self::Fetch(_) | Self::Network(_) => ExitCode::ExchangeUnreachable,
            _ => ExitCode::Failed,
        }
    }

    /// What a person is told.
    pub fn problem(&self) -> Problem {
        if let Self::RunFetch(error) = self {
            return error.problem();
        }
        let (code, hint) = match self.exit_code() {
            ExitCode::DiskFull => {
                ("disk_full", "Free some space on this disk and start again; the last saved state stands")
            }
            ExitCode::OutOfMemory => ("out_of_memory", "Close other programs, or choose a run with a smaller model"),
            ExitCode::OutOfVram => {
                ("out_of_vram", "Close other programs that use the card, or choose a run with a smaller model")
            }
            ExitCode::GpuLost => ("gpu_lost", "The card stopped answering. It is tried again; if it goes on, restart"),
            ExitCode::DriverTooOld => ("driver_too_old", "Update the card's driver, then restart the computer"),
            ExitCode::Panic => ("panic", "A fault of this program. Starting again is safe; the log says where it was"),
            ExitCode::WrongRun => ("wrong_run", "Check that the folder is the run you mean to join"),
            ExitCode::SignerUnavailable => {
                ("signer_unavailable", "Unlock the wallet or check the key file, then start again")
            }
            ExitCode::SignerRefused => ("signer_refused", "The signer's audit log says why"),
            ExitCode::HotkeyNotRegistered => ("not_registered", "Register this hotkey in the run first"),
            ExitCode::ChainUnreachable => {
                ("chain_unreachable", "Check that the run's ledger runs; work goes on once it answers")
            }
            ExitCode::CheckpointCorrupt => {
                ("checkpoint_damaged", "Remove this peer's state folder to join afresh; nothing else is lost")
            }
            ExitCode::DatasetCorrupt => ("dataset_damaged", "Build the data set again with `covey-peer data build`"),
            ExitCode::ExchangeUnreachable => {
                ("exchange_unreachable", "Check that the run's shared folder can be written")
            }
            ExitCode::ProtocolMismatch => ("protocol_mismatch", "Update app and peer together"),
            _ => ("failed", "The log says more; starting again is safe"),
        };
        Problem::new(code, self.to_string(), hint)
    }
}

/// How libtorch and CUDA say that a driver is too old for this build.
const OLD_DRIVER: [&str; 3] =
    ["driver version is insufficient", "driver on your system is too old", "forward compatibility was attempted"];
/// How they say that a card has gone, or that its context is beyond use.
const CARD_GONE: [&str; 6] = [
    "CUDA error: unspecified launch failure",
    "CUDA error: device-side assert",
    "CUDA error: an illegal memory access",
    "CUDA error: unknown error",
    "device lost",
    "fell off the bus",
];
/// The system's numbers for a full disk, a used-up quota and a file that may not grow, as they stand at an error's end.
const FULL: &[&str] = if cfg!(windows) {
    &["(os error 112)", "(os error 39)", "(os error 1295)"]
} else {
    &["(os error 28)", "(os error 122)", "(os error 27)"]
};

/// What the machine lacks, wherever in an error's chain that stands: disk, memory, card or driver.
pub fn code_of(error: &(dyn std::error::Error + 'static)) -> Option<ExitCode> {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(code) = error.downcast_ref::<std::io::Error>().and_then(of_system) {
            return Some(code);
        }
        if let Some(code) = error.downcast_ref::<EngineError>().and_then(of_engine) {
            return Some(code);
        }
        if let Some(code) = error.downcast_ref::<ChainError>().and_then(of_chain) {
            return Some(code);
        }
        source = error.source();
    }
    None
}

fn of_system(error: &std::io::Error) -> Option<ExitCode> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Some(ExitCode::DiskFull),
        ErrorKind::OutOfMemory => Some(ExitCode::OutOfMemory),
        _ => None,
    }
}

/// The ledger's database keeps words only.
fn of_chain(error: &ChainError) -> Option<ExitCode> {
    let ChainError::Storage { why } = error else { return None };
    FULL.iter().any(|words| why.contains(words)).then_some(ExitCode::DiskFull)
}

fn of_engine(error: &EngineError) -> Option<ExitCode> {
    let says = |words: &[&str]| {
        let text = error.detail().map_or_else(|| error.to_string(), str::to_owned);
        words.iter().any(|words| text.contains(words))
    };
    match error {
        EngineError::OutOfMemory { detail, .. } if detail.contains("CPU") => Some(ExitCode::OutOfMemory),
        EngineError::OutOfMemory { .. } => Some(ExitCode::OutOfVram),
        _ if says(&OLD_DRIVER) => Some(ExitCode::DriverTooOld),
        EngineError::NoCuda { .. } => Some(ExitCode::GpuLost),
        EngineError::Torch { .. } if says(&CARD_GONE) => Some(ExitCode::GpuLost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: impl Into<PeerError>) -> ExitCode {
        error.into().exit_code()
    }

    fn engine(words: &str) -> TrainerError {
        let (summary, detail) = (words.to_owned(), words.to_owned());
        let memory = words.contains("memory");
        let error =
            if memory { EngineError::OutOfMemory { summary, detail } } else { EngineError::Torch { summary, detail } };
        error.into()
    }

    #[test]
    fn what_the_machine_lacks_is_told_by_code() {
        assert_eq!(code(engine("CUDA out of memory. Tried to allocate 2.00 GiB")), ExitCode::OutOfVram);
        assert_eq!(code(engine("DefaultCPUAllocator: can't allocate memory")), ExitCode::OutOfMemory);
        assert_eq!(code(engine("CUDA error: unspecified launch failure")), ExitCode::GpuLost);
        assert_eq!(code(engine("The NVIDIA driver on your system is too old")), ExitCode::DriverTooOld);
        assert_eq!(code(engine("shapes cannot be multiplied")), ExitCode::Failed);
        assert_eq!(code(TrainerError::Gone), ExitCode::Panic);
        let full = |number| std::io::Error::from_raw_os_error(number);
        let io = |number| PeerError::Io { path: "state".into(), source: full(number) };
        let numbers: &[i32] = if cfg!(windows) { &[112] } else { &[28, 27] };
        for number in numbers {
            assert_eq!(io(*number).exit_code(), ExitCode::DiskFull, "{number}");
            let why = format!("I/O error: {}", full(*number));
            assert_eq!(code(ChainError::Storage { why }), ExitCode::DiskFull, "{number}");
        }
        assert_eq!(code(ChainError::Storage { why: "a page is torn".into() }), ExitCode::ChainUnreachable);
    }
}
