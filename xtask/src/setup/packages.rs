//! System packages: looks for what is missing by trying it, and installs with apt where that is the system's way.
//!
//! The list is what a bare Debian with Rust lacks: a C++ compiler for libtorch's bindings, pip with certificates to fetch
//! libtorch, and what the app's tray and window are linked to or load; for the tests also a keychain, a display and a
//! window manager. What works already is never installed, whoever put it there.

use super::libtorch::State;
use crate::command_line::Consent;
use crate::{machine, say};
use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Where Debian's `ca-certificates` puts what pip trusts.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Modules of pkg-config that the app's shell is linked to, and their packages.
const LINKED: [(&str, &str); 3] = [
    ("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev"),
    ("gtk+-3.0", "libgtk-3-dev"),
    ("ayatana-appindicator3-0.1", "libayatana-appindicator3-dev"),
];
/// Libraries that the window loads by name, and their packages.
const LOADED: [(&str, &str); 4] = [
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    ("libXcursor.so.1", "libxcursor1"),
    ("libXi.so.6", "libxi6"),
    ("libEGL.so.1", "libegl1"),
];
/// Programs that tests start, and their packages.
const FOR_TESTS: [(&str, &str); 7] = [
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("dbus-daemon", "dbus"),
    ("Xvfb", "xvfb"),
    ("openbox", "openbox"),
    ("weston", "weston"),
    ("xdotool", "xdotool"),
    ("wmctrl", "wmctrl"),
];
/// Programs that a laboratory of network namespaces is built with, and their packages.
const FOR_LAB: [(&str, &str); 3] = [("ip", "iproute2"), ("tc", "iproute2"), ("nft", "nftables")];

/// The names of the Debian packages that this machine needs and lacks.
pub(crate) fn missing(libtorch: &State) -> Vec<&'static str> {
    let mut names = Vec::new();
    match machine::cxx() {
        Some(version) => say::already("C++ compiler", &version),
        None => names.push("g++"),
    }
    names.extend(missing_for_desktop());
    if *libtorch != State::Missing {
        return names;
    }
    match machine::first_line("python3", &["-m", "pip", "--version"]) {
        Some(version) => say::already("python3 with pip", version.split(" from ").next().unwrap_or("")),
        None => names.extend(["python3", "python3-pip"]),
    }
    if machine::runs("apt-get", &["--version"]) && !Path::new(CERTIFICATES).exists() {
        names.push("ca-certificates");
    }
    names
}

/// What the app is linked to (tray, menus) and what its window loads when it opens. Only on Linux: elsewhere the system
/// has them.
fn missing_for_desktop() -> Vec<&'static str> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    if !machine::runs("pkg-config", &["--version"]) {
        // Without it nobody can tell what is there; apt passes over what is.
        return std::iter::once("pkg-config")
            .chain(LINKED.map(|(_, name)| name))
            .chain(LOADED.map(|(_, name)| name))
            .collect();
    }
    let linked = LINKED.into_iter().filter(|(module, _)| !machine::runs("pkg-config", &["--exists", module]));
    let loaded = LOADED.into_iter().filter(|(file, _)| !machine::has_library(file));
    linked.chain(loaded).map(|(_, name)| name).collect()
}

/// What the tests need besides: a keychain with a bus for it, a display, a window manager, an accessibility bus, and a
/// driver that draws without a card. Only on Linux; elsewhere these tests do not exist.
pub(crate) fn missing_for_tests() -> Vec<&'static str> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let programs = FOR_TESTS.into_iter().filter(|(program, _)| !machine::is_on_path(program));
    let mut names: Vec<_> = programs.map(|(_, name)| name).collect();
    if !Path::new("/usr/libexec/at-spi-bus-launcher").exists() {
        names.push("at-spi2-core");
    }
    if !machine::has_library("libvulkan_lvp.so") {
        names.push("mesa-vulkan-drivers");
    }
    if !machine::has_library("libGL.so.1") || !machine::has_library("dri/swrast_dri.so") {
        names.extend(["libgl1", "libgl1-mesa-dri"]);
    }
    names
}

/// What a campaign in network namespaces needs besides. Only on Linux; elsewhere there is no lab.
pub(crate) fn missing_for_lab() -> Vec<&'static str> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let mut names: Vec<_> =
        FOR_LAB.into_iter().filter(|(program, _)| !machine::is_on_path(program)).map(|(_, name)| name).collect();
    names.dedup();
    names
}

/// Installs `names`, after a question unless the user, CI or being root already said yes.
pub(crate) fn install_missing(names: &[&str], consent: Consent) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let list = names.join(" ");
    if !machine::runs("apt-get", &["--version"]) {
        bail!(
            "this machine has no apt-get: install what Debian calls {list} (Fedora: gcc-c++ python3-pip; \
             Arch: gcc python-pip), then run `cargo xtask setup` again"
        );
    }
    let root = machine::is_root();
    if !root {
        if !machine::runs("sudo", &["--version"]) {
            bail!("packages are missing and there is no sudo: as root, run `apt-get install {list}`, then try again");
        }
        agree(&list, consent)?;
    }
    let since = Instant::now();
    say::doing(&format!("installing {list} with apt-get"));
    // A fresh image has no package lists; old lists may name packages that are gone.
    apt(root, &["update", "-q=2"]).context("the package lists can't be fetched (is there a network?)")?;
    let mut args = vec!["install", "-q=2", "-y", "--no-install-recommends"];
    args.extend(names);
    apt(root, &args).with_context(|| format!("apt-get could not install {list}; its message stands above"))?;
    say::made("system packages", &list, since);
    Ok(())
}

fn agree(list: &str, consent: Consent) -> Result<()> {
    if consent == Consent::Given || machine::is_ci() {
        return Ok(());
    }
    if !machine::can_ask() {
        bail!("packages are missing ({list}) and nobody can be asked: run `cargo xtask setup --yes` to allow sudo");
    }
    eprint!("  missing: {list}. Run `sudo apt-get install {list}`? [Y/n] ");
    std::io::stderr().flush().ok();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the answer can't be read")?;
    match answer.trim().to_lowercase().as_str() {
        "" | "y" | "yes" => Ok(()),
        _ => bail!("nothing was installed; without {list} the build can't go on"),
    }
}

/// `apt-get`, through `sudo` unless root, never asking anything.
pub(crate) fn apt(root: bool, args: &[&str]) -> Result<()> {
    let mut command = if root { Command::new("apt-get") } else { Command::new("sudo") };
    if root {
        command.env("DEBIAN_FRONTEND", "noninteractive");
    } else {
        command.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    }
    // apt waits for another package manager instead of failing at once; dpkg's chatter goes nowhere.
    let status = command.args(["-o", "DPkg::Lock::Timeout=300"]).args(args).stdout(Stdio::null()).status()?;
    match status.success() {
        true => Ok(()),
        false => bail!("apt-get {} ended with {status}", args.first().unwrap_or(&"")),
    }
}
