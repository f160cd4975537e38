//! House rules that a program can check: module docs, file lengths, names, machine paths, the feature list.

use crate::checkout::{files, text};

/// A file of ours holds one idea; past this it should be two.
const MAX_LINES: usize = 500;

/// Longer files, each with the reason why it is still one idea.
const LONG_ON_PURPOSE: &[(&str, &str)] = &[];

fn rust_files() -> Vec<(String, String)> {
    let sources = files().into_iter().filter(|file| file.ends_with(".rs"));
    sources.map(|file| (file.clone(), text(&file).unwrap_or_else(|| panic!("{file} is no UTF-8")))).collect()
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn every_source_file_says_first_what_it_is() {
    let without = rust_files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(file, _)| file);
    none(&without.collect::<Vec<_>>(), "these files do not open with `//!`");
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let mut long = Vec::new();
    for (file, text) in rust_files() {
        let lines = text.lines().count();
        let listed = LONG_ON_PURPOSE.iter().any(|(name, _)| *name == file);
        if lines > MAX_LINES && !listed {
            long.push(format!("{file}: {lines} lines"));
        }
        assert!(!listed || lines > MAX_LINES, "{file} is no longer long: take it off the list");
    }
    none(&long, "split these files, or list them with a reason");
    for (file, reason) in LONG_ON_PURPOSE {
        assert!(reason.len() > 20, "{file}: say why in a sentence");
    }
}

#[test]
fn no_module_is_named_after_nothing() {
    let empty_names = ["utils", "util", "common", "misc", "helpers", "core", "mod"];
    let named_so = files().into_iter().filter(|file| {
        let mut parts = file.trim_end_matches(".rs").split('/');
        file.ends_with(".rs") && parts.any(|part| empty_names.contains(&part))
    });
    none(&named_so.collect::<Vec<_>>(), "these names say nothing about what is inside");
}

#[test]
fn no_test_is_switched_off() {
    let attribute = concat!("#[", "ignore");
    let off = rust_files().into_iter().filter(|(_, text)| text.contains(attribute)).map(|(file, _)| file);
    none(&off.collect::<Vec<_>>(), "these files switch a test off");
}

#[test]
fn no_file_names_a_machine_or_a_package_index() {
    // Written in two halves, so that this file does not name them either.
    let banned = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/tm", "p/"),
        concat!("crates", ".io"),
        concat!("py", "pi."),
        concat!("pythonho", "sted"),
        concat!("npm", "js."),
        concat!("deb.deb", "ian"),
    ];
    let mut found = Vec::new();
    // Cargo writes its own index into the lock file.
    for file in files().iter().filter(|file| *file != "Cargo.lock") {
        let Some(text) = text(file) else { continue };
        for (number, line) in text.lines().enumerate() {
            if banned.iter().any(|word| line.contains(word)) {
                found.push(format!("{file}:{}: {}", number + 1, line.trim().chars().take(100).collect::<String>()));
            }
        }
    }
    none(&found, "these lines name one machine's folders or a package index");
}

#[test]
fn the_feature_list_has_every_row_once_with_a_known_state() {
    let list = text("docs/features.md").expect("docs/features.md is UTF-8");
    let mut next = 1;
    for line in list.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, name, state, shown_by] = cells[..] else { panic!("four cells expected: {line}") };
        assert_eq!(number.parse(), Ok(next), "rows stand in order: {line}");
        assert!(!name.is_empty() && !shown_by.is_empty(), "an empty cell: {line}");
        assert!(["met", "partly", "not yet"].contains(&state), "unknown state {state:?}: {line}");
        next += 1;
    }
    assert_eq!(next, 110, "109 rows");
}

#[test]
fn every_test_named_by_the_feature_list_exists() {
    let list = text("docs/features.md").expect("docs/features.md is UTF-8");
    let sources: String = rust_files().into_iter().map(|(_, text)| text).collect();
    let mut missing = Vec::new();
    // A test is written as `crate::…::name` in back-ticks; commands have a space in them.
    for word in list.split('`').skip(1).step_by(2).filter(|word| word.contains("::") && !word.contains(' ')) {
        let name = word.rsplit("::").next().unwrap_or(word);
        if !sources.contains(&format!("fn {name}(")) {
            missing.push(word.to_owned());
        }
    }
    none(&missing, "docs/features.md names tests that do not exist");
}
