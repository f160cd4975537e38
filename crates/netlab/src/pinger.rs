//! Round-trip times between two nodes while something else uses the line.
//!
//! In: a lab, two nodes. Out: milliseconds of each answered packet, and how many were not answered. Packets are as small as
//! a game's or a call's, 20 a second, and wait in the same queues as everything else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::report::{median, share_below};
use crate::{Lab, LabError, delay_box};

/// Between two packets.
const EVERY: Duration = Duration::from_millis(50);
/// An answer later than this counts as none.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pinger that runs until it is stopped.
#[derive(Debug)]
pub struct Pinger {
    stop: Arc<AtomicBool>,
    echo: Option<JoinHandle<()>>,
    asker: Option<JoinHandle<Pings>>,
}

/// What it measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pings {
    /// Milliseconds of each answered packet, in order.
    pub millis: Vec<f64>,
    /// Packets without an answer.
    pub lost: usize,
}

impl Pings {
    /// Milliseconds that half of the packets took at most.
    pub fn median(&self) -> Option<f64> {
        median(&self.millis)
    }

    /// Milliseconds that 95 % of the packets took at most.
    pub fn slow(&self) -> Option<f64> {
        share_below(&self.millis, 0.95)
    }
}

impl Pinger {
    /// Starts asking `to` from `from`.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn start(lab: &Lab, from: &str, to: &str) -> Result<Self, LabError> {
        let open = || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
        let (asking, answering) = (lab.inside(from, open)?, lab.inside(to, open)?);
        let port = answering.local_addr().map_err(LabError::io("open a socket"))?.port();
        let target = SocketAddr::from((lab.public_address(to)?, port));
        let stop = Arc::new(AtomicBool::new(false));
        let (one, two) = (Arc::clone(&stop), Arc::clone(&stop));
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        let doing = || LabError::io("start a pinger");
        let mut made = Self { stop, echo: None, asker: None };
        made.echo = Some(thread("echo").spawn(move || answer(&answering, &one)).map_err(doing())?);
        made.asker = Some(thread("ping").spawn(move || ask(&asking, target, &two)).map_err(doing())?);
        Ok(made)
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`LabError::Broken`].
    pub fn stop(mut self) -> Result<Pings, LabError> {
        self.stop.store(true, Ordering::Relaxed);
        let pings = self.asker.take().ok_or(LabError::Broken("a pinger"))?.join();
        pings.map_err(|_| LabError::Broken("a pinger"))
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(echo) = self.echo.take() {
            // One that broke down has ended, which is what is wanted.
            let _ = echo.join();
        }
        if let Some(asker) = self.asker.take() {
            let _ = asker.join();
        }
    }
}

fn answer(socket: &UdpSocket, stop: &AtomicBool) {
    delay_box::go_first();
    let mut packet = [0; 64];
    if socket.set_read_timeout(Some(EVERY)).is_err() {
        return;
    }
    while !stop.load(Ordering::Relaxed) {
        if let Ok((bytes, from)) = socket.recv_from(&mut packet) {
            // An answer that does not leave is a lost packet, and is counted there.
            let _ = socket.send_to(&packet[..bytes], from);
        }
    }
}

fn ask(socket: &UdpSocket, target: SocketAddr, stop: &AtomicBool) -> Pings {
    delay_box::go_first();
    let (mut sent, mut pings) = (Vec::new(), Pings::default());
    let mut answered = 0;
    loop {
        let stopping = stop.load(Ordering::Relaxed);
        let unanswered = sent.len() - answered;
        let over = sent.last().is_none_or(|last: &Instant| last.elapsed() > PATIENCE);
        if stopping && (unanswered == 0 || over) {
            pings.lost = unanswered;
            return pings;
        }
        if !stopping {
            let number = (sent.len() as u32).to_le_bytes();
            sent.push(Instant::now());
            // One that does not leave is not answered either.
            let _ = socket.send_to(&number, target);
        }
        let next = Instant::now() + EVERY;
        while let Some(number) = receive(socket, next) {
            if let Some(at) = sent.get(number as usize) {
                pings.millis.push(at.elapsed().as_secs_f64() * 1000.0);
                answered += 1;
            }
        }
    }
}

/// The next answer before then.
fn receive(socket: &UdpSocket, until: Instant) -> Option<u32> {
    let mut packet = [0; 4];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        socket.set_read_timeout(Some(left)).ok()?;
        match socket.recv(&mut packet) {
            Ok(4) => return Some(u32::from_le_bytes(packet)),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted) => {}
            Err(_) => return None,
        }
    }
}
