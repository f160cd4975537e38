//! A run before it is joined: where it came from, what it is, whether it fits, what it will download.
//!
//! In: the run that is being looked at. Out: look, join, or leave it. A link from outside is not followed before a press, and
//! nothing is joined without another one.

use crate::design_tokens::SPACE_XL;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, caption, card, chip, figure, muted, notice, strong, tone_line};
use egui::Ui;
use view_model::{
    Activity, Fit, Intent, JoinFacts, JoinState, JoinView, Told, Tone, WizardIntent, problem_hint, problem_title, units,
};

/// Longest piece of a link or path that is shown.
const SHOWN: usize = 120;

/// The card on the Runs screen.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(join) = &scene.app().join else { return };
    card(ui, scene.palette, &scene.text("join-title"), |ui| {
        state(ui, scene, join);
        ui.horizontal_wrapped(|ui| {
            match &join.state {
                JoinState::Given { .. } => look(ui, scene, "join-look"),
                JoinState::Failed(_) if !join.source.is_empty() => look(ui, scene, "join-again"),
                JoinState::Found(facts) => joins(ui, scene, facts),
                JoinState::Looking | JoinState::Failed(_) => {}
            }
            let label = scene.text("join-leave");
            if Button::new(&label, Kind::Quiet).icon(Icon::Cross).show(ui, scene.palette).clicked() {
                scene.ask(Intent::LeaveJoin);
            }
        });
    });
}

fn look(ui: &mut Ui, scene: &mut Scene<'_>, key: &str) {
    let label = scene.text(key);
    if Button::new(&label, Kind::Primary).icon(Icon::Eye).show(ui, scene.palette).clicked() {
        scene.ask(Intent::LookAtGiven);
    }
}

/// Start is offered where nothing runs that it would end, and a wallet can sign.
fn joins(ui: &mut Ui, scene: &mut Scene<'_>, facts: &JoinFacts) {
    let (palette, app) = (scene.palette, scene.app());
    let free = matches!(app.run.activity, Activity::Idle | Activity::Finished);
    let wallet = !app.wallet.wallets.is_empty();
    let fits = !matches!(facts.fit, Fit::DoesNotFit(_));
    if free && wallet && facts.startable {
        let kind = if fits { Kind::Primary } else { Kind::Secondary };
        let label = scene.text("join-start");
        if Button::new(&label, kind).icon(Icon::Play).show(ui, palette).clicked() {
            scene.ask(Intent::JoinRun { start: true });
        }
    }
    if !wallet {
        let label = scene.text("join-wallet");
        if Button::new(&label, Kind::Primary).icon(Icon::Wallet).show(ui, palette).clicked() {
            scene.ask(Intent::Wizard(WizardIntent::OpenWallet));
        }
    }
    let label = scene.text("join-choose");
    if Button::new(&label, Kind::Secondary).icon(Icon::Check).show(ui, palette).clicked() {
        scene.ask(Intent::JoinRun { start: false });
    }
}

/// How far looking is, without anything to press: the wizard has its own buttons.
pub(super) fn state(ui: &mut Ui, scene: &Scene<'_>, join: &JoinView) {
    let palette = scene.palette;
    match &join.state {
        JoinState::Given { run, addresses } => {
            strong(ui, palette, &scene.text("join-given"));
            match run {
                Some(run) => {
                    figure(ui, palette, &scene.text("join-run-id"), run);
                    figure(ui, palette, &scene.text("join-asks"), &hosts(addresses));
                }
                None => {
                    caption(ui, palette, &join.source.chars().take(SHOWN).collect::<String>());
                }
            }
        }
        JoinState::Looking => {
            chip(ui, palette, Tone::Waiting, &scene.text("join-looking"));
            muted(ui, palette, &scene.text("join-looking-what"));
        }
        JoinState::Found(facts) => found(ui, scene, facts),
        JoinState::Failed(problem) => {
            let (title, hint) = (problem_title(problem, scene.locale), problem_hint(problem, scene.locale));
            muted(ui, palette, &scene.text("join-failed"));
            notice(ui, palette, (Tone::Problem, &title, &hint), |_| {});
        }
    }
}

/// The computers that would be asked: the part of an address that people know, each once.
fn hosts(addresses: &[String]) -> String {
    let mut hosts: Vec<&str> = addresses.iter().filter_map(|address| address.split('/').nth(2)).collect();
    hosts.dedup();
    hosts.join(", ")
}

fn found(ui: &mut Ui, scene: &Scene<'_>, facts: &JoinFacts) {
    let palette = scene.palette;
    ui.add(egui::Label::new(
        egui::RichText::new(&facts.name).size(crate::design_tokens::BODY + 3.0).color(palette.text),
    ));
    figure(ui, palette, &scene.text("join-founder"), &facts.founder);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_XL;
        let params = units::parameters(facts.model_params);
        figure(ui, palette, &scene.text("join-model"), &scene.with("runs-model-params", &[("params", params.into())]));
        figure(ui, palette, &scene.text("join-round"), &round(scene, facts));
        figure(ui, palette, &scene.text("join-validators"), &units::count(facts.validators));
        figure(ui, palette, &scene.text("join-downloads"), &downloads(scene, facts));
        if let Some(upload) = facts.upload {
            let most = scene.with("join-sends-most", &[("bytes", units::bytes(upload).into())]);
            figure(ui, palette, &scene.text("join-sends"), &most);
        }
        if let Some(disk) = facts.disk {
            figure(ui, palette, &scene.text("join-disk"), &units::bytes(disk));
        }
    });
    let (tone, fits) = super::runs::fit_words(&facts.fit, scene);
    tone_line(ui, palette, tone, &fits);
    let pays = facts.pays.say(scene.locale);
    if !pays.is_empty() {
        tone_line(ui, palette, Tone::Neutral, &pays);
    }
    let admission = facts.admission.say(scene.locale);
    if !admission.is_empty() {
        tone_line(ui, palette, Tone::Neutral, &admission);
    }
    if !facts.startable {
        notice(ui, palette, (Tone::Waiting, &scene.text("join-alone"), ""), |_| {});
    }
    if scene.app().wallet.wallets.is_empty() && scene.app().wizard.is_none() {
        notice(ui, palette, (Tone::Waiting, &scene.text("join-no-wallet"), ""), |_| {});
    }
}

fn round(scene: &Scene<'_>, facts: &JoinFacts) -> String {
    let steps = ("steps", facts.inner_steps.into());
    match facts.round_secs {
        Some(secs) => scene.with("join-round-takes", &[steps, ("took", units::duration(secs).into())]),
        None => scene.with("join-round-waits", &[steps]),
    }
}

fn downloads(scene: &Scene<'_>, facts: &JoinFacts) -> String {
    let model = ("model", units::bytes(facts.checkpoint).into());
    match facts.dataset {
        Some(text) => scene.with("join-downloads-both", &[("text", units::bytes(text).into()), model]),
        None => scene.with("join-downloads-model", &[model]),
    }
}

/// What a run that pays nothing says, it says louder.
pub(super) fn pays_tone(pays: &Told) -> Tone {
    if pays.key.ends_with("-nothing") || pays.key.contains("burn") { Tone::Waiting } else { Tone::Neutral }
}
