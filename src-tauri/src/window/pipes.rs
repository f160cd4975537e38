//! The window's two pipes: a thread reads, a thread writes, and the window never waits for either.
//!
//! In: lines. Out: words through a bounded queue, a wake-up per line. Whatever a graphics driver prints on standard
//! output goes to standard error, so that the lines stay ours (Unix).

use anyhow::{Context as _, Result};
use ipc::{LineReader, LineWriter, ReadError};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use view_model::{FromWindow, ToWindow};

/// Lines that wait for the next frame. The shell waits while it is full.
const QUEUE: usize = 64;
/// Presses that wait to be written; a person presses less often.
const PRESSES: usize = 64;

/// Both directions.
pub(crate) struct Pipes {
    /// Words of the shell; closed when it is gone.
    pub(crate) said: Receiver<ToWindow>,
    press: SyncSender<FromWindow>,
    wake: SyncSender<egui::Context>,
}

impl Pipes {
    /// From now on a line repaints that window.
    pub(crate) fn wake(&self, context: egui::Context) {
        self.wake.try_send(context).ok();
    }

    /// Sends a word. It is lost only if the shell is gone or has not read for a whole queue.
    pub(crate) fn send(&self, word: FromWindow) {
        if let Err(TrySendError::Full(_)) = self.press.try_send(word) {
            tracing::warn!("the shell reads no presses");
        }
    }
}

/// Starts both threads.
pub(crate) fn open() -> Result<Pipes> {
    let out = own_stdout().context("the window's standard output can't be used")?;
    let (say, said) = sync_channel(QUEUE);
    let (press, presses) = sync_channel::<FromWindow>(PRESSES);
    let (wake, wakes) = sync_channel::<egui::Context>(1);
    let reader = std::thread::Builder::new().name("from the shell".to_owned());
    reader.spawn(move || read(&say, &wakes)).context("no thread can be had")?;
    let writer = std::thread::Builder::new().name("to the shell".to_owned());
    writer
        .spawn(move || {
            let mut out = LineWriter::new(out);
            for word in presses {
                if out.write(&word).is_err() {
                    return;
                }
            }
        })
        .context("no thread can be had")?;
    Ok(Pipes { said, press, wake })
}

fn read(say: &SyncSender<ToWindow>, wakes: &Receiver<egui::Context>) {
    let mut lines = LineReader::new(std::io::stdin());
    let mut context: Option<egui::Context> = None;
    let repaint = |context: &mut Option<egui::Context>| {
        if context.is_none() {
            *context = wakes.try_recv().ok();
        }
        if let Some(context) = context {
            context.request_repaint();
        }
    };
    loop {
        match lines.read::<ToWindow>() {
            Ok(Some(word)) => {
                if say.send(word).is_err() {
                    return;
                }
                repaint(&mut context);
            }
            // A word of a newer shell is passed over.
            Err(ReadError::Frame(_)) => {}
            Ok(None) | Err(_) => {
                // The shell is gone, and with it all there is to show.
                say.send(ToWindow::Bye).ok();
                repaint(&mut context);
                return;
            }
        }
    }
}

/// Standard output for our lines alone: everybody else's prints go to standard error from here on.
#[cfg(unix)]
fn own_stdout() -> std::io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    let ours = std::io::stdout().as_fd().try_clone_to_owned()?;
    // SAFETY: dup2 takes two descriptors that are open for the life of the process and touches no memory.
    if unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(std::fs::File::from(ours))
}

#[cfg(not(unix))]
fn own_stdout() -> std::io::Result<std::io::Stdout> {
    Ok(std::io::stdout())
}
