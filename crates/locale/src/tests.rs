//! The texts of all languages beside each other.

use crate::bundle::sources;
use crate::{LANGUAGES, Locale, closest};
use fluent_bundle::FluentResource;
use std::collections::BTreeMap;

/// Every key of a language with the arguments it uses.
fn keys(tag: &str) -> BTreeMap<String, Vec<String>> {
    let mut keys = BTreeMap::new();
    for file in sources(tag) {
        let resource = FluentResource::try_new((*file).to_owned()).expect("the file has no fault");
        let _ = resource;
        let mut key: Option<String> = None;
        for line in file.lines() {
            let starts = line.chars().next().is_some_and(|c| c.is_ascii_lowercase());
            if let Some((name, _)) = line.split_once('=').filter(|_| starts) {
                key = Some(name.trim().to_owned());
                let before = keys.insert(name.trim().to_owned(), Vec::new());
                assert!(before.is_none(), "{tag}: {name} stands twice");
            }
            let Some(args) = key.as_ref().and_then(|key| keys.get_mut(key)) else { continue };
            for part in line.split('$').skip(1) {
                args.push(part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
            }
            args.sort();
            args.dedup();
        }
    }
    keys
}

#[test]
fn every_language_has_every_key_with_the_same_arguments_and_no_other() {
    let english = keys("en");
    assert!(!english.is_empty());
    for language in LANGUAGES.iter().filter(|language| language.complete) {
        let own = keys(language.tag);
        let missing: Vec<_> = english.keys().filter(|key| !own.contains_key(*key)).collect();
        let extra: Vec<_> = own.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{}: missing {missing:?}, too many {extra:?}", language.tag);
        for (key, args) in &english {
            assert_eq!(&own[key], args, "{}: arguments of {key}", language.tag);
        }
    }
}

#[test]
fn a_tag_of_a_country_or_of_the_environment_finds_its_language_and_an_unknown_one_finds_english() {
    assert_eq!(closest("de-AT").tag, "de");
    assert_eq!(closest("fr_CA.UTF-8").tag, "fr");
    assert_eq!(closest("ES").tag, "es");
    for other in ["", "C", "xx", "de\u{0}", "-", "deutsch"] {
        assert_eq!(closest(other).tag, "en", "{other:?}");
    }
}

#[test]
fn the_pseudo_locale_is_forty_percent_longer() {
    let (plain, pseudo) = (Locale::english(), Locale::pseudo());
    for key in keys("en").keys() {
        let (short, long) = (plain.text(key).chars().count(), pseudo.text(key).chars().count());
        assert!(long * 10 >= short * 13, "{key}: {short} -> {long}");
    }
}

#[test]
fn a_key_that_nobody_knows_is_shown_as_it_is() {
    assert_eq!(Locale::english().text("no-such-key"), "no-such-key");
    assert!(!Locale::new("de").has("no-such-key"));
}
