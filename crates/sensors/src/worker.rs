//! A source that blocks its thread: asked on a thread of its own, one question at a time, with a deadline.
//!
//! In: a state and a question about it. Out: the answer, or the last one while it is young enough. A source that hangs
//! keeps its thread and its state; nothing waits for it and it is asked nothing more until it has answered.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

/// An answer that comes too late still counts for so long: a slow firmware is not a missing battery.
const YOUNG: Duration = Duration::from_secs(30);

pub(crate) struct Worker<S, R> {
    state: Option<S>,
    running: Option<JoinHandle<(S, R)>>,
    last: Option<(R, Instant)>,
    tracker: TaskTracker,
}

impl<S: Send + 'static, R: Clone + Send + 'static> Worker<S, R> {
    pub(crate) fn new(state: S, tracker: TaskTracker) -> Self {
        Self { state: Some(state), running: None, last: None, tracker }
    }

    /// The answer; `None` if there is no young one.
    pub(crate) async fn ask(
        &mut self,
        deadline: Duration,
        question: impl FnOnce(&mut S) -> R + Send + 'static,
    ) -> Option<R> {
        if let Some(mut state) = self.state.take() {
            self.running = Some(self.tracker.spawn_blocking(move || {
                let answer = question(&mut state);
                (state, answer)
            }));
        }
        if let Some(running) = &mut self.running
            && let Ok(done) = timeout(deadline, running).await
        {
            self.running = None;
            // A question that panicked takes the source with it; it stays "cannot tell".
            if let Ok((state, answer)) = done {
                self.state = Some(state);
                self.last = Some((answer, Instant::now()));
            }
        }
        self.answer_at(Instant::now())
    }

    fn answer_at(&self, now: Instant) -> Option<R> {
        let young = |at: &Instant| now.saturating_duration_since(*at) < YOUNG;
        self.last.as_ref().filter(|(_, at)| young(at)).map(|(answer, _)| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_source_that_hangs_costs_a_deadline_and_answers_when_it_can() {
        let tracker = TaskTracker::new();
        let (go, wait) = sync_channel::<()>(1);
        let mut worker = Worker::new(0u32, tracker.clone());
        let first = worker
            .ask(SHORT, move |state| {
                let _ = wait.recv();
                *state += 1;
                *state
            })
            .await;
        assert_eq!(first, None);
        assert_eq!(worker.ask(SHORT, |_| unreachable!("it has not answered the first question")).await, None);
        go.send(()).unwrap();
        assert_eq!(worker.ask(LONG, |_| unreachable!("the first answer is taken first")).await, Some(1));
        assert_eq!(worker.ask(LONG, |state| *state + 10).await, Some(11), "the state came back");
    }

    #[tokio::test]
    async fn a_late_source_keeps_its_answer_for_half_a_minute() {
        let mut worker = Worker::new((), TaskTracker::new());
        assert_eq!(worker.ask(LONG, |()| 7).await, Some(7));
        let (go, wait) = sync_channel::<()>(1);
        let late = worker.ask(SHORT, move |()| wait.recv().map_or(8, |()| 9));
        assert_eq!(late.await, Some(7));
        let at = worker.last.as_ref().unwrap().1;
        assert_eq!(worker.answer_at(at + YOUNG - SHORT), Some(7));
        assert_eq!(worker.answer_at(at + YOUNG), None);
        drop(go);
    }
}
