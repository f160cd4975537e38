//! A piece of work for the peer, and the command line that asks for it.

use serde::{Deserialize, Serialize};
use std::path::Path;
use types::Hotkey;
use view_model::{NetworkSettings, Rehearsal, RehearsalSettings, RunKind};

/// What the peer is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub(crate) enum Job {
    /// A swarm on this machine.
    Rehearse(RehearseJob),
    /// Train in a run that is known by this id.
    Train {
        /// The run's id in hex.
        run: String,
        /// The key that signs.
        hotkey: Hotkey,
    },
}

/// The size of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RehearseJob {
    peers: u32,
    rounds: u64,
    inner_steps: Option<u32>,
    model: Option<String>,
    seed: Option<u64>,
    cheater: bool,
    leaver: bool,
    loss_percent: u32,
}

/// Most peers and rounds that a press may ask for: the window's sliders end below, the command line may go this far.
const MAX_PEERS: u32 = 16;
const MAX_ROUNDS: u64 = 1000;
const MAX_INNER_STEPS: u32 = 1000;

impl RehearseJob {
    /// What was pressed, the rest by the settings; all within bounds.
    pub(crate) fn new(pressed: &Rehearsal, settings: &RehearsalSettings) -> Self {
        Self {
            peers: pressed.peers.unwrap_or(settings.peers).clamp(2, MAX_PEERS),
            rounds: pressed.rounds.unwrap_or(settings.rounds).clamp(3, MAX_ROUNDS),
            inner_steps: pressed.inner_steps.map(|steps| steps.clamp(1, MAX_INNER_STEPS)),
            model: pressed.model.clone().filter(|name| types::manifest::ModelParams::preset(name).is_some()),
            seed: pressed.seed,
            cheater: settings.cheater,
            leaver: settings.leaver,
            loss_percent: settings.loss_percent.min(30),
        }
    }

    fn args(&self, folder: &Path) -> Vec<String> {
        let mut args = vec!["rehearse".to_owned(), "--app".to_owned()];
        let mut option = |name: &str, value: String| args.extend([name.to_owned(), value]);
        option("--peers", self.peers.to_string());
        option("--rounds", self.rounds.to_string());
        option("--dir", folder.to_string_lossy().into_owned());
        if let Some(steps) = self.inner_steps {
            option("--inner-steps", steps.to_string());
        }
        if let Some(model) = &self.model {
            option("--model", model.clone());
        }
        if let Some(seed) = self.seed {
            option("--seed", seed.to_string());
        }
        if self.cheater {
            option("--cheater", "copycat".to_owned());
        }
        if self.leaver {
            option("--leave-at", (self.rounds / 2).max(1).to_string());
        }
        if self.loss_percent > 0 {
            option("--loss", self.loss_percent.to_string());
        }
        args
    }
}

impl Job {
    /// Rehearsal or shared.
    pub(crate) fn kind(&self) -> RunKind {
        match self {
            Self::Rehearse(_) => RunKind::Rehearsal,
            Self::Train { .. } => RunKind::Shared,
        }
    }

    /// Whether the events of `speaker` are about this computer's own work, and not about a peer that plays along.
    pub(crate) fn is_me(&self, speaker: &str) -> bool {
        match self {
            Self::Rehearse(_) => speaker == MY_PEER,
            Self::Train { .. } => true,
        }
    }

    /// Arguments for the peer's program; `folder` is the work's own, the line's switches are those of its start.
    pub(crate) fn args(&self, folder: &Path, network: &NetworkSettings) -> Vec<String> {
        match self {
            Self::Rehearse(rehearse) => rehearse.args(folder),
            Self::Train { hotkey, .. } => {
                let (folder, hotkey) = (folder.to_string_lossy(), hotkey.to_string());
                let mut args = ["train", "--run", &folder, "--ipc", "--hotkey", &hotkey].map(str::to_owned).to_vec();
                let switches =
                    [(network.tcp_only, "--tcp-only"), (network.mdns, "--mdns"), (!network.upnp, "--no-upnp")];
                args.extend(switches.iter().filter(|(on, _)| *on).map(|(_, switch)| (*switch).to_owned()));
                args
            }
        }
    }

    /// The work's own folder, below the data folder. A rehearsal's is new each time.
    pub(crate) fn folder(&self, data_dir: &Path, stamp_ms: u64) -> std::path::PathBuf {
        match self {
            Self::Rehearse(_) => data_dir.join(REHEARSALS).join(stamp_ms.to_string()),
            Self::Train { run, .. } => data_dir.join(crate::runs::RUNS).join(run),
        }
    }

    /// The folder of this computer's own peer within the work's folder.
    pub(crate) fn peer_name(&self) -> &'static str {
        match self {
            Self::Rehearse(_) => MY_PEER,
            Self::Train { .. } => "peer",
        }
    }
}

/// The peer of a rehearsal that stands for this computer.
pub(crate) const MY_PEER: &str = "peer-1";
/// Folder of rehearsals in the data folder.
pub(crate) const REHEARSALS: &str = "rehearsals";
