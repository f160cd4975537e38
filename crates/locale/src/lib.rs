//! What Covey says, in each language.
//!
//! In: a language tag and a key, with named arguments. Out: the text in that language, else in English. The texts are
//! Fluent files under `text/`, built into the program, one folder a language and one file an area. It reads no file,
//! no environment and no clock; a key that no language knows gives the key itself, which a test never lets happen.

mod bundle;
mod tag;

pub use bundle::{Arg, Locale};
pub use tag::{LANGUAGES, Language, closest};

#[cfg(test)]
mod tests;
