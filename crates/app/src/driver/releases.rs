//! Engine and new versions: workers that look and fetch, one of each at a time.
//!
//! In: effects of the state. Out: tasks that report back as events and end with the app.

use super::App;
use crate::engine::{EngineWorker, FOLDER};
use crate::release::Release;
use crate::state::{Effect, Event, UpdateInit};
use crate::updates::{UpdateWorker, home};
use pack::{Machine, SEARCH_PATH, Shelf, TORCH};
use std::ffi::OsString;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use update::manifest::Channel;

/// What ends the downloads.
#[derive(Debug, Default)]
pub(super) struct Holds {
    engine: CancellationToken,
    update: CancellationToken,
}

/// What the state begins with.
pub(super) fn known(release: &Release) -> UpdateInit {
    UpdateInit {
        install: release.install.clone(),
        start: release.start.clone(),
        can_look: release.keys.is_ok() && !release.servers.is_empty(),
        previous: home(&release.install).and_then(|home| home.previous().ok().flatten()),
    }
}

impl App {
    pub(super) fn release(&mut self, effect: Effect) {
        match effect {
            Effect::LookForEngine { machine } if self.config.times.sense => {
                let (worker, events) = (self.engine_worker(machine, None), self.events.clone());
                self.tasks.spawn(async move {
                    let _ = events.send(Event::Engine(worker.look().await)).await;
                });
            }
            Effect::GetEngine { machine, local } => {
                self.holds.engine = self.stop.child_token();
                let (worker, events) = (self.engine_worker(machine, local), self.events.clone());
                let stop = self.holds.engine.clone();
                self.tasks.spawn(async move {
                    let ended = worker.fetch(&events, &stop).await;
                    let _ = events.send(Event::Engine(ended)).await;
                });
            }
            Effect::HoldEngine => self.holds.engine.cancel(),
            Effect::LookForUpdate { channel, pressed } => {
                let (worker, events) = (self.update_worker(channel, pressed), self.events.clone());
                let stop = self.stop.child_token();
                self.tasks.spawn(async move {
                    tokio::select! {
                        found = worker.look() => drop(events.send(Event::Update(found)).await),
                        () = stop.cancelled() => {}
                    }
                });
            }
            Effect::GetUpdate { channel, pressed } => {
                self.holds.update = self.stop.child_token();
                let (worker, events) = (self.update_worker(channel, pressed), self.events.clone());
                let stop = self.holds.update.clone();
                self.tasks.spawn(async move {
                    let ended = worker.fetch(&events, &stop).await;
                    let _ = events.send(Event::Update(ended)).await;
                });
            }
            Effect::HoldUpdate => self.holds.update.cancel(),
            Effect::UpdateHappened(what) => {
                if let Some(home) = home(&self.config.release.install) {
                    self.in_background(move |_| {
                        UpdateWorker::happened(&home, what).map(Event::Update).into_iter().collect()
                    });
                }
            }
            _ => {}
        }
    }

    fn engine_worker(&self, machine: Machine, local: Option<PathBuf>) -> EngineWorker {
        EngineWorker {
            release: self.config.release.clone(),
            peer_program: self.config.peer_program.clone(),
            data_dir: self.config.data_dir.clone(),
            machine,
            local,
        }
    }

    fn update_worker(&self, channel: Channel, pressed: bool) -> UpdateWorker {
        let shelf = Shelf::at(self.config.data_dir.join(FOLDER));
        let variables = shelf.variables(TORCH, std::env::var_os(SEARCH_PATH));
        let library = variables.into_iter().find(|(name, _)| *name == SEARCH_PATH).map(|(_, value)| value);
        UpdateWorker {
            release: self.config.release.clone(),
            data_dir: self.config.data_dir.clone(),
            version: self.config.version.clone(),
            channel,
            pressed,
            library: (SEARCH_PATH, PathBuf::from(library.unwrap_or_else(OsString::new))),
        }
    }
}
