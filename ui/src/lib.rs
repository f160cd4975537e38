//! The window's content: a function from snapshot to what is seen.
//!
//! In: a [`view_model::RunSnapshot`] and the room there is. Out: lines of text, for a terminal; the egui views of the
//! desktop part will stand beside it and read the same snapshot. It performs nothing, keeps nothing between two calls,
//! has no clock and does not know who shows its lines.

mod columns;
mod line;
mod screen;
mod sparkline;

pub use line::{MIN_WIDTH, fit};
pub use screen::screen;
pub use sparkline::sparkline;

#[cfg(test)]
mod tests;
