//! Start, Stop, Pause, Resume: what can be pressed now, and what it costs.

use crate::design_tokens::SPACE_S;
use crate::scene::{Question, Scene};
use crate::widgets::{Button, Icon, Kind};
use egui::{Popup, PopupCloseBehavior, Ui};
use view_model::{Activity, Intent, PauseFor, RunKind, StopWhen, Tone, stop_price_sentence};

/// Pauses on offer: key and how long.
const PAUSES: [(&str, PauseFor); 6] = [
    ("pause-for-quarter", PauseFor::Secs { secs: 15 * 60 }),
    ("pause-for-hour", PauseFor::Secs { secs: 60 * 60 }),
    ("pause-for-four-hours", PauseFor::Secs { secs: 4 * 60 * 60 }),
    ("pause-for-tomorrow", PauseFor::UntilTomorrow),
    ("pause-for-battery", PauseFor::WhileOnBattery),
    ("pause-for-resumed", PauseFor::UntilResumed),
];

/// What stopping costs now, in a sentence.
pub(crate) fn price(scene: &Scene<'_>) -> String {
    stop_price_sentence(&scene.app().run, scene.locale)
}

/// The buttons. The big ones stand where the price is told beside them; the small ones tell it in a question.
pub(crate) fn controls(ui: &mut Ui, scene: &mut Scene<'_>, big: bool) {
    let app = scene.app();
    match app.run.activity {
        Activity::Idle | Activity::Finished => start(ui, scene, big),
        // A trainer that ended by itself is tried again; the user may do so at once, or give up.
        Activity::Starting | Activity::Running if app.recovery.is_some() => {
            start(ui, scene, big);
            stop(ui, scene, big, Kind::Secondary);
        }
        Activity::Starting => stop(ui, scene, big, Kind::Secondary),
        Activity::Running if app.pauses.is_empty() => {
            stop(ui, scene, big, if big { Kind::Primary } else { Kind::Secondary });
            pause(ui, scene, big);
        }
        Activity::Running | Activity::Paused { .. } => {
            resume(ui, scene, big);
            stop(ui, scene, big, Kind::Secondary);
        }
        Activity::Stopping { .. } => {
            button(ui, scene, "control-stopping", (Icon::Stop, Kind::Secondary), big, false);
        }
    }
}

fn button(
    ui: &mut Ui,
    scene: &Scene<'_>,
    key: &str,
    (icon, kind): (Icon, Kind),
    big: bool,
    enabled: bool,
) -> egui::Response {
    let label = scene.text(key);
    let button = Button::new(&label, kind).icon(icon).enabled(enabled);
    let button = if big { button.big() } else { button };
    button.show(ui, scene.palette)
}

fn start(ui: &mut Ui, scene: &mut Scene<'_>, big: bool) {
    let key = match (scene.app().recovery.is_some(), scene.app().run.activity == Activity::Finished) {
        (true, _) => "control-start-now",
        (false, true) => "control-start-again",
        (false, false) => "control-start",
    };
    if button(ui, scene, key, (Icon::Play, Kind::Primary), big, true).clicked() {
        scene.ask(Intent::Start);
    }
}

fn resume(ui: &mut Ui, scene: &mut Scene<'_>, big: bool) {
    if button(ui, scene, "control-resume", (Icon::Play, Kind::Primary), big, true).clicked() {
        scene.ask(Intent::Resume);
    }
}

fn stop(ui: &mut Ui, scene: &mut Scene<'_>, big: bool, kind: Kind) {
    let run = &scene.app().run;
    let running = matches!(run.activity, Activity::Running);
    let response = button(ui, scene, "control-stop", (Icon::Stop, kind), big, true);
    let tip = price(scene);
    if response.on_hover_text(&tip).clicked() {
        if big || !running {
            scene.ask(Intent::Stop { when: StopWhen::Now });
        } else {
            ask_first(scene, tip);
        }
    }
    if big && running && scene.app().recovery.is_none() && finishes_rounds(scene) {
        let response = button(ui, scene, "control-finish-round", (Icon::Check, Kind::Quiet), big, true);
        if response.on_hover_text(scene.text("control-finish-round-tip")).clicked() {
            scene.ask(Intent::Stop { when: StopWhen::EndOfRound });
        }
    }
}

/// Whether there is a round that could be finished first.
fn finishes_rounds(scene: &Scene<'_>) -> bool {
    scene.app().run.round.is_some()
}

fn ask_first(scene: &mut Scene<'_>, price: String) {
    let mut answers = Vec::new();
    if finishes_rounds(scene) {
        let finish = scene.text("control-finish-round");
        answers.push((finish, Kind::Secondary, Intent::Stop { when: StopWhen::EndOfRound }));
    }
    answers.push((scene.text("control-stop-now"), Kind::Danger, Intent::Stop { when: StopWhen::Now }));
    let rehearsal = scene.app().run.run.as_ref().is_some_and(|facts| facts.kind == RunKind::Rehearsal);
    let title = scene.text(if rehearsal { "stop-title-rehearsal" } else { "stop-title" });
    scene.confirm(Question { title, body: price, answers, tone: Tone::Waiting });
}

fn pause(ui: &mut Ui, scene: &mut Scene<'_>, big: bool) {
    let label = scene.text("control-pause");
    let button = Button::new(&label, Kind::Secondary).icon(Icon::Pause).trailing(Icon::Down);
    let response = if big { button.big() } else { button }.show(ui, scene.palette);
    give_back(ui, &response);
    let popup = Popup::menu(&response)
        .accessible_name(scene.text("control-pause-menu"))
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .gap(SPACE_S);
    popup.show(|ui| {
        ui.set_min_width(200.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        for (key, how_long) in PAUSES {
            let label = scene.text(key);
            if Button::new(&label, Kind::Quiet).full().show(ui, scene.palette).clicked() {
                scene.ask(Intent::Pause { for_how_long: how_long });
                ui.close();
            }
        }
    });
}

/// When the menu closes without a choice, the keyboard is at its button again.
fn give_back(ui: &Ui, response: &egui::Response) {
    let id = Popup::default_response_id(response);
    let open = Popup::is_id_open(ui.ctx(), id);
    let was_open = ui.ctx().data_mut(|data| std::mem::replace(data.get_temp_mut_or(id, open), open));
    if was_open && !open && ui.ctx().memory(|memory| memory.focused()).is_none() {
        response.request_focus();
    }
}
