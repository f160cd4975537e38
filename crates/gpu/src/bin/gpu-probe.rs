//! The probe as a program of its own, for this crate's tests; people run it as `covey --gpu-probe`.
//!
//! In and out: as [`gpu::probe_main`] says.

use std::process::ExitCode;

fn main() -> ExitCode {
    gpu::probe_main(std::env::args_os().skip(1))
}
