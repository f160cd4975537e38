//! The words after `cargo xtask package`.

use crate::command_line::UsageError;
use anyhow::Result;
use std::path::PathBuf;

/// Where the programs come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Programs {
    /// Built anew, as users get them.
    #[default]
    Release,
    /// `--dev`: built as tests have them, stripped; larger than a user was promised.
    Dev,
    /// `--binaries DIR`: built already.
    Folder(PathBuf),
}

/// The system that a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Target {
    /// 64-bit x86 with glibc.
    #[default]
    Linux,
    /// 64-bit x86.
    Windows,
}

/// What to package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PackageOptions {
    pub(crate) programs: Programs,
    pub(crate) target: Target,
}

/// Reads them.
pub(crate) fn parse(words: Vec<String>) -> Result<PackageOptions> {
    let mut options = PackageOptions::default();
    let mut words = words.into_iter();
    let wrong = |sentence: &str| UsageError(sentence.to_owned());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--dev" if options.programs == Programs::Release => options.programs = Programs::Dev,
            "--binaries" if options.programs == Programs::Release => {
                let folder = words.next().filter(|folder| !folder.is_empty() && !folder.starts_with('-'));
                let folder = folder.ok_or_else(|| wrong("`--binaries` takes the folder with the built programs"))?;
                options.programs = Programs::Folder(folder.into());
            }
            "--target" => {
                options.target = match words.next().as_deref() {
                    Some("linux") => Target::Linux,
                    Some("windows") => Target::Windows,
                    _ => return Err(wrong("`--target` is linux or windows; macOS packages need a Mac").into()),
                };
            }
            _ => {
                let sentence = "takes --dev or --binaries DIR, and --target";
                return Err(UsageError(format!("`package` {sentence}; {word:?} is one too many")).into());
            }
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<PackageOptions> {
        parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn programs_and_target_are_read() {
        assert_eq!(read("").unwrap(), PackageOptions::default());
        let folder = |dir: &str, target| PackageOptions { programs: Programs::Folder(dir.into()), target };
        assert_eq!(read("--binaries out --target windows").unwrap(), folder("out", Target::Windows));
        assert_eq!(read("--target linux --dev").unwrap().programs, Programs::Dev);
    }

    #[test]
    fn contradictions_and_gaps_are_refused() {
        for line in ["--dev --dev", "--dev --binaries x", "--binaries", "--binaries --dev", "--target", "--target mac"]
        {
            assert!(read(line).unwrap_err().is::<UsageError>(), "{line}");
        }
    }
}
