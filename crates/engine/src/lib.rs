//! The trainer: trait Engine over flat f32 buffers and its tch implementation.
