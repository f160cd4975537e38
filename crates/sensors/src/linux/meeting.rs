//! Whether a microphone or a camera is in use, as far as the kernel shows it to everybody.
//!
//! In: the folder of the sound cards and that of the kernel's modules. Out: whether one of them runs. A sound server that
//! keeps a microphone open all the time is a meeting that never ends; a Bluetooth headset has no card and is not seen.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// No computer has more of anything here.
const MOST: usize = 64;
/// More of a state file is not read.
const MOST_BYTES: u64 = 4096;

/// `None` if neither can be told.
pub(crate) fn goes_on(sound: &Path, modules: &Path) -> Option<bool> {
    match (microphone(sound), camera(modules)) {
        (None, None) => None,
        (microphone, camera) => Some(microphone == Some(true) || camera == Some(true)),
    }
}

/// A recording runs on one of the cards (`card0/pcm0c/sub0/status`).
fn microphone(sound: &Path) -> Option<bool> {
    sound.join("cards").exists().then_some(())?;
    let mut seen = 0;
    for card in children(sound, |name| name.starts_with("card") && name != "cards") {
        for device in children(&card, |name| name.starts_with("pcm") && name.ends_with('c')) {
            for sub in children(&device, |name| name.starts_with("sub")) {
                seen += 1;
                let status = text(&sub.join("status"));
                if status.is_some_and(|status| status.lines().next().is_some_and(|line| line.ends_with("RUNNING"))) {
                    return Some(true);
                }
                if seen >= MOST {
                    return Some(false);
                }
            }
        }
    }
    Some(false)
}

/// The driver of USB cameras counts who has one open.
fn camera(modules: &Path) -> Option<bool> {
    let count: u32 = text(&modules.join("uvcvideo/refcnt"))?.trim().parse().ok()?;
    Some(count > 0)
}

fn children(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let named = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(&wanted);
    entries.take(4 * MOST).flatten().filter(named).map(|entry| entry.path()).take(MOST).collect()
}

fn text(file: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(file).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn a_recording_and_an_open_camera_are_meetings_and_playing_music_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (sound, modules) = (folder.path().join("asound"), folder.path().join("module"));
        assert_eq!(goes_on(&sound, &modules), None);
        write(&sound, "cards", " 0 [PCH]");
        write(&sound, "card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 1\n");
        write(&sound, "card0/pcm0c/sub0/status", "closed\n");
        assert_eq!(goes_on(&sound, &modules), Some(false));
        write(&sound, "card1/pcm2c/sub0/status", "state: RUNNING\nowner_pid   : 1\n");
        assert_eq!(goes_on(&sound, &modules), Some(true));
        write(&sound, "card1/pcm2c/sub0/status", "state: SUSPENDED\n");
        write(&modules, "uvcvideo/refcnt", "0\n");
        assert_eq!(goes_on(&sound, &modules), Some(false));
        write(&modules, "uvcvideo/refcnt", "2\n");
        assert_eq!(goes_on(&sound, &modules), Some(true));
    }

    #[test]
    fn nonsense_is_no_meeting() {
        let folder = tempfile::tempdir().unwrap();
        let (sound, modules) = (folder.path().join("asound"), folder.path().join("module"));
        write(&modules, "uvcvideo/refcnt", "-1 many");
        assert_eq!(goes_on(&sound, &modules), None);
        write(&sound, "cards", "");
        write(&sound, "card0/pcm0c/sub0/status", &"x".repeat(1 << 20));
        fs::create_dir_all(sound.join("card0/pcm1c/sub0/status")).unwrap();
        assert_eq!(goes_on(&sound, &modules), Some(false));
    }
}
