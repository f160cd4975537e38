//! Requests of the headless twin, answered from the state. What it asks for goes the way of a press in the window.

use super::{App, now_ms};
use crate::api::ToShell;
use crate::ctl::{CtlReply, CtlRequest};
use crate::state::Event;
use types::Problem;
use view_model::{Intent, PauseFor, Screen, StopWhen};

impl App {
    pub(super) fn ctl(&mut self, request: CtlRequest) -> CtlReply {
        let intent = match request {
            CtlRequest::Status => return self.status(),
            CtlRequest::Settings => {
                return CtlReply::Settings { settings: Box::new(self.state.settings().clone()) };
            }
            CtlRequest::Snapshot => return CtlReply::Snapshot { snapshot: Box::new(self.state.snapshot(now_ms())) },
            CtlRequest::Show { screen } => {
                self.outbox.push_back(ToShell::OpenWindow(screen));
                return self.status();
            }
            CtlRequest::Open { source } => {
                self.outbox.push_back(ToShell::OpenWindow(Screen::Runs));
                self.apply(Event::Given(source));
                return self.status();
            }
            CtlRequest::Start => Intent::Start,
            CtlRequest::Stop { now: true } => Intent::Stop { when: StopWhen::Now },
            CtlRequest::Stop { now: false } => Intent::Stop { when: StopWhen::EndOfRound },
            CtlRequest::Pause { secs: Some(secs) } => Intent::Pause { for_how_long: PauseFor::Secs { secs } },
            CtlRequest::Pause { secs: None } => Intent::Pause { for_how_long: PauseFor::UntilResumed },
            CtlRequest::Resume => Intent::Resume,
            CtlRequest::Rehearse { size } => Intent::StartRehearsal(size),
            CtlRequest::Set { settings } => Intent::Set(settings),
            CtlRequest::Quit => Intent::Quit,
            CtlRequest::Do { intent } if has_secrets(&intent) => return CtlReply::Refused { problem: secret() },
            CtlRequest::Do { intent } => *intent,
        };
        self.apply(Event::Intent(intent));
        self.status()
    }

    fn status(&self) -> CtlReply {
        let now_ms = now_ms();
        CtlReply::Status {
            sentence: self.state.sentence(now_ms),
            activity: self.state.activity(now_ms),
            price: self.state.stop_price(now_ms),
        }
    }
}

fn has_secrets(intent: &Intent) -> bool {
    matches!(intent, Intent::Wizard(_) | Intent::Wallet(_))
}

fn secret() -> Problem {
    Problem::new(
        "not_here",
        "Wallets are not worked with over this line",
        "Use `covey-peer wallet`, which asks for passphrases itself.",
    )
}
