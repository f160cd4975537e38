//! Prices of electricity as people write them, compared exactly.
//!
//! In: a decimal such as `0.3125`. Out: millionths. It refuses signs, exponents, more than six decimals and anything
//! longer than a price is.

/// 12 digits and a point.
const LONGEST: usize = 13;
/// Decimals that are kept; more are refused, not rounded.
const DECIMALS: usize = 6;

/// A decimal in millionths.
pub(crate) fn micros(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if text.len() > LONGEST || whole.is_empty() || part.len() > DECIMALS || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<DECIMALS$}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_or_refused() {
        for (text, expected) in [
            ("0.3125", Some(312_500)),
            ("0.41", Some(410_000)),
            (" 12 ", Some(12_000_000)),
            ("0.000001", Some(1)),
            ("999999999999", Some(999_999_999_999_000_000)),
            ("0.", Some(0)),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("0.0000001", None),
            ("0,41", None),
            ("1.2.3", None),
            ("9999999999999999999999", None),
            ("٣", None),
        ] {
            assert_eq!(micros(text), expected, "{text:?}");
        }
    }
}
