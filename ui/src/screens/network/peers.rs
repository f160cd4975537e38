//! The others: a ring around this computer, and the same as a table.

use crate::design_tokens::{ROW, SPACE_M, SPACE_S};
use crate::scene::Scene;
use crate::terminal::fit;
use crate::widgets::{RingPeer, caption, card, chip, columns, ring, term};
use egui::{Grid, RichText, ScrollArea, Ui};
use types::Verdict;
use view_model::{LinkPath, PeerLink, Tone, phase_words, verdict_words};

/// Height of the ring.
const RING: f32 = 320.0;
/// From this width on the table stands beside the ring.
const WIDE: f32 = 880.0;
/// Height of the table before it scrolls.
const TABLE: f32 = 360.0;
/// Longest name in the table.
const NAME: usize = 20;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().network);
    let title = scene.with("peers-title", &[("count", view.peers.len().into())]);
    card(ui, palette, &title, |ui| {
        let drawn: Vec<RingPeer> = view.peers.iter().map(|peer| ring_peer(scene, peer)).collect();
        if ui.available_width() < WIDE {
            ring(ui, scene, &title, &scene.text("peers-me"), &drawn, RING);
            paths(ui, scene);
            table(ui, scene);
            return;
        }
        columns(ui, "peers", &[2.0, 3.0], &mut |ui, i| {
            if i == 1 {
                return table(ui, scene);
            }
            ring(ui, scene, &title, &scene.text("peers-me"), &drawn, RING);
            paths(ui, scene);
        });
    });
}

/// How many are reached in which way.
fn paths(ui: &mut Ui, scene: &Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().network);
    if view.local_only {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for path in [LinkPath::Direct, LinkPath::Relayed, LinkPath::Bucket, LinkPath::Unknown] {
            let count = view.peers.iter().filter(|peer| peer.path == path).count();
            if count > 0 {
                chip(ui, palette, Tone::Neutral, &format!("{}: {count}", path_words(scene, path)));
            }
        }
        term(ui, palette, &scene.text("term-paths"), &scene.text("term-paths-means"));
    });
}

fn path_words(scene: &Scene<'_>, path: LinkPath) -> String {
    scene.text(match path {
        LinkPath::Local => "path-local",
        LinkPath::Direct => "path-direct",
        LinkPath::Relayed => "path-relayed",
        LinkPath::Bucket => "path-bucket",
        LinkPath::Unknown => "unknown",
    })
}

fn tone(peer: &PeerLink) -> Tone {
    match (&peer.fault, peer.verdict) {
        (Some(_), _) => Tone::Problem,
        (None, Some(Verdict::Rejected(_))) => Tone::Problem,
        (None, Some(Verdict::Missed)) => Tone::Waiting,
        (None, Some(Verdict::Accepted | Verdict::OnProbation)) => Tone::Running,
        (None, None) => Tone::Neutral,
    }
}

fn rtt(peer: &PeerLink, scene: &Scene<'_>) -> Option<String> {
    let ms = peer.rtt_ms.filter(|ms| ms.is_finite())?;
    Some(scene.with("milliseconds", &[("ms", format!("{ms:.0}").into())]))
}

fn ring_peer(scene: &Scene<'_>, peer: &PeerLink) -> RingPeer {
    let mut parts = vec![peer.name.clone(), path_words(scene, peer.path)];
    parts.extend(rtt(peer, scene));
    parts.extend(peer.phase.map(|phase| phase_words(phase, scene.locale)));
    parts.extend(peer.verdict.map(|verdict| verdict_words(verdict, scene.locale)));
    parts.extend(peer.fault.clone());
    RingPeer { name: peer.name.clone(), said: parts.join(" · "), tone: tone(peer), path: peer.path }
}

fn table(ui: &mut Ui, scene: &Scene<'_>) {
    let area = ScrollArea::both().id_salt("peers").max_height(TABLE).auto_shrink([false, true]);
    area.show(ui, |ui| rows(ui, scene));
}

fn rows(ui: &mut Ui, scene: &Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().network);
    let cell = |ui: &mut Ui, text: &str| {
        ui.label(RichText::new(text).color(palette.text));
    };
    Grid::new("peers-grid").striped(false).spacing([SPACE_M * 2.0, SPACE_S / 2.0]).min_row_height(ROW).show(ui, |ui| {
        let heads = ["peers-name", "peers-path", "peers-rtt", "peers-doing", "peers-verdict"];
        for key in heads {
            caption(ui, palette, &scene.text(key));
        }
        ui.end_row();
        for peer in &view.peers {
            cell(ui, &fit(&peer.name, NAME));
            cell(ui, &path_words(scene, peer.path));
            let round_trip = match peer.path {
                LinkPath::Local => scene.text("peers-here"),
                _ => scene.or_unknown(rtt(peer, scene)),
            };
            cell(ui, &round_trip);
            let doing = peer.phase.map(|phase| phase_words(phase, scene.locale));
            cell(ui, &peer.fault.clone().or(doing).unwrap_or_else(|| scene.text("unknown")));
            let verdict = peer.verdict.map(|verdict| verdict_words(verdict, scene.locale));
            cell(ui, &verdict.unwrap_or_else(|| scene.text("peers-no-verdict")));
            ui.end_row();
        }
    });
}
