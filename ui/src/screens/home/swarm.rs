//! The virtual peers of a rehearsal: a ring, and the same as a table.

use crate::scene::Scene;
use crate::widgets::{RingPeer, card, columns, muted, ring, tone_line};
use egui::Ui;
use types::Verdict;
use view_model::{LinkPath, PeerRow, Tone, phase_words, units, verdict_words};

/// Height of the ring.
const RING: f32 = 220.0;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, peers) = (scene.palette, &scene.app().run.peers);
    card(ui, palette, &scene.text("swarm-title"), |ui| {
        let wide = ui.available_width() >= 640.0;
        let drawn: Vec<RingPeer> = peers.iter().map(|peer| ring_peer(scene, peer)).collect();
        let table = |ui: &mut Ui, scene: &Scene<'_>| {
            for peer in peers {
                tone_line(ui, palette, tone(peer), &sentence(scene, peer));
            }
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

fn sentence(scene: &Scene<'_>, peer: &PeerRow) -> String {
    let mut parts = vec![peer.name.clone()];
    parts.push(match (peer.phase, peer.step) {
        (None, _) => scene.text("peer-not-there"),
        (Some(phase), Some(step)) => {
            let args = [("done", step.done.to_string().into()), ("of", step.of.to_string().into())];
            format!("{} ({})", phase_words(phase, scene.locale), scene.with("status-steps", &args))
        }
        (Some(phase), None) => phase_words(phase, scene.locale),
    });
    if let Some(row) = peer.verdict {
        parts.push(verdict_words(row.verdict, scene.locale));
    }
    let credits = units::credits(peer.credits);
    parts.push(scene.with("credits-no-value", &[("credits", credits.into())]));
    parts.join(" · ")
}
