//! Help: what is wrong and what to do, the log, a report without secrets, and what this is.
//!
//! In: the snapshot and the log. Out: checks, reports, pages.

mod about;
mod doctor;
mod log;
mod log_filter;
mod network;
mod report;
mod uptime;

use crate::scene::Scene;
use crate::widgets::tabs;
use egui::Ui;

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tab {
    #[default]
    Doctor,
    Network,
    Log,
    Report,
    About,
}

const TABS: [(Tab, &str); 5] = [
    (Tab::Doctor, "help-doctor"),
    (Tab::Network, "help-network"),
    (Tab::Log, "help-log"),
    (Tab::Report, "help-report"),
    (Tab::About, "help-about"),
];

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    tab: Tab,
    log: log::State,
    report: report::State,
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let names: Vec<String> = TABS.iter().map(|(_, key)| scene.text(key)).collect();
    let chosen = TABS.iter().position(|(tab, _)| *tab == state.tab).unwrap_or(0);
    if let Some((tab, _)) = tabs(ui, scene.palette, &names, chosen).and_then(|n| TABS.get(n)) {
        state.tab = *tab;
    }
    match state.tab {
        Tab::Doctor => {
            doctor::show(ui, scene);
            uptime::show(ui, scene);
        }
        Tab::Network => network::show(ui, scene),
        Tab::Log => log::show(ui, scene, &mut state.log),
        Tab::Report => report::show(ui, scene, &mut state.report),
        Tab::About => about::show(ui, scene),
    }
}
