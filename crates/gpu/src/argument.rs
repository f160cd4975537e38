//! The probe's command line.
//!
//! In: arguments, hostile like everything from outside. Out: what to do and where to look, or what is wrong with them.
//! Where to look is an argument and no variable of the environment, so that no session can point the app at a library.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::CardId;

/// How often a watching probe speaks unless it is told: the driver renews most readings about once a second.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// How long a probe that answers once may live, unless it is told: far longer than anybody waits for it. A probe whose
/// asker was killed must not hang in a driver for ever.
const LIFE: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Say once what is there.
    Survey,
    /// Say every second how the cards do, until standard input closes.
    Watch,
    /// Set a card's power limit.
    SetPower {
        /// Which card.
        uuid: CardId,
        /// The limit, milliwatts.
        limit_mw: u32,
    },
}

/// The whole command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// What to do.
    pub(crate) mode: Mode,
    /// NVML's file, instead of the system's.
    pub(crate) library: Option<PathBuf>,
    /// CUDA's file, instead of the system's.
    pub(crate) cuda_library: Option<PathBuf>,
    /// The folder that holds `sys` and `proc`.
    pub(crate) root: PathBuf,
    /// How often to speak in [`Mode::Watch`].
    pub(crate) every: Duration,
    /// How long to live in the other modes.
    pub(crate) life: Duration,
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgumentError {
    /// A word is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A word that means nothing.
    #[error("{0:?} is not known")]
    Unknown(OsString),
    /// A number that is none.
    #[error("{0} is no number that fits")]
    Number(&'static str),
}

impl Arguments {
    /// Reads a command line, program name and `--gpu-probe` not included.
    ///
    /// # Errors
    /// [`ArgumentError`], for the probe's standard error.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let mut words = words.into_iter();
        let mode = Self::mode(&mut words)?;
        let mut arguments =
            Self { mode, library: None, cuda_library: None, root: PathBuf::from("/"), every: SAMPLE_EVERY, life: LIFE };
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--library") => arguments.library = Some(value(&mut words, "--library PATH")?.into()),
                Some("--cuda-library") => {
                    arguments.cuda_library = Some(value(&mut words, "--cuda-library PATH")?.into());
                }
                Some("--root") => arguments.root = value(&mut words, "--root PATH")?.into(),
                Some("--interval-ms") => arguments.every = duration(&mut words, "--interval-ms NUMBER")?,
                Some("--life-ms") => arguments.life = duration(&mut words, "--life-ms NUMBER")?,
                _ => return Err(ArgumentError::Unknown(word)),
            }
        }
        Ok(arguments)
    }

    fn mode(words: &mut impl Iterator<Item = OsString>) -> Result<Mode, ArgumentError> {
        let word = value(words, "survey, watch or set-power")?;
        match word.to_str() {
            Some("survey") => Ok(Mode::Survey),
            Some("watch") => Ok(Mode::Watch),
            Some("set-power") => {
                let uuid = value(words, "the card's UUID")?;
                let uuid = uuid.into_string().map_err(ArgumentError::Unknown)?;
                let limit_mw = number(&value(words, "the limit in milliwatts")?, "the limit")?;
                Ok(Mode::SetPower { uuid: CardId::new(uuid), limit_mw })
            }
            _ => Err(ArgumentError::Unknown(word)),
        }
    }
}

fn value(words: &mut impl Iterator<Item = OsString>, what: &'static str) -> Result<OsString, ArgumentError> {
    words.next().ok_or(ArgumentError::Missing(what))
}

fn duration(words: &mut impl Iterator<Item = OsString>, what: &'static str) -> Result<Duration, ArgumentError> {
    let ms = number(&value(words, what)?, what)?;
    Ok(Duration::from_millis(u64::from(ms.max(1))))
}

fn number(word: &OsString, what: &'static str) -> Result<u32, ArgumentError> {
    word.to_str().and_then(|word| word.parse().ok()).ok_or(ArgumentError::Number(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, ArgumentError> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn every_mode_and_option_reads() {
        let set = parse("set-power GPU-1 300000 --library a --cuda-library b --root c --interval-ms 20 --life-ms 30")
            .unwrap();
        assert_eq!(set.mode, Mode::SetPower { uuid: CardId::new("GPU-1"), limit_mw: 300_000 });
        assert_eq!((set.library, set.cuda_library), (Some("a".into()), Some("b".into())));
        assert_eq!(set.root, PathBuf::from("c"));
        assert_eq!((set.every, set.life), (Duration::from_millis(20), Duration::from_millis(30)));
        assert_eq!(parse("survey").unwrap().root, PathBuf::from("/"));
    }

    #[test]
    fn a_bad_command_line_says_what_is_wrong() {
        assert_eq!(parse(""), Err(ArgumentError::Missing("survey, watch or set-power")));
        assert_eq!(parse("dance"), Err(ArgumentError::Unknown("dance".into())));
        assert_eq!(parse("set-power GPU-1"), Err(ArgumentError::Missing("the limit in milliwatts")));
        assert_eq!(parse("set-power GPU-1 -5"), Err(ArgumentError::Number("the limit")));
        assert_eq!(parse("watch --library"), Err(ArgumentError::Missing("--library PATH")));
        assert_eq!(parse("watch --life-ms 99999999999"), Err(ArgumentError::Number("--life-ms NUMBER")));
        assert_eq!(parse("watch --colour"), Err(ArgumentError::Unknown("--colour".into())));
    }
}
