//! `cargo xtask package`: a portable archive of what a Linux user needs, in `dist/`, with checksums.
//!
//! Reproducible as far as the binaries are: names sorted, no owners, and every time is that of the commit. Installers
//! proper (deb, AppImage, NSIS) are a later part.

use crate::place::Place;
use crate::setup::libtorch;
use crate::{cargo, machine, run, say, setup};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// (from, to) inside the checkout and the archive.
const FILES: [(&str, &str); 7] = [
    ("LICENSE", "LICENSE"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("installer/linux/covey.desktop", "share/applications/covey.desktop"),
    ("icons/covey.svg", "share/icons/hicolor/scalable/apps/covey.svg"),
    ("icons/32x32.png", "share/icons/hicolor/32x32/apps/covey.png"),
    ("icons/128x128.png", "share/icons/hicolor/128x128/apps/covey.png"),
    ("icons/256x256.png", "share/icons/hicolor/256x256/apps/covey.png"),
];

/// libtorch's libraries keep their places to each other, and to the programs: `$ORIGIN/torch/lib` is in the peer's
/// search path.
const LIBRARIES: [&str; 6] = [
    "torch/lib/libtorch.so",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
];

pub(crate) fn package(place: &Place) -> Result<ExitCode> {
    let name = format!("covey-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
    setup::setup(place, crate::command_line::SetupOptions::default())?;
    run::build(place)?;
    let since = Instant::now();
    let dist = place.root.join("dist");
    let stage = dist.join("stage");
    if stage.exists() {
        fs::remove_dir_all(&stage).context("dist/stage can't be removed")?;
    }
    fill(place, &stage.join(&name))?;
    checksums(&stage.join(&name))?;
    let archive = dist.join(format!("{name}.tar.gz"));
    say::doing(&format!("packing {}", archive.display()));
    pack(&stage, &name, &archive, commit_time(place))?;
    fs::remove_dir_all(&stage).context("dist/stage can't be removed")?;
    let hash = machine::sha256(&archive)?;
    fs::write(dist.join("SHA256SUMS"), format!("{hash}  {name}.tar.gz\n"))
        .context("dist/SHA256SUMS can't be written")?;
    let size = fs::metadata(&archive).map(|found| say::bytes(found.len())).unwrap_or_default();
    say::made("package", &format!("{} ({size}, sha256 {hash})", archive.display()), since);
    say::note("it holds NVIDIA's cudart and cupti: read their licences before you hand it on");
    say::note("this is an archive to unpack and run; installers come with a later part (see installer/README.md)");
    Ok(ExitCode::SUCCESS)
}

fn fill(place: &Place, top: &Path) -> Result<()> {
    let torch = libtorch::in_use(place).context("libtorch is missing; run `cargo xtask setup`")?;
    let libtorch = torch.parent().context("libtorch lies at the top of a file system")?;
    for program in ["covey", "covey-peer"] {
        copy(&place.release_program(program), &top.join(program))?;
    }
    for (from, to) in FILES {
        copy(&place.root.join(from), &top.join(to))?;
    }
    for library in LIBRARIES {
        copy(&libtorch.join(library), &top.join(library))?;
    }
    for licences in libtorch::LICENCES {
        let mut files = Vec::new();
        // A libtorch of the user's own need not have them.
        if files_below(&libtorch.join(licences), &mut files).is_err() {
            say::note(&format!("{licences} is missing in this libtorch: the archive lacks those licences"));
        }
        for file in files {
            copy(&file, &top.join("licences").join(file.strip_prefix(libtorch).unwrap_or(&file)))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let made = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(from, to).map(|_| ()));
    made.with_context(|| format!("{} can't be copied into the package", from.display()))
}

/// `SHA256SUMS` inside the archive, for `sha256sum --check` after unpacking.
fn checksums(top: &Path) -> Result<()> {
    let mut files = Vec::new();
    files_below(top, &mut files)?;
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.strip_prefix(top).unwrap_or(&file).to_string_lossy().into_owned();
        lines.push_str(&format!("{}  {name}\n", machine::sha256(&file)?));
    }
    fs::write(top.join("SHA256SUMS"), lines).context("SHA256SUMS can't be written")
}

fn files_below(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{} can't be read", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() { files_below(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Seconds since 1970 of the commit that is packed; without git, a fixed day.
fn commit_time(place: &Place) -> u64 {
    let root = place.root.to_string_lossy();
    let time = machine::output_of("git", &["-C", &root, "log", "-1", "--format=%ct"]).ok();
    time.and_then(|text| text.parse().ok()).unwrap_or(1_700_000_000)
}

/// GNU tar in its reproducible form, written beside the archive and renamed.
fn pack(stage: &Path, name: &str, archive: &Path, seconds: u64) -> Result<()> {
    let partial = archive.with_extension("gz.part");
    let mut command = Command::new("tar");
    command
        .args(["--create", "--sort=name", "--format=gnu", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mode=u+rwX,go+rX,go-w", &format!("--mtime=@{seconds}"), "--use-compress-program=gzip -9 --no-name"])
        .arg("--file")
        .arg(&partial)
        .arg("--directory")
        .arg(stage)
        .arg(name);
    if cargo::status_code(&mut command)? != ExitCode::SUCCESS {
        bail!("tar could not write {} (GNU tar and gzip are needed, and room on the disk)", partial.display());
    }
    fs::rename(&partial, archive).with_context(|| format!("{} can't be put in place", archive.display()))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_archive() {
        let dir = tempfile::tempdir().unwrap();
        let archive = |name: &str, order: [&str; 2]| {
            let stage = dir.path().join(name);
            for file in order {
                fs::create_dir_all(stage.join("covey")).unwrap();
                fs::write(stage.join("covey").join(file), file).unwrap();
            }
            checksums(&stage.join("covey")).unwrap();
            let out = dir.path().join(format!("{name}.tar.gz"));
            pack(&stage, "covey", &out, 1_700_000_000).unwrap();
            fs::read(out).unwrap()
        };
        let first = archive("one", ["a", "b"]);
        std::thread::sleep(std::time::Duration::from_millis(1100)); // gzip and tar store whole seconds
        assert!(first == archive("two", ["b", "a"]), "names, times and owners must not depend on the run");
    }
}
