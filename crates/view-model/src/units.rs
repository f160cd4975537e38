//! How numbers are written, everywhere the same.
//!
//! In: typed amounts. Out: short text with a unit, at most three significant digits unless it is exact (counts, credits).
//! Decimal prefixes (1 kB = 1000 B) but for memory, which is sold in binary ones. A number that is not known or not
//! finite is written as "unknown", never as 0.

use types::{ByteCount, Rao};

/// What stands for a number that is not known.
pub const UNKNOWN: &str = "unknown";

/// A count with thousands separated: `41,288`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Model parameters: `919 k`, `72.7 B`.
pub fn parameters(n: u64) -> String {
    scaled(n, 1000, &["", "k", "M", "B", "T"])
}

/// A size on disk or on the wire: `18.1 kB`.
pub fn bytes(n: ByteCount) -> String {
    scaled(n.0, 1000, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// A size in memory: `7.50 GiB`.
pub fn memory(n: ByteCount) -> String {
    scaled(n.0, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A transfer rate: `1.20 MB/s`.
pub fn bytes_per_sec(n: ByteCount) -> String {
    format!("{}/s", bytes(n))
}

/// Training speed: `8,990 tok/s`, `12.5 tok/s`.
pub fn tokens_per_sec(rate: f64) -> String {
    match rate {
        r if !r.is_finite() || r < 0.0 => UNKNOWN.to_owned(),
        // Rounding at the edge must not write 100.0.
        r if r < 99.95 => format!("{r:.1} tok/s"),
        r => {
            // A fourth digit of a measured speed is noise: 8987 reads as 8,990.
            let step = 10f64.powi((r.log10().floor() as i32 - 2).max(0));
            format!("{} tok/s", count(((r / step).round() * step) as u64))
        }
    }
}

/// A duration: `0:07`, `3:12`, `1:02:03`, `2 d 3 h`.
pub fn duration(secs: u64) -> String {
    let (days, hours, minutes, seconds) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{} d {hours} h", count(days)),
    }
}

/// A share between 0 and 1: `94.5 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { UNKNOWN.to_owned() }
}

/// A loss in nats per token: `3.257`.
pub fn loss(nats: f64) -> String {
    if nats.is_finite() { format!("{nats:.3}") } else { UNKNOWN.to_owned() }
}

/// Credits, exact to the last rao: `1,234.5`, `0.000000001`. For tables and receipts.
pub fn credits_exact(rao: Rao) -> String {
    let (whole, part) = (rao.0 / Rao::PER_CREDIT, rao.0 % Rao::PER_CREDIT);
    if part == 0 {
        return count(whole);
    }
    let part = format!("{part:09}");
    format!("{}.{}", count(whole), part.trim_end_matches('0'))
}

/// Credits with three decimals, cut and not rounded, so that nobody is shown more than is there: `1,234.500`; `<0.001`
/// for less than that.
pub fn credits(rao: Rao) -> String {
    let thousandths = rao.0 / (Rao::PER_CREDIT / 1000);
    match (rao.0, thousandths) {
        (0, _) => "0".to_owned(),
        (_, 0) => "<0.001".to_owned(),
        (_, t) => format!("{}.{:03}", count(t / 1000), t % 1000),
    }
}

/// Three significant digits with the largest unit that leaves at least one before the point; integers all the way.
fn scaled(n: u64, base: u64, units: &[&str]) -> String {
    let (n, base) = (u128::from(n), u128::from(base));
    let mut size = 1u128;
    for (i, unit) in units.iter().enumerate() {
        let last = i + 1 == units.len();
        // Rounded in hundredths, tenths or ones, whichever gives three digits.
        for (parts, decimals) in [(100u128, 2usize), (10, 1), (1, 0)] {
            let rounded = (n * parts * 2 + size) / (size * 2);
            let fits = rounded < 1000 || (parts == 1 && (rounded < base || last));
            // Below the first unit there is nothing to round: 7 B is not 7.00 B.
            if fits && !(i == 0 && parts > 1) {
                return join(rounded, parts, decimals, unit);
            }
        }
        size *= base;
    }
    // Not reached: the last unit takes everything.
    n.to_string()
}

fn join(rounded: u128, parts: u128, decimals: usize, unit: &str) -> String {
    let number = match decimals {
        0 => rounded.to_string(),
        _ => format!("{}.{:0decimals$}", rounded / parts, rounded % parts),
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests;
