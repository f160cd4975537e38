//! Between eframe and the views: takes the shell's words before a frame, draws it, sends what was pressed.

use super::adapter;
use super::pipes::Pipes;
use std::time::{Duration, Instant};
use ui::{HostAsk, Model, View};
use view_model::{FromWindow, Intent};

/// How long a copied secret stays on the clipboard.
const SECRET_STAYS: Duration = Duration::from_secs(30);

/// The window.
pub(crate) struct Host {
    model: Model,
    view: View,
    pipes: Pipes,
    begun: Instant,
    adapter: Option<String>,
    focused: bool,
    clear_clipboard_at: Option<Instant>,
}

impl Host {
    /// Takes the pipes; frames follow.
    pub(crate) fn new(context: &eframe::CreationContext<'_>, pipes: Pipes, begun: Instant) -> Self {
        pipes.wake(context.egui_ctx.clone());
        Self {
            model: Model::default(),
            view: View::new().with_system_language(&sys_locale::get_locale().unwrap_or_default()),
            pipes,
            begun,
            adapter: Some(adapter::name(context)),
            focused: true,
            clear_clipboard_at: None,
        }
    }

    fn hear(&mut self, ctx: &egui::Context) {
        while let Ok(word) = self.pipes.said.try_recv() {
            match self.model.take(word) {
                Some(HostAsk::Show(screen)) => self.view.go_to(screen),
                Some(HostAsk::Raise) => {
                    ctx.send_viewport_cmd(egui::ViewportCommand::Minimized(false));
                    ctx.send_viewport_cmd(egui::ViewportCommand::Focus);
                }
                Some(HostAsk::Close) => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
                None => {}
            }
        }
    }

    /// A secret goes off the clipboard in time, and when the window closes.
    fn guard_clipboard(&mut self, ctx: &egui::Context) {
        let Some(at) = self.clear_clipboard_at else { return };
        let now = Instant::now();
        if now < at {
            ctx.request_repaint_after(at - now);
            return;
        }
        ctx.copy_text(String::new());
        self.clear_clipboard_at = None;
    }

    fn say_painted(&mut self) {
        let Some(adapter) = self.adapter.take() else { return };
        let after_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.pipes.send(FromWindow::Painted { after_ms, adapter });
    }
}

impl eframe::App for Host {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.hear(ctx);
        let focused = ctx.input(|input| input.focused);
        if self.focused && !focused {
            self.view.on_blur();
        }
        self.focused = focused;
        self.guard_clipboard(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        for intent in self.view.show(ui, &self.model) {
            if intent == Intent::CopiedSecret {
                self.clear_clipboard_at = Some(Instant::now() + SECRET_STAYS);
                ui.ctx().request_repaint_after(SECRET_STAYS);
            }
            self.pipes.send(FromWindow::Intent(intent));
        }
        self.say_painted();
    }
}
