//! Threads of the numeric library, once per process.
//!
//! In: a count. Out: libtorch's pool set. OpenMP reads its environment before `main`, so the process that spawns the
//! peer must set [`spawn_environment`]; setting it here would come too late.

use std::sync::{Mutex, PoisonError};

use crate::EngineError;

static SET: Mutex<Option<usize>> = Mutex::new(None);

/// Sets the threads inside an operation. The same count again does nothing.
///
/// # Errors
/// [`EngineError::Threads`] for another count than before; libtorch's refusal.
pub fn set_threads(count: usize) -> Result<(), EngineError> {
    let asked = count.max(1);
    let mut set = SET.lock().unwrap_or_else(PoisonError::into_inner);
    match *set {
        Some(set) if set == asked => Ok(()),
        Some(set) => Err(EngineError::Threads { set, asked }),
        None => {
            // One thread between operations: there is one owner thread, and its operations come one after another.
            torch_ext::set_threads(asked, 1)?;
            *set = Some(asked);
            Ok(())
        }
    }
}

/// Environment the peer must be spawned with for this many threads.
///
/// Without PASSIVE, waiting OpenMP threads spin: on busy cores that cost two thirds of the throughput. Without its
/// workspace setting cuBLAS may sum in another order from run to run.
pub fn spawn_environment(threads: usize) -> [(&'static str, String); 3] {
    [
        ("OMP_WAIT_POLICY", "PASSIVE".to_owned()),
        ("OMP_NUM_THREADS", threads.max(1).to_string()),
        ("CUBLAS_WORKSPACE_CONFIG", ":4096:8".to_owned()),
    ]
}
