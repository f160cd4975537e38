//! A run's link in a picture: a QR code on a screenshot or a photo.
//!
//! In: a PNG or JPEG file (hostile: bounded in bytes, edges and memory before it is decoded). Out: the link. A picture
//! without a link of ours is refused with what it holds instead. Blocks for up to a few seconds: not for an async thread.

use crate::files::read_bounded;
use image::{ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use types::{JoinLink, Problem};

/// Bytes of a picture's file; phones' photos have 4 to 12 MB.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Pixels of an edge.
const MAX_EDGE: u32 = 8192;
/// Memory for decoding: a photo of 48 megapixels in three bytes each, and room.
const MAX_ALLOC_BYTES: u64 = 192 * 1024 * 1024;
/// A large photo is looked at in this size first: its code is large too, and small noise is gone.
const SMALL_EDGE: u32 = 1600;
/// Codes of a picture that are read.
const MAX_CODES: usize = 16;

/// Whether a file begins as a PNG or JPEG does.
pub(crate) fn is_picture(head: &[u8]) -> bool {
    format_of(head).is_some()
}

fn format_of(head: &[u8]) -> Option<ImageFormat> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(ImageFormat::Png);
    }
    head.starts_with(&[0xff, 0xd8, 0xff]).then_some(ImageFormat::Jpeg)
}

/// The link in a picture.
pub(crate) fn link_in(path: &Path) -> Result<JoinLink, Problem> {
    let bytes = read_bounded(path, MAX_FILE_BYTES).map_err(|why| unreadable(&why.to_string()))?;
    let format = format_of(&bytes).ok_or_else(|| unreadable("it is neither a PNG nor a JPEG"))?;
    // Decoders of pictures are large; a fault in one must not take the app with it.
    let texts = catch_unwind(AssertUnwindSafe(|| codes(&bytes, format)))
        .map_err(|_| unreadable("it cannot be decoded"))?
        .map_err(|why| unreadable(&why.to_string()))?;
    let Some(first) = texts.first() else { return Err(no_code()) };
    let link = texts.iter().find_map(|text| text.parse::<JoinLink>().ok());
    link.ok_or_else(|| other_code(first))
}

/// What the codes of a picture say.
fn codes(bytes: &[u8], format: ImageFormat) -> image::ImageResult<Vec<String>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_EDGE), Some(MAX_EDGE));
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    reader.limits(limits);
    let picture = reader.decode()?;
    let large = picture.width().max(picture.height()) > SMALL_EDGE;
    if large {
        let small = picture.thumbnail(SMALL_EDGE, SMALL_EDGE).into_luma8();
        let found = read(&small);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(read(&picture.into_luma8()))
}

fn read(grey: &image::GrayImage) -> Vec<String> {
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| grey.get_pixel(x as u32, y as u32).0[0]);
    let grids = prepared.detect_grids();
    grids.iter().take(MAX_CODES).filter_map(|grid| grid.decode().ok().map(|(_, text)| text)).collect()
}

fn unreadable(why: &str) -> Problem {
    let why: String = why.chars().take(200).collect();
    let title = format!("The picture cannot be read: {why}");
    Problem::new("picture_unreadable", title, "Take a PNG or JPEG of at most 16 MB and 8192 pixels an edge.")
}

fn no_code() -> Problem {
    Problem::new(
        "picture_without_code",
        "No QR code was found in the picture",
        "Cut it to the code with some white around it, or paste the link instead.",
    )
}

fn other_code(text: &str) -> Problem {
    let text: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    Problem::new(
        "picture_other_code",
        format!("The picture's QR code is no link to a run: {text}"),
        "A run's link begins with covey://join/.",
    )
}

#[cfg(test)]
mod tests;
