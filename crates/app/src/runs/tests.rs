//! Runs by file, folder and link, and whether they fit.

use super::*;

fn add_at(data_dir: &Path, path: &Path) -> Result<KnownRun, Problem> {
    add(data_dir, path).map(|(known, _)| known)
}

#[test]
fn what_is_no_run_is_refused_with_a_reason_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.covey");
    for bad in ["", "{}", "null", "{\"manifest\":{}}"] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(add_at(dir.path(), &file).unwrap_err().code, "run_invalid");
    }
    let long = vec![b' '; MAX_MANIFEST_BYTES + 1];
    std::fs::write(&file, long).unwrap();
    assert_eq!(add_at(dir.path(), &file).unwrap_err().code, "run_unreadable");
    assert_eq!(add_at(dir.path(), Path::new("/nowhere/x")).unwrap_err().code, "run_unreadable");
    assert_eq!(path_of("  ").unwrap_err().code, "run_source");
    assert_eq!(path_of("a\0b").unwrap_err().code, "run_source");
    assert_eq!(path_of(" \"file:///a b.json\"\n").unwrap(), Path::new("/a b.json"));
    assert!(!dir.path().join(RUNS).exists());
    assert!(list(dir.path()).is_empty());
}

#[test]
fn forgetting_takes_only_names_of_runs() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join(RUN_FILE);
    std::fs::write(&outside, "mine").unwrap();
    for name in ["..", "../..", "", "a/b", "C:"] {
        forget(dir.path(), name).unwrap();
    }
    forget(dir.path(), "abcd").unwrap();
    assert!(outside.exists());
}

#[test]
fn a_model_fits_by_its_parameters_and_what_is_unknown_stays_so() {
    let memory = |bytes| Some(ByteCount(bytes));
    assert!(matches!(fit(1_000_000, memory(24_000_000)), Fit::Fits(_)));
    assert!(matches!(fit(1_000_001, memory(24_000_000)), Fit::DoesNotFit(_)));
    assert_eq!(fit(1, None), Fit::Unknown);
    assert!(matches!(fit(u64::MAX, memory(u64::MAX)), Fit::Fits(_) | Fit::DoesNotFit(_)));
}

/// Written by `covey-peer rehearse --dir`; its keys were worth nothing.
const RUN: &[u8] = include_bytes!("../../fixtures/run.json");

#[test]
fn a_run_is_copied_listed_by_its_own_id_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    std::fs::create_dir(&original).unwrap();
    std::fs::write(original.join(RUN_FILE), RUN).unwrap();
    std::fs::write(original.join(PLACES_FILE), "{\"ledger\":\"x\"}").unwrap();
    let added = add_at(dir.path(), &original).unwrap();
    assert_eq!(
        (added.card.name.as_str(), added.card.model_params, added.has_places),
        ("rehearsal", Some(918_656), true)
    );
    std::fs::remove_dir_all(&original).unwrap();
    assert_eq!(list(dir.path()), std::slice::from_ref(&added), "the copy stands alone");
    forget(dir.path(), &added.card.id).unwrap();
    assert!(list(dir.path()).is_empty());
    assert!(!dir.path().join(RUNS).join(&added.card.id).exists());
}

#[test]
fn a_lone_run_file_takes_no_strangers_places_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("download.json");
    std::fs::write(&file, RUN).unwrap();
    std::fs::write(dir.path().join(PLACES_FILE), "{}").unwrap();
    let added = add_at(dir.path(), &file).unwrap();
    assert!(!added.has_places);
}

#[test]
fn a_run_that_was_tampered_with_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.json");
    let tampered = String::from_utf8(RUN.to_vec()).unwrap().replace("\"seed\":1,", "\"seed\":2,");
    std::fs::write(&file, tampered).unwrap();
    assert_eq!(add_at(dir.path(), &file).unwrap_err().code, "run_invalid");
    // Nor one that was put into the list by hand under another name.
    let folder = dir.path().join(RUNS).join("abcd");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(RUN_FILE), RUN).unwrap();
    assert!(list(dir.path()).is_empty());
}

#[test]
fn a_run_whose_nodes_are_written_down_has_a_link_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original");
    std::fs::create_dir(&original).unwrap();
    std::fs::write(original.join(RUN_FILE), RUN).unwrap();
    let with = |places: &str| {
        std::fs::write(original.join(PLACES_FILE), places).unwrap();
        add_at(dir.path(), &original).unwrap().card.link
    };
    let at = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    let link = with(&format!(r#"{{"share":"x","network":{{"bootstrap":["{at}"],"upnp":true}}}}"#)).unwrap();
    let read: JoinLink = link.parse().unwrap();
    assert_eq!((read.run.to_string(), read.addresses), (list(dir.path())[0].card.id.clone(), vec![at.to_owned()]));
    for none in [
        "{}",
        r#"{"network":{"bootstrap":[]}}"#,
        r#"{"network":{"bootstrap":["/ip4/1.2.3.4"]}}"#,
        r#"{"network":{"bootstrap":"x"}}"#,
    ] {
        assert_eq!(with(none), None, "{none}");
    }
}
