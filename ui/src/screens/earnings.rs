//! The earnings screen.

use crate::scene::Scene;
use egui::Ui;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {}

impl State {
    /// The window lost the keyboard: secrets are hidden and wiped.
    pub(crate) fn on_blur(&mut self) {}
}

/// Draws it.
pub(crate) fn show(_ui: &mut Ui, _scene: &mut Scene<'_>, _state: &mut State) {}
