//! The Network screen: peers, whether others reach this computer, volume, downloads, how the last rounds went.
//!
//! In: what the peer says of the network. Out: a verdict with its cause and one advice as sentences by key, and plain figures.
//! Nothing is claimed that nobody has looked at.

use crate::app_snapshot::{Told, Tone};
use crate::settings::NetworkSettings;
use crate::snapshot::Phase;
use serde::{Deserialize, Serialize};
use types::{ByteCount, Round, Uid, Verdict};

/// The Network screen beside its charts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NetworkView {
    /// Others in the run.
    pub peers: Vec<PeerLink>,
    /// Whether others can reach this computer.
    pub reachability: Reachability,
    /// Why, so far as it is known.
    pub cause: ReachCause,
    /// The own network identity, once there is one.
    pub peer_id: Option<String>,
    /// Addresses at which others reach this computer, at most eight.
    pub addresses: Vec<String>,
    /// Bytes per second now, up and down.
    pub rate: Option<(ByteCount, ByteCount)>,
    /// Bytes this month, up and down.
    pub month: (ByteCount, ByteCount),
    /// Volume left this month; `None` without a quota.
    pub left: Option<ByteCount>,
    /// Whether payloads are exchanged on this computer only (a rehearsal).
    pub local_only: bool,
    /// Something long that is being fetched.
    pub fetching: Option<FetchView>,
    /// How the last rounds went, oldest first.
    pub rounds: Vec<RoundTimes>,
}

/// Another peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerLink {
    /// Its name or a piece of its id.
    pub name: String,
    /// Its slot.
    pub uid: Option<Uid>,
    /// How it is reached.
    pub path: LinkPath,
    /// Whether the connection is QUIC; `None` where there is none.
    pub quic: Option<bool>,
    /// Round-trip time in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Bytes sent to it since the peer's process began.
    pub up: Option<ByteCount>,
    /// Bytes received from it since the peer's process began.
    pub down: Option<ByteCount>,
    /// What it does now.
    pub phase: Option<Phase>,
    /// Its last verdict.
    pub verdict: Option<Verdict>,
    /// Last fault, in words.
    pub fault: Option<String>,
}

/// How a peer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPath {
    /// On this computer.
    Local,
    /// On the same network.
    Lan,
    /// Straight.
    Direct,
    /// Straight, after punching a hole through a router.
    Punched,
    /// Through somebody else.
    Relayed,
    /// Through a bucket.
    Bucket,
    /// Nobody knows.
    Unknown,
}

/// Whether others can reach this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reachability {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// No need: everything happens on this computer.
    NotNeeded,
    /// Others reach it straight.
    Open,
    /// After punching a hole.
    Punched,
    /// Only through a relay.
    Relayed,
    /// Not at all: it calls out and nobody calls in.
    Outbound,
}

/// Why a computer is reached as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachCause {
    /// Not known.
    #[default]
    Unknown,
    /// It has a public address and nothing stands before it.
    PublicAddress,
    /// The router opened a port when asked.
    PortMapped,
    /// A router or firewall drops what comes in unasked.
    Firewall,
    /// The router gives every connection another port.
    SymmetricNat,
    /// UDP does not get through; TCP does.
    UdpBlocked,
    /// No node of the run could be reached at all.
    NobodyReached,
}

/// The verdict on reachability: what, why, and the one thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachVerdict {
    /// How good that is.
    pub tone: Tone,
    /// What.
    pub verdict: Told,
    /// Why, if it is known.
    pub cause: Option<Told>,
    /// What to do.
    pub advice: Told,
}

impl NetworkView {
    /// The verdict in words; the settings say what was tried already.
    pub fn verdict(&self, settings: &NetworkSettings) -> ReachVerdict {
        let nobody = self.cause == ReachCause::NobodyReached;
        let (tone, verdict) = match self.reachability {
            Reachability::NotNeeded => (Tone::Neutral, "reach-not-needed"),
            _ if nobody => (Tone::Problem, "reach-nobody"),
            Reachability::Unknown => (Tone::Neutral, "reach-unknown"),
            Reachability::Open => (Tone::Running, "reach-open"),
            Reachability::Punched => (Tone::Running, "reach-punched"),
            Reachability::Relayed => (Tone::Waiting, "reach-relayed"),
            // A full member all the same: nothing is broken.
            Reachability::Outbound => (Tone::Waiting, "reach-outbound"),
        };
        let cause = match self.cause {
            ReachCause::Unknown => None,
            ReachCause::PublicAddress => Some("cause-public-address"),
            ReachCause::PortMapped => Some("cause-port-mapped"),
            ReachCause::Firewall => Some("cause-firewall"),
            ReachCause::SymmetricNat => Some("cause-symmetric-nat"),
            ReachCause::UdpBlocked => Some("cause-udp-blocked"),
            ReachCause::NobodyReached => Some("cause-nobody-reached"),
        };
        let advice = Told::new(self.advice(settings));
        ReachVerdict { tone, verdict: Told::new(verdict), cause: cause.map(Told::new), advice }
    }

    fn advice(&self, settings: &NetworkSettings) -> &'static str {
        match (self.reachability, self.cause) {
            (Reachability::NotNeeded, _) => "advice-nothing",
            (_, ReachCause::NobodyReached) => "advice-online",
            (Reachability::Unknown, _) => "advice-wait",
            (_, ReachCause::UdpBlocked) if !settings.tcp_only => "advice-tcp-only",
            (Reachability::Open | Reachability::Punched, _) => "advice-nothing",
            (Reachability::Relayed | Reachability::Outbound, _) if !settings.upnp => "advice-upnp-here",
            (Reachability::Relayed | Reachability::Outbound, ReachCause::SymmetricNat) => "advice-forward",
            (Reachability::Relayed, _) => "advice-upnp",
            (Reachability::Outbound, _) => "advice-firewall",
        }
    }
}

/// A download in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchView {
    /// What.
    pub what: Fetched,
    /// Verified so far.
    pub done: ByteCount,
    /// Altogether.
    pub total: ByteCount,
    /// Sources that give at the moment.
    pub sources: u32,
    /// Bytes per second over the last seconds, once that is known.
    pub rate: Option<ByteCount>,
    /// Seconds left at that rate.
    pub left_secs: Option<u64>,
}

impl FetchView {
    /// The share that is done, 0 to 1.
    pub fn share(&self) -> f64 {
        (self.done.0 as f64 / self.total.0.max(1) as f64).clamp(0.0, 1.0)
    }
}

/// What is fetched; its name is `fetch-<code>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetched {
    /// The run's manifest.
    Run,
    /// Shards of the data set.
    Dataset,
    /// Parameters to start from.
    Checkpoint,
}

impl Fetched {
    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Run => "fetch-run",
            Self::Dataset => "fetch-dataset",
            Self::Checkpoint => "fetch-checkpoint",
        }
    }
}

/// How long each part of a finished round took, in milliseconds; 0 for what did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTimes {
    /// The round.
    pub round: Round,
    /// Inner steps.
    pub compute: u64,
    /// Pseudo-gradient and compression.
    pub compress: u64,
    /// Until committed on chain.
    pub commit: u64,
    /// Sending.
    pub upload: u64,
    /// Fetching and checking the others'.
    pub gather: u64,
    /// The outer step.
    pub outer: u64,
    /// Waiting.
    pub idle: u64,
}

/// A part of a round; its name is `part-<code>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoundPart {
    /// Inner steps.
    Compute,
    /// Pseudo-gradient and compression.
    Compress,
    /// Until committed on chain.
    Commit,
    /// Sending.
    Upload,
    /// Fetching and checking the others'.
    Gather,
    /// The outer step.
    Outer,
    /// Waiting.
    Idle,
}

impl RoundPart {
    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Compute => "part-compute",
            Self::Compress => "part-compress",
            Self::Commit => "part-commit",
            Self::Upload => "part-upload",
            Self::Gather => "part-gather",
            Self::Outer => "part-outer",
            Self::Idle => "part-idle",
        }
    }
}

impl RoundTimes {
    /// The parts in the order in which a round goes through them.
    pub fn parts(&self) -> [(RoundPart, u64); 7] {
        [
            (RoundPart::Compute, self.compute),
            (RoundPart::Compress, self.compress),
            (RoundPart::Commit, self.commit),
            (RoundPart::Upload, self.upload),
            (RoundPart::Gather, self.gather),
            (RoundPart::Outer, self.outer),
            (RoundPart::Idle, self.idle),
        ]
    }

    /// All parts together, in milliseconds.
    pub fn total(&self) -> u64 {
        self.parts().iter().fold(0, |sum: u64, (_, ms)| sum.saturating_add(*ms))
    }

    /// Share of the time in which the card trained, 0 to 1; `None` for a round without time.
    pub fn utilisation(&self) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| self.compute as f64 / total as f64)
    }
}

#[cfg(test)]
mod tests;
