//! What this computer is and can do; what hinders it, and the one button that may help.

use super::Go;
use crate::frame::act_on;
use crate::scene::Scene;
use crate::screens::forms::fact;
use crate::widgets::{Button, Icon, Kind, card, chip, notice, strong, tone_line};
use egui::Ui;
use types::Problem;
use view_model::{GpuCard, Intent, MachineView, Role, Tone, problem_hint, problem_title, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) -> Go {
    let gpus = &scene.app().gpus;
    if gpus.probing {
        tone_line(ui, scene.palette, Tone::Waiting, &scene.text("wizard-computer-looking"));
    }
    if let Some(problem) = &gpus.problem {
        hindrance(ui, scene, problem);
    } else if gpus.cards.is_empty() && !gpus.probing {
        let text = scene.text("wizard-computer-none");
        notice(ui, scene.palette, (Tone::Neutral, &text, ""), |ui| rescan(ui, scene));
    }
    for gpu in &gpus.cards {
        graphics_card(ui, scene, gpu);
    }
    let machine = &scene.app().machine;
    card(ui, scene.palette, &scene.text("wizard-computer-can"), |ui| roles(ui, scene, machine));
    facts(ui, scene, machine);
    Go::new(scene.text("setup-next"), true)
}

fn graphics_card(ui: &mut Ui, scene: &mut Scene<'_>, gpu: &GpuCard) {
    let unknown = || scene.text("setup-unknown");
    let figure = |key: &str, name: &str, n: Option<f64>| {
        n.map_or_else(unknown, |n| scene.with(key, &[(name, format!("{n:.0}").into())]))
    };
    let vram = gpu.vram_total.map_or_else(unknown, units::memory);
    let temperature = figure("wizard-card-celsius", "celsius", gpu.temp_c);
    let power = figure("wizard-card-watts", "watts", gpu.watts);
    let args = [("vram", vram.into()), ("temperature", temperature.into()), ("power", power.into())];
    let facts = scene.with("wizard-card-facts", &args);
    let (tone, key) = match (&gpu.problem, gpu.enabled) {
        (Some(_), _) => (Tone::Problem, "wizard-card-problem"),
        (None, false) => (Tone::Paused, "wizard-card-off"),
        (None, true) => (Tone::Running, "wizard-card-ok"),
    };
    card(ui, scene.palette, "", |ui| {
        ui.horizontal_wrapped(|ui| {
            strong(ui, scene.palette, &gpu.name);
            chip(ui, scene.palette, tone, &scene.text(key));
        });
        crate::widgets::muted(ui, scene.palette, &facts);
        if let Some(problem) = &gpu.problem {
            hindrance(ui, scene, problem);
        }
    });
}

/// The failing layer, and what to do about it.
fn hindrance(ui: &mut Ui, scene: &mut Scene<'_>, problem: &Problem) {
    let (title, hint) = (problem_title(problem, scene.locale), problem_hint(problem, scene.locale));
    notice(ui, scene.palette, (Tone::Problem, &title, &hint), |ui| {
        ui.horizontal_wrapped(|ui| {
            act_on(ui, scene, problem);
            rescan(ui, scene);
        });
    });
}

fn rescan(ui: &mut Ui, scene: &mut Scene<'_>) {
    let label = scene.text("wizard-computer-again");
    if Button::new(&label, Kind::Secondary).icon(Icon::Refresh).show(ui, scene.palette).clicked() {
        scene.ask(Intent::RescanGpus);
    }
}

fn roles(ui: &mut Ui, scene: &Scene<'_>, machine: &MachineView) {
    if machine.roles.is_empty() {
        tone_line(ui, scene.palette, Tone::Waiting, &scene.text("wizard-computer-nothing"));
    }
    for role in &machine.roles {
        let key = match role {
            Role::Train => "role-train",
            Role::TrainSmall => "role-train-small",
            Role::Rehearse => "role-rehearse",
        };
        tone_line(ui, scene.palette, Tone::Running, &scene.text(key))
            .on_hover_text(scene.text(&format!("wizard-{key}-tip")));
    }
}

fn facts(ui: &mut Ui, scene: &Scene<'_>, machine: &MachineView) {
    let gpus = &scene.app().gpus;
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(driver) = &gpus.driver {
        let cuda = gpus.cuda.clone().unwrap_or_else(|| scene.text("setup-unknown"));
        let args = [("driver", driver.as_str().into()), ("cuda", cuda.into())];
        rows.push(("wizard-computer-driver", scene.with("wizard-computer-driver-cuda", &args)));
    }
    if let Some(cpu) = &machine.cpu {
        let value = machine.threads.map_or_else(
            || cpu.clone(),
            |n| {
                let args = [("name", cpu.as_str().into()), ("threads", n.to_string().into())];
                scene.with("wizard-computer-threads", &args)
            },
        );
        rows.push(("wizard-computer-processor", value));
    }
    if let Some(memory) = machine.memory {
        let value = machine.memory_free.map_or_else(
            || units::memory(memory),
            |free| {
                let args = [("all", units::memory(memory).into()), ("free", units::memory(free).into())];
                scene.with("wizard-computer-memory-free", &args)
            },
        );
        rows.push(("wizard-computer-memory", value));
    }
    if let Some(free) = machine.disk_free {
        rows.push(("wizard-computer-disk", units::bytes(free)));
    }
    if let Some(battery) = machine.on_battery {
        let key = if battery { "wizard-computer-battery" } else { "wizard-computer-mains" };
        rows.push(("wizard-computer-power", scene.text(key)));
    }
    if rows.is_empty() {
        return;
    }
    card(ui, scene.palette, "", |ui| {
        for (name, value) in rows {
            fact(ui, scene.palette, &scene.text(name), &value);
        }
    });
}
