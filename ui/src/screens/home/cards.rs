//! The graphics cards: memory, work, heat, power, and why one holds itself back.

use crate::design_tokens::{SPACE_M, SPACE_S};
use crate::frame::problem_notice;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, bar, caption, card, chip, empty, figure, muted, strong};
use egui::{Align, Layout, Ui};
use types::ByteCount;
use view_model::{GpuCard, Intent, Tone, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().gpus);
    card(ui, palette, &scene.text("cards-title"), |ui| {
        if let Some(problem) = &view.problem {
            problem_notice(ui, scene, problem, Tone::Problem, false);
        }
        if view.cards.is_empty() {
            none(ui, scene);
            return;
        }
        for (n, gpu) in view.cards.iter().enumerate() {
            if n > 0 {
                ui.separator();
            }
            ui.push_id(n, |ui| one(ui, scene, gpu));
        }
        if let (Some(driver), Some(cuda)) = (&view.driver, &view.cuda) {
            let args = [("driver", driver.as_str().into()), ("cuda", cuda.as_str().into())];
            caption(ui, palette, &scene.with("cards-driver", &args));
        }
    });
}

fn none(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    if scene.app().gpus.probing {
        muted(ui, palette, &scene.text("cards-looking"));
        return;
    }
    let (title, hint) = (scene.text("cards-none"), scene.text("cards-none-hint"));
    empty(ui, palette, (Icon::Gpu, &title, &hint), |ui| {
        let label = scene.text("cards-look-again");
        if Button::new(&label, Kind::Secondary).icon(Icon::Refresh).show(ui, palette).clicked() {
            scene.ask(Intent::RescanGpus);
        }
    });
}

fn one(ui: &mut Ui, scene: &mut Scene<'_>, gpu: &GpuCard) {
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        strong(ui, palette, &gpu.name);
        if !gpu.enabled {
            chip(ui, palette, Tone::Paused, &scene.text("card-off"));
        }
        if let Some(secs) = gpu.stale_secs {
            let text = scene.with("card-stale", &[("secs", units::duration(secs).into())]);
            chip(ui, palette, Tone::Waiting, &text);
        }
    });
    let used = share(gpu.vram_used, gpu.vram_total);
    let memory = match (gpu.vram_used, gpu.vram_total) {
        (Some(used), Some(total)) => {
            Some(scene.with("of", &[("part", units::memory(used).into()), ("all", units::memory(total).into())]))
        }
        (used, total) => used.or(total).map(units::memory),
    };
    measured(ui, scene, "card-memory", used, memory);
    measured(ui, scene, "card-work", gpu.util, gpu.util.map(units::percent));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_M + SPACE_S;
        let celsius = gpu.temp_c.map(|c| scene.with("celsius", &[("degrees", format!("{c:.0}").into())]));
        figure(ui, palette, &scene.text("card-temperature"), &scene.or_unknown(celsius));
        figure(ui, palette, &scene.text("card-power"), &scene.or_unknown(power(scene, gpu)));
        let fan = gpu.fan_percent.map(|percent| scene.with("percent", &[("value", percent.to_string().into())]));
        figure(ui, palette, &scene.text("card-fan"), &scene.or_unknown(fan));
    });
    if !gpu.throttle.is_empty() || gpu.pcie_narrow.is_some() {
        held_back(ui, scene, gpu);
    }
    if !gpu.others.is_empty() {
        let name = |(name, memory): &(String, Option<ByteCount>)| match memory {
            Some(memory) => format!("{name} ({})", units::memory(*memory)),
            None => name.clone(),
        };
        let who = gpu.others.iter().map(name).collect::<Vec<_>>().join(", ");
        caption(ui, palette, &scene.with("card-others", &[("who", who.into())]));
    }
    if let Some(problem) = &gpu.problem {
        problem_notice(ui, scene, problem, Tone::Problem, false);
    }
}

/// Why it does less than it could.
fn held_back(ui: &mut Ui, scene: &Scene<'_>, gpu: &GpuCard) {
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        for key in &gpu.throttle {
            chip(ui, palette, Tone::Waiting, &scene.text(key));
        }
        if let Some((now, best)) = gpu.pcie_narrow {
            let args = [("now", now.to_string().into()), ("best", best.to_string().into())];
            chip(ui, palette, Tone::Waiting, &scene.with("card-narrow", &args));
        }
    });
}

fn power(scene: &Scene<'_>, gpu: &GpuCard) -> Option<String> {
    let watts = |w: f64| scene.with("watts", &[("watts", format!("{w:.0}").into())]);
    Some(match (gpu.watts?, gpu.watts_limit) {
        (now, Some(limit)) => scene.with("of", &[("part", format!("{now:.0}").into()), ("all", watts(limit).into())]),
        (now, None) => watts(now),
    })
}

/// A name, a figure at the right, and a bar below.
fn measured(ui: &mut Ui, scene: &Scene<'_>, key: &str, share: Option<f64>, text: Option<String>) {
    let palette = scene.palette;
    let (name, text) = (scene.text(key), scene.or_unknown(text));
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            caption(ui, palette, &name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| caption(ui, palette, &text));
        });
        bar(ui, palette, share, Tone::Running, &format!("{name}: {text}"));
    });
}

fn share(part: Option<ByteCount>, all: Option<ByteCount>) -> Option<f64> {
    let (part, all) = (part?, all.filter(|all| all.0 > 0)?);
    Some(part.0 as f64 / all.0 as f64)
}
