//! Every state drawn to pixels: nothing is cut off, and what was looked at by a person stays as it was.
//!
//! Needs a Vulkan or GL driver (lavapipe does); without one the tests say so and pass.
