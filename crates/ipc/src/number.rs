//! JSON has no NaN and no infinity: a measured number that is not finite is written as `null` and read back as NaN.
//!
//! In: a number or `null`. Out: an `f64`. A diverged loss must reach the screen as "unknown", not break the line.

use serde::{Deserialize, Deserializer};

/// For `deserialize_with`; the writing half is what serde_json does by itself.
pub(crate) fn or_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}
