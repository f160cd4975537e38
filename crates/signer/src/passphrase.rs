//! Where a vault's passphrase comes from: a file that was named, a systemd credential, or a person at the terminal.
//!
//! In: the vault's public facts. Out: a passphrase. It never looks at argv or at an environment variable's value, which
//! other programs can read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use types::Problem;
use wallet::{Passphrase, WalletInfo};
use zeroize::Zeroizing;

use crate::secret_file::{self, From};

/// The systemd credential that holds a passphrase (`LoadCredential=` or `LoadCredentialEncrypted=`).
pub const CREDENTIAL: &str = "covey-passphrase";

/// The credential's file, if systemd gave this service one.
pub(crate) fn credential_file() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    let path = folder.join(CREDENTIAL);
    path.exists().then_some(path)
}

/// The passphrase of a file.
///
/// # Errors
/// One sentence that never quotes the file.
pub(crate) fn from_file(path: &Path, from: From) -> Result<Passphrase, String> {
    let text =
        secret_file::read(path, from).map_err(|error| format!("the passphrase's file cannot be used: {error}"))?;
    checked(text)
}

/// The passphrase that the app sends as the first line of standard input; an empty line is none.
///
/// # Errors
/// One sentence that never quotes the line.
pub(crate) fn from_stdin() -> Result<Option<Passphrase>, String> {
    let line = crate::stdin_line::read().map_err(|error| format!("standard input has no passphrase: {error}"))?;
    if line.is_empty() { Ok(None) } else { checked(line).map(Some) }
}

/// Asks at the terminal, without showing what is typed.
///
/// # Errors
/// One sentence; where there is no terminal, it says what to use instead.
pub(crate) fn from_terminal(info: &WalletInfo) -> Result<Passphrase, String> {
    ask(&format!("Passphrase of wallet `{}` ({}): ", info.name, info.hotkey))
}

/// The same for any question.
pub(crate) fn ask(question: &str) -> Result<Passphrase, String> {
    let text = rpassword::prompt_password(question).map_err(|_| {
        format!(
            "there is no terminal to ask for it on. Name a file with --passphrase-file, or give the service a systemd \
             credential named `{CREDENTIAL}`"
        )
    })?;
    checked(Zeroizing::new(text))
}

/// A passphrase within its bounds that is not somebody's recovery words.
pub(crate) fn checked(text: Zeroizing<String>) -> Result<Passphrase, String> {
    if looks_like_words(&text) {
        return Err(words_where_they_do_not_belong().to_string());
    }
    Passphrase::new(text).map_err(|error| error.to_string())
}

/// Whether a text is recovery words.
pub(crate) fn looks_like_words(text: &str) -> bool {
    wallet::RecoveryWords::parse(text).is_ok()
}

/// What is said to somebody who pastes recovery words anywhere but where a wallet is restored.
pub(crate) fn words_where_they_do_not_belong() -> Problem {
    Problem::new(
        "words_in_the_wrong_place",
        "These are a wallet's recovery words, and they do not belong here",
        "Nothing was done with them. Type them only into `covey-peer wallet import`; nobody who helps you ever needs \
         them, and whoever asks for them wants to steal the wallet.",
    )
}

/// What is said if recovery words stand among a program's arguments: they are in the shell's history by then. Programs
/// look before they parse, because a parser quotes what it does not understand.
pub fn words_in_arguments(arguments: impl IntoIterator<Item = OsString>) -> Option<Problem> {
    let arguments: Vec<Zeroizing<String>> =
        arguments.into_iter().skip(1).map(|argument| Zeroizing::new(argument.to_string_lossy().into_owned())).collect();
    // Pasted as one argument, or without quotes as one each.
    let alone = arguments.iter().any(|argument| looks_like_words(argument));
    let apart = [12, 24].into_iter().any(|count| {
        arguments.windows(count).any(|window| {
            let words: Vec<&str> = window.iter().map(|word| word.as_str()).collect();
            words.iter().all(|word| word.len() <= 8) && looks_like_words(&Zeroizing::new(words.join(" ")))
        })
    });
    (alone || apart).then(|| {
        Problem::new(
            "words_on_the_command_line",
            "Recovery words stand on the command line",
            "Every program can read them there, and the shell's history keeps them. Nothing was done. Clear the history, \
             run `covey-peer wallet import` without them, and type them where it asks.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

    fn found(arguments: &[&str]) -> bool {
        words_in_arguments(std::iter::once("covey-peer").chain(arguments.iter().copied()).map(OsString::from)).is_some()
    }

    #[test]
    fn recovery_words_on_the_command_line_are_seen_in_one_piece_or_many() {
        assert!(found(&["wallet", "import", WORDS]));
        let mut apart = vec!["wallet", "import", "--words"];
        apart.extend(WORDS.split(' '));
        apart.push("--json");
        assert!(found(&apart));
        assert!(!found(&["wallet", "create", "--words", "12", "--wallet", "legal winner"]));
        assert!(!found(&vec!["winner"; 40]), "on the list, but with a wrong checksum");
    }

    #[test]
    fn recovery_words_are_no_passphrase() {
        let error = checked(Zeroizing::new(WORDS.to_owned())).err().unwrap();
        assert!(error.contains("do not belong here") && !error.contains("winner"), "{error}");
        assert!(checked(Zeroizing::new("four bears".to_owned())).is_ok());
        assert!(checked(Zeroizing::new(String::new())).is_err());
    }
}
