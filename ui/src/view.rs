//! The window: frame, screens, questions; and what only the window knows.
//!
//! In: a model. Out: intents. The view performs nothing; a press that takes something away is asked about first.

use crate::frame;
use crate::look::{apply_look, palette};
use crate::model::Model;
use crate::scene::{Question, Scene};
use crate::screens::{self, States};
use egui::{Key, Modifiers, Ui, UiBuilder};
use locale::Locale;
use view_model::{Intent, Screen};

/// The language tag under which the pseudo-locale is shown: English with accents and 40 % more letters.
pub const PSEUDO_TAG: &str = "qps";

/// Everything the window keeps between two frames.
pub struct View {
    screen: Screen,
    states: States,
    question: Option<Question>,
    system_language: String,
    locale: Locale,
    tag: String,
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

impl View {
    /// A window at Home.
    pub fn new() -> Self {
        Self {
            screen: Screen::Home,
            states: States::default(),
            question: None,
            system_language: "en".to_owned(),
            locale: Locale::english(),
            tag: "en".to_owned(),
        }
    }

    /// The language of the system, for settings that name none.
    #[must_use]
    pub fn with_system_language(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.system_language);
        self
    }

    /// Goes to a screen.
    pub fn go_to(&mut self, screen: Screen) {
        self.screen = screen;
    }

    /// The screen that is shown while no wizard is open.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// The window lost the keyboard: recovery words are hidden, typed secrets are not shown any more.
    pub fn on_blur(&mut self) {
        self.states.wizard.on_blur();
        self.states.wallet.on_blur();
    }

    /// The window closes: what was typed is wiped.
    pub fn wipe(&mut self) {
        self.states = States::default();
        self.question = None;
    }

    /// One frame. Returns what was pressed.
    pub fn show(&mut self, ui: &mut Ui, model: &Model) -> Vec<Intent> {
        let app = &model.snapshot;
        let look = &app.settings.look;
        apply_look(ui.ctx(), look, &app.appearance);
        let whole = ui.ctx().content_rect();
        let ui = &mut ui.new_child(UiBuilder::new().max_rect(whole).id_salt("window"));
        ui.reset_style();
        ui.set_clip_rect(whole);
        self.speak(look.language.as_deref());
        let palette = palette(look, &app.appearance);
        ui.painter().rect_filled(whole, 0.0, palette.ground);
        let mut scene = Scene::new(model, &self.locale, palette);
        if app.wizard.is_some() {
            screens::wizard::show(ui, &mut scene, &mut self.states.wizard);
        } else {
            // What was typed there goes with the screen.
            self.states.wizard.close();
            self.screen = keys(ui, self.screen);
            frame::show(ui, &mut scene, self.screen, &mut self.states);
        }
        if app.wizard.is_some() || self.screen != Screen::Wallet {
            self.states.wallet.leave();
        }
        frame::toasts(ui, &mut scene);
        if scene.question.is_some() {
            self.question = scene.question.take();
        }
        frame::question(ui, &mut scene, &mut self.question);
        if let Some(screen) = scene.go {
            self.screen = screen;
            ui.ctx().request_repaint();
        }
        scene.intents
    }

    fn speak(&mut self, asked: Option<&str>) {
        let tag = asked.unwrap_or(&self.system_language);
        if self.tag != tag {
            self.locale = if tag == PSEUDO_TAG { Locale::pseudo() } else { Locale::new(tag) };
            tag.clone_into(&mut self.tag);
        }
    }
}

/// Ctrl (or ⌘) and a digit go to a screen.
fn keys(ui: &Ui, screen: Screen) -> Screen {
    const DIGITS: [Key; 8] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];
    let pressed = |key: &Key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::COMMAND, *key));
    let found = DIGITS.iter().zip(Screen::ALL).find(|(key, _)| pressed(key));
    found.map_or(screen, |(_, screen)| screen)
}
