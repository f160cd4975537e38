//! Set-up on small made-up folders: no network, no half gigabyte.

use super::*;

fn place() -> (tempfile::TempDir, Place) {
    let dir = tempfile::tempdir().unwrap();
    let place = Place {
        root: dir.path().join("checkout"),
        target: dir.path().join("target"),
        cache: dir.path().join("cache/covey"),
    };
    fs::create_dir_all(&place.root).unwrap();
    (dir, place)
}

/// A folder with the right names and sizes (sparse files) and nothing in them.
fn complete_folder(folder: &Path) {
    for (part, bytes) in PARTS {
        let path = folder.join(part);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(path).unwrap().set_len(bytes).unwrap();
    }
    let header = folder.join("torch/include/torch/csrc/api/include/torch/torch.h");
    fs::create_dir_all(header.parent().unwrap()).unwrap();
    fs::write(header, "").unwrap();
    fs::write(folder.join("torch/lib/libtorch.so"), "").unwrap();
    fs::write(folder.join("torch/build-version"), "2.13.0\n").unwrap();
}

#[test]
fn a_folder_without_its_last_file_or_with_a_short_one_is_incomplete() {
    let (_dir, place) = place();
    let folder = place.cache.join(FOLDER);
    complete_folder(&folder);
    assert!(is_complete(&folder));
    for (part, bytes) in PARTS {
        fs::File::create(folder.join(part)).unwrap().set_len(bytes - 1).unwrap();
        assert!(!is_complete(&folder), "{part} is one byte short");
        complete_folder(&folder);
    }
    fs::write(folder.join("torch/build-version"), "2.12.0\n").unwrap();
    assert!(!is_complete(&folder), "wrong version");
    fs::remove_file(folder.join("torch/build-version")).unwrap();
    assert!(!is_complete(&folder), "no version");
}

#[test]
fn a_stale_link_is_replaced_and_a_second_time_changes_nothing() {
    let (dir, place) = place();
    let folder = place.cache.join(FOLDER);
    complete_folder(&folder);
    fs::create_dir_all(place.root.join("third_party")).unwrap();
    symlink(&dir.path().join("gone"), &place.libtorch_link()).unwrap();
    link(&place, &folder).unwrap();
    assert_eq!(fs::read_link(place.libtorch_link()).unwrap(), folder);
    let before = fs::symlink_metadata(place.libtorch_link()).unwrap().modified().unwrap();
    link(&place, &folder).unwrap();
    assert_eq!(fs::symlink_metadata(place.libtorch_link()).unwrap().modified().unwrap(), before);
}

#[test]
fn a_real_folder_is_never_replaced() {
    let (_dir, place) = place();
    let folder = place.cache.join(FOLDER);
    complete_folder(&folder);
    fs::create_dir_all(place.libtorch_link()).unwrap();
    fs::write(place.libtorch_link().join("mine"), "precious").unwrap();
    assert!(link(&place, &folder).is_err());
    assert_eq!(fs::read_to_string(place.libtorch_link().join("mine")).unwrap(), "precious");
}

#[test]
fn a_damaged_wheel_is_not_taken_for_a_downloaded_one() {
    let (_dir, place) = place();
    let wheel = Wheel { requirement: "./covey-no-such.whl", file: "x.whl", sha256: "00", bytes: 1 };
    fs::create_dir_all(wheel_dir(&place)).unwrap();
    let file = wheel_dir(&place).join(wheel.file);
    fs::write(&file, "half of it").unwrap();
    // The requirement is a local path that does not exist, so no network is asked.
    assert!(download(&wheel_dir(&place), &wheel).is_err());
    assert!(!file.exists(), "the damaged wheel must go");
}

#[test]
fn wheels_are_removed_after_use_only() {
    let (_dir, place) = place();
    remove_wheels(&place);
    fs::create_dir_all(wheel_dir(&place)).unwrap();
    fs::write(wheel_dir(&place).join("x.whl"), "x").unwrap();
    remove_wheels(&place);
    assert!(!wheel_dir(&place).exists());
}

#[test]
fn members_that_leave_their_folder_are_refused() {
    let (dir, _place) = place();
    if !machine::runs("python3", &["--version"]) {
        return; // Unpacking needs python3 as well, so set-up would have installed it.
    }
    let wheel = dir.path().join("evil.whl");
    let script = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n z.writestr('torch/../../out', 'x')\n z.writestr('torch/in', 'x')";
    assert!(Command::new("python3").args(["-c", script]).arg(&wheel).status().unwrap().success());
    let dest = dir.path().join("a/b");
    let unpack = |wanted: &str| {
        let mut command = Command::new("python3");
        command.args(["-c", include_str!("../unpack.py")]).arg(&dest).args([wanted, "--"]).arg(&wheel);
        command.stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(!unpack("torch/"), "a member that leaves the folder must stop the unpacking");
    assert!(!dir.path().join("out").exists() && !dir.path().join("a/out").exists());
    assert!(unpack("torch/in"));
    assert!(dest.join("torch/in").exists());
}
