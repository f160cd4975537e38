//! What holds for README and the book in `docs/`: every page stands in the summary, every link between files leads
//! somewhere, what a page includes is there. `mdbook` itself builds the book in the GitHub workflow: installing it takes
//! longer than all that is tested here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Markdown files of the repository's front and of the book, relative to the root.
fn pages() -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "installer/README.md", "icons/README.md"]
            .map(PathBuf::from)
            .into();
    let mut open = vec![PathBuf::from("docs")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.insert(path);
            }
        }
    }
    found
}

/// Targets of `[text](target)` outside code, and of `{{#include target}}`.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        // Code between back-ticks is no link.
        let plain: String = line.split('`').step_by(2).collect();
        for (at, _) in plain.match_indices("](") {
            found.extend(plain[at + 2..].split(')').next().map(str::to_owned));
        }
        found.extend(plain.split("{{#include ").skip(1).filter_map(|rest| rest.split("}}").next()).map(str::to_owned));
    }
    found
}

/// The name that a heading has in a link: small letters, hyphens for spaces, no punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let name = |heading: &str| {
        let kept =
            heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(name).collect()
}

#[test]
fn every_link_between_files_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(root().join(&page)).unwrap();
        for target in targets(&text).iter().filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let there = root().join(&file);
            let known =
                anchor.is_empty() || std::fs::read_to_string(&there).is_ok_and(|text| anchors(&text).contains(anchor));
            if !there.exists() || !known {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_summary_has_every_page_of_the_book_once() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed = targets(&summary);
    let once: BTreeSet<PathBuf> = listed.iter().map(|target| Path::new("docs").join(target)).collect();
    assert_eq!(once.len(), listed.len(), "a page stands there twice");
    let ours = |page: &PathBuf| page.starts_with("docs") && !page.ends_with("SUMMARY.md");
    let book: BTreeSet<PathBuf> = pages().into_iter().filter(ours).collect();
    // A campaign writes its page itself, perhaps for the first time: its line in the summary comes with the commit.
    let missing: Vec<&PathBuf> = book.difference(&once).filter(|page| !page.starts_with("docs/campaigns")).collect();
    assert!(missing.is_empty() && once.is_subset(&book), "not in the summary: {missing:?}");
}

#[test]
fn readme_begins_with_the_two_commands_and_a_picture_that_is_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let head: Vec<&str> = readme.lines().take(30).collect();
    for command in ["cargo xtask run", "cargo xtask test"] {
        assert!(head.iter().any(|line| line.starts_with(command)), "{command}");
    }
    assert!(head.iter().any(|line| line.contains("](docs/home.png)")) && root().join("docs/home.png").is_file());
}

#[test]
fn links_are_seen_and_code_is_not_taken_for_one() {
    assert_eq!(
        targets("a [b](c.md#d) `[no](x)` ![e](f.png)\n```\n[no](y)\n```\n{{#include ../g.md}}"),
        ["c.md#d", "f.png", "../g.md"]
    );
    assert!(anchors("## What it does *not* do, yet\n").contains("what-it-does-not-do-yet"));
}
