//! The wizard as a state machine.
//!
//! In: presses and what the desk tells. Out: what it shows, and effects for the app to carry out. It waits for nothing,
//! starts nothing and sends nothing without a press; it never holds a recovery word: the desk does, and only while the
//! words are shown or asked back.

use types::Problem;
use view_model::{Secret, WizardIntent, WizardStep, WizardView};

use crate::{Deed, DeskEvent, DeskOrder};

mod route;

use route::{Flow, Step, Way};

/// Wrong answers before the words are shown again.
const TRIES: u32 = 3;
/// Longest path or link of a run.
const MAX_SOURCE: usize = 4096;

/// What the app does for the wizard.
#[derive(Debug, PartialEq, Eq)]
pub enum WizardEffect {
    /// Give this to the desk.
    Ask(DeskOrder),
    /// Give these words to the window, or have it wipe them.
    Words(Option<Vec<Secret>>),
    /// Add a run; say how that went with [`Wizard::run_added`].
    AddRun {
        /// Path or link.
        source: String,
    },
    /// Start the run that was chosen.
    Start,
    /// Start the rehearsal.
    StartRehearsal,
    /// The wizard is closed. What was done stays; it does not open by itself again.
    Finished,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Run,
    Wallet,
    Words,
    Quiz,
    Payout,
}

/// The wizard.
#[derive(Debug, Default)]
pub struct Wizard {
    open: bool,
    flow: Flow,
    step: Step,
    /// Steps to go back to, the nearest last.
    trail: Vec<Step>,
    way: Option<Way>,
    run: bool,
    /// Name and address of the wallet that will earn.
    wallet: Option<(String, String)>,
    waits: Option<Waits>,
    numbers: Vec<u32>,
    wrong: u32,
    hidden: bool,
    problem: Option<Problem>,
}

impl Wizard {
    /// A wizard that is closed.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it shows; `None` while it is closed.
    pub fn view(&self) -> Option<WizardView> {
        self.open.then(|| WizardView {
            step: self.shown_step(),
            progress: route::progress(self.flow, self.way, self.joins(), self.step),
            can_go_back: self.waits.is_none() && !self.trail.is_empty(),
            can_go_on: self.waits.is_none() && self.next().is_some(),
            busy: self.waits.is_some(),
            problem: self.problem.clone(),
        })
    }

    /// Opens it at its first step, as at the first start.
    pub fn open(&mut self) -> Vec<WizardEffect> {
        self.open_at(Flow::Whole, Step::Welcome)
    }

    /// Opens it to back up a wallet: its words, then the quiz.
    pub fn back_up(&mut self, name: String, passphrase: Option<Secret>) -> Vec<WizardEffect> {
        let mut effects = self.open_at(Flow::Backup, Step::Words);
        self.waits = Some(Waits::Words);
        effects.push(WizardEffect::Ask(DeskOrder::BackUp { name, passphrase }));
        effects
    }

    /// Takes a press. One that does not fit the step does nothing.
    pub fn press(&mut self, press: WizardIntent) -> Vec<WizardEffect> {
        match press {
            WizardIntent::Open => return self.open(),
            WizardIntent::OpenWallet => return self.open_at(Flow::Wallet, Step::Wallet),
            _ if !self.open => return Vec::new(),
            WizardIntent::Close => return self.close(),
            WizardIntent::HideWords => return self.hide(),
            // A key is being derived or the keychain asks: only the ways out above are open.
            _ if self.waits.is_some() => return Vec::new(),
            _ => {}
        }
        match press {
            WizardIntent::Back => self.back(),
            WizardIntent::Next => self.go_on(),
            other => self.press_at(other),
        }
    }

    /// Presses of the single steps, while nothing is waited for.
    fn press_at(&mut self, press: WizardIntent) -> Vec<WizardEffect> {
        match (self.step, press) {
            (Step::Choose, WizardIntent::TryNow) => self.end_with(WizardEffect::StartRehearsal),
            (Step::Choose, WizardIntent::Join) => self.go(Step::Join),
            (Step::Join, WizardIntent::Run { source }) => self.add_run(source),
            (Step::Wallet, WizardIntent::Create) => self.choose_way(Way::Create, Step::Create),
            (Step::Wallet, WizardIntent::Import) => self.choose_way(Way::Import, Step::Import),
            (Step::Wallet, WizardIntent::Payout) => self.choose_way(Way::Watch, Step::Payout),
            (Step::Wallet, WizardIntent::Later) if self.flow == Flow::Whole => {
                self.choose_way(Way::Later, Step::Courtesy)
            }
            (Step::Wallet, WizardIntent::Later) => self.close(),
            (Step::Create, WizardIntent::Make { name, words, passphrase }) => {
                self.ask(Waits::Wallet, DeskOrder::Create { name, words, passphrase })
            }
            (Step::Import, WizardIntent::Bring { name, from, passphrase }) => {
                self.ask(Waits::Wallet, DeskOrder::Import { name, from, passphrase })
            }
            (Step::Words, WizardIntent::ShowWords) => self.show_again(),
            (Step::Quiz, WizardIntent::Quiz { words }) => self.ask(Waits::Quiz, DeskOrder::CheckQuiz { words }),
            (Step::Words | Step::Quiz, WizardIntent::QuizLater) => self.leave_words(),
            (Step::Payout, WizardIntent::PayoutTo { address }) => {
                let name = self.wallet.as_ref().map(|(name, _)| name.clone());
                self.ask(Waits::Payout, DeskOrder::SetPayout { name, address })
            }
            (Step::Summary, WizardIntent::Start) => {
                let start = if self.rehearses() { WizardEffect::StartRehearsal } else { WizardEffect::Start };
                self.end_with(start)
            }
            _ => Vec::new(),
        }
    }

    /// Takes what the desk tells; words are taken out of the event.
    pub fn told(&mut self, event: &mut DeskEvent) -> Vec<WizardEffect> {
        match event {
            DeskEvent::View(view) => {
                let known = |name: &str| view.wallets.iter().find(|row| row.name == name);
                let kept = self.wallet.as_ref().and_then(|(name, _)| known(name));
                self.wallet = kept.or(view.wallets.first()).map(|row| (row.name.clone(), row.hotkey.clone()));
                Vec::new()
            }
            DeskEvent::Made { name, hotkey, words_follow } => {
                self.wallet = Some((name.clone(), hotkey.clone()));
                self.made(*words_follow)
            }
            DeskEvent::Words { words, numbers, .. } => self.words(std::mem::take(words), numbers),
            DeskEvent::Quiz { right } => self.answered(*right),
            DeskEvent::Done { deed: Deed::Payout, .. } if self.waits == Some(Waits::Payout) => {
                self.waits = None;
                self.after_payout()
            }
            DeskEvent::Failed { deed, problem } => self.failed(*deed, problem),
            DeskEvent::Done { .. } => Vec::new(),
        }
    }

    /// Takes how the run that [`WizardEffect::AddRun`] asked for was added.
    pub fn run_added(&mut self, result: Result<(), Problem>) -> Vec<WizardEffect> {
        self.run |= result.is_ok();
        if self.waits != Some(Waits::Run) {
            return Vec::new();
        }
        self.waits = None;
        match result {
            // Its facts are shown first; Next goes on with it.
            Ok(()) => {
                self.problem = None;
                Vec::new()
            }
            Err(problem) => self.complain(problem),
        }
    }

    /// The wallet that the wizard knows of, by name.
    pub fn wallet(&self) -> Option<&str> {
        self.wallet.as_ref().map(|(name, _)| name.as_str())
    }

    fn open_at(&mut self, flow: Flow, step: Step) -> Vec<WizardEffect> {
        let effects = self.forget_words();
        let (run, wallet) = (self.run, self.wallet.take());
        *self = Self { open: true, flow, step, run, wallet, ..Self::default() };
        effects
    }

    fn close(&mut self) -> Vec<WizardEffect> {
        let mut effects = self.forget_words();
        self.open = false;
        self.waits = None;
        self.trail.clear();
        effects.push(WizardEffect::Finished);
        effects
    }

    fn end_with(&mut self, start: WizardEffect) -> Vec<WizardEffect> {
        let mut effects = self.close();
        effects.push(start);
        effects
    }

    /// Whoever leaves the words leaves none behind.
    fn forget_words(&mut self) -> Vec<WizardEffect> {
        self.numbers.clear();
        self.wrong = 0;
        self.hidden = false;
        if self.open && self.step.has_words() {
            vec![WizardEffect::Words(None), WizardEffect::Ask(DeskOrder::WipeWords)]
        } else {
            Vec::new()
        }
    }

    fn go(&mut self, step: Step) -> Vec<WizardEffect> {
        self.problem = None;
        self.trail.push(self.step);
        self.step = step;
        Vec::new()
    }

    fn choose_way(&mut self, way: Way, step: Step) -> Vec<WizardEffect> {
        self.way = Some(way);
        self.go(step)
    }

    fn back(&mut self) -> Vec<WizardEffect> {
        let Some(step) = self.trail.pop() else { return Vec::new() };
        self.problem = None;
        if step == Step::Words {
            self.step = step;
            return self.show_again();
        }
        let effects = self.forget_words();
        self.step = step;
        effects
    }

    /// Where Next leads, if anywhere.
    fn next(&self) -> Option<Step> {
        match self.step {
            Step::Welcome => Some(Step::Computer),
            Step::Computer => Some(Step::Choose),
            Step::Choose | Step::Join => self.run.then_some(Step::Wallet),
            Step::Wallet => self.wallet.is_some().then_some(Step::Payout),
            Step::Words => (!self.numbers.is_empty()).then_some(Step::Quiz),
            Step::Payout => Some(Step::Courtesy),
            Step::Courtesy => Some(Step::Summary),
            Step::Create | Step::Import | Step::Quiz | Step::Summary => None,
        }
    }

    fn go_on(&mut self) -> Vec<WizardEffect> {
        let Some(next) = self.next() else { return Vec::new() };
        if self.step == Step::Payout {
            return self.after_payout();
        }
        let mut effects = self.go(next);
        if next == Step::Quiz {
            // The window needs them no more; the desk asks for three.
            effects.push(WizardEffect::Words(None));
        }
        effects
    }

    fn ask(&mut self, waits: Waits, order: DeskOrder) -> Vec<WizardEffect> {
        self.problem = None;
        self.waits = Some(waits);
        vec![WizardEffect::Ask(order)]
    }

    fn add_run(&mut self, source: String) -> Vec<WizardEffect> {
        if source.trim().is_empty() || source.len() > MAX_SOURCE {
            return self.complain(route::no_source());
        }
        self.problem = None;
        self.waits = Some(Waits::Run);
        vec![WizardEffect::AddRun { source }]
    }

    fn complain(&mut self, problem: Problem) -> Vec<WizardEffect> {
        self.problem = Some(problem);
        Vec::new()
    }

    /// The way back from here on leads to the choice of wallets: a wallet is not made twice.
    fn made(&mut self, words_follow: bool) -> Vec<WizardEffect> {
        if self.waits != Some(Waits::Wallet) {
            return Vec::new();
        }
        self.waits = None;
        self.problem = None;
        if words_follow {
            self.step = Step::Words;
            self.waits = Some(Waits::Words);
        } else {
            self.step = Step::Payout;
        }
        Vec::new()
    }

    fn words(&mut self, words: Vec<Secret>, numbers: &[u32]) -> Vec<WizardEffect> {
        if !self.open || self.step != Step::Words {
            // Told too late: nobody looks at them any more.
            return vec![WizardEffect::Ask(DeskOrder::WipeWords)];
        }
        if self.waits == Some(Waits::Words) {
            self.waits = None;
        }
        self.numbers = numbers.to_vec();
        if self.hidden { Vec::new() } else { vec![WizardEffect::Words(Some(words))] }
    }

    fn hide(&mut self) -> Vec<WizardEffect> {
        if self.step != Step::Words {
            return Vec::new();
        }
        self.hidden = true;
        vec![WizardEffect::Words(None)]
    }

    fn show_again(&mut self) -> Vec<WizardEffect> {
        self.hidden = false;
        self.waits = Some(Waits::Words);
        vec![WizardEffect::Ask(DeskOrder::ShowWords)]
    }

    fn answered(&mut self, right: bool) -> Vec<WizardEffect> {
        if self.waits != Some(Waits::Quiz) {
            return Vec::new();
        }
        self.waits = None;
        if right {
            return self.leave_words();
        }
        self.wrong += 1;
        if self.wrong < TRIES {
            return self.complain(route::wrong_words());
        }
        self.wrong = 0;
        self.step = self.trail.pop().unwrap_or(Step::Words);
        self.problem = Some(route::look_again());
        self.show_again()
    }

    /// From the words or the quiz to what comes after them.
    fn leave_words(&mut self) -> Vec<WizardEffect> {
        if self.flow == Flow::Backup {
            return self.close();
        }
        let effects = self.forget_words();
        self.problem = None;
        self.trail.retain(|step| !step.has_words());
        self.step = Step::Payout;
        effects
    }

    fn after_payout(&mut self) -> Vec<WizardEffect> {
        if self.flow == Flow::Whole { self.go(Step::Courtesy) } else { self.close() }
    }

    fn failed(&mut self, deed: Deed, problem: &Problem) -> Vec<WizardEffect> {
        let ours = match self.waits {
            Some(Waits::Wallet) => matches!(deed, Deed::Create | Deed::Import),
            Some(Waits::Words) => deed == Deed::BackUp,
            Some(Waits::Quiz) => deed == Deed::Quiz,
            Some(Waits::Payout) => deed == Deed::Payout,
            Some(Waits::Run) | None => false,
        };
        if !ours {
            return Vec::new();
        }
        let was = self.waits.take();
        if self.flow == Flow::Backup && was == Some(Waits::Words) && self.numbers.is_empty() {
            // The wallet did not open: the wallet screen says why.
            return self.close();
        }
        self.complain(problem.clone())
    }

    fn joins(&self) -> bool {
        self.run || self.step == Step::Join || self.trail.contains(&Step::Join)
    }

    /// Without a run or without an address to earn for, it is a rehearsal.
    fn rehearses(&self) -> bool {
        !self.run || self.wallet.is_none()
    }

    fn shown_step(&self) -> WizardStep {
        match self.step {
            Step::Welcome => WizardStep::Welcome,
            Step::Computer => WizardStep::Computer,
            Step::Choose => WizardStep::Choose,
            Step::Join => WizardStep::Join,
            Step::Wallet => WizardStep::Wallet,
            Step::Create => WizardStep::Create,
            Step::Import => WizardStep::Import,
            Step::Payout => WizardStep::Payout,
            Step::Words => WizardStep::Words,
            Step::Quiz => WizardStep::Quiz { numbers: self.numbers.clone() },
            Step::Courtesy => WizardStep::Courtesy,
            Step::Summary => WizardStep::Summary {
                hotkey: self.wallet.as_ref().map(|(_, hotkey)| hotkey.clone()),
                rehearsal: self.rehearses(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
