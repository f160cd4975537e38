//! What happened, counted, for metrics and for people who wonder.
//!
//! In: events. Out: totals since this process began, of all peers and of each. They only grow.

mod notes;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use notes::Notes;
pub use notes::PeerNote;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Live totals.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        /// Totals at a moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct SwarmCounters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> SwarmCounters {
                SwarmCounters { $($name: self.$name.get(),)* }
            }
        }

        impl SwarmCounters {
            /// Name and value of each, for a metrics page.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Chunks that went out.
    chunks_served,
    /// Bytes of chunks and manifests that went out.
    bytes_served,
    /// Chunks that came in, good or bad.
    chunks_received,
    /// Bytes of chunks that came in.
    bytes_received,
    /// Streams served.
    streams_served,
    /// Streams of peers that are no members.
    streams_of_strangers,
    /// Streams over the limits.
    streams_over_limit,
    /// Chunks not promised because the line was too slow for all who asked.
    chunks_busy,
    /// Requests that were none.
    bad_requests,
    /// Chunks that were not what they were said to be.
    bad_chunks,
    /// Manifests that were none, or of another blob.
    wrong_manifests,
    /// Answers that came too slowly.
    slow_answers,
    /// Peers banned for a lie.
    bans,
    /// Announcements that went on.
    announcements_accepted,
    /// Announcements that stayed here.
    announcements_ignored,
    /// Announcements that cost their forwarder.
    announcements_rejected,
    /// Second roots of a hotkey for one round.
    equivocations,
    /// Bindings taken.
    bindings_accepted,
    /// Bindings that proved nothing.
    bindings_refused,
    /// Questions of other peers answered.
    questions_answered,
}

/// One total.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        // Totals are read one by one: nothing else hangs on their order.
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
