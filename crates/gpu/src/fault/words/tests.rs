//! Every fault's words, as a file that a person has read.

use types::ProblemAction;

use crate::fixtures::every_fault;

/// All problems as text, one paragraph each.
fn all() -> String {
    let mut text = String::new();
    for fault in every_fault() {
        let problem = fault.problem();
        let action = match problem.action {
            None => "-".to_owned(),
            Some(ProblemAction::Retry) => "retry".into(),
            Some(ProblemAction::Open(page)) => format!("open {page}"),
            Some(ProblemAction::Command(command)) => format!("run {command}"),
        };
        text += &format!("{}\n  {}\n  {}\n  {action}\n\n", problem.code, problem.title, problem.hint);
    }
    text
}

// The words name the system's own commands and files.
#[cfg(target_os = "linux")]
#[test]
fn every_fault_says_the_same_as_the_golden_text() {
    let golden = include_str!("golden.txt");
    assert!(all() == golden, "the words have changed; read them, then make them the golden text:\n{}", all());
}

#[test]
fn every_fault_has_a_title_and_a_hint_without_loose_ends() {
    for fault in every_fault() {
        let problem = fault.problem();
        assert!(problem.code.starts_with("gpu_"), "{problem}");
        assert!(!problem.title.ends_with('.') && problem.hint.ends_with(['.', '0']), "{problem}");
        assert!(!problem.to_string().contains("  "), "{problem}");
        assert_eq!(problem.code, fault.code());
    }
}
