//! Text that is typed and must not stay: an edit buffer that never moves and is wiped on drop.
//!
//! In: letters and keys. Out: [`Secret`]s for an intent. egui's own text field keeps copies for undo and for layout, so it
//! is not used for secrets. The buffer has its whole room from the beginning: growing would leave copies behind.

use std::fmt;
use view_model::Secret;
use zeroize::{Zeroize, Zeroizing};

/// Room in bytes: 24 words of 8 letters are 216.
pub(crate) const MAX_BYTES: usize = 512;

/// A secret that is being typed.
pub(crate) struct SecretText {
    text: Zeroizing<String>,
    /// In characters.
    cursor: usize,
    /// Everything is selected: the next letter replaces it.
    all: bool,
}

impl Default for SecretText {
    fn default() -> Self {
        Self { text: Zeroizing::new(String::with_capacity(MAX_BYTES)), cursor: 0, all: false }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

/// A key that moves or deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    Left,
    Right,
    Home,
    End,
    Backspace,
    Delete,
    DeleteWord,
    SelectAll,
}

impl SecretText {
    /// What was typed.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }

    /// A copy for an intent, letter by letter as typed: spaces belong to a passphrase. It is wiped on drop, too.
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(Zeroizing::new(self.text.as_str().to_owned()))
    }

    /// The copy, if anything was typed.
    pub(crate) fn secret_if_any(&self) -> Option<Secret> {
        (!self.text.is_empty()).then(|| self.secret())
    }

    /// A copy without the spaces around it, for words and seeds.
    pub(crate) fn trimmed(&self) -> Secret {
        Secret::new(Zeroizing::new(self.text.trim().to_owned()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn chars(&self) -> usize {
        self.text.chars().count()
    }

    pub(crate) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(crate) fn all_selected(&self) -> bool {
        self.all
    }

    /// Wipes it.
    pub(crate) fn wipe(&mut self) {
        // Zeroize clears the whole room and keeps it.
        self.text.zeroize();
        self.cursor = 0;
        self.all = false;
    }

    /// Puts text in at the cursor; control characters become spaces, and what does not fit is left out whole. The end of
    /// a line that was copied with it does not belong to the secret.
    pub(crate) fn insert(&mut self, typed: &str) {
        let typed = typed.trim_end_matches(['\r', '\n']);
        if self.all {
            self.wipe();
        }
        if self.text.len() + typed.len() > MAX_BYTES {
            return;
        }
        for c in typed.chars() {
            let at = self.byte(self.cursor);
            self.text.insert(at, if c.is_control() { ' ' } else { c });
            self.cursor += 1;
        }
    }

    /// Replaces everything.
    pub(crate) fn set(&mut self, text: &str) {
        self.wipe();
        self.insert(text);
    }

    pub(crate) fn edit(&mut self, edit: Edit) {
        let count = self.chars();
        if self.all && matches!(edit, Edit::Backspace | Edit::Delete | Edit::DeleteWord) {
            return self.wipe();
        }
        self.all = false;
        match edit {
            Edit::Left => self.cursor = self.cursor.saturating_sub(1),
            Edit::Right => self.cursor = (self.cursor + 1).min(count),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = count,
            Edit::Backspace => self.remove_before(),
            Edit::Delete if self.cursor < count => {
                self.cursor += 1;
                self.remove_before();
            }
            Edit::Delete => {}
            Edit::DeleteWord => {
                while self.before() == Some(' ') {
                    self.remove_before();
                }
                while self.before().is_some_and(|c| c != ' ') {
                    self.remove_before();
                }
            }
            Edit::SelectAll => {
                self.all = count > 0;
                self.cursor = count;
            }
        }
    }

    pub(crate) fn put_cursor(&mut self, at: usize) {
        self.cursor = at.min(self.chars());
        self.all = false;
    }

    fn before(&self) -> Option<char> {
        self.text.chars().nth(self.cursor.checked_sub(1)?)
    }

    fn remove_before(&mut self) {
        let Some(cursor) = self.cursor.checked_sub(1) else { return };
        self.cursor = cursor;
        let at = self.byte(cursor);
        self.text.remove(at);
    }

    fn byte(&self, cursor: usize) -> usize {
        self.text.char_indices().nth(cursor).map_or(self.text.len(), |(at, _)| at)
    }
}

/// How long a guess of a passphrase takes, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    None,
    Weak,
    Fair,
    Good,
}

/// A guess by length and kinds of characters; a long one of plain words is good, a short one with signs is not.
pub(crate) fn strength(text: &str) -> Strength {
    let mut seen: Vec<char> = text.chars().collect();
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    let kinds = [
        text.chars().any(char::is_lowercase),
        text.chars().any(char::is_uppercase),
        text.chars().any(|c| c.is_ascii_digit()),
        text.chars().any(|c| !c.is_alphanumeric()),
    ];
    let kinds = kinds.into_iter().filter(|there| *there).count();
    // Repeats add nothing: `aaaaaaaaaaaa` is one letter.
    let different = seen.len();
    let strength = match (count, different) {
        (0, _) => Strength::None,
        (c, d) if c < 8 || d < 5 => Strength::Weak,
        (c, _) if c >= 20 || (c >= 14 && kinds >= 3) => Strength::Good,
        (c, _) if c >= 12 || kinds >= 3 => Strength::Fair,
        _ => Strength::Weak,
    };
    seen.zeroize();
    strength
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_in_the_middle_and_deleting_never_moves_the_buffer() {
        let mut text = SecretText::default();
        let room = text.text.as_ptr();
        text.insert("abandn ability");
        for _ in 0..9 {
            text.edit(Edit::Left);
        }
        text.insert("o");
        text.edit(Edit::End);
        text.insert("\u{e9}!");
        text.edit(Edit::Backspace);
        assert_eq!(text.expose(), "abandon ability\u{e9}");
        assert_eq!(text.text.as_ptr(), room);
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let mut text = SecretText::default();
        text.insert(&"x".repeat(MAX_BYTES - 1));
        text.insert("ab");
        assert_eq!(text.chars(), MAX_BYTES - 1);
        text.insert("a");
        text.insert("b");
        assert_eq!(text.chars(), MAX_BYTES);
    }

    #[test]
    fn selecting_all_replaces_or_deletes_all() {
        let mut text = SecretText::default();
        text.insert("first");
        text.edit(Edit::SelectAll);
        text.insert("second try");
        assert_eq!(text.expose(), "second try");
        text.edit(Edit::DeleteWord);
        assert_eq!(text.expose(), "second ");
        text.edit(Edit::SelectAll);
        text.edit(Edit::Backspace);
        assert!(text.is_empty());
        text.edit(Edit::Backspace);
        text.edit(Edit::Delete);
        text.edit(Edit::DeleteWord);
        assert!(text.is_empty() && text.cursor() == 0);
    }

    #[test]
    fn lines_of_a_paste_become_spaces_and_its_end_goes() {
        let mut text = SecretText::default();
        text.insert("one\ntwo\r\n");
        assert_eq!(text.secret().expose(), "one two");
        text.wipe();
        assert!(text.secret_if_any().is_none());
    }

    #[test]
    fn spaces_belong_to_a_passphrase_and_not_to_words() {
        let mut text = SecretText::default();
        text.insert(" pass ");
        assert_eq!((text.secret().expose(), text.trimmed().expose()), (" pass ", "pass"));
        text.set("   ");
        assert_eq!(text.secret_if_any().map(|secret| secret.expose().len()), Some(3));
    }

    #[test]
    fn length_makes_a_passphrase_strong_and_repeats_do_not() {
        for (text, expected) in [
            ("", Strength::None),
            ("Ab1!", Strength::Weak),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", Strength::Weak),
            ("password", Strength::Weak),
            ("Tr0ub4dor&3", Strength::Fair),
            ("correct horse battery", Strength::Good),
            ("Tr0ub4dor&3xyz", Strength::Good),
        ] {
            assert_eq!(strength(text), expected, "{text}");
        }
    }
}
