//! libtorch 2.13.0 for tch 0.26: the CPU half of PyTorch's own wheel, by pinned hash, unpacked into the user's cache.
//!
//! In: `pip download` (the machine's own pip settings decide where from). Out: `<cache>/libtorch-2.13.0/{torch,nvidia}`
//! and the link `third_party/libtorch` to it. Wheels are kept until the unpacked folder is complete, one download
//! per wheel, so an interrupted set-up fetches none twice; the folder appears under its name only when all of it is
//! there, and `build-version` (which torch-sys compares) is its last file.
//!
//! A `LIBTORCH` variable that points elsewhere wins: then nothing is fetched.

use crate::place::Place;
use crate::{machine, say};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The version that tch 0.26.0 is generated for.
pub(crate) const VERSION: &str = "2.13.0";
/// Folder in the cache.
const FOLDER: &str = "libtorch-2.13.0";
/// Wheels (515 MB) and what is unpacked of them (487 MB) lie side by side for a moment; the rest is slack.
const NEED_BYTES: u64 = 1_200_000_000;

/// One wheel of the package index, by hash. Small ones first: a broken network shows early.
struct Wheel {
    requirement: &'static str,
    file: &'static str,
    sha256: &'static str,
    bytes: u64,
}

const WHEELS: [Wheel; 3] = [
    Wheel {
        requirement: "nvidia-cuda-runtime==13.0.96",
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        bytes: 2_243_632,
    },
    Wheel {
        requirement: "nvidia-cuda-cupti==13.0.85",
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        bytes: 10_715_597,
    },
    Wheel {
        requirement: "torch==2.13.0",
        file: "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
        bytes: 526_574_961,
    },
];

/// Members to unpack, by prefix. libtorch_cpu needs cudart and cupti (kineto) even without a GPU.
const WANTED: [&str; 10] = [
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "torch/include/",
    "torch/share/cmake/",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
    LICENCES[0],
    LICENCES[1],
    LICENCES[2],
];

/// Under which terms the libraries may be handed on.
pub(crate) const LICENCES: [&str; 3] = [
    "torch-2.13.0.dist-info/licenses/",
    "nvidia_cuda_runtime-13.0.96.dist-info/licenses/",
    "nvidia_cuda_cupti-13.0.85.dist-info/licenses/",
];

/// Sizes by which a complete folder is told from a damaged one without reading half a gigabyte.
const PARTS: [(&str, u64); 5] = [
    ("torch/lib/libtorch_cpu.so", 438_418_417),
    ("torch/lib/libc10.so", 1_623_185),
    ("torch/lib/libgomp.so.1", 254_009),
    ("nvidia/cu13/lib/libcudart.so.13", 704_288),
    ("nvidia/cu13/lib/libcupti.so.13", 4_152_208),
];

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// `LIBTORCH` names the user's own.
    Own(PathBuf),
    /// A complete folder: in our cache, or a real folder that someone put at `third_party/libtorch`.
    Complete(PathBuf),
    /// To be fetched.
    Missing,
}

/// Looks; changes nothing.
pub(crate) fn state(place: &Place) -> State {
    if let Some(own) = own_libtorch(place) {
        return State::Own(own);
    }
    let link = place.libtorch_link();
    if link.is_dir() && !link.is_symlink() {
        return State::Complete(link);
    }
    let folder = place.cache.join(FOLDER);
    if is_complete(&folder) { State::Complete(folder) } else { State::Missing }
}

/// The canonical `LIBTORCH` for child processes, if libtorch is there.
pub(crate) fn in_use(place: &Place) -> Option<PathBuf> {
    own_libtorch(place).or_else(|| place.libtorch_link().join("torch").canonicalize().ok())
}

/// `cargo xtask` itself runs with `LIBTORCH` set by `.cargo/config.toml`; only another value is the user's.
fn own_libtorch(place: &Place) -> Option<PathBuf> {
    let value = PathBuf::from(std::env::var_os("LIBTORCH").filter(|value| !value.is_empty())?);
    let ours = place.libtorch_link().join("torch");
    let same = value == ours || matches!((value.canonicalize(), ours.canonicalize()), (Ok(a), Ok(b)) if a == b);
    (!same).then_some(value)
}

fn is_complete(folder: &Path) -> bool {
    let version = fs::read_to_string(folder.join("torch/build-version")).unwrap_or_default();
    version.trim() == VERSION
        && folder.join("torch/lib/libtorch.so").is_file()
        && folder.join("torch/include/torch/csrc/api/include/torch/torch.h").is_file()
        && PARTS.iter().all(|(part, bytes)| fs::metadata(folder.join(part)).is_ok_and(|found| found.len() == *bytes))
}

/// Fetches, unpacks and links whatever is missing.
pub(crate) fn provide(place: &Place, state: State) -> Result<()> {
    match state {
        State::Own(path) => {
            if !path.join("lib").is_dir() {
                bail!("LIBTORCH is set to {}, which holds no libtorch (no `lib` folder)", path.display());
            }
            say::already("libtorch", &format!("{} (from LIBTORCH; {VERSION} is needed)", path.display()));
            Ok(())
        }
        State::Complete(folder) if folder == place.libtorch_link() => {
            say::already("libtorch", "third_party/libtorch is a real folder and is used as it is");
            Ok(())
        }
        State::Complete(folder) => {
            say::already("libtorch", VERSION);
            remove_wheels(place);
            link(place, &folder)
        }
        State::Missing => {
            let since = Instant::now();
            let folder = fetch(place)?;
            say::made("libtorch", VERSION, since);
            link(place, &folder)
        }
    }
}

fn fetch(place: &Place) -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("set-up fetches libtorch for x86-64 Linux only; set LIBTORCH to a libtorch {VERSION} for this machine");
    }
    let free = machine::free_bytes(&place.cache);
    if let Some(free) = free.filter(|free| *free < NEED_BYTES) {
        bail!(
            "libtorch needs {} of free disk in {} and there are {}; free some, or set XDG_CACHE_HOME to another disk",
            say::bytes(NEED_BYTES),
            place.cache.display(),
            say::bytes(free)
        );
    }
    let wheel_dir = wheel_dir(place);
    fs::create_dir_all(&wheel_dir).with_context(|| format!("{} can't be made", wheel_dir.display()))?;
    for wheel in &WHEELS {
        download(&wheel_dir, wheel)?;
    }
    let temporary = place.cache.join(format!("{FOLDER}.tmp"));
    let folder = place.cache.join(FOLDER);
    remove_folder(&temporary)?;
    unpack(&wheel_dir, &temporary)?;
    link_stand_in(&temporary)?;
    fs::write(temporary.join("torch/build-version"), format!("{VERSION}\n"))
        .context("the disk is full or read-only")?;
    if !is_complete(&temporary) {
        bail!("the wheels' content is not what was expected; please report this (libtorch {VERSION})");
    }
    remove_folder(&folder)?; // an incomplete one of ours
    fs::rename(&temporary, &folder).with_context(|| format!("{} can't be put in place", folder.display()))?;
    remove_wheels(place);
    Ok(folder)
}

fn download(wheel_dir: &Path, wheel: &Wheel) -> Result<()> {
    let file = wheel_dir.join(wheel.file);
    if file.is_file() {
        if machine::sha256(&file)? == wheel.sha256 {
            say::already(wheel.requirement, "downloaded earlier");
            return Ok(());
        }
        fs::remove_file(&file).with_context(|| format!("{} can't be removed", file.display()))?;
    }
    say::doing(&format!("downloading {} ({})", wheel.requirement, say::bytes(wheel.bytes)));
    let list = wheel_dir.join("requirements.txt");
    fs::write(&list, format!("{} --hash=sha256:{}\n", wheel.requirement, wheel.sha256))
        .with_context(|| format!("{} can't be written", list.display()))?;
    // The wheel is for Python 3.11, and we only want its libraries: any python3 may fetch it. pip shows its own
    // progress bar on a terminal; its cache would keep half a gigabyte a second time.
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--require-hashes"])
        .args(["--disable-pip-version-check", "--no-input"])
        .args(["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"])
        .args(["--platform", "manylinux_2_25_x86_64"])
        .args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"])
        .arg("--requirement")
        .arg(&list)
        .arg("--dest")
        .arg(wheel_dir)
        .stdin(Stdio::null())
        .status()
        .context("python3 can't be started")?;
    if !status.success() {
        bail!(
            "{} can't be downloaded (is there a network, and does pip reach a package index?); what was fetched is \
             kept, so run `cargo xtask setup` again",
            wheel.requirement
        );
    }
    if !file.is_file() {
        bail!("pip fetched {} under another name than {}", wheel.requirement, wheel.file);
    }
    Ok(())
}

fn unpack(wheel_dir: &Path, dest: &Path) -> Result<()> {
    say::doing("unpacking the CPU half of libtorch (487 MB)");
    fs::create_dir_all(dest).with_context(|| format!("{} can't be made", dest.display()))?;
    let status = Command::new("python3")
        .args(["-c", include_str!("unpack.py")])
        .arg(dest)
        .args(WANTED)
        .arg("--")
        .args(WHEELS.iter().map(|wheel| wheel_dir.join(wheel.file)))
        .stdin(Stdio::null())
        .status()
        .context("python3 can't be started")?;
    if !status.success() {
        bail!("the wheels can't be unpacked into {} (is the disk full?)", dest.display());
    }
    Ok(())
}

/// torch-sys links `-ltorch`, and the wheel's libtorch.so needs libtorch_cuda.so. So ours is an empty library that
/// needs only libtorch_cpu.so; the CUDA half is loaded at run time where there is a GPU.
fn link_stand_in(folder: &Path) -> Result<()> {
    let (torch_lib, cuda_lib) = (folder.join("torch/lib"), folder.join("nvidia/cu13/lib"));
    let source = folder.join("stand_in.c");
    fs::write(&source, "void covey_libtorch_stand_in(void) {}\n").context("the disk is full or read-only")?;
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let status = Command::new(&compiler)
        .args(["-x", "c", "-shared", "-fPIC", "-o"])
        .arg(torch_lib.join("libtorch.so"))
        .arg(&source)
        .args(["-Wl,-soname,libtorch.so", "-Wl,--no-as-needed", "-l:libtorch_cpu.so"])
        .arg(format!("-L{}", torch_lib.display()))
        .arg(format!("-Wl,-rpath-link,{}:{}", torch_lib.display(), cuda_lib.display()))
        .status()
        .with_context(|| format!("the C++ compiler `{compiler}` can't be started"))?;
    if !status.success() {
        bail!("the C++ compiler `{compiler}` can't link a small library; its message stands above");
    }
    fs::remove_file(&source).ok();
    Ok(())
}

/// Points `third_party/libtorch` at the cache: by a new link renamed over a stale one, so that there is always one.
fn link(place: &Place, folder: &Path) -> Result<()> {
    let link = place.libtorch_link();
    if fs::read_link(&link).is_ok_and(|target| target == folder) {
        return Ok(());
    }
    if link.exists() && !link.is_symlink() {
        bail!("{} is in the way: neither a link nor a folder", link.display());
    }
    let new = link.with_extension("new");
    let made = (|| {
        fs::create_dir_all(link.parent().unwrap_or(&place.root))?;
        if new.is_symlink() {
            fs::remove_file(&new)?;
        }
        symlink(folder, &new)?;
        fs::rename(&new, &link)
    })();
    made.with_context(|| format!("{} can't be linked to {}", link.display(), folder.display()))?;
    say::note(&format!("third_party/libtorch now points to {}", folder.display()));
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

fn wheel_dir(place: &Place) -> PathBuf {
    place.cache.join(format!("wheels-{VERSION}"))
}

fn remove_wheels(place: &Place) {
    if let Err(error) = remove_folder(&wheel_dir(place)) {
        say::note(&format!("{error:#}; it may be deleted"));
    }
}

/// Removes a folder that set-up made in the cache.
fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} can't be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
