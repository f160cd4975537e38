//! The wizard: one question a step, a way back from each, and one big button that says what it does.
//!
//! In: the step, and what the app knows of this computer and its wallets. Out: presses. Secrets are wiped as soon as their
//! step is left; nothing is asked for that a step does not show.

mod choose;
mod computer;
mod courtesy;
mod create;
mod import;
mod join;
mod payout;
mod quiz;
mod summary;
mod wallet;
mod welcome;
mod words;

pub(super) use create::keychain;
pub(super) use join::{MAX_SOURCE, drop_target, dropped_file};
pub(super) use payout::{Address, address_field};
pub(super) use welcome::language;

use super::forms::Draft;
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, caption, chip, heading, notice};
use egui::{Align, Layout, Rect, Response, ScrollArea, Stroke, Ui, UiBuilder, Vec2, pos2};
use std::mem::discriminant;
use view_model::{Intent, Tone, WizardIntent, WizardStep, WizardView, problem_hint, problem_title};

/// Widest content.
const WIDTH: f32 = 640.0;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    step: Option<WizardStep>,
    /// The step has just been entered: its first field or its button takes the keyboard.
    fresh: bool,
    /// Height of the buttons below, as it was in the last frame.
    foot: f32,
    draft: Draft,
    join: join::Fields,
    create: create::Fields,
    import: import::Fields,
    payout: payout::Fields,
    quiz: quiz::Fields,
    words: words::Fields,
}

impl State {
    /// The window lost the keyboard: what is shown of secrets is hidden.
    pub(crate) fn on_blur(&mut self) {
        self.create.shown = false;
        self.import.shown = false;
        self.quiz.shown = false;
        self.words.hide();
    }

    /// The wizard was closed: everything that was typed is wiped.
    pub(crate) fn close(&mut self) {
        if self.step.is_some() {
            *self = Self::default();
        }
    }

    /// A new step wipes what the one before was told.
    fn enter(&mut self, step: &WizardStep) {
        let same = self.step.as_ref().is_some_and(|before| discriminant(before) == discriminant(step));
        if !same {
            let joined = std::mem::take(&mut self.join);
            let (draft, foot) = (std::mem::take(&mut self.draft), self.foot);
            *self = Self { fresh: true, foot, join: joined, draft, ..Self::default() };
        }
        self.step = Some(step.clone());
    }

    /// Gives the keyboard to the first control that asks for it after a step was entered.
    fn take_keyboard(&mut self, response: &Response) {
        if std::mem::take(&mut self.fresh) {
            response.request_focus();
        }
    }
}

/// The big button of a step.
struct Go {
    label: String,
    enabled: bool,
    /// Enter was pressed in a field.
    entered: bool,
}

impl Go {
    fn new(label: String, enabled: bool) -> Self {
        Self { label, enabled, entered: false }
    }

    fn entered(self, entered: bool) -> Self {
        Self { entered, ..self }
    }
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let Some(wizard) = scene.app().wizard.as_ref() else { return state.close() };
    state.enter(&wizard.step);
    state.draft.begin(&scene.app().settings, ui.ctx().cumulative_frame_nr());
    let whole = ui.available_rect_before_wrap();
    ui.painter().rect_filled(whole, 0.0, scene.palette.ground);
    let inner = whole.shrink2(Vec2::new(tokens::SPACE_XL, tokens::SPACE_L));
    let head = part(ui, inner, |ui| column(ui, |ui| top(ui, scene, wizard)));
    // Below the step, so that the keyboard comes to it after the step's own controls.
    let below = whole.bottom() - 2.0 * tokens::SPACE_L - state.foot.max(tokens::BUTTON);
    let middle = Rect::from_min_max(pos2(inner.left(), head.bottom() + tokens::SPACE_S), pos2(inner.right(), below));
    let mut go = None;
    part(ui, middle, |ui| {
        let salt = step_name(&wizard.step);
        ScrollArea::vertical().id_salt(salt).auto_shrink(false).show(ui, |ui| {
            column(ui, |ui| {
                go = body(ui, scene, wizard, state);
                ui.add_space(tokens::SPACE_XL);
            });
        });
    });
    ui.painter().hline(whole.x_range(), below, Stroke::new(tokens::LINE, scene.palette.border));
    let (mut back, mut pressed) = (false, false);
    let place = Rect::from_min_max(pos2(inner.left(), below + tokens::SPACE_L), inner.max);
    let used = part(ui, place, |ui| column(ui, |ui| (back, pressed) = foot(ui, scene, wizard, state, go.as_ref())));
    if (used.height() - state.foot).abs() > 0.5 {
        state.foot = used.height();
        ui.ctx().request_discard("the wizard's foot");
    }
    if back {
        scene.ask(Intent::Wizard(WizardIntent::Back));
    }
    if let Some(go) = go.filter(|go| go.enabled && !wizard.busy)
        && (pressed || go.entered)
    {
        press(scene, wizard, state);
    }
    if let Some(settings) = state.draft.end(ui.input(|input| input.pointer.any_down())) {
        scene.ask(Intent::Set(Box::new(settings)));
    }
}

/// A part of the window: draws into it, and says what was used of it.
fn part(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui)) -> Rect {
    ui.scope_builder(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)), add).response.rect
}

/// A column in the middle, so that lines stay short.
fn column<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let width = ui.available_width().min(WIDTH);
    let side = ((ui.available_width() - width) / 2.0).max(0.0);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(side);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(tokens::SPACE_S);
            ui.set_width(width);
            add(ui)
        })
        .inner
    })
    .inner
}

fn top(ui: &mut Ui, scene: &mut Scene<'_>, wizard: &WizardView) {
    let (done, of) = wizard.progress;
    let args = [("step", (done + 1).min(of.max(1)).to_string().into()), ("of", of.max(1).to_string().into())];
    let said = scene.with("setup-step-of", &args);
    let leave = scene.text("setup-leave");
    let line = Vec2::new(ui.available_width(), tokens::BUTTON);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        let button = Button::new(&leave, Kind::Quiet).icon(Icon::Cross).show(ui, scene.palette);
        if button.on_hover_text(scene.text("setup-leave-tip")).clicked() {
            scene.ask(Intent::Wizard(WizardIntent::Close));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            caption(ui, scene.palette, &said);
        });
    });
    let share = f64::from(done + 1) / f64::from(of.max(1));
    crate::widgets::bar(ui, scene.palette, Some(share.min(1.0)), Tone::Running, &said);
}

fn foot(ui: &mut Ui, scene: &Scene<'_>, wizard: &WizardView, state: &mut State, go: Option<&Go>) -> (bool, bool) {
    let (mut back, mut pressed) = (false, false);
    let line = Vec2::new(ui.available_width(), tokens::BUTTON);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        if let Some(go) = go {
            let mut button = Button::new(&go.label, Kind::Primary).enabled(go.enabled && !wizard.busy);
            if matches!(wizard.step, WizardStep::Summary { .. }) {
                button = button.icon(Icon::Play);
            }
            let response = button.show(ui, scene.palette);
            if !matches!(wizard.step, WizardStep::Choose | WizardStep::Wallet) && !has_fields(&wizard.step) {
                state.take_keyboard(&response);
            }
            pressed = response.clicked();
        }
        if wizard.busy {
            chip(ui, scene.palette, Tone::Waiting, &scene.text("setup-busy"));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            if wizard.can_go_back {
                let label = scene.text("setup-back");
                let button = Button::new(&label, Kind::Secondary).icon(Icon::Left).enabled(!wizard.busy);
                back = button.show(ui, scene.palette).clicked();
            }
        });
    });
    (back, pressed)
}

fn has_fields(step: &WizardStep) -> bool {
    matches!(
        step,
        WizardStep::Join | WizardStep::Create | WizardStep::Import | WizardStep::Payout | WizardStep::Quiz { .. }
    )
}

/// The step's title, its problem, and what it is about.
fn body(ui: &mut Ui, scene: &mut Scene<'_>, wizard: &WizardView, state: &mut State) -> Option<Go> {
    ui.add_space(tokens::SPACE_S);
    heading(ui, scene.palette, &scene.text(&format!("wizard-title-{}", step_name(&wizard.step))));
    ui.add_space(tokens::SPACE_XS);
    if let Some(problem) = &wizard.problem {
        let (title, hint) = (problem_title(problem, scene.locale), problem_hint(problem, scene.locale));
        notice(ui, scene.palette, (Tone::Problem, &title, &hint), |_| {});
    }
    // What runs must not be changed under its feet.
    ui.add_enabled_ui(!wizard.busy, |ui| match &wizard.step {
        WizardStep::Welcome => Some(welcome::show(ui, scene, state)),
        WizardStep::Computer => Some(computer::show(ui, scene)),
        WizardStep::Choose => choose::show(ui, scene, state),
        WizardStep::Join => Some(join::show(ui, scene, state)),
        WizardStep::Wallet => wallet::show(ui, scene, state),
        WizardStep::Create => Some(create::show(ui, scene, state)),
        WizardStep::Import => Some(import::show(ui, scene, state)),
        WizardStep::Payout => Some(payout::show(ui, scene, state)),
        WizardStep::Words => Some(words::show(ui, scene, state)),
        WizardStep::Quiz { numbers } => Some(quiz::show(ui, scene, state, numbers)),
        WizardStep::Courtesy => Some(courtesy::show(ui, scene, state)),
        WizardStep::Summary { hotkey, rehearsal } => {
            Some(summary::show(ui, scene, (hotkey.as_deref(), *rehearsal), &state.draft))
        }
    })
    .inner
    .map(|go| Go { enabled: go.enabled && (wizard.can_go_on || has_fields(&wizard.step)), ..go })
}

/// The big button was pressed, or Enter in a field.
fn press(scene: &mut Scene<'_>, wizard: &WizardView, state: &State) {
    let intent = match &wizard.step {
        WizardStep::Welcome | WizardStep::Computer | WizardStep::Courtesy | WizardStep::Words => WizardIntent::Next,
        WizardStep::Join => join::press(scene, &state.join),
        WizardStep::Create => create::press(&state.create),
        WizardStep::Import => import::press(&state.import),
        WizardStep::Payout => payout::press(&state.payout),
        WizardStep::Quiz { numbers } => quiz::press(&state.quiz, numbers.len()),
        WizardStep::Summary { .. } => WizardIntent::Start,
        WizardStep::Choose | WizardStep::Wallet => return,
    };
    scene.ask(Intent::Wizard(intent));
}

fn step_name(step: &WizardStep) -> &'static str {
    match step {
        WizardStep::Welcome => "welcome",
        WizardStep::Computer => "computer",
        WizardStep::Choose => "choose",
        WizardStep::Join => "join",
        WizardStep::Wallet => "wallet",
        WizardStep::Create => "create",
        WizardStep::Import => "import",
        WizardStep::Payout => "payout",
        WizardStep::Words => "words",
        WizardStep::Quiz { .. } => "quiz",
        WizardStep::Courtesy => "courtesy",
        WizardStep::Summary { .. } => "summary",
    }
}
