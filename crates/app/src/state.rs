//! The one state of the app.
//!
//! In: events, one at a time, with the moment. Out: effects for the workers around it, and a snapshot whenever one is asked
//! for. Pure: no clock, no I/O, no randomness; the same events give the same effects. Memory is bounded in every part.

mod custody;
mod engine;
mod event;
mod gpus;
mod intents;
mod job;
mod join;
mod limits;
mod machine;
mod money;
mod months;
mod network;
mod notices;
mod pauses;
mod peer;
mod problems;
mod rank;
mod rounds;
mod run;
mod series;
mod training;
mod tray;
mod update;
mod uptime;
mod view;
mod work;

pub(crate) use event::Act;
pub(crate) use event::{Effect, Event, KnownRun, PowerWish, Reading};
pub(crate) use intents::sensible;
pub(crate) use job::{Job, MY_PEER, REHEARSALS};
pub(crate) use money::Books;
pub(crate) use months::Months;
pub(crate) use notices::Given;
pub(crate) use pauses::Pressed;
pub use run::RunState;
pub(crate) use run::cut;
pub(crate) use series::Reader;
pub use update::Then;
pub(crate) use update::UpdateInit;

use crate::api::{NoticeKind, Times, ToShell};
use crate::doctor::Known;
use crate::report::Facts;
use crate::session::{Crash, Session};
use ::custody::Wizard;
use jiff::tz::TimeZone;
use locale::Locale;
use types::{Hotkey, Problem};
use view_model::{
    Appearance, DoctorCheck, LogLevel, LogLine, MachineView, ReportPreview, RunKind, Settings, ToWindow, Told, Tone,
    WalletView,
};

/// A system that shuts down waits some five seconds.
const SESSION_END_MS: u64 = 4_000;
/// Between two saves of what changes all the time.
const SAVE_EVERY_MS: u64 = 60_000;

/// What the state begins with.
#[derive(Debug)]
pub(crate) struct Init {
    /// Version of the program.
    pub(crate) version: String,
    /// BCP 47 tag of the system's language.
    pub(crate) system_language: String,
    /// The local time zone.
    pub(crate) zone: TimeZone,
    /// How long things may take.
    pub(crate) times: Times,
    /// Settings in force.
    pub(crate) settings: Settings,
    /// The data folder, to be shown.
    pub(crate) data_folder: String,
    /// Threads of the processor.
    pub(crate) threads: Option<u32>,
    /// What is known of updates.
    pub(crate) update: UpdateInit,
}

/// The state.
#[derive(Debug)]
pub(crate) struct State {
    version: String,
    system_language: String,
    locale: Locale,
    zone: TimeZone,
    settings: Settings,
    work: work::Work,
    pauses: pauses::Pauses,
    run: RunState,
    rounds: rounds::Rounds,
    training: training::Training,
    charts: series::Charts,
    money: money::Money,
    network: network::Network,
    joining: join::Joining,
    told_volume: limits::ToldVolume,
    gpus: gpus::Gpus,
    problems: problems::Problems,
    notices: notices::Notices,
    uptime: uptime::Spans,
    crashes: Vec<Crash>,
    machine: MachineView,
    appearance: Appearance,
    wallet: WalletView,
    wizard: Wizard,
    runs: Vec<KnownRun>,
    help: Help,
    engine: engine::Engine,
    update: update::Update,
    tray: tray::Tray,
    /// What ran when the end was asked for: it comes back at the next start.
    leaving: Option<Option<Job>>,
    awake: bool,
    /// The power limit that was asked for last.
    power: PowerWish,
    /// When the clipboard is cleared.
    clear_ms: Option<u64>,
    saved_ms: u64,
    /// Something that must not be lost changed.
    urgent: bool,
}

/// The Help screen's own.
#[derive(Debug, Default)]
struct Help {
    checks: Vec<DoctorCheck>,
    checking: bool,
    report: Option<ReportPreview>,
    report_saved: Option<String>,
    data_folder: String,
}

impl State {
    /// The state at the start of the app.
    pub(crate) fn new(init: Init, session: Session, now_ms: u64) -> Self {
        let wanted = session.job.filter(|_| init.settings.behaviour.resume_on_start);
        let kind = wanted.as_ref().map_or(RunKind::Rehearsal, Job::kind);
        let pressed = session.pause.filter(|_| wanted.is_some());
        let locale = Locale::new(init.settings.look.language.as_deref().unwrap_or(&init.system_language));
        Self {
            version: init.version,
            system_language: init.system_language,
            pauses: pauses::Pauses::restored(pressed, &init.zone),
            zone: init.zone,
            settings: init.settings,
            work: work::Work::new(init.times, wanted),
            run: RunState::new(kind),
            rounds: rounds::Rounds::default(),
            training: training::Training::default(),
            charts: series::Charts::default(),
            money: money::Money::restored(session.books),
            network: network::Network::restored(session.months),
            joining: join::Joining::default(),
            told_volume: limits::ToldVolume::default(),
            gpus: gpus::Gpus::default(),
            problems: problems::Problems::default(),
            notices: notices::Notices::restored(session.notices),
            uptime: uptime::Spans::restored(session.uptime),
            crashes: session.crashes,
            machine: MachineView { threads: init.threads, ..MachineView::default() },
            appearance: Appearance::default(),
            wallet: WalletView::default(),
            wizard: Wizard::new(),
            runs: Vec::new(),
            help: Help { data_folder: init.data_folder, ..Help::default() },
            engine: engine::Engine::default(),
            update: update::Update::new(init.update, now_ms),
            tray: tray::Tray::new(&locale),
            locale,
            leaving: None,
            awake: false,
            power: PowerWish::default(),
            clear_ms: None,
            saved_ms: now_ms,
            urgent: false,
        }
    }

    /// Takes an event; gives what is to be done.
    pub(crate) fn apply(&mut self, event: Event, now_ms: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        match event {
            Event::Tick => self.tick(now_ms, &mut out),
            Event::Intent(intent) => self.intent(intent, now_ms, &mut out),
            Event::Hello { generation } => {
                if self.work.is_current(generation)
                    && let Some(process) = self.work.process_mut()
                {
                    process.hello = true;
                    process.heard(now_ms);
                }
            }
            Event::Spawned { generation, pid } => {
                if self.work.is_current(generation) {
                    self.gpus.ours(vec![pid]);
                }
            }
            Event::Said { generation, speaker, line } => {
                if self.work.is_current(generation) {
                    self.said(generation, &speaker, &line, now_ms, &mut out);
                }
            }
            Event::Noise { generation, text } => {
                if self.work.is_current(generation) {
                    self.log(LogLevel::Debug, "peer", &text, now_ms);
                }
            }
            Event::Ended { generation, end } => {
                if self.work.is_current(generation) {
                    self.ended(&end, now_ms, &mut out);
                }
            }
            Event::Gpu(event) => {
                let surveyed = matches!(event, gpu::GpuEvent::Survey(_));
                self.gpu(event, now_ms, &mut out);
                self.cards_for_engine(surveyed, &mut out);
            }
            Event::Reading(reading) => self.reading(*reading),
            Event::Sleep => self.pauses.signals.sleeping = true,
            Event::Appearance(appearance) => self.appearance = appearance,
            Event::Desk(event) => self.desk(*event, now_ms, &mut out),
            Event::Began => out.extend(self.began(now_ms)),
            Event::Runs(runs) => self.runs = runs,
            Event::Engine(event) => self.engine_said(event, now_ms),
            Event::Update(event) => self.update_said(event, now_ms, &mut out),
            other => self.answer(other, now_ms, &mut out),
        }
        self.settle(now_ms, &mut out);
        out
    }

    /// Answers of workers.
    fn answer(&mut self, event: Event, now_ms: u64, out: &mut Vec<Effect>) {
        match event {
            Event::Given(source) => self.given(&source),
            Event::Looked { look, result } => self.looked(look, *result, now_ms, out),
            Event::Found(problem) => self.found(problem, now_ms),
            Event::Checks(mut checks) => {
                checks.sort_by_key(|check| check.state);
                (self.help.checks, self.help.checking) = (checks, false);
            }
            Event::Report(report) => self.help.report = Some(*report),
            Event::ReportSaved(path) => {
                (self.help.report, self.help.report_saved) = (None, Some(path.clone()));
                self.notices.toast(Tone::Neutral, Told::new("toast-report-saved").with("path", path), now_ms);
            }
            Event::CsvSaved(path) => {
                self.money.csv_saved(path.clone());
                self.notices.toast(Tone::Neutral, Told::new("toast-csv-saved").with("path", path), now_ms);
            }
            Event::Verified(verified) => self.money.verified(verified),
            Event::WindowClosed { crashed: true } => {
                self.hide_words(now_ms, out);
                self.log(LogLevel::Warn, "window", "the window ended by itself; work goes on", now_ms);
                self.notices.toast(Tone::Waiting, Told::new("toast-window-crashed"), now_ms);
            }
            Event::WindowClosed { crashed: false } => {
                self.hide_words(now_ms, out);
                self.tell_of_tray(now_ms, out);
            }
            Event::Painted { after_ms, adapter } => {
                self.log(LogLevel::Info, "window", &format!("first frame after {after_ms} ms by {adapter}"), now_ms);
            }
            Event::SessionEnding => {
                self.leave(now_ms, out);
                self.work.hurry(now_ms.saturating_add(SESSION_END_MS));
            }
            Event::Woke => {
                self.work.woke(now_ms);
                self.pauses.signals.sleeping = false;
                self.log(LogLevel::Info, "app", "the computer woke up, or its clock was set", now_ms);
                out.push(Effect::RescanGpus);
            }
            _ => {}
        }
    }

    /// Closing hides the window: said once.
    fn tell_of_tray(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        if !self.settings.behaviour.told_tray {
            self.settings.behaviour.told_tray = true;
            out.push(Effect::SaveSettings(Box::new(self.settings.clone())));
            self.notify(NoticeKind::Tray, None, "notice-tray", now_ms, out);
        }
    }

    /// The app begins.
    fn began(&mut self, now_ms: u64) -> Vec<Effect> {
        self.gpus.probing();
        let mut out = self.welcome(now_ms);
        out.extend(Self::first_orders());
        out.push(Effect::ListRuns);
        out.push(Effect::LookForEngine { machine: self.gpus.for_packs() });
        self.tell_of_update(now_ms, &mut out);
        out
    }

    /// After every event: rules, work, tray, what is to be saved.
    fn settle(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        self.signal(now_ms);
        self.pauses.judge(&self.settings, now_ms, &self.zone);
        self.drive_update(now_ms, out);
        let mut problems = Vec::new();
        // One step may make the next one possible: an end makes room for a start.
        let acts = self.work.reconcile(self.pauses.first(), now_ms, &mut problems);
        for act in acts {
            if let Act::Spawn { job, .. } = &act {
                let job = job.clone();
                self.begin(&job);
            }
            out.push(Effect::Act(act));
        }
        for problem in problems {
            self.found(problem, now_ms);
        }
        self.awake_or_not(now_ms, out);
        self.power_if_new(out);
        self.volume_if_due(now_ms, out);
        self.drive_engine(now_ms, out);
        self.uptime.now(self.uptime_kind(now_ms), now_ms);
        if let Some(tray) = self.tray_if_new(now_ms) {
            out.push(Effect::Shell(ToShell::Tray(tray)));
        }
        if self.urgent || now_ms.saturating_sub(self.saved_ms) >= SAVE_EVERY_MS {
            (self.urgent, self.saved_ms) = (false, now_ms);
            out.push(Effect::SaveSession(Box::new(self.session())));
        }
        if self.leaving.is_some() && self.work.is_gone() {
            self.last_order(out);
            out.push(Effect::Gone);
        }
    }

    fn tick(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        self.work.tick(now_ms);
        self.notices.tick(now_ms);
        if self.clear_ms.is_some_and(|at| at <= now_ms) {
            self.clear_ms = None;
            out.push(Effect::Shell(ToShell::ClearClipboard));
        }
    }

    /// The process at work begins: what is shown of the last one goes.
    fn begin(&mut self, job: &Job) {
        self.run = RunState::new(job.kind());
        self.rounds = rounds::Rounds::default();
        self.training = training::Training::default();
        self.charts.begin();
        self.problems.begin();
        self.money.begin(&book(job));
        self.network.begin();
        self.gpus.begin();
    }

    /// The end was asked for: what runs is stopped, and comes back at the next start.
    fn leave(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        if self.clear_ms.take().is_some() {
            out.push(Effect::Shell(ToShell::ClearClipboard));
        }
        if self.leaving.is_none() {
            self.leaving = Some(self.work.wanted().cloned());
            self.work.unwant(ipc::StopWhen::Now, now_ms);
            self.urgent = true;
        }
    }

    /// The kind of what runs, or would run.
    fn kind(&self) -> RunKind {
        let running = self.work.process().map(|process| &process.job).or(self.work.wanted());
        running.map_or_else(|| self.chosen_kind(), Job::kind)
    }

    fn chosen_kind(&self) -> RunKind {
        match self.settings.behaviour.run.as_str() {
            money::REHEARSAL_BOOK => RunKind::Rehearsal,
            _ => RunKind::Shared,
        }
    }

    fn found(&mut self, problem: Problem, now_ms: u64) {
        self.log(LogLevel::Warn, "app", &problem.to_string(), now_ms);
        self.problems.found(problem);
    }

    fn log(&mut self, level: LogLevel, who: &str, text: &str, now_ms: u64) {
        self.charts.line(LogLine { at_ms: now_ms, level, who: who.to_owned(), text: text.to_owned() });
    }

    /// A notification in the reader's language: the keys `<key>-title` and `<key>-body`.
    fn notify(&mut self, kind: NoticeKind, once: Option<&str>, key: &str, now_ms: u64, out: &mut Vec<Effect>) {
        let day = money::day_of(now_ms, &self.zone);
        if !self.notices.allow(kind, once, &day, &self.settings.behaviour) {
            return;
        }
        self.urgent = true;
        let body = match key {
            "notice-problem" => self.sentence(now_ms),
            _ => self.locale.text(&format!("{key}-body")),
        };
        let title = self.locale.text(&format!("{key}-title"));
        out.push(Effect::Shell(ToShell::Notify { kind, title, body }));
    }

    /// What is remembered over a restart.
    pub(crate) fn session(&self) -> Session {
        Session {
            job: self.leaving.clone().unwrap_or_else(|| self.work.wanted().cloned()),
            pause: self.pauses.pressed(),
            uptime: self.uptime.spans().to_vec(),
            notices: self.notices.given().clone(),
            books: self.money.books().clone(),
            crashes: self.crashes.clone(),
            months: self.network.months().clone(),
            ..Session::default()
        }
    }

    /// The next piece of charts and log that a window has not had.
    pub(crate) fn next_piece(&self, reader: &mut Reader) -> Option<ToWindow> {
        self.charts.next(reader)
    }

    /// Settings in force.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The key that the running job signs with.
    pub(crate) fn signs_as(&self) -> Option<Hotkey> {
        match &self.work.process()?.job {
            Job::Train { hotkey, .. } => Some(*hotkey),
            Job::Rehearse(_) => None,
        }
    }

    /// What the doctor need not ask.
    pub(crate) fn known_to_doctor(&self, now_ms: u64) -> Known {
        Known {
            now_ms,
            disk_free: self.machine.disk_free,
            disk_needed: self.settings.pause.disk_free,
            memory_free: self.machine.memory_free,
            keychain: self.wallet.keychain.clone(),
            network: self.shown_network(now_ms).verdict(&self.settings.network),
            shared: self.kind() == RunKind::Shared,
        }
    }

    /// What goes into a report.
    pub(crate) fn facts_for_report(&self, lines: usize, now_ms: u64) -> Facts {
        Facts {
            now_ms,
            version: self.version.clone(),
            settings: self.settings.clone(),
            activity: self.activity(now_ms),
            problems: self.problems.rows(),
            crashes: self.crashes.clone(),
            machine: self.machine.clone(),
            gpus: self.gpus.view(&self.settings.gpus, now_ms),
            checks: self.help.checks.clone(),
            log: self.charts.newest_lines(lines).cloned().collect(),
            cannot_tell: self.pauses.cannot_tell().to_vec(),
        }
    }

    /// The report that is shown.
    pub(crate) fn report(&self) -> Option<&ReportPreview> {
        self.help.report.as_ref()
    }
}

/// The book that a job's pay goes into.
fn book(job: &Job) -> String {
    match job {
        Job::Rehearse(_) => money::REHEARSAL_BOOK.to_owned(),
        Job::Train { run, .. } => run.clone(),
    }
}

#[cfg(test)]
mod tests;
