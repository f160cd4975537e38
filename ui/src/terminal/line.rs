//! One line of a screen: safe to print, and no wider than the screen.

/// Narrowest screen that is drawn for; a narrower one gets lines of this width, which the terminal cuts.
pub const MIN_WIDTH: usize = 20;

/// `text` in at most `width` characters, the end replaced by `…` if it is longer. Control characters become `?`: names
/// and messages come from other machines and must not move the cursor.
pub fn fit(text: &str, width: usize) -> String {
    let mut chars = text.chars().map(|c| if is_unsafe(c) { '?' } else { c });
    let mut out: String = chars.by_ref().take(width).collect();
    if chars.next().is_some() {
        out.pop();
        if width > 0 {
            out.push('…');
        }
    }
    out
}

/// As [`fit`], then filled with spaces to exactly `width`.
pub(crate) fn cell(text: &str, width: usize) -> String {
    format!("{:<width$}", fit(text, width))
}

/// Control characters, and the marks that turn the direction of text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
