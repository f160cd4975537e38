//! Links in pictures: found, missing, foreign, and pictures that lie.

use super::*;
use image::{DynamicImage, GrayImage, Luma};
use qrcode::{Color, EcLevel, QrCode};
use std::path::PathBuf;
use types::{Hash32, RunId};

fn link() -> JoinLink {
    let at = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    let quic = "/dns4/seed.example.org/udp/4001/quic-v1/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    JoinLink::new(RunId(Hash32([0xab; 32])), vec![at.into(), quic.into()]).unwrap()
}

/// A code of that text with its quiet zone, on a larger ground.
fn picture(text: &str, module: u32, margin: u32) -> GrayImage {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
    let width = code.width() as u32;
    let modules = code.to_colors();
    let edge = width * module + 2 * margin;
    GrayImage::from_fn(edge, edge, |x, y| {
        let at = |v: u32| v.checked_sub(margin).map(|v| v / module).filter(|v| *v < width);
        let dark = match (at(x), at(y)) {
            (Some(x), Some(y)) => modules[(y * width + x) as usize] == Color::Dark,
            _ => false,
        };
        Luma([if dark { 10 } else { 245 }])
    })
}

fn saved(dir: &tempfile::TempDir, name: &str, picture: GrayImage) -> PathBuf {
    let path = dir.path().join(name);
    DynamicImage::ImageLuma8(picture).into_rgb8().save(&path).unwrap();
    path
}

fn code_of(path: &Path) -> String {
    link_in(path).unwrap_err().code
}

#[test]
fn a_code_on_a_screenshot_and_on_a_large_photo_gives_the_link() {
    let dir = tempfile::tempdir().unwrap();
    let small = saved(&dir, "code.png", picture(&link().to_string(), 4, 16));
    assert_eq!(link_in(&small).unwrap(), link());
    let photo = saved(&dir, "photo.jpg", picture(&link().to_string(), 24, 500));
    assert_eq!(link_in(&photo).unwrap(), link());
}

#[test]
fn a_picture_without_a_link_of_ours_says_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let blank = saved(&dir, "blank.png", GrayImage::from_pixel(64, 64, Luma([200])));
    assert_eq!(code_of(&blank), "picture_without_code");
    let other = saved(&dir, "other.png", picture("https://example.org/pay", 6, 24));
    let problem = link_in(&other).unwrap_err();
    assert_eq!(problem.code, "picture_other_code");
    assert!(problem.title.contains("https://example.org/pay"));
}

#[test]
fn pictures_that_lie_about_their_size_are_refused_before_they_are_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.png");
    let write = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
    write(&vec![0; 17 * 1024 * 1024]);
    assert_eq!(code_of(&path), "picture_unreadable");
    write(b"GIF89a");
    assert_eq!(code_of(&path), "picture_unreadable");
    assert_eq!(code_of(&dir.path().join("nowhere.png")), "picture_unreadable");
    // One row of 8193 pixels is more than an edge may have.
    let wide = saved(&dir, "wide.png", GrayImage::from_pixel(8193, 1, Luma([0])));
    assert_eq!(code_of(&wide), "picture_unreadable");
    // A header that promises 8192 × 8192 pixels in eight bytes each: more memory than there is for it.
    let mut bomb = std::fs::read(saved(&dir, "small.png", GrayImage::from_pixel(8, 8, Luma([0])))).unwrap();
    bomb[16..24].copy_from_slice(&[0, 0, 0x20, 0, 0, 0, 0x20, 0]);
    (bomb[24], bomb[25]) = (16, 6);
    write(&bomb);
    assert_eq!(code_of(&path), "picture_unreadable");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn a_damaged_picture_is_read_or_refused(at in 8usize..400, byte: u8, jpeg: bool, cut in 0usize..600) {
        let dir = tempfile::tempdir().unwrap();
        let name = if jpeg { "x.jpg" } else { "x.png" };
        let path = saved(&dir, name, picture("covey", 3, 9));
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len().saturating_sub(cut).max(8));
        std::fs::write(&path, &bytes).unwrap();
        proptest::prop_assert!(link_in(&path).is_err());
    }
}
