//! `covey ctl …`: every fact and press of the window from a terminal or a script.
//!
//! In: words on the command line. Out: one JSON object of the running app on standard output, or its one sentence for a
//! person. It starts nothing: where no app runs, it says so. Secrets do not pass here; `covey-peer wallet` is for them.

use crate::places;
use crate::shell::socket_name;
use anyhow::{Context as _, Result, bail};
use app::{CtlReply, CtlRequest};
use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Stream as _;
use ipc::{MAX_LINE_BYTES, decode_line, encode_line};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::ExitCode;
use view_model::{Rehearsal, Screen};

/// What `covey ctl --help` says.
pub(crate) const HELP: &str = "\
covey ctl status                 what the running app does, in one sentence
covey ctl start | resume         start what is chosen, or go on after a pause
covey ctl stop [--now]           stop after the running round, or at once
covey ctl pause [SECONDS]        free the card; without SECONDS until `resume`
covey ctl rehearse               start the rehearsal
covey ctl show SCREEN            open the window: home, training, earnings, network, runs, wallet, settings, help
covey ctl snapshot               everything the window may show
covey ctl settings               the settings in force
covey ctl set JSON               new settings, all of them
covey ctl do JSON                any press of the window that carries no secret
covey ctl quit                   stop and end the app

With --json the answer is one JSON object; `snapshot` and `settings` always are.
";

/// Runs `covey ctl WORDS`.
pub(crate) fn run(words: &[&str]) -> Result<ExitCode> {
    let json = words.contains(&"--json");
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "--json").collect();
    let Some(request) = request(&words)? else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let reply = ask(&request)?;
    match &reply {
        CtlReply::Refused { problem } => {
            if json {
                say(&serde_json::to_string(&reply)?)?;
            }
            bail!("{problem}");
        }
        CtlReply::Status { sentence, .. } if !json => say(sentence)?,
        CtlReply::Settings { settings } => say(&serde_json::to_string_pretty(settings)?)?,
        CtlReply::Snapshot { snapshot } => say(&serde_json::to_string_pretty(snapshot)?)?,
        other => say(&serde_json::to_string(other)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One line on standard output. A reader that has seen enough is no fault.
fn say(line: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the answer can't be printed"),
    }
}

/// The request that the words make; `None`: they ask for help.
fn request(words: &[&str]) -> Result<Option<CtlRequest>> {
    Ok(Some(match words {
        [] | ["help" | "--help" | "-h"] => return Ok(None),
        ["status"] => CtlRequest::Status,
        ["start"] => CtlRequest::Start,
        ["resume"] => CtlRequest::Resume,
        ["stop"] => CtlRequest::Stop { now: false },
        ["stop", "--now"] => CtlRequest::Stop { now: true },
        ["pause"] => CtlRequest::Pause { secs: None },
        ["pause", secs] => {
            CtlRequest::Pause { secs: Some(secs.parse().with_context(|| format!("{secs:?} is no count of seconds"))?) }
        }
        ["rehearse"] => CtlRequest::Rehearse { size: Rehearsal::default() },
        ["show", screen] => CtlRequest::Show { screen: screen_named(screen)? },
        ["snapshot"] => CtlRequest::Snapshot,
        ["settings"] => CtlRequest::Settings,
        ["set", settings] => CtlRequest::Set { settings: Box::new(json_of(settings)?) },
        ["do", intent] => CtlRequest::Do { intent: Box::new(json_of(intent)?) },
        ["quit"] => CtlRequest::Quit,
        other => bail!("`covey ctl {}` is no command; `covey ctl --help` lists them", other.join(" ")),
    }))
}

fn json_of<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).with_context(|| format!("{text:?} does not read"))
}

fn screen_named(name: &str) -> Result<Screen> {
    json_of(&format!("\"{name}\"")).with_context(|| format!("{name:?} is no screen"))
}

/// Asks the running app of this profile.
pub(crate) fn ask(request: &CtlRequest) -> Result<CtlReply> {
    let path = places::socket(&places::data_dir()?);
    let name = socket_name(&path).context("the app's socket has no usable name")?;
    let mut stream = Stream::connect(name).context("no Covey runs in this profile; `covey` starts it")?;
    stream.write_all(&encode_line(request)?).context("the app does not listen")?;
    let mut line = Vec::new();
    BufReader::new(stream.take(MAX_LINE_BYTES as u64))
        .read_until(b'\n', &mut line)
        .context("the app's answer ended")?;
    if line.is_empty() {
        bail!("the app gave no answer; it answers its own user only");
    }
    decode_line(&line).context("the app's answer does not read; app and command are of different versions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_requests_and_nonsense_is_named() {
        assert_eq!(request(&["stop", "--now"]).unwrap(), Some(CtlRequest::Stop { now: true }));
        assert_eq!(request(&["pause", "60"]).unwrap(), Some(CtlRequest::Pause { secs: Some(60) }));
        assert_eq!(request(&["show", "help"]).unwrap(), Some(CtlRequest::Show { screen: Screen::Help }));
        assert_eq!(request(&[]).unwrap(), None);
        for bad in [&["pause", "soon"][..], &["show", "attic"], &["frobnicate"], &["set", "{"], &["stop", "--later"]] {
            assert!(request(bad).is_err(), "{bad:?}");
        }
    }
}
