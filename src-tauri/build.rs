//! Hands Tauri its configuration. No front end is built: the window is a process of its own and draws with egui.

fn main() {
    tauri_build::build();
}
