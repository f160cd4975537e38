//! A plain TCP copy between nodes, without any protocol of ours: what the lab's lines themselves carry.
//!
//! In: senders, a receiver, bytes. Out: seconds from the first byte asked for to the last one received. Every figure of
//! the swarm stands beside it, so that the machine's own limits are seen.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{Lab, LabError};

/// A line of 1 Mbit/s needs longer than anybody waits; a silent one is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const BLOCK: usize = 64 * 1024;

/// Copies `bytes` in equal parts from all of `from` to `to` at the same time.
///
/// # Errors
/// [`LabError`], also if a copy stands still.
pub fn copy(lab: &Lab, from: &[&str], to: &str, bytes: u64) -> Result<Duration, LabError> {
    let listener = lab.inside(to, || TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
    let port = listener.local_addr().map_err(LabError::io("open a socket"))?.port();
    let target = SocketAddr::from((lab.public_address(to)?, port));
    let each = bytes / from.len().max(1) as u64;
    let mut pairs = Vec::new();
    for node in from {
        let sending = lab.inside(node, move || TcpStream::connect_timeout(&target, PATIENCE))?;
        let (receiving, _) = listener.accept().map_err(LabError::io("accept a connection"))?;
        pairs.push((sending, receiving));
    }
    let begun = Instant::now();
    let mut running: Vec<JoinHandle<std::io::Result<()>>> = Vec::new();
    for (sending, receiving) in pairs {
        let spawn = |name: &str, work: Box<dyn FnOnce() -> std::io::Result<()> + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work).map_err(LabError::io("start a thread"))
        };
        running.push(spawn("send", Box::new(move || send(sending, each)))?);
        running.push(spawn("receive", Box::new(move || receive(receiving, each)))?);
    }
    for thread in running {
        thread.join().map_err(|_| LabError::Broken("a copy"))?.map_err(LabError::io("copy"))?;
    }
    Ok(begun.elapsed())
}

fn send(mut stream: TcpStream, bytes: u64) -> std::io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let block = [0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(BLOCK as u64);
        stream.write_all(&block[..now as usize])?;
        left -= now;
    }
    stream.flush()
}

fn receive(mut stream: TcpStream, bytes: u64) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut block, mut left) = ([0; BLOCK], bytes);
    while left > 0 {
        match stream.read(&mut block)? as u64 {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
