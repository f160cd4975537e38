//! The wizard's steps in their order, and what it says when a step does not work.
//!
//! In: which way was chosen. Out: how many steps are done and how many there are.

use types::Problem;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Step {
    #[default]
    Welcome,
    Computer,
    Choose,
    Join,
    Wallet,
    Create,
    Import,
    Payout,
    Words,
    Quiz,
    Courtesy,
    Summary,
}

impl Step {
    /// Whether the desk holds words for it.
    pub(super) fn has_words(self) -> bool {
        matches!(self, Self::Words | Self::Quiz)
    }
}

/// What the wizard was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Flow {
    /// All of it.
    #[default]
    Whole,
    /// A wallet only.
    Wallet,
    /// The words of a wallet that is there.
    Backup,
}

/// How somebody comes to a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Create,
    Import,
    Watch,
    Later,
}

/// Steps done and steps in all.
pub(super) fn progress(flow: Flow, way: Option<Way>, joins: bool, at: Step) -> (u32, u32) {
    let steps = steps(flow, way, joins);
    let done = steps.iter().position(|step| *step == at).unwrap_or(0);
    (done as u32, steps.len() as u32)
}

fn steps(flow: Flow, way: Option<Way>, joins: bool) -> Vec<Step> {
    if flow == Flow::Backup {
        return vec![Step::Words, Step::Quiz];
    }
    let mut steps = Vec::new();
    if flow == Flow::Whole {
        steps.extend([Step::Welcome, Step::Computer, Step::Choose]);
        steps.extend(joins.then_some(Step::Join));
    }
    steps.push(Step::Wallet);
    steps.extend_from_slice(match way {
        Some(Way::Create) => &[Step::Create, Step::Words, Step::Quiz, Step::Payout],
        Some(Way::Import) => &[Step::Import, Step::Payout],
        Some(Way::Watch) | None => &[Step::Payout],
        Some(Way::Later) => &[],
    });
    if flow == Flow::Whole {
        steps.extend([Step::Courtesy, Step::Summary]);
    }
    steps
}

pub(super) fn no_source() -> Problem {
    Problem::new("no_run_named", "No run was named", "Give the path of a run's file, or its link.")
}

pub(super) fn wrong_words() -> Problem {
    Problem::new("quiz_wrong", "These are not the words asked for", "Look at the numbers and at what you wrote down.")
}

pub(super) fn look_again() -> Problem {
    Problem::new(
        "quiz_look_again",
        "The words were not known three times",
        "Here they are again: compare them with what you wrote down, word by word.",
    )
}
