//! Where files may come from, and what they may be called.
//!
//! In: text of a signed description. Out: addresses and names that mean one thing. Refused: plain HTTP to another machine,
//! addresses with a user, names that are a path, hidden, or special on any system.

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_DEPTH, MAX_NAME_CHARS, MAX_URL_CHARS};

/// An address that files may come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source(Url);

/// Why an address or name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// No address.
    #[error("this is no address of a file: {0}")]
    Address(String),
    /// Anybody on the way could see what is asked for.
    #[error("addresses must be https:// (http:// only to this machine): {0}")]
    Insecure(String),
    /// Not a plain name.
    #[error("this is no plain file name: {0}")]
    Name(String),
}

impl Source {
    /// Reads an address.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let shown = || text.chars().take(100).collect::<String>();
        let url = Url::parse(text).map_err(|_| PlaceError::Address(shown()))?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !plain || url.host_str().is_none() || text.len() > MAX_URL_CHARS {
            return Err(PlaceError::Address(shown()));
        }
        if url.scheme() == "https" || url.scheme() == "http" && is_this_machine(&url) {
            return Ok(Self(url));
        }
        Err(PlaceError::Insecure(shown()))
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        is_this_machine(&self.0)
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The server, for people.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl TryFrom<String> for Source {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        Self::parse(&text)
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.0.into()
    }
}

/// Whether a server is this machine itself.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// One part of a path that means the same on every system and stays where it is put.
///
/// # Errors
/// [`PlaceError::Name`].
pub fn plain_name(name: &str) -> Result<&str, PlaceError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    let device = ["con", "prn", "aux", "nul", "com", "lpt"];
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = device
        .iter()
        .any(|d| stem.strip_prefix(d).is_some_and(|rest| rest.len() <= 1 && rest.chars().all(|c| c.is_ascii_digit())));
    if name.is_empty()
        || name.len() > MAX_NAME_CHARS
        || name.starts_with('.')
        || name.ends_with('.')
        || is_device
        || !name.chars().all(good)
    {
        return Err(PlaceError::Name(name.chars().take(100).collect()));
    }
    Ok(name)
}

/// A path of plain names below a folder, with `/` between them.
///
/// # Errors
/// [`PlaceError::Name`].
pub fn plain_path(path: &str) -> Result<std::path::PathBuf, PlaceError> {
    let parts: Vec<&str> = path.split('/').collect();
    if parts.len() > MAX_DEPTH {
        return Err(PlaceError::Name(path.chars().take(100).collect()));
    }
    parts.into_iter().map(plain_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_stays_below_its_folder_on_every_system() {
        assert_eq!(plain_path("torch/lib/libc10.so").unwrap(), std::path::Path::new("torch/lib/libc10.so"));
        for bad in [
            "",
            "..",
            "a/../b",
            "/etc/passwd",
            "a//b",
            "a\\b",
            "C:",
            "a/.hidden",
            "nul",
            "COM1.dll",
            "a.",
            "a b",
            "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q",
        ] {
            assert!(plain_path(bad).is_err(), "{bad}");
        }
        assert!(plain_path("console/null/com10").is_ok());
    }

    #[test]
    fn plain_http_leaves_this_machine_never() {
        for good in ["https://example.org/a", "http://127.0.0.1:8000/a", "http://[::1]:1/a"] {
            assert!(Source::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.org/a",
            "http://127.0.0.1.example.org/",
            "file:///etc/passwd",
            "https://a:b@example.org/",
            "x",
            "https://example.org/#x",
        ] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_path_never_climbs(text in "\\PC{0,40}") {
            if let Ok(path) = plain_path(&text) {
                prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }
    }
}
