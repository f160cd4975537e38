//! What every screen is given to draw, and where it puts what was pressed.
//!
//! In: the model, the language, the palette. Out: intents, a screen to go to, a question to ask first. A screen changes
//! nothing else.

use crate::design_tokens::Palette;
use crate::model::Model;
use locale::{Arg, Locale};
use view_model::{AppSnapshot, Intent, Screen, Tone};

/// A press that is asked about before it counts.
pub(crate) struct Question {
    /// What it is about.
    pub(crate) title: String,
    /// What happens if the answer is yes.
    pub(crate) body: String,
    /// Answers beside "cancel", the most usual one last: label, how it looks, what it asks for.
    pub(crate) answers: Vec<(String, crate::widgets::Kind, Intent)>,
    /// How serious it is.
    pub(crate) tone: Tone,
}

/// What a screen draws from, and what came of it.
pub(crate) struct Scene<'a> {
    /// Snapshot, series, log, words.
    pub(crate) model: &'a Model,
    /// The reader's language.
    pub(crate) locale: &'a Locale,
    /// Colours.
    pub(crate) palette: &'static Palette,
    /// What was pressed.
    pub(crate) intents: Vec<Intent>,
    /// The screen to go to.
    pub(crate) go: Option<Screen>,
    /// What is to be asked first.
    pub(crate) question: Option<Question>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(model: &'a Model, locale: &'a Locale, palette: &'static Palette) -> Self {
        Self { model, locale, palette, intents: Vec::new(), go: None, question: None }
    }

    /// The snapshot; it outlives the scene's own borrow.
    pub(crate) fn app(&self) -> &'a AppSnapshot {
        &self.model.snapshot
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> String {
        self.locale.text(key)
    }

    /// The text of a key with arguments.
    pub(crate) fn with(&self, key: &str, args: &[(&str, Arg<'_>)]) -> String {
        self.locale.with(key, args)
    }

    /// A figure, or the word for one that is not known.
    pub(crate) fn or_unknown(&self, figure: Option<String>) -> String {
        figure.unwrap_or_else(|| self.text("unknown"))
    }

    /// Asks for something.
    pub(crate) fn ask(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// Asks the user first.
    pub(crate) fn confirm(&mut self, question: Question) {
        self.question = Some(question);
    }
}
