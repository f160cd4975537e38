//! Descriptions of packs: what does not read is refused with its reason.

use super::*;
use proptest::prelude::*;
use update::limits::FIRST_SECS;

fn member(to: &str) -> Member {
    Member {
        to: to.into(),
        at: 10,
        packed: 20,
        method: Method::Deflate,
        bytes: 100,
        blake3: "ab".repeat(32),
        chunks: vec!["cd".repeat(32)],
    }
}

fn manifest(members: Vec<Member>) -> PackManifest {
    let url = Source::parse("https://example.org/a.whl").unwrap();
    let archive = PackArchive { file: "a.whl".into(), bytes: 1000, urls: vec![url], members };
    let pack = Pack {
        kind: Kind::Cpu,
        platform: "linux-x86_64".into(),
        torch: "2.13.0".into(),
        needs: Needs { cuda: Some((13, 0)), compute: None },
        archives: vec![archive],
    };
    let head = Head { format: 1, sequence: 3, issued: FIRST_SECS + 1000, expires: FIRST_SECS + 2000 };
    PackManifest { head, packs: vec![pack] }
}

fn refused(change: impl FnOnce(&mut PackManifest)) -> PackManifestError {
    let mut bad = manifest(vec![member("torch/lib/a.so")]);
    change(&mut bad);
    PackManifest::parse(&serde_json::to_string(&bad).unwrap()).unwrap_err()
}

fn refused_member(change: impl FnOnce(&mut Member)) -> PackManifestError {
    refused(|manifest| change(&mut manifest.packs[0].archives[0].members[0]))
}

#[test]
fn a_pack_is_for_one_kind_platform_and_torch() {
    let text = serde_json::to_string(&manifest(vec![member("a"), member("b")])).unwrap();
    let read = PackManifest::parse(&text).unwrap();
    let pack = read.pack(Kind::Cpu, "linux-x86_64", "2.13.0").unwrap();
    assert_eq!((pack.packed_bytes(), pack.disk_bytes()), (40, 200));
    assert!(read.pack(Kind::Cuda, "linux-x86_64", "2.13.0").is_none());
    assert!(read.pack(Kind::Cpu, "windows-x86_64", "2.13.0").is_none());
    assert!(read.pack(Kind::Cpu, "linux-x86_64", "2.13.1").is_none());
}

#[test]
fn a_path_that_leaves_the_pack_is_refused() {
    for path in ["../a", "/etc/passwd", "a/../../b", "a\\..\\b", "C:/a", "a/", ".bashrc", "nul"] {
        assert!(matches!(refused_member(|member| member.to = path.into()), PackManifestError::Place(_)), "{path}");
    }
    assert!(matches!(refused(|m| m.packs[0].torch = "..".into()), PackManifestError::Place(_)));
}

#[test]
fn a_bomb_is_refused_before_a_byte_is_fetched() {
    use PackManifestError::Bounds;
    assert!(matches!(refused_member(|m| m.bytes = 20 * 1032 + 1), Bounds(_)));
    assert!(matches!(refused_member(|m| m.bytes = u64::MAX), Bounds(_)));
    assert!(matches!(refused_member(|m| m.method = Method::Stored), Bounds(_)));
    assert!(matches!(refused_member(|m| m.at = 990), Bounds(_)));
    assert!(matches!(refused_member(|m| m.at = u64::MAX), Bounds(_)));
    assert!(matches!(refused_member(|m| m.packed = 0), Bounds(_)));
    assert!(matches!(refused_member(|m| m.chunks.clear()), Bounds(_)));
    assert!(matches!(refused(|m| m.packs[0].archives.clear()), Bounds(_)));
    let huge = |member: &mut Member| (member.bytes, member.packed, member.at) = (4 << 30, 900, 0);
    assert!(matches!(refused_member(huge), Bounds(_)));
}

#[test]
fn nothing_is_named_twice() {
    let twice = |paths: &[&str]| {
        let manifest = manifest(paths.iter().map(|path| member(path)).collect());
        PackManifest::parse(&serde_json::to_string(&manifest).unwrap())
    };
    assert!(matches!(twice(&["a", "A"]), Err(PackManifestError::Twice(_))));
    assert!(matches!(twice(&["lib", "lib/a"]), Err(PackManifestError::Twice(_))));
    assert!(twice(&["lib", "lib.so", "lib0/a"]).is_ok());
    let two = refused(|m| m.packs.push(m.packs[0].clone()));
    assert!(matches!(two, PackManifestError::Twice(_)));
}

/// Bytes that leave the process: a change of these is a new format.
#[test]
fn the_form_is_pinned() {
    let text = serde_json::to_string(&manifest(vec![member("torch/lib/a.so")])).unwrap();
    let expected = format!(
        concat!(
            r#"{{"format":1,"sequence":3,"issued":1767226600,"expires":1767227600,"packs":[{{"kind":"cpu","#,
            r#""platform":"linux-x86_64","torch":"2.13.0","needs":{{"cuda":[13,0],"compute":null}},"archives":[{{"file":"a.whl","#,
            r#""bytes":1000,"urls":["https://example.org/a.whl"],"members":[{{"to":"torch/lib/a.so","at":10,"packed":20,"#,
            r#""method":"deflate","bytes":100,"blake3":"{0}","chunks":["{1}"]}}]}}]}}]}}"#
        ),
        "ab".repeat(32),
        "cd".repeat(32)
    );
    assert_eq!(text, expected);
}

proptest! {
    #[test]
    fn a_cut_description_is_refused(cut in 0usize..600) {
        let text = serde_json::to_string(&manifest(vec![member("a")])).unwrap();
        let cut = cut % text.len();
        prop_assert!(PackManifest::parse(&text[..cut]).is_err());
    }
}
