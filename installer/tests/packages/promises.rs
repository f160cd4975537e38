//! What the packages promise: equal bytes, nothing of the builder's machine, no more than 60 MB, the right exit codes.

use crate::stage;
use packager::{MAX_SHELL_BYTES, PackError, Release, depends, elf, within_promise};
use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_same_parts_give_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = stage::packed(one.path());
    let second = two.path().join("elsewhere");
    for name in packager::layout::PROGRAMS {
        std::fs::copy(one.path().join(name), two.path().join(name)).unwrap();
    }
    let metadata = stage::metadata(two.path());
    let parts =
        packager::Parts { root: stage::root(), programs: two.path().to_owned(), metadata, within_promise: true };
    packager::linux(&parts, &stage::release(), &second).unwrap();
    let (first_picture, second_picture) = (stage::picture(&first), stage::picture(&second));
    assert_eq!(first_picture.len(), 6, "three packages, an update, a bill of materials, sums");
    for (name, bytes) in &first_picture {
        assert!(second_picture.get(name) == Some(bytes), "{name} differs");
    }
    let checked = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(first).status();
    assert!(checked.unwrap().success());
}

#[test]
fn folders_of_the_build_machine_are_taken_out_of_programs_which_still_start() {
    let dir = tempfile::tempdir().unwrap();
    let peer = stage::program(dir.path(), "peer", &["-Wl,-rpath,$ORIGIN/torch/lib:/build/machine:$ORIGIN/../x"]);
    let program = std::fs::read(&peer).unwrap();
    assert_eq!(
        elf::needs("peer", &program).unwrap().search_path.unwrap(),
        "$ORIGIN/torch/lib:/build/machine:$ORIGIN/../x"
    );
    let clean = elf::without_absolute_search_path("peer", program).unwrap();
    assert_eq!(elf::needs("peer", &clean).unwrap().search_path.unwrap(), "$ORIGIN/torch/lib:$ORIGIN/../x");
    assert!(!String::from_utf8_lossy(&clean).contains("/build/machine"));
    std::fs::write(&peer, clean).unwrap();
    assert!(Command::new(&peer).status().unwrap().success());
}

#[test]
fn a_library_that_nobody_knows_a_package_for_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let program = std::fs::read(stage::program(dir.path(), "covey", &[])).unwrap();
    // As long as the name it replaces, so that the string table stays whole.
    let at = program.windows(9).position(|bytes| bytes == b"libc.so.6").unwrap();
    let mut odd = program.clone();
    odd[at..at + 9].copy_from_slice(b"libq.so.9");
    match depends::of([("covey", odd.as_slice())]) {
        Err(PackError::Library { program, library }) => {
            assert_eq!((program.as_str(), library.as_str()), ("covey", "libq.so.9"));
        }
        other => panic!("{other:?}"),
    }
    assert!(depends::of([("covey", program.as_slice())]).is_ok());
}

#[test]
fn a_package_larger_than_promised_is_refused() {
    assert!(within_promise("covey.deb", &vec![0; MAX_SHELL_BYTES]).is_ok());
    let refused = within_promise("covey.deb", &vec![0; MAX_SHELL_BYTES + 1]).unwrap_err().to_string();
    assert!(refused.contains("60000001") && refused.contains("covey.deb"), "{refused}");
}

#[test]
fn a_version_that_a_package_manager_would_misread_is_refused() {
    for bad in ["", "1", "1.2", "1.2.x", "1.2.3.4", "v1.2.3", "1.2.3 4", "1.2.3\n", "1.2.3;x"] {
        assert!(Release::new(bad, 0).is_err(), "{bad:?}");
    }
    assert_eq!(Release::new("1.2.3-rc.1", 0).unwrap().sortable_version(), "1.2.3~rc.1");
}

#[test]
fn the_service_is_not_started_again_where_starting_again_cannot_help() {
    let unit = std::fs::read_to_string(stage::root().join("installer/linux/covey-peer@.service")).unwrap();
    let codes = unit.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus=")).unwrap();
    let codes: BTreeSet<u8> = codes.split(' ').map(|code| code.parse().unwrap()).collect();
    let expected = (1..=255).filter(|code| {
        let class = ipc::ExitCode::from_code(i32::from(*code)).map(ipc::ExitCode::class);
        matches!(class, Some(ipc::ExitClass::StopAndTell | ipc::ExitClass::Ask))
    });
    assert_eq!(codes, expected.collect());
}

#[test]
fn the_menu_entries_take_exactly_what_the_desktop_is_told_of() {
    let text = |path: &str| std::fs::read_to_string(stage::root().join("installer/linux").join(path)).unwrap();
    let types = |entry: &str| {
        let text = text(entry);
        text.lines().find_map(|line| line.strip_prefix("MimeType=")).unwrap().trim_end_matches(';').to_owned()
    };
    assert!(text("covey-run.xml").contains(&format!("<mime-type type=\"{}\">", types("covey.desktop"))));
    assert_eq!(types("covey-link.desktop"), "x-scheme-handler/covey");
    let info = text("org.covey.desktop.metainfo.xml");
    for kind in [types("covey.desktop"), types("covey-link.desktop")] {
        assert!(info.contains(&format!("<mediatype>{kind}</mediatype>")), "{kind}");
    }
}
