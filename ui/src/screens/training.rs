//! The training screen.

use crate::scene::Scene;
use egui::Ui;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {}

/// Draws it.
pub(crate) fn show(_ui: &mut Ui, _scene: &mut Scene<'_>, _state: &mut State) {}
