//! What the state wants done, done by workers that report back as events.

use super::{App, Keep};
use crate::api::ToShell;
use crate::doctor;
use crate::files::write_atomic;
use crate::look::Looker;
use crate::receipts;
use crate::report;
use crate::runs;
use crate::state::{Act, Effect, Event, Job, REHEARSALS};
use crate::supervisor::{Plan, Running};
use gpu::GpuProbe as _;
use ipc::{Command, CommandLine};
use std::path::{Path, PathBuf};
use types::{ByteCount, Problem, SignPayload};

/// Words for the shell that may lie in the outbox; more are of a shell that takes nothing.
const MAX_OUTBOX: usize = 256;
/// Lines of the log in a report.
const REPORT_LINES: usize = 2_000;

impl App {
    pub(super) fn perform(&mut self, effect: Effect, now_ms: u64) {
        match effect {
            Effect::Act(act) => self.act(act, now_ms),
            Effect::Sign { generation, id, payload } => self.sign(generation, id, *payload),
            Effect::Shell(word) => self.post(word),
            Effect::SaveSettings(settings) => {
                self.senses.look_for(&settings.pause.apps);
                self.keep(Keep::Settings(settings));
            }
            Effect::SaveSession(session) => self.keep(Keep::Session(session)),
            Effect::Power(wish) => drop(self.power.send(wish)),
            Effect::RescanGpus => self.gpus.rescan(),
            Effect::RunDoctor => self.doctor(now_ms),
            Effect::PreviewReport => self.preview(now_ms),
            Effect::SaveReport => self.save_report(),
            Effect::WriteCsv(text) => self.write_csv(text, now_ms),
            Effect::VerifyReceipts(run) => self.verify_receipts(run),
            Effect::ListRuns => self.in_background(|folder| vec![Event::Runs(runs::list(folder))]),
            Effect::LookAtRun { look, source, vram } => self.look(look, source, vram),
            Effect::ForgetRun(id) => self.in_background(move |folder| {
                let forgotten = runs::forget(folder, &id).err().map(|error| {
                    let title = format!("The run cannot be taken off the list: {error}");
                    Event::Found(Problem::new("run_not_forgotten", title, "Look who may write in the data folder."))
                });
                forgotten.into_iter().chain([Event::Runs(runs::list(folder))]).collect()
            }),
            Effect::Ask(order) => {
                let full = self.orders.as_ref().is_some_and(|orders| orders.try_send(order).is_err());
                if full {
                    tracing::warn!("the wallets have too much to do");
                }
            }
            Effect::OpenFolder(path) => {
                let path = path.unwrap_or_else(|| self.config.data_dir.clone());
                self.post(ToShell::OpenPath(path));
            }
            Effect::Gone => self.gone = true,
            other => self.release(other),
        }
    }

    /// Puts a word into the outbox. Only the newest tray counts.
    fn post(&mut self, word: ToShell) {
        if matches!(word, ToShell::Tray(_)) {
            self.outbox.retain(|old| !matches!(old, ToShell::Tray(_)));
        }
        if self.outbox.len() < MAX_OUTBOX {
            self.outbox.push_back(word);
        }
    }

    fn keep(&mut self, thing: Keep) {
        // The keeper takes only the newest; a disk that is this slow will get the next one.
        if self.keeps.try_send(thing).is_err() {
            tracing::warn!("the disk is too slow to keep everything");
        }
    }

    fn act(&mut self, act: Act, now_ms: u64) {
        match act {
            Act::Spawn { generation, job } => self.spawn(generation, &job, now_ms),
            Act::Send { generation, line } => {
                if let Some(running) = self.running.as_ref().filter(|running| running.generation == generation) {
                    running.tell(line);
                }
            }
            Act::Kill { generation } => {
                if let Some(running) = self.running.as_ref().filter(|running| running.generation == generation) {
                    running.kill();
                }
            }
        }
    }

    fn spawn(&mut self, generation: u64, job: &Job, now_ms: u64) {
        let folder = job.folder(&self.config.data_dir, now_ms);
        if let Job::Rehearse(_) = job {
            let new = folder.clone();
            self.in_background(move |data_dir| {
                remove_old_rehearsals(data_dir, &new);
                Vec::new()
            });
        }
        let plan = Plan {
            generation,
            program: self.config.peer_program.clone(),
            args: job.args(&folder, &self.state.settings().network),
            folder,
        };
        let (events, tasks) = (self.events.clone(), &self.tasks);
        self.running = Some(Running::start(plan, &self.config.version, &self.spawner, events, tasks));
    }

    fn look(&self, look: u64, source: String, vram: Option<ByteCount>) {
        let looker = Looker {
            program: self.config.peer_program.clone(),
            data_dir: self.config.data_dir.clone(),
            spawner: self.spawner.clone(),
            stop: self.stop.child_token(),
            vram,
            tcp_only: self.state.settings().network.tcp_only,
        };
        let (events, folder) = (self.events.clone(), self.config.data_dir.clone());
        self.tasks.spawn(async move {
            let result = Box::new(looker.look(source).await);
            // The list first, so that what was found can be chosen.
            let listed = tokio::task::spawn_blocking(move || runs::list(&folder)).await;
            for event in listed.into_iter().map(Event::Runs).chain([Event::Looked { look, result }]) {
                let _ = events.send(event).await;
            }
        });
    }

    fn sign(&mut self, generation: u64, id: u64, payload: SignPayload) {
        let Some(running) = self.running.as_ref().filter(|running| running.generation == generation) else { return };
        let Some(hotkey) = self.state.signs_as() else { return };
        let (signing, commands) = (self.signing.clone(), running.commands());
        self.tasks.spawn(async move {
            let result = signing.sign(hotkey, payload).await.map_err(|error| error.to_string());
            let command = Command::SignReply { id, result };
            // The peer waits for it with a deadline of its own; a process that has gone needs none.
            let _ = commands.send(CommandLine { id: 0, command }).await;
        });
    }

    /// Does something with files on a thread that may block; events tell what came of it.
    pub(super) fn in_background(&self, work: impl FnOnce(&Path) -> Vec<Event> + Send + 'static) {
        let (events, folder) = (self.events.clone(), self.config.data_dir.clone());
        let job = self.tasks.spawn_blocking(move || work(&folder));
        self.tasks.spawn(async move {
            for event in job.await.unwrap_or_default() {
                let _ = events.send(event).await;
            }
        });
    }

    fn doctor(&self, now_ms: u64) {
        let known = self.state.known_to_doctor(now_ms);
        let (config, gpus, events) = (self.config.clone(), self.gpus.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let checks = doctor::check(&config, &gpus, known).await;
            let _ = events.send(Event::Checks(checks)).await;
        });
    }

    fn preview(&self, now_ms: u64) {
        let facts = self.state.facts_for_report(REPORT_LINES, now_ms);
        self.in_background(move |folder| vec![Event::Report(Box::new(report::put_together(&facts, folder)))]);
    }

    fn save_report(&self) {
        let Some(report) = self.state.report().cloned() else { return };
        self.in_background(move |folder| match report::save(folder, &report) {
            Ok(path) => vec![Event::ReportSaved(path.display().to_string())],
            Err(error) => vec![Event::Found(not_written("report_not_saved", "The report", &error))],
        });
    }

    fn write_csv(&self, text: String, now_ms: u64) {
        self.in_background(move |folder| {
            let path = folder.join(format!("earnings-{now_ms}.csv"));
            match write_atomic(&path, text.as_bytes()) {
                Ok(()) => vec![Event::CsvSaved(path.display().to_string())],
                Err(error) => vec![Event::Found(not_written("csv_not_saved", "The table", &error))],
            }
        });
    }

    fn verify_receipts(&self, run: Option<String>) {
        self.in_background(move |folder| {
            let (peer, folder) = match run {
                Some(run) => ("peer", folder.join(runs::RUNS).join(run)),
                None => (crate::state::MY_PEER, newest_rehearsal(folder).unwrap_or_default()),
            };
            vec![Event::Verified(receipts::check(&folder, peer))]
        });
    }
}

/// Rehearsals but the one that begins: its receipts can be checked as long as it is the newest.
fn remove_old_rehearsals(data_dir: &Path, new: &Path) {
    let Ok(folders) = std::fs::read_dir(data_dir.join(REHEARSALS)) else { return };
    for folder in folders.filter_map(Result::ok).map(|entry| entry.path()) {
        if folder != *new
            && let Err(error) = std::fs::remove_dir_all(&folder)
        {
            tracing::warn!("`{}` could not be removed: {error}", folder.display());
        }
    }
}

fn newest_rehearsal(data_dir: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(data_dir.join(REHEARSALS)).ok()?.filter_map(Result::ok);
    folders.map(|entry| entry.path()).max()
}

fn not_written(code: &str, what: &str, error: &std::io::Error) -> Problem {
    let title = format!("{what} cannot be written: {error}");
    Problem::new(code, title, "Make room on the disk of the data folder, or see who may write there.")
}
