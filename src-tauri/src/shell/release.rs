//! The two ends of an update that only the shell can do: what its first act finds, and what its last one puts in.
//!
//! In: the programs' folder, the app's last order. Out: a start that knows whether a version is on probation, or another
//! program in place of this one. Both happen while no trainer runs; what a package manager owns is left alone.

use super::lock::ProfileLock;
use anyhow::{Context as _, Result};
use app::Then;
use std::sync::{Arc, Mutex};
use update::health::Start;
use update::install::Install;
use update::stage::Home;

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The app's last order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) then: Then,
    /// The window was open: it is opened again.
    pub(crate) with_window: bool,
}

/// Where the bridge leaves it.
pub(crate) type Orders = Arc<Mutex<Option<Order>>>;

/// The first act: mends what a kill has left, counts this start, and gives way to the old version if this one has failed.
pub(crate) fn begin() -> Result<Start> {
    let Some(home) = home() else { return Ok(Start::Plain) };
    match home.begin_start(&mut |_| {}) {
        Ok(Start::WentBack { failed, to }) if to != VERSION => {
            tracing::error!("version {failed} failed, so {to} is started");
            let args: Vec<String> = std::env::args().skip(1).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            Err(update::swap::restart(&args)).context("the version before this one can't be started")
        }
        Ok(start) => Ok(start),
        Err(error) => {
            // Whatever is wrong with updates, work can go on.
            tracing::error!("updates: {error}");
            Ok(Start::Plain)
        }
    }
}

/// The last act: puts in what was ordered, and starts it. The lock goes first, so that the new program gets it.
pub(crate) fn end(order: Option<Order>, lock: ProfileLock) -> Result<()> {
    let Some(home) = home() else { return Ok(()) };
    let Some(Order { then, with_window }) = order else {
        // Ended in order: this start was no crash, however short.
        if let Err(error) = home.start_was_good() {
            tracing::error!("updates: {error}");
        }
        return Ok(());
    };
    let done = match then {
        Then::PutIn => home.swap(VERSION, &mut |_| {}),
        Then::GoBack => home.roll_back(&mut |_| {}),
    };
    match done {
        Ok(pair) => tracing::info!("version {} is in its place", pair.version),
        // What was cut off is mended by the next start; this version is started again.
        Err(error) => tracing::error!("{then:?} did not work: {error}"),
    }
    drop(lock);
    let args: &[&str] = if with_window { &[] } else { &["--hidden"] };
    Err(update::swap::restart(args)).context("the new version can't be started")
}

fn home() -> Option<Home> {
    match Install::of_this_program() {
        Install::Own(folder) => Some(Home::at(folder)),
        _ => None,
    }
}
