//! Planted secrets and the search for them; see `planted`. Reads `/proc`, so it runs on Linux.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod needles;
#[cfg(test)]
mod planted;
