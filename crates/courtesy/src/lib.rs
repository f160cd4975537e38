//! When to stand still: rules over what the user chose and what the computer says.
//!
//! In: settings, [`Signals`], the moment and the time zone. Out: the reasons to pause that hold, each with since when and
//! until when, the one to be told first in front. No clock, no I/O: the same calls give the same answers.
//! What nobody can tell never pauses anything; it is named in [`Verdict::cannot_tell`] instead.

mod conditions;
mod latch;
mod preview;
mod price;
mod rank;
mod rules;
mod signals;
mod user;
mod week;

pub use preview::preview;
pub use rank::can_be_overridden;
pub use rules::{Rules, Verdict};
pub use signals::{CardSignal, ForeignLoad, FullScreen, Signals};

#[cfg(test)]
mod tests;
