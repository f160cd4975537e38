//! Sample computers.

use types::{ByteCount, Problem, ProblemAction};
use view_model::{GpuCard, GpuView, MachineView, Role};

const GIB: u64 = 1 << 30;

/// A desktop computer.
pub(super) fn desktop() -> MachineView {
    MachineView {
        cpu: Some("AMD Ryzen 9 7950X".to_owned()),
        threads: Some(32),
        memory: Some(ByteCount(64 * GIB)),
        memory_free: Some(ByteCount(41 * GIB)),
        disk_free: Some(ByteCount(812_000_000_000)),
        on_battery: Some(false),
        roles: vec![Role::Train, Role::Rehearse],
    }
}

/// A card with every figure known.
pub fn card(uuid: &str, name: &str, vram_gib: u64) -> GpuCard {
    GpuCard {
        uuid: uuid.to_owned(),
        name: name.to_owned(),
        enabled: true,
        vram_total: Some(ByteCount(vram_gib * GIB)),
        vram_used: Some(ByteCount(vram_gib * GIB * 7 / 10)),
        util: Some(0.97),
        temp_c: Some(68.0),
        fan_percent: Some(54),
        watts: Some(312.0),
        watts_limit: Some(350.0),
        watts_range: Some((100.0, 450.0)),
        compute_capability: Some("8.9".to_owned()),
        throttle: Vec::new(),
        pcie_narrow: None,
        others: Vec::new(),
        stale_secs: None,
        problem: None,
    }
}

/// One idle card.
pub fn one_card() -> GpuView {
    let mut card = card("GPU-4090", "NVIDIA GeForce RTX 4090", 24);
    card.vram_used = Some(ByteCount(GIB * 9 / 10));
    card.util = Some(0.02);
    card.temp_c = Some(41.0);
    card.fan_percent = Some(0);
    card.watts = Some(23.0);
    GpuView {
        probing: false,
        driver: Some("580.95.05".to_owned()),
        cuda: Some("13.0".to_owned()),
        cards: vec![card],
        problem: None,
    }
}

/// Two cards at work: one hot and narrow, with company; one that gives no readings any more.
pub fn two_cards() -> GpuView {
    let mut hot = card("GPU-4090", "NVIDIA GeForce RTX 4090", 24);
    hot.temp_c = Some(84.0);
    hot.throttle = vec!["throttle-power-cap".to_owned(), "throttle-sw-thermal".to_owned()];
    hot.pcie_narrow = Some((4, 16));
    hot.others = vec![("firefox".to_owned(), Some(ByteCount(GIB / 2))), ("obs".to_owned(), None)];
    let mut silent = card("GPU-3060", "NVIDIA GeForce RTX 3060", 12);
    silent.stale_secs = Some(14);
    silent.fan_percent = None;
    silent.watts = None;
    GpuView { cards: vec![hot, silent], ..one_card() }
}

/// The driver is there, its module is not.
pub fn no_gpu() -> GpuView {
    let problem = Problem::new(
        "nvidia_module_not_loaded",
        "The NVIDIA driver is installed, but its kernel module is not loaded",
        "This happens after an update of kernel or driver. Restart the computer; if that does not help, reinstall the driver.",
    );
    let command = ProblemAction::Command("sudo modprobe nvidia".to_owned());
    GpuView { problem: Some(problem.with_action(command)), ..GpuView::default() }
}
