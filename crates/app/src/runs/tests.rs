use super::*;

#[test]
fn what_is_no_run_is_refused_with_a_reason_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.covey");
    for bad in ["", "{}", "null", "{\"manifest\":{}}"] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(add(dir.path(), &file.to_string_lossy()).unwrap_err().code, "run_invalid");
    }
    let long = vec![b' '; MAX_MANIFEST_BYTES + 1];
    std::fs::write(&file, long).unwrap();
    assert_eq!(add(dir.path(), &file.to_string_lossy()).unwrap_err().code, "run_unreadable");
    assert_eq!(add(dir.path(), "/nowhere/x").unwrap_err().code, "run_unreadable");
    assert_eq!(add(dir.path(), "covey://join/abc").unwrap_err().code, "run_link");
    assert_eq!(add(dir.path(), "  ").unwrap_err().code, "run_source");
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
