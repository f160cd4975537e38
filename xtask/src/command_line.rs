//! The command line: words in, one checked [`Task`] out, or a [`UsageError`] in one sentence.
//!
//! Nothing here touches the machine, so every refusal can be tested.

use crate::fuzz::FuzzOptions;
use crate::package::options::{self, PackageOptions};
use anyhow::Result;
use std::ffi::OsString;

/// What `cargo xtask help` prints.
pub(crate) const HELP: &str = "\
cargo xtask COMMAND

  setup [--yes] [--no-text]   fetch what the build needs (libtorch, a text to train on); safe to repeat
  run [--yes]                 set up, build, then open the app (with a display) or the rehearsal (without)
  rehearse [ARGS…]            a whole swarm on this machine; ARGS go to `covey-peer rehearse`
  test [FILTER…] [-- ARGS…]   the whole test suite, or the tests whose names contain a FILTER
  bench [CRATE…] [-- ARGS…]   criterion benchmarks; `sparseloco` if no crate is named
  fuzz [TARGET…] [--secs N]   hostile inputs to everything that reads any, N seconds each (60), guided by coverage
  package [--dev | --binaries DIR] [--target linux|windows]
                              installers in dist/ (deb, rpm, portable; NSIS), bill of materials, checksums
  doctor                      what this machine has, what is missing and how to mend it
  campaign [NAME] [--dev]     a recorded series of rehearsals, or of real peers in network namespaces (no NAME: list them)
  icons                       write icons/*.png anew from icons/covey.svg
  help                        this text

  --yes    install missing system packages without asking (also: CI=true, or running as root)
";

/// The command line made no sense; exit code 2.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// How far set-up may go by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SetupOptions {
    /// Whether missing system packages may be installed without a question.
    pub(crate) consent: Consent,
    /// Whether the training text is fetched.
    pub(crate) text: TextChoice,
}

/// Whether the user already agreed to install system packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Consent {
    /// Ask before `sudo`, unless CI or root.
    #[default]
    Ask,
    /// `--yes`.
    Given,
}

/// Whether set-up fetches the training text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TextChoice {
    /// Fetch it if it is not there.
    #[default]
    Fetch,
    /// `--no-text`: the rehearsal makes its own stories.
    Skip,
}

/// Which campaign, and how its programs are built.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct CampaignOptions {
    /// None: list them.
    pub(crate) name: Option<String>,
    /// `--dev`: builds as tests have them.
    pub(crate) dev: bool,
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Setup(SetupOptions),
    Run(SetupOptions),
    Rehearse(Vec<String>),
    Test { filters: Vec<String>, runner_args: Vec<String> },
    Bench { names: Vec<String>, bench_args: Vec<String> },
    Fuzz(FuzzOptions),
    Package(PackageOptions),
    Doctor,
    Campaign(CampaignOptions),
    Icons,
}

/// Reads the words after `cargo xtask`.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Task> {
    let mut words = words.map(|word| {
        word.into_string().map_err(|raw| usage(format!("the argument {} is not valid UTF-8", raw.to_string_lossy())))
    });
    let Some(command) = words.next().transpose()? else { return Ok(Task::Help) };
    let rest = words.collect::<Result<Vec<String>>>()?;
    match command.as_str() {
        "help" | "--help" | "-h" => Ok(Task::Help),
        "setup" => setup_options(&command, &rest, &["--yes", "--no-text"]).map(Task::Setup),
        "run" => setup_options(&command, &rest, &["--yes"]).map(Task::Run),
        "rehearse" => Ok(Task::Rehearse(rest)),
        "test" => split_names(&command, rest).map(|(filters, runner_args)| Task::Test { filters, runner_args }),
        "bench" => split_names(&command, rest).map(|(names, bench_args)| Task::Bench { names, bench_args }),
        "fuzz" => fuzz_options(rest).map(Task::Fuzz),
        "package" => options::parse(rest).map(Task::Package),
        "doctor" => no_words(&command, &rest).map(|()| Task::Doctor),
        "icons" => no_words(&command, &rest).map(|()| Task::Icons),
        "campaign" => campaign_options(rest).map(Task::Campaign),
        other => Err(usage(format!("{other:?} is not a command; `cargo xtask help` lists them"))),
    }
}

fn setup_options(command: &str, words: &[String], known: &[&str]) -> Result<SetupOptions> {
    let mut options = SetupOptions::default();
    for word in words {
        match word.as_str() {
            "--yes" if known.contains(&"--yes") => options.consent = Consent::Given,
            "--no-text" if known.contains(&"--no-text") => options.text = TextChoice::Skip,
            other => return Err(usage(format!("`{command}` does not know {other:?}; it takes {}", known.join(" ")))),
        }
    }
    Ok(options)
}

/// Names first, then `--` and what goes to the runner unread.
fn split_names(command: &str, words: Vec<String>) -> Result<(Vec<String>, Vec<String>)> {
    let mut names = words;
    let passed_on = match names.iter().position(|word| word == "--") {
        Some(at) => names.split_off(at).into_iter().skip(1).collect(),
        None => Vec::new(),
    };
    match names.iter().find(|name| name.starts_with('-') || name.is_empty()) {
        Some(bad) => Err(usage(format!("`{command}` takes names, not {bad:?}; put the runner's options after `--`"))),
        None => Ok((names, passed_on)),
    }
}

fn fuzz_options(mut words: Vec<String>) -> Result<FuzzOptions> {
    let mut secs = 60;
    if let Some(at) = words.iter().position(|word| word == "--secs") {
        let given = words.get(at + 1).and_then(|text| text.parse().ok()).filter(|secs| (1..=86_400).contains(secs));
        secs = given.ok_or_else(|| usage("`--secs` takes a number of seconds, 1 to 86400".to_owned()))?;
        words.drain(at..at + 2);
    }
    match words.iter().find(|word| word.starts_with('-') || word.is_empty()) {
        Some(bad) => Err(usage(format!("`fuzz` takes names of targets and --secs, not {bad:?}"))),
        None => Ok(FuzzOptions { targets: words, secs }),
    }
}

fn campaign_options(words: Vec<String>) -> Result<CampaignOptions> {
    let mut options = CampaignOptions::default();
    for word in words {
        match word.as_str() {
            "--dev" => options.dev = true,
            name if !name.starts_with('-') && options.name.is_none() => options.name = Some(word),
            _ => return Err(usage(format!("`campaign` takes one name and --dev; {word:?} is one too many"))),
        }
    }
    Ok(options)
}

fn no_words(command: &str, words: &[String]) -> Result<()> {
    match words.first() {
        None => Ok(()),
        Some(extra) => Err(usage(format!("`{command}` takes no argument; {extra:?} is one too many"))),
    }
}

fn usage(sentence: String) -> anyhow::Error {
    UsageError(sentence).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &Task) {
        assert_eq!(&parse(line.split_whitespace().map(OsString::from)).unwrap(), expected, "{line}");
    }

    fn refused(words: &[&str]) -> String {
        let error = parse(words.iter().map(OsString::from)).unwrap_err();
        assert!(error.is::<UsageError>(), "{words:?} must exit with 2");
        error.to_string()
    }

    #[test]
    fn each_command_is_read() {
        check("", &Task::Help);
        check("--help", &Task::Help);
        check("setup", &Task::Setup(SetupOptions::default()));
        check("setup --yes --no-text", &Task::Setup(SetupOptions { consent: Consent::Given, text: TextChoice::Skip }));
        check("run --yes", &Task::Run(SetupOptions { consent: Consent::Given, text: TextChoice::Fetch }));
        check("rehearse --peers 4 --", &Task::Rehearse(vec!["--peers".into(), "4".into(), "--".into()]));
        check(
            "test sparse -- --no-capture",
            &Task::Test { filters: vec!["sparse".into()], runner_args: vec!["--no-capture".into()] },
        );
        check("bench", &Task::Bench { names: vec![], bench_args: vec![] });
        check("fuzz", &Task::Fuzz(FuzzOptions { targets: vec![], secs: 60 }));
        check("fuzz ss58 --secs 5", &Task::Fuzz(FuzzOptions { targets: vec!["ss58".into()], secs: 5 }));
        check("package", &Task::Package(PackageOptions::default()));
        let campaign = |name: &str, dev| Task::Campaign(CampaignOptions { name: Some(name.into()), dev });
        check("campaign", &Task::Campaign(CampaignOptions::default()));
        check("campaign cheaters", &campaign("cheaters", false));
        check("campaign uplink --dev", &campaign("uplink", true));
    }

    #[test]
    fn nonsense_is_refused_in_one_sentence() {
        for words in [
            &["frobnicate"][..],
            &["setup", "--force"],
            &["run", "--no-text"],
            &["test", "--release"],
            &["bench", ""],
            &["fuzz", "--secs"],
            &["fuzz", "--secs", "0"],
            &["fuzz", "--fast"],
            &["package", "now"],
            &["doctor", "--json"],
            &["campaign", "a", "b"],
            &["campaign", "a", "--release"],
            &["--yes"],
        ] {
            let sentence = refused(words);
            assert!(!sentence.contains('\n') && sentence.len() < 160, "{words:?}: {sentence}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_text_are_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let raw = OsString::from_vec(vec![b's', 0xff, b'p']);
        assert!(parse([OsString::from("test"), raw].into_iter()).unwrap_err().is::<UsageError>());
    }

    #[test]
    fn control_characters_are_shown_escaped() {
        assert!(refused(&["\u{1b}[2J\n"]).contains("\\u{1b}"));
    }
}
