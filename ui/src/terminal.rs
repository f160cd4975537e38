//! The run as lines of text, for a terminal and for a computer without a display.
//!
//! In: a [`view_model::RunSnapshot`] and the room there is. Out: lines, each no wider than that and free of control
//! characters. It performs nothing, keeps nothing between two calls and has no clock.

mod columns;
mod line;
mod screen;
mod sparkline;

pub use line::{MIN_WIDTH, fit};
pub use screen::screen;
pub use sparkline::sparkline;

#[cfg(test)]
mod tests;
