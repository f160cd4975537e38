//! A run that is being looked at before it is joined.
//!
//! In: a link or path from outside or from a press, and what looking at it brought. Out: the card on the Runs screen, and what
//! is to be done. What came from outside is neither read nor asked after before a press; nothing is joined without another one.

use super::event::KnownRun;
use super::{Effect, Job, State, money};
use crate::look::Looked;
use types::{JoinLink, Problem};
use view_model::{Fit, JoinFacts, JoinState, JoinView, RunKind, RunSnapshot, Told, Tone};

/// Longest path or link that is taken.
const MAX_SOURCE_CHARS: usize = 4096;

/// The run that is being looked at.
#[derive(Debug)]
pub(crate) struct Join {
    view: JoinView,
    /// Which look it is: an answer to an older one is not this one's.
    look: u64,
    /// It was not on the list before.
    new: bool,
}

/// What is being looked at, and how many looks there were.
#[derive(Debug, Default)]
pub(crate) struct Joining {
    join: Option<Join>,
    looks: u64,
}

impl Joining {
    pub(crate) fn view(&self) -> Option<JoinView> {
        self.join.as_ref().map(|join| join.view.clone())
    }

    fn is_looking(&self) -> bool {
        self.join.as_ref().is_some_and(|join| join.view.state == JoinState::Looking)
    }

    fn found(&self) -> Option<&JoinFacts> {
        match &self.join.as_ref()?.view.state {
            JoinState::Found(facts) => Some(facts),
            _ => None,
        }
    }

    fn show(&mut self, source: String, state: JoinState) {
        self.join = Some(Join { view: JoinView { source, state }, look: self.looks, new: false });
    }
}

impl State {
    /// A link or file was given to the program from outside: it is shown, and waits for a press.
    pub(super) fn given(&mut self, source: &str) {
        // What is being looked at is not taken away by a link somewhere on a web page.
        if self.joining.is_looking() {
            return;
        }
        let source = source.trim().to_owned();
        let state = if is_too_long(&source) {
            JoinState::Failed(no_source())
        } else if source.to_ascii_lowercase().starts_with("covey:") {
            match source.parse::<JoinLink>() {
                Ok(link) => JoinState::Given { run: Some(link.run.to_string()), addresses: link.addresses },
                Err(why) => JoinState::Failed(crate::look::no_link(&why)),
            }
        } else {
            JoinState::Given { run: None, addresses: Vec::new() }
        };
        let shown = if is_too_long(&source) { String::new() } else { source };
        self.joining.show(shown, state);
    }

    /// Looks at a run, by a press.
    pub(super) fn look_at(&mut self, source: String, now_ms: u64, out: &mut Vec<Effect>) {
        if self.joining.is_looking() {
            return;
        }
        if is_too_long(&source) || source.trim().is_empty() {
            return self.run_added(Err(no_source()), now_ms, out);
        }
        self.joining.looks += 1;
        self.joining.show(source.clone(), JoinState::Looking);
        out.push(Effect::LookAtRun { look: self.joining.looks, source, vram: self.gpus.largest() });
    }

    /// The run that was given from outside is looked at.
    pub(super) fn look_at_given(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        let waits = |join: &Join| matches!(join.view.state, JoinState::Given { .. } | JoinState::Failed(_));
        if let Some(source) = self.joining.join.as_ref().filter(|join| waits(join)).map(|join| join.view.source.clone())
        {
            self.look_at(source, now_ms, out);
        }
    }

    /// What came of looking.
    pub(super) fn looked(&mut self, look: u64, result: Result<Looked, Problem>, now_ms: u64, out: &mut Vec<Effect>) {
        let Some(join) = self.joining.join.as_mut().filter(|join| join.look == look) else {
            // Nobody waits for it any more: what it brought goes.
            if let Ok(Looked { facts, new: true }) = result {
                out.push(Effect::ForgetRun(facts.id));
            }
            return;
        };
        match result {
            Ok(looked) => {
                join.new = looked.new;
                if self.wizard.view().is_some() {
                    self.settings.behaviour.run = looked.facts.id.clone();
                    out.push(Effect::SaveSettings(Box::new(self.settings.clone())));
                }
                join.view.state = JoinState::Found(Box::new(looked.facts));
                self.run_added(Ok(()), now_ms, out);
            }
            Err(problem) => {
                self.log(view_model::LogLevel::Warn, "runs", &problem.to_string(), now_ms);
                if let Some(join) = &mut self.joining.join {
                    join.view.state = JoinState::Failed(problem.clone());
                }
                self.run_added(Err(problem), now_ms, out);
            }
        }
    }

    /// The run that was looked at is taken, and started if that was pressed and nothing runs.
    pub(super) fn join_run(&mut self, start: bool, now_ms: u64, out: &mut Vec<Effect>) {
        let Some((id, name)) = self.joining.found().map(|facts| (facts.id.clone(), facts.name.clone())) else { return };
        self.joining.join = None;
        self.choose(&id, out);
        self.notices.toast(Tone::Neutral, Told::new("toast-run-added").with("name", name), now_ms);
        if start && self.work.wanted().is_none() {
            self.start(now_ms);
        }
    }

    /// The wizard ends: the run that it went on with needs no card any more.
    pub(super) fn joined_in_wizard(&mut self) {
        if self.joining.found().is_some_and(|facts| facts.id == self.settings.behaviour.run) {
            self.joining.join = None;
        }
    }

    /// The card is put away; what only looking brought goes with it.
    pub(super) fn leave_join(&mut self, out: &mut Vec<Effect>) {
        let Some(join) = self.joining.join.take() else { return };
        if let JoinState::Found(facts) = join.view.state
            && join.new
            && self.settings.behaviour.run != facts.id
        {
            self.forget(facts.id, out);
        }
    }

    /// The card as the window shows it: whether the run fits is judged by what is known now.
    pub(super) fn join_view(&self) -> Option<JoinView> {
        let mut view = self.joining.view()?;
        if let JoinState::Found(facts) = &mut view.state
            && facts.fit == Fit::Unknown
        {
            facts.fit = crate::runs::fit(facts.model_params, self.memory());
        }
        Some(view)
    }

    /// Why the known run cannot be started, if it cannot.
    pub(super) fn train(&self, run: String) -> Result<Job, Problem> {
        let known = self.runs.iter().find(|known| known.card.id == run);
        let Some(known) = known else {
            return Err(Problem::new("run_gone", "The chosen run is not on the list any more", "Choose another run."));
        };
        if !known.has_places {
            return Err(without_places(known));
        }
        let hotkey = self.wallet.wallets.first().and_then(|row| row.hotkey.parse().ok());
        let hotkey = hotkey.ok_or_else(|| {
            Problem::new(
                "no_wallet",
                "A run needs a wallet, and there is none",
                "Make or bring one on the Wallet screen.",
            )
        })?;
        Ok(Job::Train { run, hotkey })
    }

    /// The best of the other runs that surely fit.
    fn best_but(&self, id: &str) -> Option<String> {
        let cards = self.cards(&RunSnapshot::default());
        let mut others: Vec<_> =
            cards.into_iter().filter(|card| card.kind == RunKind::Shared && card.id != id).collect();
        super::rank::rank(&mut others, self.memory());
        others.into_iter().next().filter(|best| matches!(best.fit, Fit::Fits(_))).map(|best| best.id)
    }

    /// A run that is at work is not forgotten; the chosen one makes room for the best of the others, or for the rehearsal.
    pub(super) fn forget(&mut self, id: String, out: &mut Vec<Effect>) {
        let at_work = |job: Option<&Job>| matches!(job, Some(Job::Train { run, .. }) if *run == id);
        let runs = at_work(self.work.wanted()) || at_work(self.work.process().map(|process| &process.job));
        if runs || id == money::REHEARSAL_BOOK {
            return;
        }
        if self.settings.behaviour.run == id {
            let next = self.best_but(&id).unwrap_or_else(|| money::REHEARSAL_BOOK.to_owned());
            self.choose(&next, out);
        }
        out.push(Effect::ForgetRun(id));
    }
}

fn is_too_long(source: &str) -> bool {
    source.chars().count() > MAX_SOURCE_CHARS
}

fn no_source() -> Problem {
    Problem::new(
        "run_source",
        "This is neither a link nor a file of a run",
        "Paste a link that begins with covey://join/, or choose a run file or a picture of the link.",
    )
}

fn without_places(known: &KnownRun) -> Problem {
    Problem::new(
        "run_without_places",
        format!("The file of {} does not say where the run's other computers are", known.card.name),
        "Ask whoever gave you the file for the run's link (covey://join/…), and add that: it names them.",
    )
}

#[cfg(test)]
mod tests;
