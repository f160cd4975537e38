//! `cargo xtask icons`: draws `icons/*.png` anew from `icons/covey.svg`, which is the source.
//!
//! Needs `rsvg-convert`; the pictures are checked in, so only whoever changes the drawing needs it.

use crate::machine;
use crate::place::Place;
use anyhow::{Context as _, Result, bail};
use std::process::{Command, ExitCode};

/// Edge lengths that desktops ask for.
const SIZES: [u32; 4] = [32, 128, 256, 512];

pub(crate) fn icons(place: &Place) -> Result<ExitCode> {
    if !machine::runs("rsvg-convert", &["--version"]) {
        bail!("`rsvg-convert` is missing (Debian: librsvg2-bin)");
    }
    let icons = place.root.join("icons");
    for size in SIZES {
        let edge = size.to_string();
        let status = Command::new("rsvg-convert")
            .args(["--width", &edge, "--height", &edge, "--output"])
            .arg(icons.join(format!("{edge}x{edge}.png")))
            .arg(icons.join("covey.svg"))
            .status()
            .context("`rsvg-convert` can't be started")?;
        if !status.success() {
            bail!("icons/covey.svg can't be drawn at {edge} pixels");
        }
    }
    Ok(ExitCode::SUCCESS)
}
