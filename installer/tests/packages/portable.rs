//! The portable archive in the home of a user without rights: unpacked, made known to the desktop, taken back.

use crate::stage::{self, picture, unpacked};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home with things of its own, and Covey unpacked in it.
fn home(dir: &Path) -> (PathBuf, PathBuf) {
    let home = dir.join("home");
    for folder in [".local/share/applications", ".local/bin", ".config/autostart", "apps"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    std::fs::write(home.join(".local/share/applications/other.desktop"), "[Desktop Entry]\nType=Application\n")
        .unwrap();
    std::fs::write(home.join(".local/bin/covey-signer"), "somebody else's").unwrap();
    let out = stage::packed(dir);
    let zst = std::fs::read(out.join("covey-1.2.3-x86_64-linux.tar.zst")).unwrap();
    tar::Archive::new(zstd::decode_all(zst.as_slice()).unwrap().as_slice()).unpack(home.join("apps")).unwrap();
    let covey = home.join("apps/covey-1.2.3-x86_64-linux");
    (home, covey)
}

fn integrate(home: &Path, covey: &Path, words: &[&str]) -> Output {
    Command::new("sh")
        .arg(covey.join("integrate.sh"))
        .args(words)
        .env_clear()
        .envs([("HOME", home.as_os_str()), ("PATH", "/usr/bin:/bin".as_ref())])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn done(home: &Path, covey: &Path, words: &[&str]) {
    let output = integrate(home, covey, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_portable_covey_is_made_known_to_the_desktop_and_taken_back_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (home, covey) = home(dir.path());
    let before = picture(&home);
    done(&home, &covey, &["install"]);
    done(&home, &covey, &["install"]);
    let entry = std::fs::read_to_string(home.join(".local/share/applications/covey.desktop")).unwrap();
    assert!(entry.contains(&format!("Exec={}/lib/covey/covey %f\n", covey.display())), "{entry}");
    assert!(home.join(".local/share/icons/hicolor/256x256/apps/covey.png").is_file());
    let unit = std::fs::read_to_string(home.join(".config/systemd/user/covey-peer@.service")).unwrap();
    assert!(unit.contains(&format!("\nExecStart={}/bin/covey-peer join ", covey.display())), "{unit}");
    assert!(Command::new(home.join(".local/bin/covey")).status().unwrap().success());
    // The app writes this one when its user wants it at the session's start.
    std::fs::write(home.join(".config/autostart/Covey.desktop"), "").unwrap();
    done(&home, &covey, &["remove"]);
    assert_differences(&before, &picture(&home));
}

fn assert_differences(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
    let differ = |path: &&String| before.get(*path) != after.get(*path);
    // Indexes of the desktop's own tools, where other entries remain.
    let differ: Vec<&String> =
        before.keys().chain(after.keys()).filter(differ).filter(|path| !path.ends_with("mimeinfo.cache")).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

#[test]
fn somebody_elses_program_is_neither_replaced_nor_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (home, covey) = home(dir.path());
    let output = integrate(&home, &covey, &["install"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("covey-signer is not Covey's"));
    done(&home, &covey, &["remove", "--data"]);
    assert_eq!(std::fs::read(home.join(".local/bin/covey-signer")).unwrap(), b"somebody else's");
}

#[test]
fn a_folder_that_a_menu_entry_cannot_name_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (home, covey) = home(dir.path());
    let odd = home.join("apps/my covey $(id)");
    std::fs::rename(&covey, &odd).unwrap();
    let before = picture(&home);
    assert_eq!(integrate(&home, &odd, &["install"]).status.code(), Some(1));
    assert_eq!(picture(&home), before);
    assert_eq!(integrate(&home, &odd, &[]).status.code(), Some(1));
}

#[test]
fn the_portable_archive_is_one_folder_with_a_program_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let out = stage::packed(dir.path());
    let archive = unpacked(&std::fs::read(out.join("covey-1.2.3-x86_64-linux.tar.zst")).unwrap());
    assert!(archive.keys().all(|path| path.starts_with("covey-1.2.3-x86_64-linux/")));
    assert_eq!(archive["covey-1.2.3-x86_64-linux/covey"].link.as_deref(), Some("lib/covey/covey"));
    assert_eq!(archive["covey-1.2.3-x86_64-linux/integrate.sh"].mode, 0o755);
}

#[test]
fn an_update_is_the_programs_at_the_top_of_a_tar_gz() {
    let dir = tempfile::tempdir().unwrap();
    let out = stage::packed(dir.path());
    let gz = std::fs::read(out.join("covey-1.2.3-linux-x86_64-update.tar.gz")).unwrap();
    assert_eq!(gz[4..8], [0; 4], "no time in gzip's header");
    let to = dir.path().join("update");
    tar::Archive::new(flate2::read::GzDecoder::new(gz.as_slice())).unpack(&to).unwrap();
    assert_eq!(picture(&to).into_keys().collect::<Vec<_>>(), ["covey", "covey-peer", "covey-release", "covey-signer"]);
    assert!(Command::new(to.join("covey-peer")).status().unwrap().success());
}
