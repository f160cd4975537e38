//! What the system says of NVIDIA's cards without NVIDIA's driver.
//!
//! In: on Linux the files under `sys` and `proc` of a root folder, which tests replace. Out: cards on the bus, the state
//! of the kernel's modules, whether this is WSL. Other systems do not tell: `None`. It never fails: a file that does not
//! read says nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
use std::{fs::File, io::Read, path::Path};

/// The machine as its system describes it.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux describes itself in files"))]
    root: PathBuf,
}

/// Bound of what is read of one file: they hold a word or a line.
#[cfg(target_os = "linux")]
const MAX_FILE_BYTES: u64 = 4096;
/// Bound of the devices looked at: a server has some hundred.
#[cfg(target_os = "linux")]
const MAX_DEVICES: usize = 4096;

impl Machine {
    /// The machine whose `sys` and `proc` lie in `root`.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

#[cfg(target_os = "linux")]
impl Machine {
    /// Addresses of NVIDIA's display devices on the PCI bus.
    pub(crate) fn cards_on_bus(&self) -> Option<BTreeSet<String>> {
        let devices = std::fs::read_dir(self.root.join("sys/bus/pci/devices")).ok()?;
        let cards = devices.take(MAX_DEVICES).filter_map(Result::ok).filter(|device| is_nvidia_display(&device.path()));
        Some(cards.map(|card| card.file_name().to_string_lossy().into_owned()).collect())
    }

    /// Whether the kernel part of NVIDIA's driver is loaded.
    pub(crate) fn nvidia_loaded(&self) -> Option<bool> {
        let modules = self.root.join("sys/module");
        modules.is_dir().then(|| modules.join("nvidia").is_dir())
    }

    /// Whether the open nouveau driver is loaded.
    pub(crate) fn nouveau_loaded(&self) -> bool {
        self.root.join("sys/module/nouveau").is_dir()
    }

    /// Version of the kernel part that runs.
    pub(crate) fn kernel_driver_version(&self) -> Option<String> {
        let version = text(&self.root.join("sys/module/nvidia/version"))?;
        let version = version.trim();
        (!version.is_empty()).then(|| version.to_owned())
    }

    /// Whether this is Linux inside Windows.
    pub(crate) fn is_wsl(&self) -> bool {
        text(&self.root.join("proc/sys/kernel/osrelease")).is_some_and(|name| name.to_lowercase().contains("microsoft"))
    }
}

#[cfg(not(target_os = "linux"))]
impl Machine {
    /// This system does not tell.
    pub(crate) fn cards_on_bus(&self) -> Option<BTreeSet<String>> {
        None
    }

    /// This system does not tell.
    pub(crate) fn nvidia_loaded(&self) -> Option<bool> {
        None
    }

    /// There is no such driver here.
    pub(crate) fn nouveau_loaded(&self) -> bool {
        false
    }

    /// This system does not tell.
    pub(crate) fn kernel_driver_version(&self) -> Option<String> {
        None
    }

    /// WSL is a Linux.
    pub(crate) fn is_wsl(&self) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
fn is_nvidia_display(device: &Path) -> bool {
    let begins = |file: &str, with: &str| text(&device.join(file)).is_some_and(|text| text.trim().starts_with(with));
    // Class 03 is a display controller; the card's sound device has the same vendor and another class.
    begins("vendor", "0x10de") && begins("class", "0x03")
}

#[cfg(target_os = "linux")]
fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
