//! Covey's packages for people: Debian's, Fedora's, a portable archive, what an NSIS script needs; a bill of materials
//! and checksums beside them.
//!
//! In: built programs, this repository, a version and a time. Out: bytes that depend on nothing else, so that the same
//! input gives the same hash on any machine. It signs nothing, asks no network, and refuses a program whose libraries
//! no package is known for, or a shell larger than [`MAX_SHELL_BYTES`].

pub mod clock;
pub mod deb;
pub mod depends;
pub mod elf;
pub mod layout;
pub mod licences;
pub mod portable;
pub mod redhat;
pub mod sbom;
pub mod tree;
pub mod update;
pub mod windows;

mod pack;
mod write;

pub use write::{Parts, Written, linux, windows_setup};

/// What a user downloads before the runtime pack: product.md's promise for installers.
pub const MAX_SHELL_BYTES: usize = 60_000_000;

/// What all packages of one build share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `1.2.3`, as the workspace says.
    pub version: String,
    /// Seconds since 1970 that every file, header and document bears: `SOURCE_DATE_EPOCH`, else the commit's.
    pub time: u32,
}

/// Why no package was written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A program that is not what the target runs.
    #[error("{program} is no 64-bit x86 program of Linux: {why}")]
    Program {
        /// Its name.
        program: String,
        /// The reader's reason.
        why: String,
    },
    /// A program that Windows would not start.
    #[error("{0} is no 64-bit x86 program of Windows")]
    WindowsProgram(String),
    /// The setup could not be compiled.
    #[error("makensis failed: {0}")]
    Nsis(String),
    /// A shared library of which nobody said what package brings it.
    #[error("{program} needs {library}, and no Debian package is known to bring it: add it to the packager's table")]
    Library {
        /// The program that is linked to it.
        program: String,
        /// Its soname.
        library: String,
    },
    /// Larger than a user was promised.
    #[error("{name} has {bytes} bytes; a user was promised at most {MAX_SHELL_BYTES}")]
    TooLarge {
        /// The package's file name.
        name: String,
        /// Its size.
        bytes: usize,
    },
    /// A version that a package manager would misread.
    #[error("{0:?} is no version: digits and dots, and `~` or `-` with letters for a preview")]
    Version(String),
    /// Two files of one name, or a name outside the package.
    #[error("{0:?} can't stand in a package: twice there, absolute, or with `..`")]
    Path(String),
    /// A template that lacks what is to be filled in.
    #[error("{file} lacks {mark}")]
    Template {
        /// The template.
        file: &'static str,
        /// What it lacks.
        mark: &'static str,
    },
    /// `cargo metadata` without something that every answer has.
    #[error("cargo's metadata lacks {0}")]
    Metadata(&'static str),
    /// The RPM's writer refused.
    #[error("the rpm can't be written: {0}")]
    Rpm(#[from] rpm::Error),
    /// Reading or writing failed.
    #[error("{what}: {why}")]
    Io {
        /// What was read or written.
        what: String,
        /// The system's reason.
        why: std::io::Error,
    },
}

impl PackError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |why| Self::Io { what, why }
    }
}

impl Release {
    /// A release.
    ///
    /// # Errors
    /// [`PackError::Version`].
    pub fn new(version: &str, time: u32) -> Result<Self, PackError> {
        let numbers = version.split(['-', '~', '+']).next().unwrap_or("");
        let dotted = numbers.split('.').count() == 3 && numbers.split('.').all(|part| part.parse::<u32>().is_ok());
        let plain = version.chars().all(|c| c.is_ascii_alphanumeric() || ".-~+".contains(c));
        if !dotted || !plain || version.len() > 40 {
            return Err(PackError::Version(version.to_owned()));
        }
        Ok(Self { version: version.to_owned(), time })
    }

    /// As dpkg and rpm sort: a preview `1.0.0-rc.1` comes before `1.0.0`, which they write with `~`.
    #[must_use]
    pub fn sortable_version(&self) -> String {
        self.version.replace('-', "~")
    }
}

/// `name`, unless it is more than a user was promised.
///
/// # Errors
/// [`PackError::TooLarge`].
pub fn within_promise(name: &str, bytes: &[u8]) -> Result<(), PackError> {
    match bytes.len() {
        len if len <= MAX_SHELL_BYTES => Ok(()),
        len => Err(PackError::TooLarge { name: name.to_owned(), bytes: len }),
    }
}
