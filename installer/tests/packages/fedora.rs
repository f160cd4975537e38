//! The `.rpm`, read back.

use crate::stage;
use rpm::Package;

#[test]
fn an_rpm_has_the_debs_files_and_asks_for_sonames() {
    let dir = tempfile::tempdir().unwrap();
    let rpm = std::fs::read(stage::packed(dir.path()).join("covey-1.2.3-1.x86_64.rpm")).unwrap();
    let rpm = Package::parse(&mut rpm.as_slice()).unwrap();
    rpm.verify_digests().unwrap();
    let facts = &rpm.metadata;
    assert_eq!((facts.get_name().unwrap(), facts.get_version().unwrap()), ("covey", "1.2.3"));
    let paths: Vec<String> =
        facts.get_file_paths().unwrap().iter().map(|path| path.to_string_lossy().into_owned()).collect();
    for path in ["/usr/bin/covey", "/usr/lib/covey/covey-peer", "/usr/share/applications/covey.desktop"] {
        assert!(paths.iter().any(|found| found == path), "{path} is missing");
    }
    let requires: Vec<String> = facts.get_requires().unwrap().into_iter().map(|one| one.name).collect();
    assert!(requires.contains(&"libvulkan.so.1()(64bit)".to_owned()), "{requires:?}");
    assert!(requires.iter().any(|one| one.starts_with("libc.so.6(GLIBC_2.")), "{requires:?}");
}
