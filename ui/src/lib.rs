//! The window's content: a function from what is known to what is seen and what was pressed.
//!
//! In: a [`Model`] that the shell's lines filled, and the room there is. Out: an egui frame and [`view_model::Intent`]s.
//! It performs nothing, has no clock and no I/O, and asks for no frame while nothing changes. Whoever owns the window calls
//! [`apply_look`], then [`View::show`]. Beside it stands [`terminal`], for a computer without a display.

pub mod design_tokens;
mod frame;
#[doc(hidden)]
pub mod gallery;
mod look;
mod model;
mod qr;
mod scene;
mod screens;
pub mod terminal;
mod view;
mod week_grid;
mod widgets;

pub use look::{apply_look, motion, palette};
pub use model::{Band, Curve, HostAsk, Log, MAX_LOG_BYTES, MAX_LOG_LINES, Model};
pub use terminal::screen;
pub use view::{PSEUDO_TAG, View};
