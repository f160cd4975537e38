//! `cargo xtask run`: from a bare machine to something that trains, in one command.
//!
//! Sets up, builds, then becomes the app where a window can be opened, else the rehearsal in this terminal.

use crate::command_line::SetupOptions;
use crate::place::Place;
use crate::{cargo, machine, rehearse, say, setup};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Build products of the whole workspace in release mode, measured at 2.6 GB, and room for the linker.
const BUILD_BYTES: u64 = 4_000_000_000;

pub(crate) fn run(place: &Place, options: SetupOptions) -> Result<ExitCode> {
    let ready = setup::setup(place, options)?;
    build(place)?;
    if machine::has_display() {
        return cargo::become_program(place.release_program("covey").as_os_str(), &[]);
    }
    say::note("no display: the rehearsal runs in this terminal");
    rehearse::start(place, ready.corpus.as_deref(), &[])
}

/// Builds the peer and the app; says so first, because the first time takes minutes.
pub(crate) fn build(place: &Place) -> Result<()> {
    let first = !place.release_program("covey-peer").exists();
    if first {
        if let Some(free) = machine::free_bytes(&place.target).filter(|free| *free < BUILD_BYTES) {
            bail!(
                "the build needs {} of free disk in {} and there are {}; free some, or set CARGO_TARGET_DIR to \
                 another disk",
                say::bytes(BUILD_BYTES),
                place.target.display(),
                say::bytes(free)
            );
        }
        say::doing(
            "building (the first time takes about a quarter of an hour on two cores; cargo shows how far it is)",
        );
    }
    cargo::build(place, &["peer", "covey"])
}
