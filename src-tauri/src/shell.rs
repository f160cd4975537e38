//! The shell: tray, supervision and favours of the desktop, on Tauri and without a web view.
//!
//! In: how the program was started. Out: its exit code. The main thread is Tauri's; the app's brain, the bridge and the
//! socket are tasks on a small runtime of our own. It holds no state but what is open.

mod bridge;
mod ctl_server;
mod desktop;
mod lock;
mod release;
mod session;
mod tray;
mod tray_icon;
mod window_process;

use crate::places;
use anyhow::{Context as _, Result};
use app::{Config, CtlRequest, FromShell, Times};
use bridge::Bridge;
use lock::ProfileLock;
use release::Orders;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tauri::RunEvent;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tray::Tray;
use view_model::Screen;

pub(crate) use ctl_server::socket_name;
pub(crate) use tray_icon::{EDGE as PICTURE_EDGE, rgba as picture};

/// Words on their way between the app and the desktop.
const QUEUE: usize = 256;
/// Longest orderly end: the peer's own, and a little.
const ENDING: Duration = Duration::from_secs(40);

/// How the program was started.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// By the session: no window.
    pub(crate) hidden: bool,
    /// With a link or a file.
    pub(crate) link: Option<String>,
}

/// Runs the app, or shows the one that runs already.
pub(crate) fn run(start: Start) -> Result<ExitCode> {
    let data_dir = places::data_dir()?;
    let Some(lock) = ProfileLock::take(&data_dir)? else { return second_start(start) };
    crate::log_file::begin(&data_dir);
    let begun = release::begin()?;
    // Two threads: the app's brain must not wait for a slow pipe.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .context("no event loop can be had")?;
    tauri::async_runtime::set(runtime.handle().clone());
    let config = Config {
        peer_program: places::peer_beside()?,
        probe_program: places::own_program()?,
        wallet_dir: places::wallets(&data_dir),
        data_dir,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system_language: sys_locale::get_locale().unwrap_or_default(),
        keychain: Arc::new(keychain::OsKeychain::new()),
        times: Times::default(),
        release: app::Release::built_in(begun),
    };
    let orders = Orders::default();
    let shell = Shell { tasks: TaskTracker::new(), cancel: CancellationToken::new(), orders: Arc::clone(&orders) };
    let code = shell.live(&runtime, config, start)?;
    shell.tasks.close();
    shell.cancel.cancel();
    runtime.block_on(async {
        if tokio::time::timeout(ENDING, shell.tasks.wait()).await.is_err() {
            tracing::warn!("something did not end in {} s", ENDING.as_secs());
        }
    });
    // A thread that hangs in a driver or a bus must not keep the program.
    runtime.shutdown_background();
    let order = orders.lock().unwrap_or_else(PoisonError::into_inner).take();
    release::end(order, lock)?;
    Ok(code)
}

/// The profile's app runs: it is shown, and this process ends.
fn second_start(start: Start) -> Result<ExitCode> {
    let ask = |request: &CtlRequest| crate::ctl::ask(request).context("Covey runs already, but does not answer");
    match start.link {
        Some(source) => {
            // A path is this process's own: the one that runs may be somewhere else.
            ask(&CtlRequest::Open { source: absolute(source) })?;
        }
        None => {
            ask(&CtlRequest::Show { screen: Screen::Home })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A path from the root on; a link as it is.
fn absolute(source: String) -> String {
    if source.contains("://") {
        return source;
    }
    std::path::absolute(&source).map_or(source, |path| path.to_string_lossy().into_owned())
}

struct Shell {
    tasks: TaskTracker,
    cancel: CancellationToken,
    orders: Orders,
}

impl Shell {
    /// Builds Tauri's app and runs its loop until the end.
    fn live(&self, runtime: &Runtime, config: Config, start: Start) -> Result<ExitCode> {
        let (to_app, inbox) = mpsc::channel(QUEUE);
        let (out, said) = mpsc::channel(QUEUE);
        let (press, presses) = mpsc::channel(QUEUE);
        let socket = places::socket(&config.data_dir);
        let program = config.probe_program.clone();
        {
            let _guard = runtime.enter();
            ctl_server::serve(&socket, to_app.clone(), self.cancel.clone(), &self.tasks)?;
        }
        let brain = app::run(config, inbox, out, self.cancel.clone());
        self.tasks.spawn_on(
            async move {
                if let Err(error) = brain.await {
                    tracing::error!("{error}");
                    eprintln!("covey: {error}");
                }
            },
            runtime.handle(),
        );
        let builder = tauri::Builder::default()
            .plugin(tauri_plugin_autostart::Builder::new().args(["--hidden"]).app_name("Covey").build());
        let application = builder.build(tauri::generate_context!()).context("the desktop can't be used")?;
        let handle = application.handle().clone();
        let tray = match Tray::new(&handle, move |pressed| {
            if press.try_send(pressed).is_err() {
                tracing::warn!("a press in the tray was lost");
            }
        }) {
            Ok(tray) => Some(Arc::new(Mutex::new(tray))),
            Err(error) => {
                tracing::warn!("there is no tray here: {error}");
                None
            }
        };
        let bridge = Bridge {
            handle,
            program,
            to_app: to_app.clone(),
            tray,
            tasks: self.tasks.clone(),
            cancel: self.cancel.clone(),
            orders: Arc::clone(&self.orders),
        };
        self.tasks.spawn_on(bridge.run(said, presses), runtime.handle());
        self.begin(runtime, to_app, start);
        let mut code = ExitCode::SUCCESS;
        let ended = application.run_return(|_, event| {
            // There never is a window of Tauri's own, so "the last one closed" must not end the program.
            if let RunEvent::ExitRequested { code: None, api, .. } = event {
                api.prevent_exit();
            }
        });
        if ended != 0 {
            code = ExitCode::FAILURE;
        }
        Ok(code)
    }

    /// The first words to the app, and the end that the session asks for.
    fn begin(&self, runtime: &Runtime, to_app: mpsc::Sender<FromShell>, start: Start) {
        let cancel = self.cancel.clone();
        self.tasks.spawn_on(
            async move {
                let linked = start.link.is_some();
                if let Some(link) = start.link {
                    to_app.send(FromShell::Link(absolute(link))).await.ok();
                }
                // A link opens the window by itself, at the card that it is about.
                if !start.hidden && !linked {
                    let (reply, _) = tokio::sync::oneshot::channel();
                    let request = CtlRequest::Show { screen: Screen::Home };
                    to_app.send(FromShell::Ctl { request, reply }).await.ok();
                }
                tokio::select! {
                    () = session::asked_to_end() => {
                        to_app.send(FromShell::SessionEnding).await.ok();
                    }
                    () = cancel.cancelled() => {}
                }
            },
            runtime.handle(),
        );
    }
}
