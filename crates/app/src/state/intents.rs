//! What the user presses, taken into the state.
//!
//! A press changes what is wanted; what is shown follows from what then happens. A press that cannot be followed becomes a
//! problem in words.

use super::job::RehearseJob;
use super::{Effect, Job, State, money};
use crate::api::ToShell;
use ipc::{Command, MAX_SAMPLE_CHARS};
use locale::Locale;
use types::{Problem, ProblemAction};
use view_model::{Intent, Rehearsal, Settings, StopWhen, is_week};

/// Tokens of a sampled text.
const SAMPLE_TOKENS: u32 = 96;
/// How long a secret stays on the clipboard: long enough to paste it once.
const CLIPBOARD_MS: u64 = 30_000;

/// Pages that may be opened: name and address. Nothing else leaves for the browser.
pub(super) const PAGES: [(&str, &str); 4] = [
    ("nvidia-driver", "https://www.nvidia.com/en-us/drivers/"),
    ("sparseloco", "https://arxiv.org/abs/2508.15706"),
    ("bittensor", "https://docs.learnbittensor.org/"),
    ("libtorch", "https://pytorch.org/get-started/locally/"),
];

impl State {
    pub(super) fn intent(&mut self, intent: Intent, now_ms: u64, out: &mut Vec<Effect>) {
        match intent {
            Intent::Start => self.start(now_ms),
            Intent::StartRehearsal(size) => self.want(self.rehearsal(&size), now_ms),
            Intent::Stop { when } => self.stop(when, now_ms),
            Intent::Pause { for_how_long } => {
                if self.work.wanted().is_some() {
                    self.pauses.press(for_how_long, now_ms, &self.zone);
                    self.urgent = true;
                }
            }
            Intent::Resume => {
                self.pauses.resume();
                self.urgent = true;
            }
            Intent::Quit => self.leave(now_ms, out),
            Intent::Set(settings) => self.set(*settings, now_ms, out),
            Intent::Wizard(press) => self.wizard_press(press, now_ms, out),
            Intent::Wallet(press) => self.wallet_press(press, now_ms, out),
            Intent::AddRun { source } => self.look_at(source, now_ms, out),
            Intent::LookAtGiven => self.look_at_given(now_ms, out),
            Intent::JoinRun { start } => self.join_run(start, now_ms, out),
            Intent::LeaveJoin => self.leave_join(out),
            Intent::ChooseRun { id } => self.choose(&id, out),
            Intent::ForgetRun { id } => self.forget(id, out),
            Intent::RescanGpus => {
                self.gpus.probing();
                out.push(Effect::RescanGpus);
            }
            Intent::RunDoctor => {
                self.help.checking = true;
                out.push(Effect::RunDoctor);
            }
            Intent::PreviewReport => out.push(Effect::PreviewReport),
            Intent::SaveReport => out.push(Effect::SaveReport),
            Intent::ExportCsv => out.push(Effect::WriteCsv(self.money.csv(&self.book()))),
            Intent::VerifyReceipts => out.push(Effect::VerifyReceipts(self.run_in_view())),
            Intent::Sample { prompt } => self.sample(&prompt, now_ms, out),
            Intent::DismissProblem { code } => self.problems.mended(&code),
            Intent::ActOn { code } => self.act_on(&code, now_ms, out),
            Intent::DismissToast { id } => self.notices.dismiss(id),
            Intent::CopiedSecret => self.clear_ms = Some(now_ms.saturating_add(CLIPBOARD_MS)),
            Intent::OpenFolder => out.push(Effect::OpenFolder(None)),
            Intent::GetEngine => self.get_engine(None, now_ms, out),
            Intent::EngineFrom { folder } => self.get_engine(Some(&folder), now_ms, out),
            Intent::HoldEngine => self.hold_engine(out),
            Intent::LookForUpdate => self.look_for_update(now_ms, out),
            Intent::GetUpdate => self.get_update(now_ms, out),
            Intent::GoBack => self.go_back(now_ms),
            Intent::OpenPage { page } => open_page(&page, out),
            other => self.log(view_model::LogLevel::Warn, "app", &format!("nobody knows {other:?}"), now_ms),
        }
    }

    fn rehearsal(&self, size: &Rehearsal) -> Job {
        Job::Rehearse(RehearseJob::new(size, &self.settings.rehearsal))
    }

    /// Start: what runs already goes on, what waits is tried now, what stands still by the user's word goes on.
    pub(super) fn start(&mut self, now_ms: u64) {
        if let Some(job) = self.work.wanted().cloned() {
            self.pauses.forget_user(now_ms, &self.zone);
            self.work.want(job);
            return;
        }
        match self.settings.behaviour.run.clone() {
            run if run == money::REHEARSAL_BOOK => self.want(self.rehearsal(&Rehearsal::default()), now_ms),
            run => match self.train(run) {
                Ok(job) => self.want(job, now_ms),
                Err(problem) => self.found(problem, now_ms),
            },
        }
    }

    fn want(&mut self, job: Job, now_ms: u64) {
        if self.without_engine(now_ms) {
            return;
        }
        self.pauses.forget_user(now_ms, &self.zone);
        if self.leaving.is_none() {
            self.work.want(job);
            self.urgent = true;
        }
    }

    fn stop(&mut self, when: StopWhen, now_ms: u64) {
        let when = match when {
            StopWhen::Now => ipc::StopWhen::Now,
            StopWhen::EndOfRound => ipc::StopWhen::EndOfRound,
        };
        self.work.unwant(when, now_ms);
        self.pauses.forget_user(now_ms, &self.zone);
        self.urgent = true;
    }

    fn set(&mut self, settings: Settings, now_ms: u64, out: &mut Vec<Effect>) {
        let settings = sensible(settings);
        let old = std::mem::replace(&mut self.settings, settings);
        let new = &self.settings;
        if old.behaviour.autostart != new.behaviour.autostart {
            out.push(Effect::Shell(ToShell::Autostart(new.behaviour.autostart)));
        }
        if old.look.language != new.look.language {
            self.locale = Locale::new(new.look.language.as_deref().unwrap_or(&self.system_language));
            self.tray.speak(&self.locale);
        }
        if (old.gpus != new.gpus || old.network != new.network)
            && let Some(act) = self.work.tell(Command::SetLimits(self.limits(now_ms)), now_ms)
        {
            out.push(Effect::Act(act));
        }
        out.push(Effect::SaveSettings(Box::new(self.settings.clone())));
    }

    pub(super) fn choose(&mut self, id: &str, out: &mut Vec<Effect>) {
        if id == money::REHEARSAL_BOOK || self.runs.iter().any(|known| known.card.id == id) {
            self.settings.behaviour.run = id.to_owned();
            out.push(Effect::SaveSettings(Box::new(self.settings.clone())));
        }
    }

    fn sample(&mut self, prompt: &str, now_ms: u64, out: &mut Vec<Effect>) {
        let prompt = prompt.chars().take(MAX_SAMPLE_CHARS).collect();
        match self.work.tell(Command::Sample { prompt, tokens: SAMPLE_TOKENS }, now_ms) {
            Some(act) => out.push(Effect::Act(act)),
            None => {
                let title = "There is no model to ask while nothing is trained";
                self.found(Problem::new("no_model", title, "Press Start first."), now_ms);
            }
        }
    }

    /// A problem's one button.
    fn act_on(&mut self, code: &str, now_ms: u64, out: &mut Vec<Effect>) {
        let of_card = self.gpus.problem().filter(|problem| problem.code == code);
        let Some(problem) = self.problems.get(code).cloned().or(of_card.clone()) else { return };
        match problem.action {
            Some(ProblemAction::Retry) if of_card.is_some() => out.push(Effect::RescanGpus),
            Some(ProblemAction::Retry) if code == super::engine::ENGINE_MISSING => {
                self.problems.mended(code);
                self.get_engine(None, now_ms, out);
            }
            Some(ProblemAction::Retry) => {
                self.problems.mended(code);
                self.start(now_ms);
            }
            Some(ProblemAction::Open(page)) => open_page(&page, out),
            // A command is for a terminal: the window copies it, nothing here runs it.
            Some(ProblemAction::Command(_)) | None => {}
        }
    }

    /// The book that is shown.
    pub(super) fn book(&self) -> String {
        let job = self.work.process().map(|process| &process.job).or(self.work.wanted());
        job.map_or_else(|| self.settings.behaviour.run.clone(), super::book)
    }

    /// The run in view, unless it is a rehearsal.
    fn run_in_view(&self) -> Option<String> {
        Some(self.book()).filter(|book| book != money::REHEARSAL_BOOK)
    }
}

/// Opens a page of the list, by its name or its address.
fn open_page(page: &str, out: &mut Vec<Effect>) {
    if let Some((_, address)) = PAGES.iter().find(|(name, address)| *name == page || *address == page) {
        out.push(Effect::Shell(ToShell::OpenUrl(address)));
    }
}

/// Settings within their bounds; what makes no sense has its default.
pub(crate) fn sensible(mut settings: Settings) -> Settings {
    settings.look.text_percent = settings.look.text_percent.clamp(80, 200);
    settings.look.language = settings.look.language.filter(|tag| (1..=35).contains(&tag.len()));
    settings.pause.schedule = settings.pause.schedule.filter(|week| is_week(week));
    settings.pause.apps.truncate(64);
    settings.gpus.off.truncate(16);
    settings.energy.second = settings.energy.second.filter(|(_, week)| is_week(week));
    settings.energy.currency = settings.energy.currency.filter(|code| code.len() == 3);
    let rehearsal = &mut settings.rehearsal;
    rehearsal.peers = rehearsal.peers.clamp(2, 8);
    rehearsal.rounds = rehearsal.rounds.clamp(3, 100);
    rehearsal.loss_percent = rehearsal.loss_percent.min(30);
    let percent = |value: Option<u32>, from: u32| value.map(|value| value.clamp(from, 100));
    settings.pause.gpu_busy_percent = percent(settings.pause.gpu_busy_percent, 1);
    settings.pause.charge_percent = percent(settings.pause.charge_percent, 1);
    settings.gpus.fan_percent = percent(settings.gpus.fan_percent, 20);
    settings.gpus.temperature_c = settings.gpus.temperature_c.map(|celsius| celsius.clamp(40, 95));
    if settings.behaviour.run.is_empty() || settings.behaviour.run.len() > 64 {
        settings.behaviour.run = money::REHEARSAL_BOOK.to_owned();
    }
    settings
}
