//! What the user reads while a task runs: one short line per step, the same form everywhere.

use std::time::{Duration, Instant};

/// Something that was there already.
pub(crate) fn already(what: &str, detail: &str) {
    println!("  already there   {what:<20} {detail}");
}

/// Something that was just made, and how long it took.
pub(crate) fn made(what: &str, detail: &str, since: Instant) {
    println!("  done            {what:<20} {detail} ({})", duration(since.elapsed()));
}

/// Something that begins now and takes a while.
pub(crate) fn doing(sentence: &str) {
    println!("  …               {sentence}");
}

/// Something the user should know and need not act on.
pub(crate) fn note(sentence: &str) {
    println!("  note            {sentence}");
}

/// Seconds, or minutes and seconds from two minutes on.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..120 => format!("{:.1} s", time.as_secs_f64()),
        secs => format!("{} min {:02} s", secs / 60, secs % 60),
    }
}

/// Decimal units, as disks and networks are sold.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{} kB", count.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", count.div_ceil(1_000_000)),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}
