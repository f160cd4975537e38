//! Wizard and wallets: presses in, orders for the desk out, and what the desk tells.
//!
//! Recovery words pass through to the window and stay nowhere; the state keeps what the desk says may be shown.

use super::{Effect, State};
use crate::api::ToShell;
use custody::{Deed, DeskEvent, DeskOrder, WizardEffect};
use types::Problem;
use view_model::{Intent, Rehearsal, ToWindow, Tone, WalletIntent, WizardIntent};

impl State {
    pub(super) fn wizard_press(&mut self, press: WizardIntent, now_ms: u64, out: &mut Vec<Effect>) {
        let effects = self.wizard.press(press);
        self.follow(effects, now_ms, out);
    }

    pub(super) fn wallet_press(&mut self, press: WalletIntent, now_ms: u64, out: &mut Vec<Effect>) {
        match press {
            WalletIntent::BackUp { name, passphrase } => {
                let effects = self.wizard.back_up(name, passphrase);
                self.follow(effects, now_ms, out);
            }
            press => out.push(Effect::Ask(press.into())),
        }
    }

    /// The desk told something.
    pub(super) fn desk(&mut self, mut event: DeskEvent, now_ms: u64, out: &mut Vec<Effect>) {
        let effects = self.wizard.told(&mut event);
        self.follow(effects, now_ms, out);
        match event {
            DeskEvent::View(view) => self.wallet = *view,
            DeskEvent::Done { deed, name, place } => {
                let silent = matches!(deed, Deed::List | Deed::Probe | Deed::Quiz);
                if !silent {
                    self.notices.toast(Tone::Neutral, deed.done(&name, place.as_deref()), now_ms);
                }
            }
            // In the wizard it stands beside the step, on the wallet screen in the view.
            DeskEvent::Failed { deed, problem } => {
                self.log(view_model::LogLevel::Warn, "wallet", &problem.to_string(), now_ms);
                // Asked at the start without a press: what the keychain says stands in its own place.
                if deed != Deed::Probe {
                    self.wallet.problem = Some(problem);
                }
            }
            DeskEvent::Made { .. } | DeskEvent::Words { .. } | DeskEvent::Quiz { .. } => {}
        }
    }

    /// A run that the wizard asked for was added, or was not.
    pub(super) fn run_added(&mut self, result: Result<(), Problem>, now_ms: u64, out: &mut Vec<Effect>) {
        let effects = self.wizard.run_added(result);
        self.follow(effects, now_ms, out);
    }

    fn follow(&mut self, effects: Vec<WizardEffect>, now_ms: u64, out: &mut Vec<Effect>) {
        for effect in effects {
            match effect {
                WizardEffect::Ask(order) => out.push(Effect::Ask(order)),
                WizardEffect::Words(words) => out.push(Effect::Shell(ToShell::Window(ToWindow::Words { words }))),
                WizardEffect::AddRun { source } => self.intent(Intent::AddRun { source }, now_ms, out),
                WizardEffect::Start => self.intent(Intent::Start, now_ms, out),
                WizardEffect::StartRehearsal => {
                    self.intent(Intent::StartRehearsal(Rehearsal::default()), now_ms, out);
                }
                WizardEffect::Finished => self.welcomed(out),
            }
        }
    }

    fn welcomed(&mut self, out: &mut Vec<Effect>) {
        self.joined_in_wizard();
        if !self.settings.behaviour.welcomed {
            self.settings.behaviour.welcomed = true;
            out.push(Effect::SaveSettings(Box::new(self.settings.clone())));
        }
    }

    /// The first start: the wizard is open when the window comes up.
    pub(super) fn welcome(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        if !self.settings.behaviour.welcomed {
            let effects = self.wizard.open();
            self.follow(effects, now_ms, &mut out);
        }
        out
    }

    /// The window is gone: what it showed in secret is shown no more.
    pub(super) fn hide_words(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        self.wizard_press(WizardIntent::HideWords, now_ms, out);
    }

    /// Orders for the desk at the start.
    pub(super) fn first_orders() -> [Effect; 1] {
        [Effect::Ask(DeskOrder::ProbeKeychain)]
    }
}
