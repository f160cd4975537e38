//! Writes settings and session, one after the other, off the async threads.

use crate::session::Session;
use crate::settings_file::Files;
use crate::state::Event;
use std::sync::Arc;
use tokio::sync::mpsc;
use types::Problem;
use view_model::Settings;

/// Something to be kept.
#[derive(Debug)]
pub(super) enum Keep {
    Settings(Box<Settings>),
    Session(Box<Session>),
}

/// Writes until nobody gives anything more; then everything given is on disk.
pub(super) async fn keep(files: Files, mut queue: mpsc::Receiver<Keep>, events: mpsc::Sender<Event>) {
    let files = Arc::new(files);
    let mut told = false;
    while let Some(mut next) = queue.recv().await {
        // Only the newest of each kind counts.
        let mut other = None;
        while let Ok(newer) = queue.try_recv() {
            if std::mem::discriminant(&newer) != std::mem::discriminant(&next) {
                other = Some(std::mem::replace(&mut next, newer));
            } else {
                next = newer;
            }
        }
        for thing in other.into_iter().chain([next]) {
            let files = Arc::clone(&files);
            let written = tokio::task::spawn_blocking(move || match thing {
                Keep::Settings(settings) => files.save_settings(&settings),
                Keep::Session(session) => files.save_session(&session),
            });
            match written.await {
                Ok(Ok(())) => told = false,
                Ok(Err(error)) if !told => {
                    told = true;
                    // Without waiting: the loop may be waiting for us.
                    let _ = events.try_send(Event::Found(not_written(&error)));
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}

fn not_written(error: &std::io::Error) -> Problem {
    Problem::new(
        "not_saved",
        format!("Settings cannot be saved: {error}"),
        "Make room on the disk of the data folder, or see who may write there. Until then changes last until the end.",
    )
}
