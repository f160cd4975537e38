//! One language's texts with English behind them.
//!
//! Isolation marks around arguments are off: the texts are left to right, and the marks would come out of every copy
//! button. Numbers are given as text that `view_model::units` wrote, so that a figure reads alike everywhere; a plain
//! integer is given only where a text depends on its plural.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::borrow::Cow;
use std::fmt;
use unic_langid::LanguageIdentifier;

use crate::tag::{Language, closest};

/// Every Fluent file of a language.
macro_rules! files {
    ($tag:literal) => {
        &[
            include_str!(concat!("../text/", $tag, "/status.ftl")),
            include_str!(concat!("../text/", $tag, "/app.ftl")),
            include_str!(concat!("../text/", $tag, "/screens.ftl")),
            include_str!(concat!("../text/", $tag, "/setup.ftl")),
            include_str!(concat!("../text/", $tag, "/release.ftl")),
        ]
    };
}

/// How much longer the pseudo-locale's texts are: what the longest of the usual languages need over English.
const PSEUDO_PERCENT: usize = 40;

/// An argument of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Text, a figure already written out among it.
    Text(Cow<'a, str>),
    /// A whole number, for texts with a plural.
    Count(u64),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Arg<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<u64> for Arg<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Arg<'_> {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Arg<'_> {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

/// One language's texts.
pub struct Locale {
    language: Language,
    own: FluentBundle<FluentResource>,
    english: Option<FluentBundle<FluentResource>>,
    pseudo: bool,
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locale").field("tag", &self.language.tag).field("pseudo", &self.pseudo).finish_non_exhaustive()
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self::english()
    }
}

impl Locale {
    /// The language closest to a BCP 47 tag.
    pub fn new(tag: &str) -> Self {
        let language = closest(tag);
        let english = (language.tag != "en").then(|| bundle("en"));
        Self { language, own: bundle(language.tag), english, pseudo: false }
    }

    /// English.
    pub fn english() -> Self {
        Self::new("en")
    }

    /// English with accents and 40 % more letters: what is clipped or not translatable shows.
    pub fn pseudo() -> Self {
        Self { pseudo: true, ..Self::english() }
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The text of a key with arguments, by name.
    pub fn with(&self, key: &str, args: &[(&str, Arg<'_>)]) -> String {
        let mut fluent = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            let value = match value {
                Arg::Text(text) => FluentValue::from(text.as_ref()),
                Arg::Count(count) => FluentValue::from(*count),
            };
            fluent.set(*name, value);
        }
        let text = format(&self.own, key, &fluent)
            .or_else(|| self.english.as_ref().and_then(|english| format(english, key, &fluent)));
        match text {
            Some(text) if self.pseudo => longer(&text),
            Some(text) => text,
            None => key.to_owned(),
        }
    }

    /// Whether the language or English has the key.
    pub fn has(&self, key: &str) -> bool {
        self.own.has_message(key) || self.english.as_ref().is_some_and(|english| english.has_message(key))
    }
}

fn format(bundle: &FluentBundle<FluentResource>, key: &str, args: &FluentArgs<'_>) -> Option<String> {
    let pattern = bundle.get_message(key)?.value()?;
    let mut errors = Vec::new();
    // An argument that is missing shows by its name in braces; the rest of the sentence still helps.
    Some(bundle.format_pattern(pattern, Some(args), &mut errors).into_owned())
}

fn bundle(tag: &str) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![tag.parse::<LanguageIdentifier>().unwrap_or_default()]);
    bundle.set_use_isolating(false);
    for file in sources(tag) {
        // A file with a fault gives the entries that are well formed; a test refuses the fault.
        let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The Fluent files of a language, in the order of [`files`].
pub(crate) fn sources(tag: &str) -> &'static [&'static str] {
    match tag {
        "de" => files!("de"),
        "es" => files!("es"),
        "fr" => files!("fr"),
        _ => files!("en"),
    }
}

fn longer(text: &str) -> String {
    let accented: String = text
        .chars()
        .map(|c| match c {
            'a' => 'á',
            'e' => 'é',
            'i' => 'í',
            'o' => 'ó',
            'u' => 'ú',
            'A' => 'Á',
            'E' => 'É',
            'O' => 'Ó',
            other => other,
        })
        .collect();
    let more = (text.chars().count() * PSEUDO_PERCENT).div_ceil(100);
    // Words, not one endless one: a translation wraps.
    let filler: String = "lorem ipsum dolor sit amet ".chars().cycle().take(more).collect();
    format!("{accented} {}", filler.trim_end())
}
