//! How a peer process ends: its errors as an exit code and as a problem in words.
//!
//! In: any error of this crate. Out: one [`ipc::ExitCode`] and one [`types::Problem`]. It logs nothing and decides nothing.

use chain::ChainError;
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
        if self.disk_is_full() {
            return ExitCode::DiskFull;
        }
        match self {
            Self::Places(_) => ExitCode::WrongRun,
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
            Self::Data(_) | Self::Trainer(TrainerError::Data(_)) => ExitCode::DatasetCorrupt,
            Self::Store(_) | Self::Fetch(_) => ExitCode::ExchangeUnreachable,
            _ => ExitCode::Failed,
        }
    }

    fn disk_is_full(&self) -> bool {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = source {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                return io.kind() == std::io::ErrorKind::StorageFull;
            }
            source = error.source();
        }
        false
    }

    /// What a person is told.
    pub fn problem(&self) -> Problem {
        let (code, hint) = match self.exit_code() {
            ExitCode::DiskFull => {
                ("disk_full", "Free some space on this disk and start again; the last saved state stands")
            }
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
