//! The person at the terminal, or the lines of a script.
//!
//! In: questions. Out: answers, bounded and wiped. At a terminal, secrets are typed unseen and recovery words are shown
//! on a screen that vanishes; without one, secrets are read from standard input, one a line, and none is shown.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use zeroize::Zeroizing;

use super::refuse;
use crate::passphrase;
use crate::secret_file::{MAX_BYTES, trim_line_end};

/// A second screen that leaves no trace in the terminal's history; understood by every terminal since xterm.
const OTHER_SCREEN: &str = "\x1b[?1049h\x1b[H\x1b[2J";
const BACK: &str = "\x1b[?1049l";
/// What Ctrl-C types where it is no signal.
const CTRL_C: char = '\x03';

/// Whom a command talks to.
pub(crate) trait Console {
    /// Whether a person is there, to whom something can be shown.
    fn interactive(&self) -> bool;

    /// Says one line beside the answer.
    fn tell(&mut self, line: &str) -> anyhow::Result<()>;

    /// Asks for something public.
    fn ask(&mut self, question: &str) -> anyhow::Result<String>;

    /// Asks for a secret.
    fn ask_secret(&mut self, question: &str) -> anyhow::Result<Zeroizing<String>>;

    /// Shows a secret until the person goes on; then it is gone from the screen.
    fn show_secret(&mut self, text: &str) -> anyhow::Result<()>;
}

/// This process's terminal.
pub(super) struct Terminal {
    interactive: bool,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self { interactive: io::stdin().is_terminal() && io::stderr().is_terminal() }
    }
}

impl Console for Terminal {
    fn interactive(&self) -> bool {
        self.interactive
    }

    fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(writeln!(io::stderr(), "{line}")?)
    }

    fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        if !self.interactive {
            return Err(refuse(
                "no_terminal",
                format!("Nobody is there to answer: {question}"),
                "Run it at a terminal, or say it with an option (--help lists them).",
            ));
        }
        write!(io::stderr(), "{question} ")?;
        let line = read_line()?;
        if passphrase::looks_like_words(&line) {
            return Err(passphrase::words_where_they_do_not_belong().into());
        }
        Ok(line.trim().to_owned())
    }

    fn ask_secret(&mut self, question: &str) -> anyhow::Result<Zeroizing<String>> {
        if self.interactive {
            return Ok(Zeroizing::new(rpassword::prompt_password(format!("{question} "))?));
        }
        let line = read_line()?;
        if line.is_empty() {
            return Err(refuse(
                "no_answer",
                format!("Standard input has no line for: {question}"),
                "Without a terminal, secrets are read from standard input, one a line, or from files named by options.",
            ));
        }
        Ok(line)
    }

    fn show_secret(&mut self, text: &str) -> anyhow::Result<()> {
        let mut screen = io::stderr();
        let quiet = Quiet::begin()?;
        write!(screen, "{OTHER_SCREEN}{text}\n\nPress Enter when you are done; this screen then vanishes. ")?;
        screen.flush()?;
        let read = read_line();
        write!(screen, "{BACK}")?;
        screen.flush()?;
        drop(quiet);
        if read?.contains(CTRL_C) {
            return Err(refuse("cancelled", "Cancelled", "Nothing was saved."));
        }
        Ok(())
    }
}

/// While it lives, keys show nothing, and Ctrl-C is a character that the next line holds: it must not end the process
/// while the words are on the screen and leave them there.
#[cfg(unix)]
struct Quiet(rustix::termios::Termios);

#[cfg(unix)]
impl Quiet {
    fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ISIG | LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to restore.
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &self.0);
    }
}

/// Windows' console ends the process at Ctrl-C and clears its second screen with it.
#[cfg(not(unix))]
struct Quiet;

#[cfg(not(unix))]
impl Quiet {
    fn begin() -> io::Result<Self> {
        Ok(Self)
    }
}

/// One line of standard input without its end; empty at the end of input.
fn read_line() -> anyhow::Result<Zeroizing<String>> {
    // Never grows, since that would leave a copy behind that nobody wipes.
    let mut line = Zeroizing::new(String::with_capacity(MAX_BYTES + 1));
    io::stdin().lock().take(MAX_BYTES as u64 + 1).read_line(&mut line)?;
    if line.len() > MAX_BYTES {
        return Err(refuse("too_long", "The line is too long", format!("At most {MAX_BYTES} bytes are read.")));
    }
    Ok(Zeroizing::new(trim_line_end(&line).to_owned()))
}
