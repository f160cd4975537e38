//! The window's content: a function from snapshot to intents.
