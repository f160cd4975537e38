//! Draws a screen in the terminal: in place where there is one, else the first line whenever it changes.
//!
//! In: lines that are safe to print. Out: bytes on standard output. It asks the terminal for nothing but its width.

use std::io::{IsTerminal as _, Write as _};

/// Width where nobody tells.
const DEFAULT_WIDTH: usize = 100;
/// To the left edge and delete to the end of the screen.
const CLEAR_BELOW: &str = "\r\x1b[J";

/// The terminal, and what stands on it.
pub(crate) struct Terminal {
    in_place: bool,
    drawn: Vec<String>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { in_place: std::io::stdout().is_terminal(), drawn: Vec::new() }
    }

    /// Columns that a line may have.
    pub(crate) fn width(&self) -> usize {
        if self.in_place { columns().unwrap_or(DEFAULT_WIDTH) } else { DEFAULT_WIDTH }
    }

    /// Shows `lines`; writes nothing if they are what stands there already.
    pub(crate) fn draw(&mut self, lines: Vec<String>) -> std::io::Result<()> {
        if lines == self.drawn {
            return Ok(());
        }
        let bytes = if self.in_place { redraw(self.drawn.len(), &lines) } else { first_line(&self.drawn, &lines) };
        self.drawn = lines;
        let mut out = std::io::stdout().lock();
        out.write_all(bytes.as_bytes())?;
        out.flush()
    }

    /// What was not drawn in place, at the end: the whole screen once.
    pub(crate) fn finish(&mut self) -> std::io::Result<()> {
        if self.in_place || self.drawn.is_empty() {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", self.drawn.get(1..).unwrap_or_default().join("\n"))
    }
}

/// Up over what was drawn, clear, draw. The cursor stays below the last line.
fn redraw(lines_before: usize, lines: &[String]) -> String {
    let up = if lines_before == 0 { String::new() } else { format!("\x1b[{lines_before}A") };
    format!("{up}{CLEAR_BELOW}{}\n", lines.join("\n"))
}

fn first_line(before: &[String], lines: &[String]) -> String {
    match (before.first(), lines.first()) {
        (before, Some(now)) if before != Some(now) => format!("{now}\n"),
        _ => String::new(),
    }
}

#[cfg(unix)]
fn columns() -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize`, which lives until the call returns.
    let got = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (got == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn columns() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_redraw_goes_up_over_what_it_replaces() {
        assert_eq!(redraw(0, &lines(&["a", "b"])), "\r\x1b[Ja\nb\n");
        assert_eq!(redraw(2, &lines(&["c"])), "\x1b[2A\r\x1b[Jc\n");
    }

    #[test]
    fn a_log_gets_the_status_only_when_it_changes() {
        assert_eq!(first_line(&[], &lines(&["a", "x"])), "a\n");
        assert_eq!(first_line(&lines(&["a", "x"]), &lines(&["a", "y"])), "");
        assert_eq!(first_line(&lines(&["a"]), &lines(&["b"])), "b\n");
    }
}
