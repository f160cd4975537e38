//! What was named, and what the peer's answers are made of.

use super::*;
use types::{Hash32, RunId};

fn link() -> JoinLink {
    let at = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    JoinLink::new(RunId(Hash32([7; 32])), vec![at.to_owned()]).unwrap()
}

fn answer(good: bool, stdout: &str, stderr: &str) -> Answer {
    Answer { good, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

#[test]
fn links_files_and_text_files_with_a_link_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let text = link().to_string();
    assert!(matches!(named(&format!(" {text}\n")), Ok(Named::Link(read)) if read == link()));
    assert_eq!(named("COVEY://join/nonsense").err().map(|problem| problem.code).as_deref(), Some("run_link"));
    let file = dir.path().join("friends.covey-run");
    std::fs::write(&file, format!("{text}\n")).unwrap();
    assert!(matches!(named(&file.to_string_lossy()), Ok(Named::Link(read)) if read == link()));
    std::fs::write(&file, "{}").unwrap();
    assert!(matches!(named(&file.to_string_lossy()), Ok(Named::File(path)) if path == file));
    assert!(matches!(named(&dir.path().to_string_lossy()), Ok(Named::File(_))), "a folder is read as one");
    assert!(named("").is_err());
}

#[test]
fn the_peers_problem_is_said_as_it_said_it_and_silence_by_its_last_words() {
    let problem = r#"{"code":"run_unknown","title":"Nobody there knows the run","hint":"Ask again.","action":null}"#;
    let code = |answer: &Answer| added(answer).unwrap_err();
    assert_eq!(code(&answer(false, problem, "")).code, "run_unknown");
    let wrapped = format!("{{\"problem\":{problem},\"fatal\":true}}");
    assert_eq!(code(&answer(false, &format!("noise\n{wrapped}\n"), "")).code, "run_unknown");
    let silent = code(&answer(false, "", "covey-peer: no route to host\n\n"));
    assert_eq!(
        (silent.code.as_str(), silent.title.as_str()),
        ("run_not_added", "The run cannot be joined: no route to host")
    );
    let long = code(&answer(false, "", &"x".repeat(100_000)));
    assert!(long.title.len() < 500);
    assert_eq!(code(&answer(true, "not json", "")).code, "run_not_reached");
}

#[test]
fn facts_that_a_newer_peer_says_are_passed_over() {
    let text = r#"{"run":"ab","dir":"/x","fits":true,"host_bytes":5,"upload_bytes":7,"seen":["y"],"reason":"z"}"#;
    let shown = added(&answer(true, text, "")).unwrap();
    assert_eq!(
        (shown.fits, shown.host_bytes, shown.upload_bytes, shown.disk_bytes),
        (Some(true), Some(5), Some(7), None)
    );
}
