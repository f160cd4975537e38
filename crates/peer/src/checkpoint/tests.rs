//! A save is whole or not there at all.

use super::*;

fn state(round: u64) -> State {
    let array = |x: f32| vec![x, -x, 0.5 * x];
    State {
        run: RunId(Hash32([7; 32])),
        round: Round(round),
        inner: InnerProgress { steps: 3, tokens: 99, loss_first: 5.5, loss_last: 4.25 },
        optimizer_steps: 12,
        anchor: array(1.0),
        local: array(2.0),
        error_feedback: array(3.0),
        first_moment: array(4.0),
        second_moment: array(5.0),
        sealed: Some(vec![1, 2, 3, 4]),
    }
}

fn folder() -> (tempfile::TempDir, StateFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = StateFolder::open(dir.path()).unwrap();
    (dir, folder)
}

const RUN: RunId = RunId(Hash32([7; 32]));

#[test]
fn what_was_saved_comes_back_bit_for_bit() {
    let (_dir, folder) = folder();
    assert_eq!(folder.load(RUN, 3).unwrap(), None);
    folder.save(&state(1)).unwrap();
    assert_eq!(folder.load(RUN, 3).unwrap(), Some(state(1)));
    let unsealed = State { sealed: None, ..state(2) };
    folder.save(&unsealed).unwrap();
    assert_eq!(folder.load(RUN, 3).unwrap(), Some(unsealed));
}

#[test]
fn every_flipped_bit_and_every_truncation_falls_back_to_the_save_before() {
    let (dir, folder) = folder();
    folder.save(&state(1)).unwrap();
    folder.save(&state(2)).unwrap();
    let path = dir.path().join("state");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        // A new file each time: the hard-linked save before must not change with it.
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bad).unwrap();
        assert_eq!(folder.load(RUN, 3).unwrap(), Some(state(1)), "bit {at}");
        fs::write(&path, &good[..at]).unwrap();
        assert_eq!(folder.load(RUN, 3).unwrap(), Some(state(1)), "cut {at}");
    }
}

#[test]
fn a_kill_before_the_rename_leaves_the_last_save() {
    let (dir, folder) = folder();
    folder.save(&state(1)).unwrap();
    fs::write(dir.path().join("state.tmp"), b"half a state").unwrap();
    let folder = StateFolder::open(dir.path()).unwrap();
    assert_eq!(folder.load(RUN, 3).unwrap(), Some(state(1)));
    assert!(!dir.path().join("state.tmp").exists());
}

#[test]
fn a_state_of_another_run_or_model_is_refused() {
    let (_dir, folder) = folder();
    folder.save(&state(1)).unwrap();
    assert!(matches!(folder.load(RunId(Hash32([8; 32])), 3), Err(CheckpointError::OtherRun { .. })));
    assert!(matches!(folder.load(RUN, 4), Err(CheckpointError::Damaged { .. })));
}
