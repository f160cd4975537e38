//! A server on loopback that serves files by range, or lies in every way that a test wants.
//!
//! In: for each request, what to do. Out: bytes, and a list of what was asked and how much was sent. One request a
//! connection, each on its own named thread; all have ended when it is dropped.
#![allow(dead_code, reason = "two test programs use this file, and each needs a part of it")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Path of the address.
    pub(crate) path: String,
    /// First and last byte of the range.
    pub(crate) range: Option<(u64, u64)>,
    /// Which request it is, from 0.
    pub(crate) number: usize,
}

/// What to do.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// The file, by range if one is asked for.
    File(Arc<Vec<u8>>),
    /// The whole file, whatever range was asked for.
    Whole(Arc<Vec<u8>>),
    /// The file from another byte on than was asked for.
    Shifted(Arc<Vec<u8>>, u64),
    /// As `File`, but the line is cut after so many bytes.
    Cut(Arc<Vec<u8>>, u64),
    /// As `File`, but a byte of the file is another one.
    Flipped(Arc<Vec<u8>>, u64),
    /// As `File`, but only so many bytes are given away in all; then silence until there are more.
    Gated(Arc<Vec<u8>>, Arc<AtomicU64>),
    /// No length, and no end.
    Endless,
    /// A head, then nothing.
    Silence,
    /// Nothing but this status.
    Status(u16),
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A running server.
pub(crate) struct Server {
    address: String,
    seen: Arc<Mutex<Vec<(Asked, u64)>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (seen, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let work = (Arc::clone(&seen), Arc::clone(&stop), Arc::new(handler) as Arc<Handler>);
        let thread = std::thread::Builder::new().name("server".into()).spawn(move || accept(&listener, &work));
        Self { address, seen, stop, thread: Some(thread.unwrap()) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    /// All requests, and the bytes of a body that each was sent.
    pub(crate) fn seen(&self) -> Vec<(Asked, u64)> {
        self.seen.lock().unwrap().clone()
    }

    /// Bytes of bodies sent.
    pub(crate) fn sent(&self) -> u64 {
        self.seen().iter().map(|(_, sent)| sent).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
        let _ = self.thread.take().unwrap().join();
    }
}

type Work = (Arc<Mutex<Vec<(Asked, u64)>>>, Arc<AtomicBool>, Arc<Handler>);

fn accept(listener: &TcpListener, work: &Work) {
    let mut threads = Vec::new();
    for stream in listener.incoming().map_while(Result::ok) {
        if work.1.load(Ordering::SeqCst) {
            break;
        }
        let work = work.clone();
        let thread = std::thread::Builder::new().name("connection".into()).spawn(move || talk(&stream, &work));
        threads.push(thread.unwrap());
    }
    threads.into_iter().for_each(|thread| drop(thread.join()));
}

fn talk(stream: &TcpStream, (seen, stop, handler): &Work) {
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let Some(mut asked) = read(stream) else { return };
    let number = {
        let mut seen = seen.lock().unwrap();
        asked.number = seen.len();
        seen.push((asked.clone(), 0));
        asked.number
    };
    let reply = handler(&asked);
    answer(stream, &asked, &reply, stop, &|sent| seen.lock().unwrap()[number].1 = sent);
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let mut asked = Asked { path, ..Asked::default() };
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            let (first, last) = range.split_once('-')?;
            asked.range = Some((first.parse().ok()?, last.parse().ok()?));
        }
    }
    Some(asked)
}

fn answer(stream: &TcpStream, asked: &Asked, reply: &Reply, stop: &AtomicBool, sent: &dyn Fn(u64)) {
    let head = |mut stream: &TcpStream, text: String| write!(stream, "HTTP/1.1 {text}connection: close\r\n\r\n");
    let (file, shift, cut, flip, ranges) = match reply {
        Reply::File(file) => (file, 0, u64::MAX, None, true),
        Reply::Whole(file) => (file, 0, u64::MAX, None, false),
        Reply::Shifted(file, by) => (file, *by, u64::MAX, None, true),
        Reply::Cut(file, after) => (file, 0, *after, None, true),
        Reply::Flipped(file, at) => (file, 0, u64::MAX, Some(*at), true),
        Reply::Gated(file, _) => (file, 0, u64::MAX, None, true),
        Reply::Endless => {
            let _ = head(stream, "200 OK\r\n".into());
            let mut total = 0;
            let mut stream = stream;
            while !stop.load(Ordering::SeqCst) && stream.write_all(&[b'{'; 4096]).is_ok() {
                total += 4096;
                sent(total);
            }
            return;
        }
        Reply::Silence => {
            let last = asked.range.map_or(99, |(_, last)| last);
            let first = asked.range.map_or(0, |(first, _)| first);
            let length = last + 1 - first;
            let _ = head(
                stream,
                format!("206 Partial\r\ncontent-range: bytes {first}-{last}/*\r\ncontent-length: {length}\r\n"),
            );
            // Until the client hangs up.
            let _ = std::io::Read::read(&mut &*stream, &mut [0]);
            return;
        }
        Reply::Status(status) => {
            let _ = head(stream, format!("{status} No\r\ncontent-length: 0\r\n"));
            return;
        }
    };
    let all = file.len() as u64;
    let (first, last) = match asked.range.filter(|_| ranges) {
        Some((first, last)) => (first + shift, last.min(all - 1)),
        None => (0, all - 1),
    };
    if first > last {
        let _ = head(stream, "416 No\r\ncontent-length: 0\r\n".into());
        return;
    }
    let length = last + 1 - first;
    let status = if asked.range.is_some() && ranges {
        format!("206 Partial\r\ncontent-range: bytes {first}-{last}/{all}\r\ncontent-length: {length}\r\n")
    } else {
        format!("200 OK\r\ncontent-length: {length}\r\n")
    };
    let mut body = file[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()].to_vec();
    if let Some(at) =
        flip.and_then(|at| at.checked_sub(first)).and_then(|at| body.get_mut(usize::try_from(at).unwrap()))
    {
        *at ^= 1;
    }
    body.truncate(usize::try_from(cut.min(length)).unwrap());
    let mut stream = stream;
    if head(stream, status).is_err() {
        return;
    }
    let mut total = 0;
    for piece in body.chunks(16 << 10) {
        if let Reply::Gated(_, allowed) = reply {
            pass(allowed, piece.len() as u64, stream, stop);
        }
        if stream.write_all(piece).is_err() {
            return;
        }
        total += piece.len() as u64;
        sent(total);
    }
}

/// Waits until so many bytes may go, the client hangs up, or the server ends.
fn pass(allowed: &AtomicU64, bytes: u64, mut stream: &TcpStream, stop: &AtomicBool) {
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let take = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(bytes) };
    while allowed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() && !stop.load(Ordering::SeqCst) {
        if matches!(std::io::Read::read(&mut stream, &mut [0]), Ok(0)) {
            return;
        }
    }
}
