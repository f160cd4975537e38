//! The open window: what it has, and when it is sent more.
//!
//! At most a snapshot a frame, and only one that differs from the last; charts and log in pieces, as many as the shell has
//! room for. A shell that is slow gets fewer, never a longer queue.

use crate::api::ToShell;
use crate::state::{Reader, State};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use view_model::{AppSnapshot, ToWindow};

/// Room in the shell's queue that is left for other words.
const LEFT_FREE: usize = 4;

/// What the window has.
#[derive(Debug, Default)]
pub(super) struct Window {
    reader: Reader,
    last: Option<Box<AppSnapshot>>,
    dirty: bool,
    next: Option<Instant>,
}

impl Window {
    /// It has nothing yet.
    pub(super) fn new() -> Self {
        Self { dirty: true, ..Self::default() }
    }

    /// Something may have changed.
    pub(super) fn changed(&mut self) {
        self.dirty = true;
    }

    /// When to look whether there is anything to send.
    pub(super) fn due(&self) -> Option<Instant> {
        self.dirty.then(|| self.next.unwrap_or_else(Instant::now))
    }

    /// Sends what it has not had.
    pub(super) fn send(&mut self, state: &State, out: &mpsc::Sender<ToShell>, frame: Duration, now_ms: u64) {
        self.next = Some(Instant::now() + frame);
        self.dirty = false;
        let room = || out.capacity() > LEFT_FREE.min(out.max_capacity() - 1);
        let snapshot = state.snapshot(now_ms);
        if self.last.as_deref() != Some(&snapshot) {
            if !room() {
                self.dirty = true;
                return;
            }
            self.last = Some(Box::new(snapshot.clone()));
            let _ = out.try_send(ToShell::Window(ToWindow::Snapshot(Box::new(snapshot))));
        }
        while room() {
            match state.next_piece(&mut self.reader) {
                Some(piece) => drop(out.try_send(ToShell::Window(piece))),
                None => return,
            }
        }
        self.dirty = true;
    }
}
