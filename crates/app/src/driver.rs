//! The loop around the state: one task owns it.
//!
//! In: presses and requests from the shell, events of the workers. Out: words for the shell, work for the workers. Every
//! queue is bounded, and the loop never waits for a slow shell: what is for it lies in an outbox until it is taken.

mod ctl;
mod keeper;
mod perform;
mod power;
mod releases;
mod sense;
mod window;

use crate::api::{AppError, Config, FromShell, ToShell};
use crate::settings_file::{Files, Read};
use crate::state::{Event, Init, PowerWish, State};
use crate::supervisor::{Running, Spawner};
use ::custody::{Desk, DeskEvent, DeskOrder, MAX_ORDERS, SigningDesk};
use gpu::{GpuEvent, GpuProbe as _, Prober};
use keeper::{Keep, keep};
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use view_model::{Activity, Screen};
use window::Window;

/// Events of all workers that may wait.
const EVENTS: usize = 256;
/// Things to be kept that may wait.
const KEEPS: usize = 16;
/// A wall clock that moved so much more than time did: the computer slept, or the clock was set.
const JUMP_MS: u64 = 20_000;
/// Longest wait for the shell at the very end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Longest wait for workers at the very end: a wallet that is being written, a survey of cards.
const LAST_WORK: Duration = Duration::from_secs(20);

/// Runs the app until it is told to quit or `cancel` is cancelled. When it returns, no process of ours runs and everything is
/// on disk.
///
/// # Errors
/// [`AppError`] if the data folder cannot be used or no thread can be had; nothing was started then.
pub async fn run(
    config: Config,
    inbox: mpsc::Receiver<FromShell>,
    out: mpsc::Sender<ToShell>,
    cancel: CancellationToken,
) -> Result<(), AppError> {
    let mut config = config;
    config.data_dir = usable(&config.data_dir)?;
    let spawner = Spawner::new().map_err(AppError::Thread)?;
    let folder = config.data_dir.clone();
    let read = Files::read(&folder);
    Box::pin(App::new(config, spawner, read).live(inbox, out, cancel)).await;
    Ok(())
}

/// The data folder, made if need be, by its full path.
fn usable(path: &Path) -> Result<std::path::PathBuf, AppError> {
    let failed = |source| AppError::Folder { path: path.to_owned(), source };
    let path = std::path::absolute(path).map_err(failed)?;
    std::fs::create_dir_all(&path).map_err(failed)?;
    Ok(path)
}

/// Everything the loop owns.
struct App {
    config: Config,
    state: State,
    spawner: Spawner,
    running: Option<Running>,
    tasks: TaskTracker,
    stop: CancellationToken,
    events: mpsc::Sender<Event>,
    inner: mpsc::Receiver<Event>,
    keeps: mpsc::Sender<Keep>,
    orders: Option<mpsc::Sender<DeskOrder>>,
    desk_events: mpsc::Receiver<DeskEvent>,
    signing: SigningDesk,
    gpus: Prober,
    gpu_events: Option<mpsc::Receiver<GpuEvent>>,
    senses: sense::Senses,
    power: watch::Sender<PowerWish>,
    /// Ends the downloads of engine and update.
    holds: releases::Holds,
    outbox: VecDeque<ToShell>,
    window: Option<Window>,
    /// Time and wall clock at the last look.
    clocks: (Instant, u64),
    gone: bool,
}

/// What the loop waits for.
enum Heard {
    Shell(Option<FromShell>),
    Event(Event),
    Sensed(sensors::Sensed),
    Tick,
    Frame,
    Sent,
    Cancelled,
}

impl App {
    fn new(config: Config, spawner: Spawner, read: Read) -> Self {
        let now_ms = now_ms();
        let init = Init {
            version: config.version.clone(),
            system_language: config.system_language.clone(),
            zone: jiff::tz::TimeZone::system(),
            times: config.times,
            settings: read.settings,
            data_folder: config.data_dir.display().to_string(),
            threads: std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()),
            update: releases::known(&config.release),
        };
        let state = State::new(init, read.session, now_ms);
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let (events, inner) = mpsc::channel(EVENTS);
        let (keeps, kept) = mpsc::channel(KEEPS);
        tasks.spawn(keep(read.files, kept, events.clone()));
        let signing = SigningDesk::new(config.peer_program.clone());
        let (orders, desk_orders) = mpsc::channel(MAX_ORDERS);
        let (desk_sender, desk_events) = mpsc::channel(EVENTS);
        let keychain = std::sync::Arc::clone(&config.keychain);
        let desk = Desk::new(config.wallet_dir.clone(), keychain, signing.clone(), desk_sender);
        tasks.spawn(desk.run(desk_orders));
        let gpus = Prober::new(&config.probe_program, ["--gpu-probe".into()]);
        let gpu_events = config.times.sense.then(|| gpus.watch(stop.child_token()));
        let (power, wishes) = watch::channel(PowerWish::default());
        if config.times.sense {
            let data_dir = config.data_dir.clone();
            tasks.spawn(power::follow(data_dir, gpus.clone(), wishes, events.clone(), stop.child_token()));
        }
        let senses = sense::Senses::start(&config, state.settings(), stop.child_token(), &tasks);
        let mut app = Self {
            state,
            config,
            spawner,
            running: None,
            tasks,
            stop,
            events,
            inner,
            keeps,
            orders: Some(orders),
            desk_events,
            signing,
            gpus,
            gpu_events,
            senses,
            power,
            holds: releases::Holds::default(),
            outbox: VecDeque::new(),
            window: None,
            clocks: (Instant::now(), now_ms),
            gone: false,
        };
        for problem in read.problems {
            app.apply(Event::Found(problem));
        }
        app
    }

    async fn live(
        mut self,
        mut inbox: mpsc::Receiver<FromShell>,
        out: mpsc::Sender<ToShell>,
        cancel: CancellationToken,
    ) {
        self.apply(Event::Began);
        let times = self.config.times;
        let every = (times.quiet / 4).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shell_gone = false;
        let mut cancelled = false;
        while !self.gone {
            let frame_at = self.window.as_ref().and_then(Window::due);
            let heard = tokio::select! {
                heard = inbox.recv(), if !shell_gone => Heard::Shell(heard),
                Some(event) = self.inner.recv() => Heard::Event(event),
                Some(event) = self.desk_events.recv() => Heard::Event(Event::Desk(Box::new(event))),
                Some(event) = next(&mut self.gpu_events) => Heard::Event(Event::Gpu(event)),
                Some(sensed) = self.senses.next() => Heard::Sensed(sensed),
                permit = out.reserve(), if !self.outbox.is_empty() => {
                    match (permit, self.outbox.pop_front()) {
                        (Ok(permit), Some(word)) => permit.send(word),
                        // Nobody listens any more: the inbox tells.
                        _ => self.outbox.clear(),
                    }
                    Heard::Sent
                }
                () = until(frame_at) => Heard::Frame,
                _ = tick.tick() => Heard::Tick,
                () = cancel.cancelled(), if !cancelled => Heard::Cancelled,
            };
            match heard {
                Heard::Shell(Some(word)) => self.shell(word),
                Heard::Shell(None) => {
                    shell_gone = true;
                    self.apply(Event::SessionEnding);
                }
                Heard::Event(event) => self.apply(event),
                Heard::Sensed(sensed) => self.sensed(sensed),
                Heard::Tick => self.tick(),
                Heard::Frame => self.frame(&out),
                Heard::Sent => {}
                Heard::Cancelled => {
                    cancelled = true;
                    self.apply(Event::SessionEnding);
                }
            }
        }
        self.end(out).await;
    }

    fn tick(&mut self) {
        let (then, wall) = self.clocks;
        let now = (Instant::now(), now_ms());
        let passed = u64::try_from(now.0.duration_since(then).as_millis()).unwrap_or(u64::MAX);
        self.clocks = now;
        if now.1.abs_diff(wall.saturating_add(passed)) > JUMP_MS {
            self.apply(Event::Woke);
            self.gpus.resumed();
        }
        self.apply(Event::Tick);
        let at_work = matches!(self.state.activity(now.1), Activity::Running | Activity::Starting);
        self.senses.let_go(!at_work);
    }

    fn shell(&mut self, word: FromShell) {
        match word {
            FromShell::Intent(intent) => self.apply(Event::Intent(intent)),
            FromShell::WindowOpened => self.window = Some(Window::new()),
            FromShell::WindowClosed { crashed } => {
                self.window = None;
                self.apply(Event::WindowClosed { crashed });
            }
            FromShell::Painted { after_ms, adapter } => self.apply(Event::Painted { after_ms, adapter }),
            FromShell::SessionEnding => self.apply(Event::SessionEnding),
            FromShell::Link(source) => {
                self.outbox.push_back(ToShell::OpenWindow(Screen::Runs));
                self.apply(Event::Given(source));
            }
            FromShell::Ctl { request, reply } => {
                // A client that has hung up is no fault.
                let _ = reply.send(self.ctl(request));
            }
        }
    }

    /// Gives an event to the state and does what it wants.
    fn apply(&mut self, event: Event) {
        let now_ms = now_ms();
        for effect in self.state.apply(event, now_ms) {
            self.perform(effect, now_ms);
        }
        if let Some(window) = &mut self.window {
            window.changed();
        }
    }

    fn frame(&mut self, out: &mpsc::Sender<ToShell>) {
        if let Some(window) = &mut self.window {
            window.send(&self.state, out, self.config.times.frame, now_ms());
        }
    }

    /// The last things: workers end, files are on disk, the shell is told.
    async fn end(mut self, out: mpsc::Sender<ToShell>) {
        self.stop.cancel();
        self.orders = None;
        self.running = None;
        let (keeps, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.keeps, keeps));
        self.tasks.close();
        let tasks = self.tasks.clone();
        let drained = async {
            // Workers may wait for room for what they say.
            while self.inner.recv().await.is_some() {}
        };
        tokio::select! {
            ended = tokio::time::timeout(LAST_WORK, tasks.wait()) => {
                if ended.is_err() {
                    tracing::warn!("a worker did not end in time");
                }
            }
            () = drained => {}
            () = drain(&mut self.desk_events) => {}
        }
        let _ = tokio::time::timeout(LAST_WORDS, async {
            for word in self.outbox.drain(..) {
                if out.send(word).await.is_err() {
                    return;
                }
            }
            let _ = out.send(ToShell::Quit).await;
        })
        .await;
    }
}

async fn next(events: &mut Option<mpsc::Receiver<GpuEvent>>) -> Option<GpuEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

/// Reads and drops; never ends.
async fn drain(events: &mut mpsc::Receiver<DeskEvent>) {
    while events.recv().await.is_some() {}
    std::future::pending::<()>().await;
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Milliseconds since the Unix epoch by this machine's clock.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
