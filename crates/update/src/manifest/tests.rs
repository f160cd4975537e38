//! Descriptions of versions: which release is for whom, and what does not read.

use super::*;
use crate::limits::FIRST_SECS;
use proptest::prelude::*;

fn release(channel: Channel, version: &str, platform: &str) -> Release {
    let program = |name: &str| Program { name: name.into(), path: name.into(), bytes: 10, blake3: "ab".repeat(32) };
    Release {
        channel,
        version: version.into(),
        platform: platform.into(),
        percent: 100,
        notes: String::new(),
        archive: Archive {
            file: "covey.tar.gz".into(),
            bytes: 10,
            chunks: vec!["cd".repeat(32)],
            urls: vec![Source::parse("https://example.org/covey.tar.gz").unwrap()],
        },
        programs: PROGRAMS.map(program).to_vec(),
    }
}

fn manifest(releases: Vec<Release>) -> UpdateManifest {
    let head = Head { format: 1, sequence: 3, issued: FIRST_SECS + 1000, expires: FIRST_SECS + 2000 };
    UpdateManifest { head, releases }
}

fn text(manifest: &UpdateManifest) -> String {
    serde_json::to_string(manifest).unwrap()
}

fn refused(change: impl FnOnce(&mut Release)) -> ManifestError {
    let mut bad = release(Channel::Stable, "1.0.0", "linux-x86_64");
    change(&mut bad);
    UpdateManifest::parse(&text(&manifest(vec![bad]))).unwrap_err()
}

#[test]
fn the_newest_release_for_channel_and_platform_is_chosen() {
    let manifest = manifest(vec![
        release(Channel::Stable, "1.9.0", "linux-x86_64"),
        release(Channel::Preview, "1.10.0-beta.1", "linux-x86_64"),
        release(Channel::Stable, "3.0.0", "windows-x86_64"),
    ]);
    let manifest = UpdateManifest::parse(&text(&manifest)).unwrap();
    let newer =
        |channel, installed| manifest.newer(channel, "linux-x86_64", installed, 0).unwrap().map(|r| r.version.as_str());
    assert_eq!(newer(Channel::Stable, "1.8.0"), Some("1.9.0"));
    assert_eq!(newer(Channel::Preview, "1.8.0"), Some("1.10.0-beta.1"));
    // Who leaves the preview channel stays where they are until the stable one has caught up.
    assert_eq!(newer(Channel::Stable, "1.10.0-beta.1"), None);
    assert_eq!(newer(Channel::Stable, "1.9.0"), None);
    assert_eq!(manifest.newer(Channel::Stable, "macos-aarch64", "0.1.0", 0).unwrap(), None);
    // Text order would say otherwise.
    assert_eq!(newer(Channel::Preview, "1.10.0-beta.2"), None);
}

#[test]
fn a_release_goes_out_step_by_step() {
    let mut first = release(Channel::Stable, "2.0.0", "linux-x86_64");
    first.percent = 10;
    let manifest = manifest(vec![first]);
    let gets =
        (0..100).filter(|share| manifest.newer(Channel::Stable, "linux-x86_64", "1.0.0", *share).unwrap().is_some());
    assert_eq!(gets.count(), 10);
}

#[test]
fn what_is_out_of_bounds_is_refused_with_its_reason() {
    use ManifestError as E;
    for bad in ["1.0", "v1.0.0", "1.0.0+build", "01.0.0", "", "1.0.0 ", "9.0.0\n"] {
        assert!(matches!(refused(|r| r.version = bad.into()), E::Version(_)), "{bad}");
    }
    assert!(matches!(refused(|r| r.programs[0] = r.programs[1].clone()), E::Programs));
    assert!(matches!(refused(|r| drop(r.programs.pop())), E::Programs));
    assert!(matches!(refused(|r| r.programs[0].path = "../covey".into()), E::Place(_)));
    assert!(matches!(refused(|r| r.programs[0].blake3 = "AB".repeat(32)), E::Bounds(_)));
    assert!(matches!(refused(|r| r.programs[0].bytes = u64::MAX), E::Bounds(_)));
    assert!(matches!(refused(|r| r.archive.bytes = u64::MAX), E::Bounds(_)));
    assert!(matches!(refused(|r| r.archive.chunks.clear()), E::Bounds(_)));
    assert!(matches!(refused(|r| r.archive.urls.clear()), E::Bounds(_)));
    assert!(matches!(refused(|r| r.archive.file = "a/b.zip".into()), E::Place(_)));
    assert!(matches!(refused(|r| r.archive.file = "covey.exe".into()), E::Bounds(_)));
    assert!(matches!(refused(|r| r.percent = 101), E::Bounds(_)));
    let twice = manifest(vec![release(Channel::Stable, "1.0.0", "a"), release(Channel::Stable, "2.0.0", "a")]);
    assert!(matches!(UpdateManifest::parse(&text(&twice)), Err(E::Twice(_))));
}

/// Bytes that leave the process: a change of these is a new format.
#[test]
fn the_form_is_pinned() {
    let text = text(&manifest(vec![release(Channel::Preview, "1.2.3-beta.4", "linux-x86_64")]));
    let hash = "cd".repeat(32);
    let program = "ab".repeat(32);
    let expected = format!(
        concat!(
            r#"{{"format":1,"sequence":3,"issued":1767226600,"expires":1767227600,"releases":[{{"channel":"preview","#,
            r#""version":"1.2.3-beta.4","platform":"linux-x86_64","percent":100,"notes":"","archive":{{"file":"covey.tar.gz","#,
            r#""bytes":10,"chunks":["{0}"],"urls":["https://example.org/covey.tar.gz"]}},"programs":["#,
            r#"{{"name":"covey-peer","path":"covey-peer","bytes":10,"blake3":"{1}"}},"#,
            r#"{{"name":"covey","path":"covey","bytes":10,"blake3":"{1}"}}]}}]}}"#
        ),
        hash, program
    );
    assert_eq!(text, expected);
}

proptest! {
    #[test]
    fn a_cut_description_is_refused(cut in 0usize..500) {
        let text = text(&manifest(vec![release(Channel::Stable, "1.0.0", "linux-x86_64")]));
        let cut = cut % text.len();
        prop_assert!(UpdateManifest::parse(&text[..cut]).is_err());
    }
}
