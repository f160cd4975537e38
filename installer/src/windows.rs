//! Windows' setup, which `makensis` compiles from `windows/setup.nsi`: one user, no administrator.
//!
//! In: programs for 64-bit Windows; the peer may be missing where it can't be built. Out: the bytes of a setup. Its files
//! bear the release's time, so that the same parts give the same bytes.

use crate::layout::Source;
use crate::{PackError, Release};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Programs that must be there, and one that may.
const PROGRAMS: [&str; 2] = ["covey.exe", "covey-signer.exe"];
const PEER: &str = "covey-peer.exe";

/// `covey-1.2.3-x64-setup.exe`
#[must_use]
pub fn file_name(release: &Release) -> String {
    format!("covey-{}-x64-setup.exe", release.version)
}

/// Whether the folder has the peer as well.
#[must_use]
pub fn has_peer(programs: &Path) -> bool {
    programs.join(PEER).is_file()
}

/// The programs, by name.
///
/// # Errors
/// One that is missing or none of Windows'.
pub fn programs(folder: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, PackError> {
    let mut found = Vec::new();
    for name in PROGRAMS.into_iter().chain(has_peer(folder).then_some(PEER)) {
        let bytes = fs::read(folder.join(name)).map_err(PackError::io(name))?;
        if !is_program(&bytes) {
            return Err(PackError::WindowsProgram(name.to_owned()));
        }
        found.push((name, bytes));
    }
    Ok(found)
}

/// The setup. `stage` is a folder that this makes and removes.
///
/// # Errors
/// A part that is missing, `makensis` missing or failing.
pub fn package(
    source: &Source,
    programs: &[(&str, Vec<u8>)],
    stage: &Path,
    release: &Release,
) -> Result<Vec<u8>, PackError> {
    let made = fill(source, programs, stage, release).and_then(|()| compile(source, stage, release));
    let removed = fs::remove_dir_all(stage).map_err(PackError::io(stage.display().to_string()));
    made.and_then(|bytes| removed.map(|()| bytes))
}

fn fill(source: &Source, programs: &[(&str, Vec<u8>)], stage: &Path, release: &Release) -> Result<(), PackError> {
    if stage.exists() {
        fs::remove_dir_all(stage).map_err(PackError::io(stage.display().to_string()))?;
    }
    fs::create_dir_all(stage).map_err(PackError::io(stage.display().to_string()))?;
    let put = |name: &str, bytes: &[u8]| -> Result<(), PackError> {
        let path = stage.join(name);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(release.time));
        let put = fs::write(&path, bytes).and_then(|()| File::options().write(true).open(&path)?.set_modified(time));
        put.map_err(PackError::io(path.display().to_string()))
    };
    for (name, bytes) in programs {
        put(name, bytes)?;
    }
    put("LICENSE.txt", source.text("LICENSE")?.as_bytes())?;
    put("THIRD-PARTY.txt", source.third_party.as_bytes())?;
    put("covey.ico", &fs::read(source.root.join("icons/covey.ico")).map_err(PackError::io("icons/covey.ico"))?)
}

/// `MZ`, and where its header says, `PE` of a 64-bit x86 machine.
#[must_use]
pub fn is_program(bytes: &[u8]) -> bool {
    let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let pe = word(0x3c).and_then(|at| usize::try_from(at).ok());
    let head = pe.and_then(|at| bytes.get(at..at.checked_add(6)?));
    bytes.starts_with(b"MZ") && head == Some(b"PE\0\0\x64\x86")
}

fn compile(source: &Source, stage: &Path, release: &Release) -> Result<Vec<u8>, PackError> {
    let out = stage.join(file_name(release));
    let define = |name: &str, value: &Path| {
        let mut word = std::ffi::OsString::from(format!("-D{name}="));
        word.push(value);
        word
    };
    let output = Command::new("makensis")
        .args(["-V2", &format!("-DVERSION={}", release.version)])
        .arg(define("STAGE", stage))
        .arg(define("OUT", &out))
        .arg(source.root.join("installer/windows/setup.nsi"))
        .stdin(Stdio::null())
        .output()
        .map_err(PackError::io("makensis (Debian: nsis) can't be started"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(PackError::Nsis(String::from_utf8_lossy(&said).trim().to_owned()));
    }
    fs::read(&out).map_err(PackError::io(out.display().to_string()))
}
