//! Why a keychain did not do what it was asked, and what a person is told about it.
//!
//! In: nothing but facts. Out: typed errors and their [`Problem`]s. No variant holds anything that came out of an item.

use types::{Problem, ProblemAction};

/// Why the keychain did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeychainError {
    /// No keychain service, no session bus, no collection to store into, no logon session.
    #[error("this system has no keychain that is ready: {why}")]
    Absent {
        /// What the system said.
        why: String,
    },
    /// It is locked, and there is nobody whom the system could ask.
    #[error("the keychain is locked, and there is no screen to ask for its password on")]
    Locked,
    /// The system asked, and the question was dismissed.
    #[error("the keychain is locked, and the question for its password was dismissed")]
    Denied,
    /// No answer in time.
    #[error("the keychain did not answer within {limit_s} s")]
    Slow {
        /// The limit, in seconds.
        limit_s: u64,
    },
    /// The keychain works and holds no such item. This never means that there is no wallet.
    #[error("the keychain holds no item `{id}`")]
    Lost {
        /// Which item.
        id: String,
    },
    /// The item is there and is no key of ours.
    #[error("the keychain's item `{id}` does not hold a key: {why}")]
    Corrupt {
        /// Which item.
        id: String,
        /// What is wrong with it; never quotes it.
        why: &'static str,
    },
    /// It took something and did not give back the same.
    #[error("the keychain does not keep what is put into it")]
    NotKept,
    /// Not an id that an item of ours can have.
    #[error("not the name of a keychain item of this program")]
    BadId,
    /// Anything else that the system reports.
    #[error("the keychain failed: {why}")]
    Failed {
        /// What the system said.
        why: String,
    },
}

impl KeychainError {
    /// The same in plain words: what happened, what to try, one action.
    pub fn problem(&self) -> Problem {
        let retry = |problem: Problem| problem.with_action(ProblemAction::Retry);
        match self {
            Self::Absent { .. } => Problem::new(
                "keychain_absent",
                "This system has no keychain that is ready",
                "Start the desktop's keyring (GNOME Keyring, KWallet or KeePassXC) and log in once, or lock the wallet \
                 with a passphrase instead.",
            ),
            Self::Locked => retry(Problem::new(
                "keychain_locked",
                "The keychain is locked, and there is no screen here to ask for its password on",
                "Log in at the desktop or unlock the keychain there, then try again. The wallet is untouched.",
            )),
            Self::Denied => retry(Problem::new(
                "keychain_denied",
                "The keychain was not unlocked: its question was dismissed",
                "Try again and answer the system's question for the keychain's password. The wallet is untouched.",
            )),
            Self::Slow { limit_s } => retry(Problem::new(
                "keychain_slow",
                format!("The keychain did not answer within {limit_s} s"),
                "Look for a question for a password behind other windows, or log out and in again. The wallet is \
                 untouched.",
            )),
            Self::Lost { .. } => Problem::new(
                "keychain_item_lost",
                "The keychain no longer holds the key to this wallet's file",
                "The wallet's file is there, but only its key opens it. If the keychain was replaced or another one is \
                 open, bring the old one back. Else restore the wallet from its recovery words or its capsule: the \
                 address stays the same.",
            )
            .with_action(ProblemAction::Command("covey-peer wallet import".into())),
            Self::Corrupt { .. } => Problem::new(
                "keychain_item_corrupt",
                "The keychain's item for this wallet holds something else",
                "Another program may have changed it. Restore the keychain from a backup, or the wallet from its \
                 recovery words or its capsule: the address stays the same.",
            )
            .with_action(ProblemAction::Command("covey-peer wallet import".into())),
            Self::NotKept => Problem::new(
                "keychain_forgets",
                "The keychain does not keep what is put into it",
                "A key would be lost in it. Lock the wallet with a passphrase instead.",
            ),
            Self::BadId => Problem::new(
                "keychain_bad_id",
                "The wallet's file names a keychain item that this program never makes",
                "The file may have been changed. Restore it from a backup.",
            ),
            Self::Failed { .. } => retry(Problem::new(
                "keychain_failed",
                "The keychain reports an error",
                "Try again; if it stays, lock the wallet with a passphrase instead. The log has the details.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_state_has_words_of_its_own_and_none_says_that_there_is_no_wallet() {
        let id = || "default-00000000".to_owned();
        let states = [
            KeychainError::Absent { why: "no bus".into() },
            KeychainError::Locked,
            KeychainError::Denied,
            KeychainError::Slow { limit_s: 10 },
            KeychainError::Lost { id: id() },
            KeychainError::Corrupt { id: id(), why: "too short" },
            KeychainError::NotKept,
            KeychainError::BadId,
            KeychainError::Failed { why: "x".into() },
        ];
        let problems: Vec<Problem> = states.iter().map(KeychainError::problem).collect();
        let codes: BTreeSet<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
        let titles: BTreeSet<&str> = problems.iter().map(|problem| problem.title.as_str()).collect();
        assert_eq!((codes.len(), titles.len()), (states.len(), states.len()));
        for problem in &problems {
            let text = problem.to_string();
            assert!(!text.contains("no wallet") && !text.contains("new wallet"), "{text}");
        }
    }
}
