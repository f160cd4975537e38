//! Hotkeys and typed signing.
