//! Which card draws: the one that trains least.
//!
//! Out: wgpu's set-up. An integrated card first, so that the window takes no memory from training; wgpu falls back from
//! Vulkan or DirectX to OpenGL and to software by itself, and `WGPU_BACKEND` overrules.

use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup};
use eframe::wgpu::PowerPreference;

/// The set-up for the window.
pub(crate) fn modest() -> WgpuConfiguration {
    let mut configuration = WgpuConfiguration::default();
    if let WgpuSetup::CreateNew(create) = &mut configuration.wgpu_setup {
        create.power_preference = PowerPreference::from_env().unwrap_or(PowerPreference::LowPower);
    }
    configuration
}

/// The adapter's name and backend, for the log.
pub(crate) fn name(context: &eframe::CreationContext<'_>) -> String {
    context.wgpu_render_state.as_ref().map_or_else(String::new, |state| {
        let info = state.adapter.get_info();
        format!("{} ({:?}, {:?})", info.name, info.backend, info.device_type)
    })
}
