//! The machine's senses: readings for the state, and sleep that waits for the pause.

use super::App;
use crate::api::Config;
use crate::state::{Event, Reading};
use courtesy::{FullScreen, Signals};
use gpu::GpuProbe as _;
use sensors::{Hold, Places, Sensed, Sensors};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use view_model::{Appearance, Settings};

/// The sensors, if the machine is asked at all.
pub(super) struct Senses {
    sensed: Option<mpsc::Receiver<Sensed>>,
    asked: watch::Sender<sensors::Config>,
    /// Keeps the computer from sleeping until work stands still; the system itself waits no longer than some seconds.
    hold: Option<Hold>,
}

impl Senses {
    pub(super) fn start(config: &Config, settings: &Settings, cancel: CancellationToken, tasks: &TaskTracker) -> Self {
        let apps = settings.pause.apps.clone();
        let (asked, asks) = watch::channel(sensors::Config { apps, disk: Some(config.data_dir.clone()) });
        let sensed = config.times.sense.then(|| Sensors::start(Places::here(), asks, cancel, tasks));
        Self { sensed, asked, hold: None }
    }

    /// What they say next.
    pub(super) async fn next(&mut self) -> Option<Sensed> {
        match &mut self.sensed {
            Some(sensed) => sensed.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Programs to look for from now on.
    pub(super) fn look_for(&self, apps: &[String]) {
        self.asked.send_if_modified(|asked| {
            let new = asked.apps != apps;
            asked.apps = apps.to_vec();
            new
        });
    }

    /// The computer may sleep, once work stands still.
    pub(super) fn let_go(&mut self, at_rest: bool) {
        if at_rest {
            self.hold = None;
        }
    }
}

impl App {
    pub(super) fn sensed(&mut self, sensed: Sensed) {
        match sensed {
            Sensed::Reading(reading) => self.apply(Event::Reading(Box::new(taken(*reading)))),
            Sensed::AppearanceChanged(look) => self.apply(Event::Appearance(appearance(look))),
            Sensed::Sleep(hold) => {
                self.senses.hold = Some(hold);
                self.apply(Event::Sleep);
            }
            Sensed::Woke => {
                self.senses.hold = None;
                self.apply(Event::Woke);
                self.gpus.resumed();
            }
            Sensed::SessionEnding(hold) => {
                self.senses.hold = Some(hold);
                self.apply(Event::SessionEnding);
            }
        }
    }
}

fn taken(reading: sensors::Reading) -> Reading {
    let battery = reading.battery;
    let full_screen = reading.full_screen.map(|full| match full {
        sensors::FullScreen::Nothing => FullScreen::Nothing,
        sensors::FullScreen::Program { app } => FullScreen::Program { app },
    });
    Reading {
        signals: Signals {
            on_battery: battery.map(|battery| battery.on_battery),
            charge_percent: battery.and_then(|battery| battery.percent),
            charging: battery.map(|battery| battery.charging),
            idle_secs: reading.idle_secs,
            full_screen,
            meeting: reading.meeting,
            metered: reading.metered,
            online: reading.online,
            running_apps: reading.apps,
            disk_free: reading.disk_free,
            memory_free: reading.memory_free,
            session_locked: reading.session_locked,
            ..Signals::default()
        },
        memory: reading.memory_total,
        appearance: appearance(reading.appearance),
    }
}

/// What the desktop does not say is as it always was.
fn appearance(look: sensors::Appearance) -> Appearance {
    let usual = Appearance::default();
    Appearance {
        dark: look.dark.unwrap_or(usual.dark),
        high_contrast: look.high_contrast.unwrap_or(usual.high_contrast),
        reduced_motion: look.reduced_motion.unwrap_or(usual.reduced_motion),
    }
}
