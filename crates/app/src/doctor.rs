//! Checks of this computer, each with its finding and what to do.
//!
//! In: what is known already, the peer's program, the cards. Out: one finding a check. Every question has a time limit; what
//! could not be asked is said as not checked, never as fine.

use crate::api::Config;
use gpu::{GpuProbe as _, Prober, Survey};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use types::{ByteCount, Problem};
use view_model::{CheckState, DoctorCheck, KeychainState, ReachVerdict, Told, Tone, units};

/// For `covey-peer --version`: libtorch has to be loaded.
const VERSION_TIME: Duration = Duration::from_secs(20);
/// Bytes of its answer that are read.
const MAX_ANSWER: usize = 4096;
/// A rehearsal of four peers takes about this.
const ENOUGH_MEMORY: ByteCount = ByteCount(2 << 30);
/// This program was made after this moment (1 January 2026): an earlier clock is wrong.
const MADE_AFTER_MS: u64 = 1_767_225_600_000;
/// And nobody runs it a century later.
const CENTURY_MS: u64 = 100 * 365 * 86_400_000;

/// What the state knows.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) now_ms: u64,
    pub(crate) disk_free: Option<ByteCount>,
    pub(crate) disk_needed: ByteCount,
    pub(crate) memory_free: Option<ByteCount>,
    pub(crate) keychain: KeychainState,
    /// How others reach this computer, as the running peer says it.
    pub(crate) network: ReachVerdict,
    /// A run with others is chosen or running.
    pub(crate) shared: bool,
}

/// Checks everything.
pub(crate) async fn check(config: &Config, gpus: &Prober, known: Known) -> Vec<DoctorCheck> {
    let survey = match config.times.sense {
        true => Some(gpus.survey().await),
        false => None,
    };
    let peer = peer(&config.peer_program, &config.version).await;
    let [gpu, driver] = cards(survey.as_ref());
    vec![gpu, driver, disk(&known), memory(&known), clock(&known), peer, keychain(&known), network(&known)]
}

fn finding(code: &str, state: CheckState, found: Told, problem: Option<Problem>) -> DoctorCheck {
    DoctorCheck { code: code.to_owned(), state, found, problem }
}

fn cards(survey: Option<&Survey>) -> [DoctorCheck; 2] {
    let not_run = |code| finding(code, CheckState::NotRun, Told::new("found-not-run"), None);
    let Some(survey) = survey else { return [not_run("gpu"), not_run("driver")] };
    let names: Vec<String> =
        survey.healthy().map(|card| card.name.clone().unwrap_or_else(|| card.uuid.to_string())).collect();
    let gpu = match survey.problem() {
        // The rehearsal runs on the processor, so that no card is not the end.
        Some(problem) => finding("gpu", CheckState::Limited, Told::new("found-gpu-none"), Some(problem)),
        None => finding("gpu", CheckState::Good, Told::new("found-gpu").with("cards", names.join(", ")), None),
    };
    let driver = match &survey.driver {
        Some(version) => {
            let told = Told::new("found-driver").with("version", version.clone());
            let state = if survey.fault().is_some() { CheckState::Limited } else { CheckState::Good };
            finding("driver", state, told, None)
        }
        None => finding("driver", CheckState::Limited, Told::new("found-driver-none"), None),
    };
    [gpu, driver]
}

fn disk(known: &Known) -> DoctorCheck {
    let needed = known.disk_needed;
    let Some(free) = known.disk_free else {
        return finding("disk", CheckState::NotRun, Told::new("found-not-run"), None);
    };
    let told = Told::new("found-disk").with("free", units::bytes(free));
    if free >= needed {
        return finding("disk", CheckState::Good, told, None);
    }
    let title = format!("Only {} are free, and {} are to stay free", units::bytes(free), units::bytes(needed));
    let problem = Problem::new("disk_low", title, "Make room, or lower the limit under Settings.");
    finding("disk", CheckState::Bad, told, Some(problem))
}

fn memory(known: &Known) -> DoctorCheck {
    let Some(free) = known.memory_free else {
        return finding("memory", CheckState::NotRun, Told::new("found-not-run"), None);
    };
    let told = Told::new("found-memory").with("free", units::memory(free));
    if free >= ENOUGH_MEMORY {
        return finding("memory", CheckState::Good, told, None);
    }
    let title = format!("Only {} of memory are free", units::memory(free));
    let problem = Problem::new("memory_low", title, "Close other programs, or rehearse with fewer peers.");
    finding("memory", CheckState::Limited, told, Some(problem))
}

fn clock(known: &Known) -> DoctorCheck {
    // Nobody is asked for the time without a press on Join; but a clock before this program was made is wrong.
    if (MADE_AFTER_MS..MADE_AFTER_MS + CENTURY_MS).contains(&known.now_ms) {
        return finding("clock", CheckState::Good, Told::new("found-clock"), None);
    }
    let problem =
        Problem::new("clock_wrong", "The clock of this computer is wrong", "Set it, or let the system set it.");
    finding("clock", CheckState::Bad, Told::new("found-clock-wrong"), Some(problem))
}

fn keychain(known: &Known) -> DoctorCheck {
    match &known.keychain {
        KeychainState::Ready => finding("keychain", CheckState::Good, Told::new("found-keychain"), None),
        KeychainState::Unknown => finding("keychain", CheckState::NotRun, Told::new("found-not-run"), None),
        KeychainState::Unusable(problem) => {
            let told = Told::new("found-keychain-none");
            finding("keychain", CheckState::Limited, told, Some(problem.clone()))
        }
    }
}

/// A rehearsal stays on this computer; a run's own line is what its peer says of it. Unknown is not fine.
fn network(known: &Known) -> DoctorCheck {
    if !known.shared {
        return finding("network", CheckState::NotRun, Told::new("found-network-not-needed"), None);
    }
    let state = match known.network.tone {
        Tone::Running => CheckState::Good,
        Tone::Waiting => CheckState::Limited,
        Tone::Problem => CheckState::Bad,
        Tone::Paused | Tone::Earned | Tone::Neutral => CheckState::NotRun,
    };
    finding("network", state, known.network.verdict.clone(), None)
}

/// Whether the peer's program is there, loads its libraries, and is of this version.
async fn peer(program: &Path, version: &str) -> DoctorCheck {
    let bad = |problem| finding("peer", CheckState::Bad, Told::new("found-peer-bad"), Some(problem));
    let install = "Install Covey again, or build it with `cargo xtask run`.";
    let answer = match tokio::time::timeout(VERSION_TIME, ask_version(program)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            return bad(Problem::new("peer_not_started", format!("The trainer cannot be started: {error}"), install));
        }
        Err(_) => return bad(Problem::new("peer_silent", "The trainer does not say its version", install)),
    };
    match answer.split_whitespace().last() {
        Some(theirs) if theirs == version => {
            finding("peer", CheckState::Good, Told::new("found-peer").with("version", theirs), None)
        }
        Some(theirs) => {
            let theirs: String = theirs.chars().take(64).collect();
            let title = format!("The trainer has version {theirs}, this program has {version}");
            bad(Problem::new("peer_version", title, install))
        }
        None => bad(Problem::new("peer_silent", "The trainer does not say its version", install)),
    }
}

async fn ask_version(program: &Path) -> std::io::Result<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    #[cfg(windows)]
    command.creation_flags(0x0800_0000);
    let output = command.output().await?;
    if !output.status.success() {
        let words = output.stderr.get(..output.stderr.len().min(300)).unwrap_or_default();
        return Err(std::io::Error::other(String::from_utf8_lossy(words).trim().to_owned()));
    }
    let text = output.stdout.get(..output.stdout.len().min(MAX_ANSWER)).unwrap_or_default();
    Ok(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use view_model::{NetworkSettings, NetworkView, ReachCause, Reachability};

    fn known() -> Known {
        Known {
            now_ms: MADE_AFTER_MS + 1,
            disk_free: Some(ByteCount(9_000_000_000)),
            disk_needed: ByteCount(5_000_000_000),
            memory_free: None,
            keychain: KeychainState::Ready,
            network: NetworkView::default().verdict(&NetworkSettings::default()),
            shared: true,
        }
    }

    #[test]
    fn the_line_is_judged_by_what_other_peers_said_and_unknown_is_not_fine() {
        let with = |reachability, cause| {
            let view = NetworkView { reachability, cause, ..NetworkView::default() };
            network(&Known { network: view.verdict(&NetworkSettings::default()), ..known() }).state
        };
        assert_eq!(network(&known()).state, CheckState::NotRun);
        assert_eq!(with(Reachability::Open, ReachCause::PublicAddress), CheckState::Good);
        assert_eq!(with(Reachability::Relayed, ReachCause::Firewall), CheckState::Limited);
        assert_eq!(with(Reachability::Outbound, ReachCause::NobodyReached), CheckState::Bad);
        assert_eq!(network(&Known { shared: false, ..known() }).found, Told::new("found-network-not-needed"));
    }

    #[test]
    fn what_nobody_could_look_at_is_not_fine() {
        assert_eq!(memory(&known()).state, CheckState::NotRun);
        assert_eq!(disk(&known()).state, CheckState::Good);
        assert_eq!(disk(&Known { disk_free: Some(ByteCount(1)), ..known() }).state, CheckState::Bad);
        assert_eq!(clock(&Known { now_ms: 5, ..known() }).state, CheckState::Bad);
        assert_eq!(cards(None).map(|check| check.state), [CheckState::NotRun; 2]);
    }

    #[tokio::test]
    async fn a_missing_trainer_is_bad_and_says_what_to_do() {
        let check = peer(Path::new("/nowhere/covey-peer"), "1").await;
        assert_eq!(
            (check.state, check.problem.map(|problem| problem.code)),
            (CheckState::Bad, Some("peer_not_started".into()))
        );
    }
}
