//! The languages there are, and which of them suits a reader best.

/// A language that Covey speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// BCP 47 tag, as it stands in the settings.
    pub tag: &'static str,
    /// Its own name for itself.
    pub name: &'static str,
    /// Whether every key is there.
    pub complete: bool,
}

/// English first; the others follow by tag.
pub const LANGUAGES: &[Language] = &[
    Language { tag: "en", name: "English", complete: true },
    Language { tag: "de", name: "Deutsch", complete: true },
    Language { tag: "es", name: "Español", complete: true },
    Language { tag: "fr", name: "Français", complete: true },
];

/// The language for a tag such as `de-AT`: the same first part, else English. Underscores (`de_AT.UTF-8`) are read too.
pub fn closest(tag: &str) -> Language {
    let first = tag.split(['-', '_', '.']).next().unwrap_or_default();
    let found = LANGUAGES.iter().find(|language| language.tag.eq_ignore_ascii_case(first));
    found.or(LANGUAGES.first()).copied().unwrap_or(Language { tag: "en", name: "English", complete: true })
}
