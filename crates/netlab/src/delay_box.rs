//! The line itself, in user space: packets from one device come out of the other later, or never.
//!
//! In: two TUN devices, a delay, a share to lose, a seed. Out: the same packets in the same order, each that long after it
//! was read; the same packets are lost for the same seed and traffic. Kernels without netem need this, and it counts. One
//! thread per direction; both end when the box is dropped.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::LabError;

/// Packets under way in one direction at most: 2 s of 100 Mbit/s in full packets. What does not fit is counted as lost.
const MAX_UNDER_WAY: usize = 20_000;
/// Packets read before those that are due are written, so that a flood of new ones does not hold up the old.
const READS_IN_A_ROW: usize = 32;
/// How long a thread sleeps when nothing is under way; it looks at the stop flag then.
const IDLE: Duration = Duration::from_millis(100);
/// Larger than any MTU here.
const PACKET_BYTES: usize = 2048;

/// What a direction carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets that went through.
    pub packets: u64,
    /// Packets lost on purpose.
    pub lost: u64,
    /// Packets lost because too many were under way: the machine is too slow for the plan, and figures are void.
    pub overrun: u64,
}

/// A running box.
#[derive(Debug)]
pub(crate) struct DelayBox {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    up: Arc<Meter>,
    down: Arc<Meter>,
}

#[derive(Debug, Default)]
struct Meter {
    packets: AtomicU64,
    lost: AtomicU64,
    overrun: AtomicU64,
}

impl Meter {
    fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { packets: read(&self.packets), lost: read(&self.lost), overrun: read(&self.overrun) }
    }
}

impl DelayBox {
    /// Starts both directions.
    pub(crate) fn start(home: File, router: File, delay: Duration, loss: f64, seed: u64) -> Result<Self, LabError> {
        let doing = || LabError::io("start a line");
        let stop = Arc::new(AtomicBool::new(false));
        let (up, down) = (Arc::new(Meter::default()), Arc::new(Meter::default()));
        let (home_too, router_too) = (home.try_clone().map_err(doing())?, router.try_clone().map_err(doing())?);
        // An even and an odd seed, never zero, which would stay zero.
        let ways = [(home, router, &up, seed << 1 | 1 << 63), (router_too, home_too, &down, seed << 1 | 1)];
        let mut made =
            Self { stop: Arc::clone(&stop), threads: Vec::new(), up: Arc::clone(&up), down: Arc::clone(&down) };
        for (from, to, meter, seed) in ways {
            let mut way = Way {
                from,
                to,
                delay,
                loss,
                random: Random(seed),
                under_way: VecDeque::new(),
                meter: Arc::clone(meter),
            };
            let stop = Arc::clone(&stop);
            let thread = thread::Builder::new().name("line".to_owned()).spawn(move || way.run(&stop));
            made.threads.push(thread.map_err(doing())?);
        }
        Ok(made)
    }

    /// Towards the internet and towards home.
    pub(crate) fn counts(&self) -> (Counts, Counts) {
        (self.up.counts(), self.down.counts())
    }
}

impl Drop for DelayBox {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A direction that broke down has ended, which is what is wanted.
            let _ = thread.join();
        }
    }
}

/// Lets this thread run before others: what measures must not wait for what is measured.
pub(crate) fn go_first() {
    // Without it figures are only rougher.
    let _ = rustix::process::setpriority_process(None, -15);
}

/// xorshift64: loss needs no better.
struct Random(u64);

impl Random {
    /// At least 0 and below 1.
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One direction.
struct Way {
    from: File,
    to: File,
    delay: Duration,
    /// Share lost, 0 to 1.
    loss: f64,
    random: Random,
    under_way: VecDeque<(Instant, Vec<u8>)>,
    meter: Arc<Meter>,
}

impl Way {
    fn run(&mut self, stop: &AtomicBool) {
        go_first();
        let mut buffer = vec![0; PACKET_BYTES];
        while !stop.load(Ordering::Relaxed) {
            let wait = match self.under_way.front() {
                Some((due, _)) => due.saturating_duration_since(Instant::now()).min(IDLE),
                None => IDLE,
            };
            let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
            let ready = poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&timeout));
            if ready.is_ok_and(|ready| ready > 0) && !self.take_in(&mut buffer) {
                return;
            }
            self.give_out();
        }
    }

    /// Reads what has come; `false` if the device is gone.
    fn take_in(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..READS_IN_A_ROW {
            let read = match self.from.read(buffer) {
                Ok(read) => read,
                Err(error) => return matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            };
            if self.random.share() < self.loss {
                self.meter.lost.fetch_add(1, Ordering::Relaxed);
            } else if self.under_way.len() >= MAX_UNDER_WAY {
                self.meter.overrun.fetch_add(1, Ordering::Relaxed);
            } else {
                self.under_way.push_back((Instant::now() + self.delay, buffer[..read].to_vec()));
            }
        }
        true
    }

    fn give_out(&mut self) {
        let now = Instant::now();
        while let Some((_, packet)) = self.under_way.pop_front_if(|(due, _)| *due <= now) {
            // A device that is down takes nothing: lost, as on a real line.
            let counter = if self.to.write_all(&packet).is_ok() { &self.meter.packets } else { &self.meter.overrun };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_lost_is_the_share_asked_for_and_the_seed_decides_which() {
        let lost = |seed| (0..100_000).scan(Random(seed), |random, _| Some(random.share() < 0.1)).collect::<Vec<_>>();
        let count = lost(7).into_iter().filter(|lost| *lost).count();
        assert!((9_000..11_000).contains(&count), "{count}");
        assert_eq!(lost(7), lost(7));
        assert_ne!(lost(7), lost(9));
    }
}
