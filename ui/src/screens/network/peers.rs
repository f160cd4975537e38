//! The others: a ring around this computer, and the same as a table.

use crate::scene::Scene;
use crate::terminal::fit;
use crate::widgets::{RingPeer, caption, card, chip, columns, ring, strong, term};
use egui::{ScrollArea, Ui};
use types::Verdict;
use view_model::{LinkPath, PeerLink, Tone, phase_words, units, verdict_words};

/// Height of the ring.
const RING: f32 = 320.0;
/// From this width on the table stands beside the ring.
const WIDE: f32 = 880.0;
/// Height of the table before it scrolls.
const TABLE: f32 = 360.0;
/// Longest name in the table.
const NAME: usize = 20;
/// How wide the parts of a row are: name, path, round trip, doing or traffic, verdict or fault.
const SHARES: [f32; 5] = [3.0, 3.0, 2.0, 3.0, 4.0];
/// Heads of the table: peers here are told by what they do, others by what passes between them and this computer.
const HERE: [&str; 5] = ["peers-name", "peers-path", "peers-rtt", "peers-doing", "peers-verdict"];
const ELSEWHERE: [&str; 5] = ["peers-name", "peers-path", "peers-rtt", "peers-traffic", "peers-fault"];

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
        let paths = [LinkPath::Direct, LinkPath::Punched, LinkPath::Lan, LinkPath::Relayed, LinkPath::Bucket];
        for path in paths.into_iter().chain([LinkPath::Unknown]) {
            let count = view.peers.iter().filter(|peer| peer.path == path).count();
            if count > 0 {
                chip(ui, palette, Tone::Neutral, &format!("{}: {count}", path_words(scene, path)));
            }
        }
    });
    term(ui, palette, &scene.text("term-paths"), &scene.text("term-paths-means"));
}

fn path_words(scene: &Scene<'_>, path: LinkPath) -> String {
    scene.text(match path {
        LinkPath::Local => "path-local",
        LinkPath::Lan => "path-lan",
        LinkPath::Direct => "path-direct",
        LinkPath::Punched => "path-punched",
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

/// The path, and over what.
fn path(scene: &Scene<'_>, peer: &PeerLink) -> String {
    let path = path_words(scene, peer.path);
    match peer.quic {
        Some(quic) => {
            let transport = if quic { "QUIC" } else { "TCP" };
            scene.with("path-over", &[("path", path.into()), ("transport", transport.into())])
        }
        None => path,
    }
}

/// Bytes to it and from it.
fn traffic(peer: &PeerLink) -> Option<String> {
    Some(format!("{} / {}", units::bytes(peer.up?), units::bytes(peer.down?)))
}

fn ring_peer(scene: &Scene<'_>, peer: &PeerLink) -> RingPeer {
    let mut parts = vec![peer.name.clone(), path(scene, peer)];
    parts.extend(rtt(peer, scene));
    parts.extend(traffic(peer));
    parts.extend(peer.phase.map(|phase| phase_words(phase, scene.locale)));
    parts.extend(peer.verdict.map(|verdict| verdict_words(verdict, scene.locale)));
    parts.extend(peer.fault.clone());
    RingPeer { name: peer.name.clone(), said: parts.join(" · "), tone: tone(peer), path: peer.path }
}

fn table(ui: &mut Ui, scene: &Scene<'_>) {
    let palette = scene.palette;
    let heads = if scene.app().network.local_only { HERE } else { ELSEWHERE };
    columns(ui, "peers-heads", &SHARES, &mut |ui, i| {
        if let Some(key) = heads.get(i) {
            caption(ui, palette, &scene.text(key));
        }
    });
    let area = ScrollArea::vertical().id_salt("peers").max_height(TABLE).auto_shrink([false, true]);
    area.show(ui, |ui| {
        for (n, peer) in scene.app().network.peers.iter().enumerate() {
            columns(ui, &format!("peer-{n}"), &SHARES, &mut |ui, i| {
                strong(ui, palette, &cell(scene, peer, i));
            });
        }
    });
}

/// What stands in a part of a row.
fn cell(scene: &Scene<'_>, peer: &PeerLink, column: usize) -> String {
    match column {
        0 => fit(&peer.name, NAME),
        1 => path(scene, peer),
        2 if peer.path == LinkPath::Local => scene.text("peers-here"),
        2 => scene.or_unknown(rtt(peer, scene)),
        3 if peer.path != LinkPath::Local => scene.or_unknown(traffic(peer)),
        3 => scene.or_unknown(peer.fault.clone().or(peer.phase.map(|phase| phase_words(phase, scene.locale)))),
        _ if peer.path != LinkPath::Local => peer.fault.clone().unwrap_or_else(|| scene.text("peers-no-fault")),
        _ => {
            let verdict = peer.verdict.map(|verdict| verdict_words(verdict, scene.locale));
            verdict.unwrap_or_else(|| scene.text("peers-no-verdict"))
        }
    }
}
