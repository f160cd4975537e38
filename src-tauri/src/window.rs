//! `covey --window`: the window's process. Draws what the shell says and says what was pressed.
//!
//! In: [`view_model::ToWindow`] lines on standard input. Out: [`view_model::FromWindow`] lines on standard output. It
//! holds nothing that must be saved: closed or killed, nothing is lost but the view. It ends with its input.

mod adapter;
mod host;
mod pipes;

use anyhow::{Result, anyhow};
use std::process::ExitCode;

/// Size at the first start, in points.
const SIZE: [f32; 2] = [1180.0, 760.0];
/// The least that every screen is laid out for.
const LEAST: [f32; 2] = [640.0, 480.0];

/// Opens the window and returns when it is closed.
pub(crate) fn run() -> Result<ExitCode> {
    let begun = std::time::Instant::now();
    let pipes = pipes::open()?;
    let viewport = egui::ViewportBuilder::default()
        .with_title("Covey")
        // The desktop file is named so: the task bar finds name and icon by it.
        .with_app_id("covey")
        .with_inner_size(SIZE)
        .with_min_inner_size(LEAST)
        .with_icon(icon());
    let options = eframe::NativeOptions {
        viewport,
        wgpu_options: adapter::modest(),
        // One sample: egui smooths its own edges.
        multisampling: 0,
        ..Default::default()
    };
    eframe::run_native("covey", options, Box::new(move |context| Ok(Box::new(host::Host::new(context, pipes, begun)))))
        .map_err(|error| anyhow!("no window can be opened: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

fn icon() -> egui::IconData {
    egui::IconData {
        rgba: crate::shell::picture(view_model::Tone::Running),
        width: crate::shell::PICTURE_EDGE,
        height: crate::shell::PICTURE_EDGE,
    }
}
