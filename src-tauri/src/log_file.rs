//! The app's own log: one file of the last run and one of the run before.
//!
//! In: tracing events. Out: lines in `logs/covey.log`. Levels by `COVEY_LOG`, else info. Nothing secret is traced.

use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// Starts the log; a folder that cannot be written costs the log and nothing else.
pub(crate) fn begin(data_dir: &Path) {
    let folder = data_dir.join("logs");
    let path = folder.join("covey.log");
    let opened = std::fs::create_dir_all(&folder).and_then(|()| {
        std::fs::rename(&path, folder.join("covey.log.1")).ok();
        std::fs::File::create(&path)
    });
    let filter = EnvFilter::try_from_env("COVEY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let begun = match opened {
        Ok(file) => lines.with_writer(Mutex::new(file)).try_init(),
        Err(_) => lines.with_writer(std::io::stderr).try_init(),
    };
    if let Err(error) = begun {
        eprintln!("covey: no log can be kept: {error}");
    }
}
