//! Role `doctor`: what this machine can do, what is missing, and what to do about it.
//!
//! In: the machine. Out: one line per check with its state. It installs nothing and changes nothing; `cargo xtask doctor`
//! checks the build tools beside it.

use std::path::Path;

use clap::Args;
use engine::{Machine, memory_plan};
use types::manifest::ModelParams;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// JSON lines instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// State of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Fine.
    Ok,
    /// Works, with less.
    Limited,
    /// Does not work.
    Missing,
    /// Could not be checked here.
    NotRun,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it stands.
    pub state: CheckState,
    /// The numbers behind it, and what to do.
    pub detail: String,
}

/// Runs the role; the process ends with 1 if anything is missing.
///
/// # Errors
/// Only if the output cannot be written.
pub fn run(args: &DoctorArgs) -> anyhow::Result<bool> {
    let checks = checks();
    for check in &checks {
        if args.json {
            println!("{}", serde_json::to_string(check)?);
        } else {
            let mark = match check.state {
                CheckState::Ok => "ok     ",
                CheckState::Limited => "limited",
                CheckState::Missing => "MISSING",
                CheckState::NotRun => "not run",
            };
            println!("{mark}  {:<10} {}", check.name, check.detail);
        }
    }
    Ok(checks.iter().all(|c| c.state != CheckState::Missing))
}

fn checks() -> Vec<Check> {
    let machine = machine();
    vec![processor(), memory(machine), gpu(), text(), plan(machine), ledger_socket()]
}

/// What this machine has, as far as it tells.
pub fn machine() -> Machine {
    Machine {
        // A card's memory is read by the `gpu` crate of the desktop part; until then plans are for the processor.
        vram_bytes: 0,
        // What the system does not tell (a bare root has no mount table) is unknown, not missing.
        ram_bytes: memory_bytes().unwrap_or(u64::MAX),
        disk_bytes: crate::rehearse::cache_dir().and_then(|dir| free_bytes(&dir)).unwrap_or(u64::MAX),
    }
}

/// What this machine has, the disk being the one that holds `dir` or would.
pub fn machine_at(dir: &Path) -> Machine {
    Machine { disk_bytes: free_bytes(dir).unwrap_or(u64::MAX), ..machine() }
}

/// Memory of this machine in bytes.
pub fn memory_bytes() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    Some(system.total_memory()).filter(|bytes| *bytes > 0)
}

/// Free bytes on the disk that holds `path`, or its nearest folder that exists.
fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|p| p.exists())?.canonicalize().ok()?;
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let holding = disks.list().iter().filter(|d| existing.starts_with(d.mount_point()));
    holding.max_by_key(|d| d.mount_point().as_os_str().len()).map(sysinfo::Disk::available_space)
}

fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Check { name: "processor", state: CheckState::Ok, detail: format!("{cores} cores") }
}

fn memory(machine: Machine) -> Check {
    let gb = machine.ram_bytes as f64 / f64::from(1 << 30);
    let state = if gb >= 4.0 { CheckState::Ok } else { CheckState::Limited };
    Check { name: "memory", state, detail: format!("{gb:.1} GB; a rehearsal of 4 peers takes about 2 GB") }
}

fn gpu() -> Check {
    if let Err(error) = crate::cuda_pack::load_for(engine::DeviceChoice::Auto) {
        tracing::debug!("{error}");
    }
    if engine::cuda::available() {
        return Check { name: "gpu", state: CheckState::Ok, detail: "a CUDA device works".into() };
    }
    let detail = "no CUDA device is loaded: rehearsals run on the processor, real runs need an NVIDIA card".into();
    Check { name: "gpu", state: CheckState::NotRun, detail }
}

fn text() -> Check {
    match crate::rehearse::fetched_text() {
        Some(path) => Check { name: "text", state: CheckState::Ok, detail: path.display().to_string() },
        None => {
            let detail =
                "none fetched: rehearsals use built-in stories; `cargo xtask setup` fetches a dictionary".into();
            Check { name: "text", state: CheckState::Limited, detail }
        }
    }
}

fn plan(machine: Machine) -> Check {
    let inner = crate::rehearse::inner_params(15, 4, 12);
    let fits =
        |name: &&str| ModelParams::preset(name).is_some_and(|model| memory_plan(&model, &inner, 2048, machine).fits);
    let names: Vec<&str> = ModelParams::preset_names().filter(fits).collect();
    let state = if names.is_empty() { CheckState::Missing } else { CheckState::Ok };
    Check { name: "models", state, detail: format!("fit this machine: {}", names.join(", ")) }
}

fn ledger_socket() -> Check {
    let dir = std::env::temp_dir();
    let probe = dir.join(format!("covey-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Check { name: "sockets", state: CheckState::Ok, detail: format!("{} can be written", dir.display()) },
        Err(error) => {
            let detail = format!("{} cannot be written ({error}); set TMPDIR to a folder that can", dir.display());
            Check { name: "sockets", state: CheckState::Missing, detail }
        }
    }
}
