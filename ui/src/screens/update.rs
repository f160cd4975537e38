//! New versions on the Settings screen: which is there, how much, one button.
//!
//! In: the snapshot. Out: look, get, put in, go back.

use super::engine::progress;
use crate::frame::problem_notice;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, caption, muted};
use egui::Ui;
use types::ByteCount;
use view_model::{Intent, Tone, UpdateOffer, UpdateState, units};

/// What is known of new versions, below the choice.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (app, palette) = (scene.app(), scene.palette);
    let update = &app.update;
    match &update.state {
        UpdateState::Unknown => press(ui, scene, "update-look", Icon::Refresh, Intent::LookForUpdate),
        UpdateState::Looking => drop(caption(ui, palette, &scene.text("update-looking"))),
        UpdateState::Newest => {
            muted(ui, palette, &scene.with("update-newest", &[("version", app.version.clone().into())]));
            press(ui, scene, "update-look", Icon::Refresh, Intent::LookForUpdate);
        }
        UpdateState::Offered(offer) => {
            muted(ui, palette, &offered(scene, offer));
            if !offer.notes.is_empty() {
                caption(ui, palette, &offer.notes);
            }
            if update.hint.is_none() {
                press(ui, scene, "update-get", Icon::Down, Intent::GetUpdate);
            }
        }
        UpdateState::Fetching { offer, fetch } => progress(ui, scene, fetch, &offer.version),
        UpdateState::Staged { version, soon } => {
            let key = if *soon { "update-soon" } else { "update-staged" };
            muted(ui, palette, &scene.with(key, &[("version", version.clone().into())]));
            if !soon {
                press(ui, scene, "update-put-in", Icon::Check, Intent::GetUpdate);
            }
        }
        UpdateState::Failed(problem) => {
            ui.push_id("update-problem", |ui| problem_notice(ui, scene, problem, Tone::Problem, false));
            press(ui, scene, "update-look", Icon::Refresh, Intent::LookForUpdate);
        }
    }
    if let Some(hint) = &update.hint {
        caption(ui, palette, &scene.text(hint));
    }
    if let Some(previous) = &update.previous {
        let label = scene.with("update-go-back", &[("version", previous.clone().into())]);
        if Button::new(&label, Kind::Quiet).show(ui, palette).clicked() {
            scene.ask(Intent::GoBack);
        }
    }
}

/// The version, its download, and what it changes on the disk.
fn offered(scene: &Scene<'_>, offer: &UpdateOffer) -> String {
    let size = units::bytes(ByteCount(offer.grows.unsigned_abs()));
    let key = if offer.grows < 0 { "update-less" } else { "update-more" };
    let grows = scene.with(key, &[("size", size.into())]);
    let args = [
        ("version", offer.version.clone().into()),
        ("download", units::bytes(offer.download).into()),
        ("grows", grows.into()),
    ];
    scene.with("update-offered", &args)
}

fn press(ui: &mut Ui, scene: &mut Scene<'_>, key: &str, icon: Icon, intent: Intent) {
    let label = scene.text(key);
    if Button::new(&label, Kind::Secondary).icon(icon).show(ui, scene.palette).clicked() {
        scene.ask(intent);
    }
}
