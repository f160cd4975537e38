//! Between the app's brain and what the desktop offers: performs what the app says, tells it what happened.
//!
//! One task owns window, tray and keep-awake. In: [`app::ToShell`], presses, ends of windows. Out: [`app::FromShell`].

use super::release::{Order, Orders};
use super::tray::{OPENS, Press, Tray};
use super::window_process::{Drawing, Ended, WindowProcess};
use super::{desktop, session};
use app::{FromShell, ToShell, TrayView};
use sensors::KeepAwake;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tauri::AppHandle;
use tauri_plugin_autostart::ManagerExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use view_model::{Screen, ToWindow};

/// What the bridge needs.
pub(crate) struct Bridge {
    pub(crate) handle: AppHandle,
    pub(crate) program: PathBuf,
    pub(crate) to_app: mpsc::Sender<FromShell>,
    pub(crate) tray: Option<Arc<Mutex<Tray>>>,
    pub(crate) tasks: TaskTracker,
    pub(crate) cancel: CancellationToken,
    pub(crate) orders: Orders,
}

/// What is open.
struct Open {
    window: Option<WindowProcess>,
    /// The way of drawing that works here.
    drawing: Drawing,
    /// The screen to come back to.
    screen: Screen,
    /// A window that died has been started again once.
    reopened: bool,
    keep_awake: Option<KeepAwake>,
}

impl Bridge {
    /// Runs until the app says Quit or `cancel`.
    pub(crate) async fn run(self, mut said: mpsc::Receiver<ToShell>, mut presses: mpsc::Receiver<Press>) {
        let (ended, mut ends) = mpsc::channel(4);
        let mut open = Open { window: None, drawing: Drawing::Best, screen: OPENS, reopened: false, keep_awake: None };
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => break,
                Some(press) = presses.recv() => match press {
                    Press::App(said) => self.tell(said).await,
                    Press::Open => self.open(&mut open, OPENS, &ended).await,
                },
                Some((drawing, end)) = ends.recv() => self.window_ended(&mut open, drawing, end, &ended).await,
                word = said.recv() => match word {
                    Some(ToShell::Quit) | None => break,
                    Some(ToShell::Restart(then)) => {
                        let order = Order { then, with_window: open.window.is_some() };
                        *self.orders.lock().unwrap_or_else(PoisonError::into_inner) = Some(order);
                    }
                    Some(ToShell::OpenWindow(screen)) => self.open(&mut open, screen, &ended).await,
                    Some(word) => self.perform(&mut open, word).await,
                },
            }
        }
        if let Some(window) = &open.window {
            window.close();
        }
        self.handle.exit(0);
    }

    async fn tell(&self, said: FromShell) {
        self.to_app.send(said).await.ok();
    }

    async fn open(&self, open: &mut Open, screen: Screen, ended: &mpsc::Sender<(Drawing, Ended)>) {
        open.screen = screen;
        if let Some(window) = open.window.as_ref().filter(|window| window.is_open()) {
            window.send(ToWindow::Show { screen }).await;
            window.send(ToWindow::Raise).await;
            return;
        }
        let (to_app, ended) = (self.to_app.clone(), ended.clone());
        match WindowProcess::start(&self.program, open.drawing, screen, to_app, ended, &self.tasks) {
            Ok(window) => {
                open.window = Some(window);
                self.tell(FromShell::WindowOpened).await;
            }
            Err(error) => {
                tracing::error!("{error:#}");
                self.tell(FromShell::WindowClosed { crashed: true }).await;
            }
        }
    }

    /// A window that died is started again once, then said; one that never painted is drawn more plainly.
    async fn window_ended(
        &self,
        open: &mut Open,
        drawing: Drawing,
        end: Ended,
        ended: &mpsc::Sender<(Drawing, Ended)>,
    ) {
        open.window = None;
        let again = match end {
            Ended::Closed => false,
            Ended::Crashed { painted: false } => match drawing.plainer() {
                Some(plainer) => {
                    open.drawing = plainer;
                    true
                }
                None => false,
            },
            Ended::Crashed { painted: true } => !std::mem::replace(&mut open.reopened, true),
        };
        self.tell(FromShell::WindowClosed { crashed: end != Ended::Closed }).await;
        if again {
            self.open(open, open.screen, ended).await;
        } else if end == Ended::Closed {
            open.reopened = false;
        }
    }

    async fn perform(&self, open: &mut Open, word: ToShell) {
        match word {
            ToShell::Window(line) => {
                if let ToWindow::Show { screen } = &line {
                    open.screen = *screen;
                }
                if let Some(window) = &open.window {
                    window.send(line).await;
                }
            }
            ToShell::Tray(view) => self.show_tray(view),
            ToShell::Notify { title, body, .. } => self.aside(move || desktop::notify(&title, &body)),
            ToShell::Autostart(on) => self.autostart(on),
            ToShell::KeepAwake(on) => {
                open.keep_awake = if on { session::keep_awake().await } else { None };
            }
            ToShell::OpenPath(path) => self.aside(move || desktop::open_folder(&path)),
            ToShell::OpenUrl(url) => self.aside(move || desktop::open_page(url)),
            // Handled by the loop, or by the window itself, which owns the clipboard.
            _ => {}
        }
    }

    /// A favour of the desktop that may take long, on a thread nobody waits for before the end.
    fn aside(&self, favour: impl FnOnce() + Send + 'static) {
        self.tasks.spawn_blocking(favour);
    }

    /// Menus are changed on the main thread only.
    fn show_tray(&self, view: TrayView) {
        let Some(tray) = self.tray.clone() else { return };
        let shown = self.handle.run_on_main_thread(move || {
            if let Err(error) = tray.lock().unwrap_or_else(PoisonError::into_inner).show(view) {
                tracing::warn!("the tray can't be changed: {error}");
            }
        });
        if let Err(error) = shown {
            tracing::debug!("the main thread is gone: {error}");
        }
    }

    fn autostart(&self, on: bool) {
        let handle = self.handle.clone();
        self.aside(move || {
            let autostart = handle.autolaunch();
            // Taking away what is not there is an error to the plugin and none to the user.
            if autostart.is_enabled().ok() == Some(on) {
                return;
            }
            if let Err(error) = if on { autostart.enable() } else { autostart.disable() } {
                tracing::warn!("starting with the session can't be switched: {error}");
            }
        });
    }
}
