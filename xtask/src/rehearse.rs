//! `cargo xtask rehearse [ARGS…]`: a swarm of real peers on this machine. ARGS are the peer program's own.
//!
//! Adds two things: the fetched text as `--corpus`, unless ARGS name one, and the test node where ARGS ask for it.

use crate::command_line::SetupOptions;
use crate::place::Place;
use crate::{cargo, run, setup};
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn rehearse(place: &Place, args: &[String]) -> Result<ExitCode> {
    let ready = setup::setup(place, SetupOptions::default())?;
    run::build(place)?;
    if wants_node(args) {
        cargo::build(place, &["subtensor-node"])?;
    }
    start(place, ready.corpus.as_deref(), args)
}

/// Whether ARGS ask for the test node, which is no part of what is shipped.
fn wants_node(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "--chain=subtensor") || args.windows(2).any(|two| two == ["--chain", "subtensor"])
}

/// Becomes `covey-peer rehearse`.
pub(crate) fn start(place: &Place, corpus: Option<&Path>, args: &[String]) -> Result<ExitCode> {
    cargo::become_program(place.release_program("covey-peer").as_os_str(), &with_corpus(corpus, args))
}

/// The words after the program's name.
pub(crate) fn with_corpus(corpus: Option<&Path>, args: &[String]) -> Vec<String> {
    let mut words = vec!["rehearse".to_owned()];
    let named = args.iter().any(|arg| arg == "--corpus" || arg.starts_with("--corpus="));
    // A path that is no UTF-8 can't be passed on as a word; the rehearsal then makes its own stories.
    if let Some(path) = corpus.and_then(Path::to_str).filter(|_| !named) {
        words.extend(["--corpus".to_owned(), path.to_owned()]);
    }
    words.extend(args.iter().cloned());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fetched_text_is_used_unless_another_is_named() {
        let fetched = Path::new("gcide");
        let words =
            |args: &[&str]| with_corpus(Some(fetched), &args.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(words(&["--peers", "2"]), ["rehearse", "--corpus", "gcide", "--peers", "2"]);
        assert_eq!(words(&["--corpus", "mine"]), ["rehearse", "--corpus", "mine"]);
        assert_eq!(words(&["--corpus=mine"]), ["rehearse", "--corpus=mine"]);
        assert_eq!(with_corpus(None, &[]), ["rehearse"]);
    }

    #[test]
    fn the_test_node_is_built_only_where_it_is_asked_for() {
        let wants = |args: &[&str]| wants_node(&args.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(wants(&["--peers", "2", "--chain", "subtensor"]));
        assert!(wants(&["--chain=subtensor"]));
        assert!(!wants(&["--chain", "ledger"]));
        assert!(!wants(&["--cheater", "copycat"]));
    }
}
