//! What a process that holds a key does before it reads one: no core dumps, no reading of its memory by other programs
//! of the same user, new files for their owner only; and the key's own pages kept out of swap.
//!
//! In: nothing. Out: a process that is harder to read. Where a system lacks one of these, the rest still holds; a program
//! with root's rights reads it anyway.

/// Applied at the start, before any secret is there.
#[cfg(unix)]
pub(crate) fn process() {
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    // Lowering a limit and changing the mask never fail for a reason that somebody could mend.
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!("core dumps could not be turned off: {error}");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!("other programs of this user can read this process's memory: {error}");
    }
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Windows dumps a process only where its owner configured that, and files inherit the folder's access list.
#[cfg(not(unix))]
pub(crate) fn process() {}

/// Keeps what `value` points to out of swap, as far as this system allows (`RLIMIT_MEMLOCK`). The pages stay locked
/// until the process ends, which is as long as the key lives.
#[cfg(unix)]
pub(crate) fn lock_in_memory<T>(value: &T) {
    let address = std::ptr::from_ref(value).cast_mut().cast();
    // SAFETY: `mlock` changes no memory; the range is one live value, and a wrong one would only be an error code.
    if let Err(error) = unsafe { rustix::mm::mlock(address, size_of_val(value)) } {
        tracing::debug!("the key's pages may be swapped out: {error}");
    }
}

/// Not built for this system.
#[cfg(not(unix))]
pub(crate) fn lock_in_memory<T>(_value: &T) {}
