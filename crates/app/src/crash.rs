//! Why a peer ended, and when it is tried again.
//!
//! In: everything a supervisor sees of an end. Out: one [`CrashCause`], whether starting again can help, and a waiting time.
//! It reads no clock and starts nothing.

use ipc::{ExitClass, ExitCode};
use types::Problem;
use view_model::CrashCause;

/// Doublings after which the wait stays the same: 300 times the first.
const MAX_TIMES: u64 = 300;

/// How a peer process ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct End {
    /// Exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it (Unix).
    pub(crate) signal: Option<i32>,
    /// The end of its standard error.
    pub(crate) stderr: String,
    /// It could not be started at all, in the operating system's words.
    pub(crate) not_started: Option<String>,
    /// It speaks other words than this program, in words.
    pub(crate) other_version: Option<String>,
    /// It was ended by us because it said nothing but nonsense.
    pub(crate) babbled: bool,
}

/// What a supervisor knows besides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// It was ended by us because it did not answer.
    pub(crate) hung: bool,
    /// The last problem it said.
    pub(crate) problem: Option<&'a Problem>,
}

/// Signals that mean something (Linux and macOS agree on these).
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
const SIGINT: i32 = 2;
const SIGHUP: i32 = 1;

/// How CUDA and libtorch say on standard error what is wrong.
const VRAM_WORDS: &[&str] = &["CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"];
const GPU_WORDS: &[&str] = &[
    "CUDA error: unspecified launch failure",
    "CUDA error: device-side assert",
    "CUDA driver shutting down",
    "GPU has fallen off the bus",
    "CUDA error: no CUDA-capable device",
    "CUDA error: unknown error",
];
const DISK_WORDS: &[&str] = &["No space left on device", "os error 28", "os error 112"];
const LOADER_WORDS: &[&str] =
    &["error while loading shared libraries", "symbol lookup error", "undefined symbol", "Library not loaded"];

/// Why it ended.
pub(crate) fn cause(end: &End, known: Known<'_>) -> CrashCause {
    if end.not_started.is_some() {
        return CrashCause::NotInstalled;
    }
    if end.other_version.is_some() {
        return CrashCause::WrongVersion;
    }
    if known.hung {
        return CrashCause::Hung;
    }
    let says = |words: &[&str]| words.iter().any(|words| end.stderr.contains(words));
    let code = ExitCode::of_end(end.code, &end.stderr);
    let problem = known.problem.map(|problem| problem.code.as_str());
    match code {
        Some(ExitCode::OutOfVram) => CrashCause::OutOfVram,
        Some(ExitCode::OutOfMemory) if says(VRAM_WORDS) => CrashCause::OutOfVram,
        Some(ExitCode::OutOfMemory) => CrashCause::OutOfMemory,
        Some(ExitCode::GpuLost) => CrashCause::GpuLost,
        Some(ExitCode::DiskFull) => CrashCause::DiskFull,
        Some(ExitCode::ProtocolMismatch) => CrashCause::WrongVersion,
        Some(ExitCode::LibraryMissing) => CrashCause::WrongLibtorch,
        Some(ExitCode::Panic) if says(VRAM_WORDS) => CrashCause::OutOfVram,
        Some(ExitCode::Panic) if says(DISK_WORDS) => CrashCause::DiskFull,
        Some(ExitCode::Panic) => CrashCause::Panic,
        Some(ExitCode::Stopped) => CrashCause::Unknown,
        None | Some(ExitCode::Failed) if says(LOADER_WORDS) => CrashCause::WrongLibtorch,
        None | Some(ExitCode::Failed) if says(VRAM_WORDS) => CrashCause::OutOfVram,
        None | Some(ExitCode::Failed) if says(GPU_WORDS) => CrashCause::GpuLost,
        None | Some(ExitCode::Failed) if says(DISK_WORDS) || problem == Some("disk_full") => CrashCause::DiskFull,
        Some(ExitCode::Failed) if problem.is_some() => CrashCause::Problem,
        Some(ExitCode::Failed) => CrashCause::Unknown,
        Some(_) => CrashCause::Problem,
        None => by_signal(end.signal),
    }
}

fn by_signal(signal: Option<i32>) -> CrashCause {
    match signal {
        // The kernel's own killer sends the same signal, and says so in its log only.
        Some(SIGKILL | SIGTERM | SIGINT | SIGHUP) => CrashCause::Killed,
        // Abort, segmentation fault, bus error, illegal instruction, floating point: a fault in the program.
        Some(_) => CrashCause::Panic,
        None => CrashCause::Unknown,
    }
}

/// Whether starting again may help without anybody doing anything.
pub(crate) fn mends_itself(cause: CrashCause, end: &End) -> bool {
    match cause {
        CrashCause::WrongVersion | CrashCause::WrongLibtorch | CrashCause::NotInstalled => false,
        // Registration, a wrong run, a bad folder: somebody has to decide.
        CrashCause::Problem => {
            let class = ExitCode::of_end(end.code, &end.stderr).map_or(ExitClass::Restart, ExitCode::class);
            matches!(class, ExitClass::Restart | ExitClass::Done)
        }
        _ => true,
    }
}

/// Milliseconds before try number `attempt` (from 1): 1, 2, 4 … 300 times `first_ms`, for ever.
pub(crate) fn wait_ms(attempt: u32, first_ms: u64) -> u64 {
    let times = 1u64.checked_shl(attempt.saturating_sub(1)).filter(|_| attempt <= 16).unwrap_or(MAX_TIMES);
    first_ms.saturating_mul(times.min(MAX_TIMES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: Option<i32>, signal: Option<i32>, stderr: &str) -> End {
        End { code, signal, stderr: stderr.to_owned(), ..End::default() }
    }

    #[test]
    fn every_kind_of_end_has_its_cause() {
        let table = [
            (ended(Some(10), None, ""), CrashCause::OutOfVram, true),
            (ended(Some(1), None, "RuntimeError: CUDA out of memory. Tried to allocate"), CrashCause::OutOfVram, true),
            (ended(Some(13), None, ""), CrashCause::OutOfMemory, true),
            (ended(None, Some(6), "memory allocation of 4096 bytes failed"), CrashCause::OutOfMemory, true),
            (ended(Some(31), None, ""), CrashCause::DiskFull, true),
            (ended(Some(101), None, "panicked: No space left on device"), CrashCause::DiskFull, true),
            (ended(Some(40), None, ""), CrashCause::WrongVersion, false),
            (
                ended(Some(127), None, "error while loading shared libraries: libtorch_cpu.so"),
                CrashCause::WrongLibtorch,
                false,
            ),
            (ended(None, Some(6), "dyld: Library not loaded: libtorch"), CrashCause::WrongLibtorch, false),
            (ended(Some(0xC000_0135_u32.cast_signed()), None, ""), CrashCause::WrongLibtorch, false),
            (ended(Some(11), None, ""), CrashCause::GpuLost, true),
            (ended(Some(1), None, "CUDA error: unspecified launch failure"), CrashCause::GpuLost, true),
            (ended(None, Some(9), ""), CrashCause::Killed, true),
            (ended(None, Some(15), ""), CrashCause::Killed, true),
            (ended(Some(101), None, "thread 'main' panicked at"), CrashCause::Panic, true),
            (ended(None, Some(11), ""), CrashCause::Panic, true),
            (ended(Some(22), None, ""), CrashCause::Problem, false),
            (ended(Some(50), None, ""), CrashCause::Problem, true),
            (ended(Some(77), None, ""), CrashCause::Unknown, true),
            (ended(Some(0), None, ""), CrashCause::Unknown, true),
        ];
        for (end, wanted, mends) in table {
            let found = cause(&end, Known::default());
            assert_eq!(found, wanted, "{end:?}");
            assert_eq!(mends_itself(found, &end), mends, "{end:?}");
        }
    }

    #[test]
    fn what_the_supervisor_did_itself_counts_before_the_code() {
        let killed = ended(None, Some(9), "");
        assert_eq!(cause(&killed, Known { hung: true, problem: None }), CrashCause::Hung);
        let missing = End { not_started: Some("No such file".to_owned()), ..End::default() };
        assert_eq!(cause(&missing, Known::default()), CrashCause::NotInstalled);
        let older = End { other_version: Some("protocol 2".to_owned()), ..killed };
        assert_eq!(cause(&older, Known::default()), CrashCause::WrongVersion);
    }

    #[test]
    fn a_said_problem_is_the_cause_of_an_end_without_a_code_of_its_own() {
        let problem = Problem::new("no_progress", "Nothing moves", "Start again");
        let known = Known { hung: false, problem: Some(&problem) };
        assert_eq!(cause(&ended(Some(1), None, ""), known), CrashCause::Problem);
        assert!(mends_itself(CrashCause::Problem, &ended(Some(1), None, "")));
    }

    #[test]
    fn the_wait_doubles_up_to_five_minutes_and_never_ends() {
        let waits: Vec<u64> = (1..=12).map(|attempt| wait_ms(attempt, 1000) / 1000).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(wait_ms(u32::MAX, 1000), 300_000);
    }
}
