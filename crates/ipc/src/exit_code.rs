//! How a peer process ends, and what its supervisor does about it.
//!
//! In: a process's exit code or signal. Out: a closed set of reasons, each in one class. It restarts nothing itself.

/// Why a peer process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitCode {
    /// 0: finished, or stopped because somebody asked.
    Stopped,
    /// 1: an error that has no code of its own.
    Failed,
    /// 2: the command line is wrong.
    Usage,
    /// 10: out of GPU memory, also with the smallest micro-batch.
    OutOfVram,
    /// 11: the GPU fell off the bus or its driver was reset.
    GpuLost,
    /// 12: the driver is too old for this build.
    DriverTooOld,
    /// 13: out of main memory.
    OutOfMemory,
    /// 20: the hotkey is not registered in the run.
    HotkeyNotRegistered,
    /// 21: the hotkey was registered, and lost its slot.
    Deregistered,
    /// 22: the manifest does not hold, or the folder belongs to another run.
    WrongRun,
    /// 30: no checkpoint on disk can be read.
    CheckpointCorrupt,
    /// 31: the disk is full.
    DiskFull,
    /// 32: the text or its shards are missing or do not match their hash.
    DatasetCorrupt,
    /// 40: app and peer do not speak the same protocol.
    ProtocolMismatch,
    /// 50: no chain endpoint or ledger answers.
    ChainUnreachable,
    /// 51: payloads can be neither published nor fetched.
    ExchangeUnreachable,
    /// 60: the signer does not answer.
    SignerUnavailable,
    /// 61: the signer refused to sign.
    SignerRefused,
    /// 101: a panic (Rust's own code).
    Panic,
    /// 127: libtorch, or another library, is missing or of another version (the dynamic loader's own code). The program
    /// did not get as far as saying anything.
    LibraryMissing,
}

/// What a supervisor does after an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitClass {
    /// Nothing: the work is done.
    Done,
    /// Start again after 1, 2, 4 … 300 s, with the cause shown.
    Restart,
    /// Starting again cannot help: say what to do, and wait for the user's start.
    StopAndTell,
    /// A decision of the user is needed first.
    Ask,
}

/// Every code once, with its number and class: the one table.
const TABLE: [(ExitCode, u8, ExitClass); 20] = [
    (ExitCode::Stopped, 0, ExitClass::Done),
    (ExitCode::Failed, 1, ExitClass::Restart),
    (ExitCode::Usage, 2, ExitClass::StopAndTell),
    // The plan for this GPU was wrong or something else took its memory: the user picks a smaller one or waits.
    (ExitCode::OutOfVram, 10, ExitClass::Ask),
    (ExitCode::GpuLost, 11, ExitClass::Restart),
    (ExitCode::DriverTooOld, 12, ExitClass::StopAndTell),
    (ExitCode::OutOfMemory, 13, ExitClass::Ask),
    // Registering may cost something, so it is never done unasked.
    (ExitCode::HotkeyNotRegistered, 20, ExitClass::Ask),
    (ExitCode::Deregistered, 21, ExitClass::Ask),
    (ExitCode::WrongRun, 22, ExitClass::StopAndTell),
    // Catching up afresh discards local state: the user agrees first.
    (ExitCode::CheckpointCorrupt, 30, ExitClass::Ask),
    (ExitCode::DiskFull, 31, ExitClass::StopAndTell),
    (ExitCode::DatasetCorrupt, 32, ExitClass::StopAndTell),
    (ExitCode::ProtocolMismatch, 40, ExitClass::StopAndTell),
    (ExitCode::ChainUnreachable, 50, ExitClass::Restart),
    (ExitCode::ExchangeUnreachable, 51, ExitClass::Restart),
    (ExitCode::SignerUnavailable, 60, ExitClass::Restart),
    (ExitCode::SignerRefused, 61, ExitClass::StopAndTell),
    (ExitCode::Panic, 101, ExitClass::Restart),
    (ExitCode::LibraryMissing, 127, ExitClass::StopAndTell),
];

/// What Windows' loader ends a program with: a DLL not found, an entry point not found, an image that is none.
const WINDOWS_LOADER: [i32; 3] =
    [0xC000_0135_u32.cast_signed(), 0xC000_0139_u32.cast_signed(), 0xC000_007B_u32.cast_signed()];
/// How a program that ran out of memory says so: Rust's allocator, C++'s, libtorch's.
const OUT_OF_MEMORY: &[&str] = &["memory allocation of ", "std::bad_alloc", "can't allocate memory"];
/// How a dynamic loader says that a library is missing or of another version.
const LOADER: &[&str] = &["error while loading shared libraries", "symbol lookup error", "Library not loaded"];

impl ExitCode {
    /// Every code, in ascending order of its number.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The number a process ends with.
    pub fn code(self) -> u8 {
        // The table has every variant (a test holds it); 1 is the code of everything else.
        TABLE.iter().find(|row| row.0 == self).map_or(1, |row| row.1)
    }

    /// The reason behind a process's code; `None` for a code no peer gives.
    pub fn from_code(code: i32) -> Option<Self> {
        if WINDOWS_LOADER.contains(&code) {
            return Some(Self::LibraryMissing);
        }
        TABLE.iter().find(|row| i32::from(row.1) == code).map(|row| row.0)
    }

    /// The reason behind an end, from all that a supervisor sees: the code (`None` after a signal) and the last lines of
    /// standard error. `None`: killed from outside, or crashed in a way that says nothing of itself.
    pub fn of_end(code: Option<i32>, stderr: &str) -> Option<Self> {
        let says = |words: &[&str]| words.iter().any(|words| stderr.contains(words));
        match code.and_then(Self::from_code) {
            // Rust aborts when memory runs out, which is a signal and no code; libtorch throws.
            None | Some(Self::Failed) if says(OUT_OF_MEMORY) => Some(Self::OutOfMemory),
            // macOS aborts where others exit with 127.
            None if says(LOADER) => Some(Self::LibraryMissing),
            reason => reason,
        }
    }

    /// What a supervisor does about it.
    pub fn class(self) -> ExitClass {
        TABLE.iter().find(|row| row.0 == self).map_or(ExitClass::Restart, |row| row.2)
    }
}

impl ExitClass {
    /// The class of any exit: `None` (a signal, kill -9) and unknown codes are crashes, so they restart.
    pub fn of_exit(code: Option<i32>) -> Self {
        code.and_then(ExitCode::from_code).map_or(Self::Restart, ExitCode::class)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}
