//! A wallet whose words are being written down: open until three of them were known, or until it is dropped.
//!
//! In: an opened vault. Out: its words for the one screen that shows them, which of them are asked back, and the mark in
//! the vault that they were known.

use keychain::{LockError, Opened};
use types::Problem;
use view_model::Secret;
use wallet::{Quiz, WalletInfo};

/// Words on their way to paper. Wiped when dropped; it has no `Debug` and no `Clone`.
pub(crate) struct Backup {
    opened: Opened,
    quiz: Quiz,
}

impl Backup {
    /// On the heap, where it stays: what is moved is copied.
    pub(super) fn begin(opened: Opened) -> Result<Box<Self>, Problem> {
        let quiz = quiz(&opened)?;
        Ok(Box::new(Self { opened, quiz }))
    }

    /// The wallet's name.
    pub(crate) fn name(&self) -> &str {
        &self.opened.vault.info().name
    }

    /// The words in order.
    pub(crate) fn words(&self) -> Vec<Secret> {
        let words = self.opened.secret.words().into_iter().flat_map(|words| words.reveal());
        words.map(|word| Secret::new(word.to_owned())).collect()
    }

    /// Numbers, from 1, of the words that are asked back.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.quiz.numbers().map(|number| number as u32).collect()
    }

    /// Asks for other words from now on.
    pub(crate) fn ask_others(&mut self) -> Result<(), Problem> {
        self.quiz = quiz(&self.opened)?;
        Ok(())
    }

    /// Whether these are the words asked for; if so, the vault says from now on that it is backed up.
    pub(crate) fn check(&mut self, typed: &[Secret]) -> Result<bool, Problem> {
        let typed: Vec<&str> = typed.iter().map(Secret::expose).collect();
        let known = self.opened.secret.words().is_some_and(|words| self.quiz.passes(words, &typed));
        if known && !self.opened.vault.info().backed_up {
            let info = WalletInfo { backed_up: true, ..self.opened.vault.info().clone() };
            let Opened { vault, held, .. } = &mut self.opened;
            vault.update_info(held.lock(), &info).map_err(|error| LockError::from(error).problem())?;
        }
        Ok(known)
    }
}

fn quiz(opened: &Opened) -> Result<Quiz, Problem> {
    let words = opened.secret.words().ok_or_else(|| {
        Problem::new(
            "no_words",
            "This wallet was not made of recovery words",
            "It came from a seed or a key file. Move it to another computer with its capsule, which is a backup too.",
        )
    })?;
    words.quiz().map_err(|error| Problem::new("no_randomness", "The words cannot be asked back", error.to_string()))
}
