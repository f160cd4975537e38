//! The `.deb`, taken apart by this test, and by dpkg where it is there.

use crate::stage::{self, Packed, TIME};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The members of an `ar` archive in order. Headers must be exact: dpkg is strict.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut rest = bytes.strip_prefix(b"!<arch>\n").unwrap();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (head, body) = rest.split_at(60);
        let field = |from: usize, to: usize| std::str::from_utf8(&head[from..to]).unwrap().trim_end().to_owned();
        assert_eq!((field(16, 28), field(40, 48)), (TIME.to_string(), "100644".to_owned()));
        assert_eq!(&head[58..], b"`\n");
        let size: usize = field(48, 58).parse().unwrap();
        found.push((field(0, 16), body[..size].to_vec()));
        rest = &body[size + size % 2..];
    }
    found
}

fn taken_apart(out: &Path) -> (BTreeMap<String, Packed>, BTreeMap<String, Packed>) {
    let members = members(&std::fs::read(out.join("covey_1.2.3_amd64.deb")).unwrap());
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["debian-binary", "control.tar.zst", "data.tar.zst"]);
    assert_eq!(members[0].1, b"2.0\n");
    (stage::unpacked(&members[1].1), stage::unpacked(&members[2].1))
}

#[test]
fn a_deb_has_every_part_at_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (_, data) = taken_apart(&stage::packed(dir.path()));
    let files: Vec<&str> = data.keys().map(String::as_str).filter(|path| !path.ends_with('/')).collect();
    let icons = ["128x128", "16x16", "22x22", "24x24", "256x256", "32x32", "48x48", "512x512", "64x64"];
    let icons = icons.map(|size| format!("./usr/share/icons/hicolor/{size}/apps/covey.png"));
    let mut expected: Vec<&str> = icons.iter().map(String::as_str).collect();
    expected.extend([
        "./usr/bin/covey",
        "./usr/bin/covey-peer",
        "./usr/bin/covey-release",
        "./usr/bin/covey-signer",
        "./usr/lib/covey/clear-data",
        "./usr/lib/covey/covey",
        "./usr/lib/covey/covey-peer",
        "./usr/lib/covey/covey-release",
        "./usr/lib/covey/covey-signer",
        "./usr/lib/systemd/user/covey-peer@.service",
        "./usr/share/applications/covey-link.desktop",
        "./usr/share/applications/covey.desktop",
        "./usr/share/doc/covey/CHANGELOG.md",
        "./usr/share/doc/covey/LICENSE",
        "./usr/share/doc/covey/README.md",
        "./usr/share/doc/covey/THIRD-PARTY.txt",
        "./usr/share/doc/covey/copyright",
        "./usr/share/icons/hicolor/scalable/apps/covey.svg",
        "./usr/share/metainfo/org.covey.desktop.metainfo.xml",
        "./usr/share/mime/packages/covey.xml",
    ]);
    expected.sort_unstable();
    assert_eq!(files, expected);
    let at = |path: &str| &data[path];
    assert_eq!((at("./usr/lib/covey/covey").mode, at("./usr/lib/covey/clear-data").mode), (0o755, 0o755));
    assert_eq!((at("./usr/share/doc/covey/LICENSE").mode, at("./usr/").mode), (0o644, 0o755));
    assert_eq!(at("./usr/bin/covey-peer").link.as_deref(), Some("../lib/covey/covey-peer"));
    let licences = String::from_utf8_lossy(&at("./usr/share/doc/covey/THIRD-PARTY.txt").bytes).into_owned();
    assert!(licences.contains("small 1.0.0: MIT") && licences.contains("Permission is hereby granted"));
}

#[test]
fn a_deb_asks_for_what_its_programs_are_linked_to_and_load() {
    let dir = tempfile::tempdir().unwrap();
    let (control, data) = taken_apart(&stage::packed(dir.path()));
    let text = String::from_utf8(control["./control"].bytes.clone()).unwrap();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!(
        (field("Package:"), field("Version:"), field("Architecture:")),
        ("covey".into(), "1.2.3".into(), "amd64".into())
    );
    let depends = field("Depends:");
    let libc = depends.split(", ").find(|one| one.starts_with("libc6 (>= 2.")).unwrap();
    assert!(depends.contains("libvulkan1") && depends.contains("libayatana-appindicator3-1"), "{depends}, {libc}");
    let kib: usize = field("Installed-Size:").parse().unwrap();
    let bytes: usize = data.values().map(|file| file.bytes.len()).sum();
    assert_eq!(kib, bytes.div_ceil(1024));
}

#[test]
fn sums_in_a_deb_are_those_of_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let (control, data) = taken_apart(&stage::packed(dir.path()));
    let sums = String::from_utf8(control["./md5sums"].bytes.clone()).unwrap();
    let files = data.iter().filter(|(path, file)| !path.ends_with('/') && file.link.is_none());
    let folder = dir.path().join("data");
    for (path, file) in files.clone() {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
    assert_eq!(sums.lines().count(), files.count());
    std::fs::write(folder.join("sums"), sums).unwrap();
    let checked = Command::new("md5sum").args(["--check", "--quiet", "sums"]).current_dir(&folder).status().unwrap();
    assert!(checked.success());
}

#[test]
fn purging_asks_and_a_shell_can_read_every_script() {
    let dir = tempfile::tempdir().unwrap();
    let (control, _) = taken_apart(&stage::packed(dir.path()));
    for script in ["./postinst", "./postrm"] {
        assert_eq!(control[script].mode, 0o755, "{script}");
        let path = dir.path().join("script");
        std::fs::write(&path, &control[script].bytes).unwrap();
        assert!(Command::new("sh").arg("-n").arg(&path).status().unwrap().success(), "{script}");
    }
    let postrm = String::from_utf8(control["./postrm"].bytes.clone()).unwrap();
    assert!(!postrm.contains("@CLEAR_DATA@") && postrm.contains("Wallets and keys stay"));
    let templates = String::from_utf8(control["./templates"].bytes.clone()).unwrap();
    assert!(templates.starts_with("Template: covey/delete-data\nType: boolean\nDefault: false\n"));
}

#[test]
fn dpkg_reads_the_deb() {
    let dir = tempfile::tempdir().unwrap();
    let deb = stage::packed(dir.path()).join("covey_1.2.3_amd64.deb");
    let Ok(facts) = Command::new("dpkg-deb").arg("--info").arg(&deb).output() else {
        println!("not run: dpkg-deb is not installed");
        return;
    };
    assert!(facts.status.success(), "{}", String::from_utf8_lossy(&facts.stderr));
    let to = dir.path().join("root");
    let unpacked = Command::new("dpkg-deb").arg("--extract").arg(&deb).arg(&to).status().unwrap();
    assert!(unpacked.success());
    let peer = Command::new(to.join("usr/bin/covey-peer")).status().unwrap();
    assert!(peer.success(), "the link leads to a program that starts");
}
