//! `cargo xtask icons`: draws `icons/*.png` anew from `icons/covey.svg`, which is the source, and puts them together as
//! Windows' `covey.ico` and macOS' `covey.icns`.
//!
//! Needs `rsvg-convert`; the pictures are checked in, so only whoever changes the drawing needs it.

use crate::machine;
use crate::place::Place;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Edge lengths that desktops ask for.
const SIZES: [u32; 9] = [16, 22, 24, 32, 48, 64, 128, 256, 512];
/// Those that Windows asks for.
const ICO: [u32; 6] = [16, 24, 32, 48, 64, 256];
/// Those that macOS asks for, with the type by which an icns file calls a PNG of that size.
const ICNS: [(u32, &[u8; 4]); 5] = [(32, b"ic11"), (64, b"ic12"), (128, b"ic07"), (256, b"ic08"), (512, b"ic09")];

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
    let pictures =
        |sizes: &[u32]| -> Result<Vec<_>> { sizes.iter().map(|size| Ok((*size, picture(&icons, *size)?))).collect() };
    let windows = pictures(&ICO)?;
    let mac = pictures(&ICNS.map(|(size, _)| size))?;
    fs::write(icons.join("covey.ico"), ico(&windows)?).context("icons/covey.ico can't be written")?;
    fs::write(icons.join("covey.icns"), icns(&mac)?).context("icons/covey.icns can't be written")?;
    Ok(ExitCode::SUCCESS)
}

fn picture(icons: &Path, size: u32) -> Result<Vec<u8>> {
    let path = icons.join(format!("{size}x{size}.png"));
    fs::read(&path).with_context(|| format!("{} can't be read", path.display()))
}

/// A directory of 16-byte entries, then the PNGs, which Windows Vista and later read. An edge of 256 is written as 0.
fn ico(pictures: &[(u32, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut head = vec![0, 0, 1, 0];
    head.extend(u16::try_from(pictures.len())?.to_le_bytes());
    let mut at = 6 + 16 * pictures.len();
    let mut body: Vec<u8> = Vec::new();
    for (size, png) in pictures {
        let edge = u8::try_from(*size).unwrap_or(0);
        // No palette, one plane, 32 bits a pixel.
        head.extend([edge, edge, 0, 0, 1, 0, 32, 0]);
        head.extend(u32::try_from(png.len())?.to_le_bytes());
        head.extend(u32::try_from(at)?.to_le_bytes());
        at += png.len();
        body.extend(png);
    }
    head.extend(body);
    Ok(head)
}

/// `icns`, the whole length, then each PNG after its type and length, big-endian.
fn icns(pictures: &[(u32, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut body: Vec<u8> = Vec::new();
    for ((_, png), (_, kind)) in pictures.iter().zip(ICNS) {
        body.extend(kind);
        body.extend(u32::try_from(png.len() + 8)?.to_be_bytes());
        body.extend(png);
    }
    let mut out = b"icns".to_vec();
    out.extend(u32::try_from(body.len() + 8)?.to_be_bytes());
    out.extend(body);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_say_where_each_picture_lies() {
        let pictures = vec![(32, b"first".to_vec()), (256, b"second!".to_vec())];
        let ico = ico(&pictures).unwrap();
        assert_eq!(ico[..6], [0, 0, 1, 0, 2, 0]);
        assert_eq!(ico[6..8], [32, 32]);
        assert_eq!(ico[22..24], [0, 0], "256 does not fit a byte");
        let word = |at: usize| u32::from_le_bytes(ico[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(&ico[word(18)..][..word(14)], b"first");
        assert_eq!(&ico[word(34)..][..word(30)], b"second!");
        let icns = icns(&pictures).unwrap();
        assert_eq!(icns, b"icns\0\0\0\x24ic11\0\0\0\x0dfirstic12\0\0\0\x0fsecond!");
    }
}
