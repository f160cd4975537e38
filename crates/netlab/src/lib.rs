//! A laboratory of network namespaces: homes behind routers on shaped lines, with delay, loss and NAT, around one
//! made-up internet; and the experiments that run there.
//!
//! In: a [`Plan`]. Out: a [`Lab`] in which programs run as on machines of their own, and figures. It needs root, Linux and
//! the programs `ip`, `tc` and `nft`; [`missing`] says what is not there. It is never installed, changes nothing outside
//! its own namespaces (but see [`congestion`] on Linux), and what a killed lab leaves behind is swept by the next one.

pub mod account;
pub mod node;
mod plan;
pub mod report;

pub use plan::{Line, MAX_NODES, Nat, Node, Place, Plan};

#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod cable;
#[cfg(target_os = "linux")]
pub mod campaign;
#[cfg(target_os = "linux")]
pub mod congestion;
#[cfg(target_os = "linux")]
mod delay_box;
#[cfg(target_os = "linux")]
mod lab;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod pinger;
#[cfg(target_os = "linux")]
mod plain;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod router;
#[cfg(target_os = "linux")]
mod system;
#[cfg(target_os = "linux")]
mod tun;

#[cfg(target_os = "linux")]
pub use {
    delay_box::Counts,
    lab::{Lab, Traffic},
    namespace::sweep,
    pinger::{Pinger, Pings},
    plain::copy as plain_copy,
    process::{Process, Tail},
    system::missing,
};

/// What this machine lacks for a lab.
#[cfg(not(target_os = "linux"))]
pub fn missing() -> Option<String> {
    Some("no network namespaces: not Linux".to_owned())
}

/// Why there is no lab, or not such a one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The plan makes no sense.
    #[error("the plan does not hold: {0}")]
    Plan(String),
    /// A program of the system refused.
    #[error("`{command}` failed: {why}")]
    System {
        /// What was run.
        command: String,
        /// Its last words.
        why: String,
    },
    /// No node of this name.
    #[error("no node is called {0}")]
    NoNode(String),
    /// Files, devices, processes.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// The reason.
        source: std::io::Error,
    },
    /// A thread of this program broke down.
    #[error("{0} broke down")]
    Broken(&'static str),
}

#[cfg(target_os = "linux")]
impl LabError {
    /// For `map_err`: what was tried.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
