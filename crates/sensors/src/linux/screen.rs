//! X11: what fills the screen, and when a key was last pressed.
//!
//! In: a display of this computer. Out: the active window's program if it fills the screen, and the server's own idle time.
//! Under Wayland the server sees only its own windows: a full screen among them is believed, the absence of one is not.
//! A server that does not answer within a second is closed and tried again later.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::screensaver::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, Window};
use x11rb::reexports::x11rb_protocol::parse_display::{ConnectAddress, parse_display};
use x11rb::reexports::x11rb_protocol::xauth::get_auth;
use x11rb::rust_connection::{DefaultStream, PollMode, RustConnection, Stream};
use x11rb::utils::RawFdContainer;

use super::DEADLINE;
use crate::reading::{FullScreen, idle_secs, name};

/// A server that is not there is looked for again after so long.
const RETRY: Duration = Duration::from_secs(30);
/// States of a window, and words of a name, that are read.
const MOST_WORDS: u32 = 64;

/// What X11 says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ScreenReading {
    pub(crate) full_screen: Option<FullScreen>,
    pub(crate) idle_secs: Option<u64>,
}

pub(crate) struct Screen {
    display: String,
    wayland: bool,
    open: Option<Open>,
    retry_at: Option<Instant>,
}

struct Open {
    connection: RustConnection<InTime>,
    root: Window,
    active_window: Atom,
    state: Atom,
    full_screen: Atom,
    pid: Atom,
    has_saver: bool,
}

type Failed = Box<dyn std::error::Error>;

impl Screen {
    /// `None` for a display of another computer: it is not this one's screen.
    pub(crate) fn new(display: &str, wayland: bool) -> Option<Self> {
        let parsed = parse_display(Some(display)).ok()?;
        let local = parsed.connect_instruction().any(|way| matches!(way, ConnectAddress::Socket(_)));
        local.then(|| Self { display: display.to_owned(), wayland, open: None, retry_at: None })
    }

    pub(crate) fn read(&mut self) -> ScreenReading {
        if self.open.is_none() {
            let now = Instant::now();
            if self.retry_at.is_some_and(|at| now < at) {
                return ScreenReading::default();
            }
            self.retry_at = Some(now + RETRY);
            self.open = Open::new(&self.display).inspect_err(|error| tracing::debug!(%error, "no X11")).ok();
        }
        let Some(open) = &self.open else { return ScreenReading::default() };
        let read = open.full_screen().and_then(|full_screen| Ok((full_screen, open.idle()?)));
        match read {
            Ok((full_screen, idle)) if self.wayland => ScreenReading {
                full_screen: full_screen.filter(|full_screen| *full_screen != FullScreen::Nothing),
                // It hears keys only in its own windows.
                idle_secs: idle.and(None),
            },
            Ok((full_screen, idle_secs)) => ScreenReading { full_screen, idle_secs },
            Err(error) => {
                tracing::debug!(%error, "X11 went away");
                self.open = None;
                ScreenReading::default()
            }
        }
    }
}

impl Open {
    fn new(display: &str) -> Result<Self, Failed> {
        let parsed = parse_display(Some(display))?;
        let mut stream = Err(io::Error::from(io::ErrorKind::NotFound));
        for way in parsed.connect_instruction().filter(|way| matches!(way, ConnectAddress::Socket(_))) {
            stream = DefaultStream::connect(&way);
            if stream.is_ok() {
                break;
            }
        }
        let (stream, (family, address)) = stream?;
        // A server may want no password; a file of passwords that cannot be read is as good as none.
        let (auth, secret) = get_auth(family, &address, parsed.display).unwrap_or(None).unwrap_or_default();
        let screen = usize::from(parsed.screen);
        let connection = RustConnection::connect_to_stream_with_auth_info(InTime(stream), screen, auth, secret)?;
        let root = connection.setup().roots.get(screen).ok_or("no such screen")?.root;
        let atom =
            |name: &str| -> Result<Atom, Failed> { Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom) };
        let has_saver = connection.extension_information(screensaver::X11_EXTENSION_NAME)?.is_some();
        Ok(Self {
            active_window: atom("_NET_ACTIVE_WINDOW")?,
            state: atom("_NET_WM_STATE")?,
            full_screen: atom("_NET_WM_STATE_FULLSCREEN")?,
            pid: atom("_NET_WM_PID")?,
            root,
            has_saver,
            connection,
        })
    }

    /// `None` without a window manager that says which window is active.
    fn full_screen(&self) -> Result<Option<FullScreen>, Failed> {
        let Some(active) = self.words(self.root, self.active_window, AtomEnum::WINDOW.into())? else { return Ok(None) };
        let Some(window) = active.first().copied().filter(|window| *window != 0) else {
            return Ok(Some(FullScreen::Nothing));
        };
        let states = self.words(window, self.state, AtomEnum::ATOM.into())?.unwrap_or_default();
        if !states.contains(&self.full_screen) {
            return Ok(Some(FullScreen::Nothing));
        }
        let pid = self.words(window, self.pid, AtomEnum::CARDINAL.into())?.and_then(|pid| pid.first().copied());
        if pid.is_some_and(is_ours) {
            return Ok(Some(FullScreen::Nothing));
        }
        let app = pid.and_then(program).or(self.class(window)?).unwrap_or_default();
        Ok(Some(FullScreen::Program { app }))
    }

    fn idle(&self) -> Result<Option<u64>, Failed> {
        if !self.has_saver {
            return Ok(None);
        }
        let idle = self.connection.screensaver_query_info(self.root)?.reply()?.ms_since_user_input;
        Ok(idle_secs(u64::from(idle) / 1000))
    }

    /// A property of 32-bit words; `None` if it is not there. A window that has just gone has none.
    fn words(&self, window: Window, property: Atom, kind: Atom) -> Result<Option<Vec<u32>>, Failed> {
        let asked = self.connection.get_property(false, window, property, kind, 0, MOST_WORDS)?;
        match asked.reply() {
            Ok(reply) => Ok(reply.value32().map(Iterator::collect)),
            Err(x11rb::errors::ReplyError::X11Error(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the window's program calls itself: the second of the two words of its class.
    fn class(&self, window: Window) -> Result<Option<String>, Failed> {
        let (class, text) = (AtomEnum::WM_CLASS, AtomEnum::STRING);
        let asked = self.connection.get_property(false, window, class, text, 0, MOST_WORDS)?;
        match asked.reply() {
            Ok(reply) => {
                let text = String::from_utf8_lossy(&reply.value).into_owned();
                Ok(text.split('\0').map(name).filter(|word| !word.is_empty()).nth(1))
            }
            Err(x11rb::errors::ReplyError::X11Error(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The kernel's name of a process.
fn program(pid: u32) -> Option<String> {
    let text = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm")).ok()?;
    Some(name(&text)).filter(|name| !name.is_empty())
}

/// Our own window may fill the screen.
fn is_ours(pid: u32) -> bool {
    let theirs = fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe"));
    matches!((theirs, std::env::current_exe()), (Ok(theirs), Ok(ours)) if theirs == ours)
}

/// A connection that waits no longer than the deadline for anything.
struct InTime(DefaultStream);

impl Stream for InTime {
    fn poll(&self, mode: PollMode) -> io::Result<()> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, mode.readable());
        flags.set(PollFlags::OUT, mode.writable());
        let mut one = [PollFd::new(&self.0, flags)];
        let patience = Timespec::try_from(DEADLINE).map_err(|_| io::ErrorKind::InvalidInput)?;
        loop {
            match poll(&mut one, Some(&patience)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&self, buffer: &mut [u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.0.read(buffer, fds)
    }

    fn write(&self, buffer: &[u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.0.write(buffer, fds)
    }
}
