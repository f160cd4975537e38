//! The task that asks every two seconds and listens in between.

use std::time::Duration;

use sysinfo::System;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::ByteCount;

use crate::clock::SleepWatch;
use crate::config::{Config, Places};
use crate::os::{Desktop, Told};
use crate::reading::{Appearance, Battery, Reading};
use crate::worker::Worker;
use crate::{battery, os, programs, room};

/// Readings that wait for somebody who is busy; the next one is better than an old one.
const QUEUE: usize = 8;
/// What blocks its thread gets so long.
const DEADLINE: Duration = Duration::from_secs(1);
/// Battery, memory, disk and programs change slowly: they are asked at every such reading.
const SLOW_EVERY: u64 = 2;
/// Waking up is told once, whether the desktop says so, the clocks show it or both.
const ONE_WAKE: Duration = Duration::from_secs(15);

/// What the sensors say.
#[derive(Debug)]
pub enum Sensed {
    /// The computer as it is, every two seconds.
    Reading(Box<Reading>),
    /// The computer is about to sleep. It waits for the [`Hold`] to be dropped, five seconds at most.
    Sleep(Hold),
    /// It has woken up.
    Woke,
    /// It is about to shut down or restart. It waits for the [`Hold`], five seconds at most.
    SessionEnding(Hold),
    /// The desktop wants to look different.
    AppearanceChanged(Appearance),
}

/// Keeps the computer from sleeping or ending until it is dropped, for as long as the system allows.
#[derive(Debug, Default)]
#[must_use = "dropping it lets the computer go"]
pub struct Hold {
    pub(crate) _lock: Option<os::Lock>,
}

/// The sensors.
pub struct Sensors;

impl Sensors {
    /// Starts asking. Ends when `cancel` is cancelled or nobody listens; `tracker` waits for it. Readings that find the
    /// queue full are left out, everything else waits for room.
    pub fn start(
        places: Places,
        config: watch::Receiver<Config>,
        cancel: CancellationToken,
        tracker: &TaskTracker,
    ) -> mpsc::Receiver<Sensed> {
        let (out, sensed) = mpsc::channel(QUEUE);
        let task = Task::new(places, config, out, tracker);
        tracker.spawn(async move { cancel.run_until_cancelled(Box::pin(task.run())).await });
        sensed
    }
}

struct Task {
    config: watch::Receiver<Config>,
    out: mpsc::Sender<Sensed>,
    every: Duration,
    desktop: Desktop,
    machine: Worker<System, Machine>,
    disk: Worker<(), Option<ByteCount>>,
    slow: Slow,
    look: Appearance,
    watch: SleepWatch,
    woke_at: Option<tokio::time::Instant>,
}

/// What is asked less often.
#[derive(Debug, Clone, Default)]
struct Slow {
    machine: Machine,
    disk_free: Option<ByteCount>,
}

#[derive(Debug, Clone, Default)]
struct Machine {
    battery: Option<Battery>,
    memory: Option<(ByteCount, ByteCount)>,
    apps: Option<Vec<String>>,
}

/// Nobody listens any more.
struct Deaf;

impl Task {
    fn new(places: Places, config: watch::Receiver<Config>, out: mpsc::Sender<Sensed>, tracker: &TaskTracker) -> Self {
        Self {
            config,
            out,
            every: places.every.max(Duration::from_millis(10)),
            desktop: Desktop::new(places, tracker),
            machine: Worker::new(System::new(), tracker.clone()),
            disk: Worker::new((), tracker.clone()),
            slow: Slow::default(),
            look: Appearance::default(),
            watch: SleepWatch::new(os::clocks()),
            woke_at: None,
        }
    }

    async fn run(mut self) {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 0u64.. {
            // What happens between two readings is told when it happens.
            loop {
                let told = tokio::select! {
                    told = self.desktop.told() => told,
                    _ = tick.tick() => break,
                };
                if self.tell(told).await.is_err() {
                    return;
                }
            }
            if self.turn(turn).await.is_err() {
                return;
            }
        }
    }

    async fn turn(&mut self, turn: u64) -> Result<(), Deaf> {
        if self.watch.slept(os::clocks()) {
            self.woke().await?;
        }
        if turn.is_multiple_of(SLOW_EVERY) {
            self.read_slow().await;
        }
        let mut reading = Reading {
            battery: self.slow.machine.battery,
            apps: self.slow.machine.apps.clone(),
            disk_free: self.slow.disk_free,
            memory_total: self.slow.machine.memory.map(|(total, _)| total),
            memory_free: self.slow.machine.memory.map(|(_, free)| free),
            ..Reading::default()
        };
        self.desktop.read(&mut reading).await;
        self.new_look(reading.appearance).await?;
        match self.out.try_send(Sensed::Reading(Box::new(reading))) {
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Deaf),
            // A listener that is busy gets the next one.
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
        }
    }

    async fn read_slow(&mut self) {
        let Config { apps, disk } = self.config.borrow_and_update().clone();
        let machine = self.machine.ask(DEADLINE, move |system| Machine {
            battery: battery::read(),
            memory: room::memory(system),
            apps: (!apps.is_empty()).then(|| programs::running(system, &apps)),
        });
        let disk = async {
            match disk {
                Some(folder) => self.disk.ask(DEADLINE, move |()| room::disk_free(&folder)).await.flatten(),
                None => None,
            }
        };
        let (machine, disk_free) = tokio::join!(machine, disk);
        self.slow = Slow { machine: machine.unwrap_or_default(), disk_free };
    }

    async fn tell(&mut self, told: Told) -> Result<(), Deaf> {
        match told {
            Told::Sleep(lock) => self.send(Sensed::Sleep(Hold { _lock: lock })).await,
            Told::Ending(lock) => self.send(Sensed::SessionEnding(Hold { _lock: lock })).await,
            Told::Woke => {
                // The clocks will show the same sleep.
                self.watch = SleepWatch::new(os::clocks());
                self.woke().await
            }
            Told::Look(look) => self.new_look(look).await,
        }
    }

    async fn woke(&mut self) -> Result<(), Deaf> {
        let now = tokio::time::Instant::now();
        if self.woke_at.is_some_and(|at| now.saturating_duration_since(at) < ONE_WAKE) {
            return Ok(());
        }
        self.woke_at = Some(now);
        self.send(Sensed::Woke).await
    }

    async fn new_look(&mut self, look: Appearance) -> Result<(), Deaf> {
        if look == self.look {
            return Ok(());
        }
        self.look = look;
        self.send(Sensed::AppearanceChanged(look)).await
    }

    async fn send(&self, sensed: Sensed) -> Result<(), Deaf> {
        self.out.send(sensed).await.map_err(|_| Deaf)
    }
}
