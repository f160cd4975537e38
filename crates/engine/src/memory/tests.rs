//! The plan against the table of the engine recipe, and its words.

use types::manifest::InnerSchedule;

use super::*;

fn inner() -> InnerParams {
    let schedule = InnerSchedule {
        peak: 1e-3,
        warmup_steps: 10,
        cosine_steps: 100,
        floor_fraction: 0.1,
        flat: None,
        anneal: None,
        restart_warmup_steps: 0,
    };
    InnerParams {
        steps: 30,
        batch_sequences: 192,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
        schedule,
    }
}

fn plan(name: &str, vram_gb: u64, ram_gb: u64) -> MemoryPlan {
    let machine = Machine { vram_bytes: vram_gb << 30, ram_bytes: ram_gb << 30, disk_bytes: 4000 << 30 };
    memory_plan(&ModelParams::preset(name).unwrap(), &inner(), 2048, machine)
}

#[test]
fn cards_hold_what_eighteen_bytes_per_parameter_allow() {
    let check = |name, vram, fits| assert_eq!(plan(name, vram, 512).fits, fits, "{name} on {vram} GB");
    check("150m", 8, true);
    check("512m", 8, false);
    check("512m", 16, true);
    check("1b", 24, true);
    check("8b", 80, false);
    check("8b", 192, true);
    check("covenant-72b", 192, false);
}

#[test]
fn the_reason_names_what_is_short() {
    assert!(plan("8b", 24, 512).reason.contains("GPU memory"), "{}", plan("8b", 24, 512).reason);
    assert!(plan("1b", 24, 8).reason.contains("RAM"));
    let model = ModelParams::preset("1b").unwrap();
    let machine = Machine { vram_bytes: 24 << 30, ram_bytes: 64 << 30, disk_bytes: 10 << 30 };
    let plan = memory_plan(&model, &inner(), 2048, machine);
    assert!(!plan.fits && plan.reason.contains("disk"), "{}", plan.reason);
}

#[test]
fn a_machine_without_a_gpu_plans_in_ram() {
    let plan = plan("tiny", 0, 8);
    assert!(plan.fits && plan.device_bytes == 0 && plan.micro_batch >= 1, "{plan:?}");
}

#[test]
fn more_memory_never_means_a_smaller_micro_batch() {
    let sizes: Vec<usize> = [12, 16, 24, 32, 48, 80].map(|vram| plan("150m", vram, 64).micro_batch).into();
    assert!(sizes.is_sorted() && sizes[0] >= 1 && sizes[5] > sizes[0], "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 192));
}
