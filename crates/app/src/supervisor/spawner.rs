//! The thread that starts processes.
//!
//! On Linux the signal that a child gets at our death is tied to the thread that started it: a runtime's worker may go while
//! the program lives, this thread goes with the program.

use super::Plan;
use super::child;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::process::Child;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts that may wait: there is one peer at a time.
const QUEUE: usize = 4;

type Order = (Plan, oneshot::Sender<std::io::Result<Child>>);

/// A handle to the thread; the thread ends with the last one.
#[derive(Debug, Clone)]
pub(crate) struct Spawner(SyncSender<Order>);

impl Spawner {
    /// Starts the thread. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// No thread can be had.
    pub(crate) fn new() -> std::io::Result<Self> {
        let (orders, queue) = sync_channel(QUEUE);
        let runtime = Handle::current();
        std::thread::Builder::new().name("spawner".into()).spawn(move || work(&runtime, &queue))?;
        Ok(Self(orders))
    }

    /// Starts a process.
    ///
    /// # Errors
    /// As the operating system says.
    pub(super) async fn spawn(&self, plan: Plan) -> std::io::Result<Child> {
        let gone = || std::io::Error::other("the thread that starts processes has gone");
        let (reply, answer) = oneshot::channel();
        self.0.try_send((plan, reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn work(runtime: &Handle, queue: &Receiver<Order>) {
    let _inside = runtime.enter();
    while let Ok((plan, reply)) = queue.recv() {
        // An answer nobody waits for any more drops the child, which ends it.
        let _ = reply.send(child::start(&plan));
    }
}
