//! Settings while somebody turns their knobs.
//!
//! In: the settings in force, frame by frame, and what widgets did to the draft. Out: the whole new settings, once a drag
//! has ended. What was sent stays on screen until the answer comes, so that no knob jumps back; an answer that differs
//! wins, because the settings' owner has the last word.

use std::collections::VecDeque;
use view_model::Settings;

/// Changes that may be under way at once.
const MAX_UNDER_WAY: usize = 16;

/// The draft.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    in_force: Settings,
    under_way: VecDeque<Settings>,
    /// Number of the last frame in which it was shown.
    frame: Option<u64>,
    /// What the widgets show and change.
    pub(crate) value: Settings,
}

impl Draft {
    /// Before a frame: takes in what is in force now. What was under way when the screen was left is forgotten.
    pub(crate) fn begin(&mut self, in_force: &Settings, frame: u64) {
        let was_away = self.frame.is_none_or(|last| frame > last + 1);
        self.frame = Some(frame);
        if was_away {
            self.under_way.clear();
            self.in_force = in_force.clone();
            self.value = in_force.clone();
        }
        if self.in_force == *in_force {
            return;
        }
        self.in_force = in_force.clone();
        match self.under_way.iter().position(|sent| sent == in_force) {
            // An answer to an earlier change: later ones are still under way.
            Some(at) => drop(self.under_way.drain(..=at)),
            None => {
                self.under_way.clear();
                self.value = in_force.clone();
            }
        }
    }

    /// After a frame: what is to be sent, unless a drag goes on.
    pub(crate) fn end(&mut self, dragging: bool) -> Option<Settings> {
        let told = self.under_way.back().unwrap_or(&self.in_force);
        if dragging || self.value == *told {
            return None;
        }
        if self.under_way.len() == MAX_UNDER_WAY {
            self.under_way.pop_front();
        }
        self.under_way.push_back(self.value.clone());
        Some(self.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(n: u32) -> Settings {
        let mut settings = Settings::default();
        settings.look.text_percent = n;
        settings
    }

    #[test]
    fn a_drag_is_sent_once_when_it_ends() {
        let mut draft = Draft::default();
        draft.begin(&percent(100), 1);
        for n in [110, 120, 130] {
            draft.value.look.text_percent = n;
            assert_eq!(draft.end(true), None);
            draft.begin(&percent(100), 2);
        }
        assert_eq!(draft.end(false), Some(percent(130)));
        assert_eq!(draft.end(false), None);
    }

    #[test]
    fn an_answer_to_the_first_of_two_changes_does_not_undo_the_second() {
        let mut draft = Draft::default();
        draft.begin(&percent(100), 1);
        draft.value = percent(110);
        assert!(draft.end(false).is_some());
        draft.value = percent(120);
        assert!(draft.end(false).is_some());
        draft.begin(&percent(110), 2);
        assert_eq!(draft.value, percent(120));
        assert_eq!(draft.end(false), None);
        draft.begin(&percent(120), 3);
        assert_eq!(draft.end(false), None);
    }

    #[test]
    fn another_answer_than_was_asked_for_wins() {
        let mut draft = Draft::default();
        draft.begin(&percent(100), 1);
        draft.value = percent(500);
        assert!(draft.end(false).is_some());
        draft.begin(&percent(200), 2);
        assert_eq!((draft.value.clone(), draft.end(false)), (percent(200), None));
    }
    #[test]
    fn a_screen_that_comes_back_shows_what_is_in_force() {
        let mut draft = Draft::default();
        draft.begin(&percent(100), 1);
        draft.value = percent(110);
        assert!(draft.end(false).is_some());
        draft.begin(&percent(100), 9);
        assert_eq!((draft.value.clone(), draft.end(false)), (percent(100), None));
    }
}
