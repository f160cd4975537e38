//! The virtual peers of a rehearsal: a ring, and the same as a table.

use crate::scene::Scene;
use crate::terminal::fit;
use crate::widgets::{RingPeer, caption, card, columns, muted, ring, strong, tone_line};
use egui::Ui;
use types::Verdict;
use view_model::{LinkPath, PeerRow, Phase, Tone, phase_words, units, verdict_words};

/// Height of the ring.
const RING: f32 = 220.0;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, peers) = (scene.palette, &scene.app().run.peers);
    card(ui, palette, &scene.text("swarm-title"), |ui| {
        let wide = ui.available_width() >= 640.0;
        let drawn: Vec<RingPeer> = peers.iter().map(|peer| ring_peer(scene, peer)).collect();
        let table = |ui: &mut Ui, scene: &Scene<'_>| {
            rows(ui, scene);
            muted(ui, palette, &scene.text("swarm-note"));
        };
        if wide {
            columns(ui, "swarm", &[2.0, 3.0], &mut |ui, i| match i {
                0 => ring(ui, scene, &scene.text("swarm-title"), "", &drawn, RING),
                _ => table(ui, scene),
            });
        } else {
            ring(ui, scene, &scene.text("swarm-title"), "", &drawn, RING);
            table(ui, scene);
        }
    });
}

fn ring_peer(scene: &Scene<'_>, peer: &PeerRow) -> RingPeer {
    RingPeer { name: peer.name.clone(), said: sentence(scene, peer), tone: tone(peer), path: LinkPath::Local }
}

/// How a peer stands: its last verdict, unless it is not there.
fn tone(peer: &PeerRow) -> Tone {
    match (peer.phase, peer.verdict.map(|row| row.verdict)) {
        (None, _) => Tone::Paused,
        (Some(_), Some(Verdict::Rejected(_))) => Tone::Problem,
        (Some(_), Some(Verdict::Missed)) => Tone::Waiting,
        (Some(_), Some(Verdict::Accepted | Verdict::OnProbation) | None) => Tone::Running,
    }
}

/// How wide the parts of a row are: name, verdict, step, credits.
const SHARES: [f32; 4] = [3.0, 6.0, 3.0, 3.0];

fn rows(ui: &mut Ui, scene: &Scene<'_>) {
    let palette = scene.palette;
    let heads = ["peers-name", "peers-verdict", "peers-doing", "swarm-credits"];
    columns(ui, "swarm-heads", &SHARES, &mut |ui, i| {
        if let Some(key) = heads.get(i) {
            caption(ui, palette, &scene.text(key));
        }
    });
    for (n, peer) in scene.app().run.peers.iter().enumerate() {
        columns(ui, &format!("swarm-{n}"), &SHARES, &mut |ui, i| {
            let text = match i {
                0 => {
                    tone_line(ui, palette, tone(peer), &fit(&peer.name, 16));
                    return;
                }
                1 => verdict(scene, peer),
                2 => doing(scene, peer),
                _ => units::credits(peer.credits),
            };
            strong(ui, palette, &text);
        });
    }
}

fn doing(scene: &Scene<'_>, peer: &PeerRow) -> String {
    match (peer.phase, peer.step) {
        (None, _) => scene.text("peer-not-there"),
        (Some(Phase::Inner), Some(step)) => {
            let args = [("done", step.done.to_string().into()), ("of", step.of.to_string().into())];
            scene.with("status-steps", &args)
        }
        (Some(phase), _) => phase_words(phase, scene.locale),
    }
}

fn verdict(scene: &Scene<'_>, peer: &PeerRow) -> String {
    let words = peer.verdict.map(|row| verdict_words(row.verdict, scene.locale));
    words.unwrap_or_else(|| scene.text("peers-no-verdict"))
}

/// All of a row, for those who do not see the table.
fn sentence(scene: &Scene<'_>, peer: &PeerRow) -> String {
    let credits = units::credits(peer.credits);
    let credits = scene.with("credits-no-value", &[("credits", credits.into())]);
    [peer.name.clone(), doing(scene, peer), verdict(scene, peer), credits].join(" · ")
}
