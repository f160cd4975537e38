//! Judges what is heard: true and new goes on, a lie costs its forwarder.
//!
//! In: messages of at most 8 KiB from anybody. Out: verdicts, and announcements to this process.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::inner::Inner;
use crate::node::{Heard, Verdict};
use crate::{IgnoreReason, Judged};

pub(super) async fn run(inner: Arc<Inner>, mut gossip: mpsc::Receiver<Heard>) {
    while let Some(Heard { from, data, verdict }) = gossip.recv().await {
        // A signature costs some 0.2 ms: one after the other is thousands a second, more than a run ever says.
        let judged = inner.book().hear(&data);
        let counters = &inner.counters;
        let said = match judged {
            Judged::Accept(signed) => {
                counters.announcements_accepted.one();
                // Nobody in this process may be listening.
                let _ = inner.announcements.send(signed);
                Verdict::Accept
            }
            Judged::Ignore(why) => {
                counters.announcements_ignored.one();
                if why == IgnoreReason::Equivocation {
                    counters.equivocations.one();
                }
                tracing::trace!("ignored an announcement: {why:?}");
                Verdict::Ignore
            }
            Judged::Reject(why) => {
                counters.announcements_rejected.one();
                inner.notes.fault(from, format!("passed on an announcement that is none: {why:?}"));
                Verdict::Reject
            }
        };
        // The node gives a message up that waited too long.
        let _ = verdict.send(said);
    }
}
