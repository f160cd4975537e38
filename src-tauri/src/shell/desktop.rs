//! Small favours of the desktop: a notice, a folder, a page.
//!
//! Each may be absent or hang; it gets its own short life on a blocking thread, and nothing waits for it.

use std::path::Path;
use std::process::{Command, Stdio};

/// Shows a notice. Where there is no notification service nothing happens: the window says the same.
pub(crate) fn notify(title: &str, body: &str) {
    let shown = notify_rust::Notification::new().appname("Covey").summary(title).body(body).icon("covey").show();
    if let Err(error) = shown {
        tracing::info!("a notice could not be shown: {error}");
    }
}

/// Opens a folder in the file manager.
pub(crate) fn open_folder(path: &Path) {
    open(path.as_os_str());
}

/// Opens a page in the browser. Only pages from the app's own list come here.
pub(crate) fn open_page(url: &'static str) {
    open(url.as_ref());
}

fn open(what: &std::ffi::OsStr) {
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let opened =
        Command::new(program).arg(what).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if let Err(error) = opened {
        tracing::info!("{program} can't be started: {error}");
    }
}
