//! What a Linux program asks of the system it starts on: its libraries, its C library's version, its search path.
//!
//! In: the bytes of a 64-bit x86 program. Out: facts, or the program with its search path shortened. It refuses
//! anything else; a program without a dynamic section (statically linked) needs nothing.

use crate::PackError;
use object::LittleEndian;
use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, FileHeader64};
use object::read::elf::FileHeader as _;
use std::collections::BTreeSet;
use std::ops::Range;

type Header = FileHeader64<LittleEndian>;

/// What the dynamic linker will look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Sonames, sorted.
    pub libraries: BTreeSet<String>,
    /// The newest version of glibc's symbols that it uses: 2.34 as (2, 34).
    pub glibc: Option<(u32, u32)>,
    /// Where it looks first, as written: folders with `:` between.
    pub search_path: Option<String>,
}

/// Reads a program.
///
/// # Errors
/// [`PackError::Program`] for anything but a 64-bit x86 ELF file.
pub fn needs(name: &str, program: &[u8]) -> Result<Needs, PackError> {
    Ok(facts(name, program)?.0)
}

/// Where an ELF header names the processor, and x86-64's number.
const MACHINE: (Range<usize>, [u8; 2]) = (18..20, [62, 0]);

fn facts(name: &str, program: &[u8]) -> Result<(Needs, Option<Range<usize>>), PackError> {
    let refused = |why: String| PackError::Program { program: name.to_owned(), why };
    let facts = read(program).map_err(|why| refused(why.to_string()))?;
    match program.get(MACHINE.0) {
        Some(machine) if machine == MACHINE.1 => Ok(facts),
        _ => Err(refused("it is another processor's".to_owned())),
    }
}

/// The facts, and where the search path stands in the file.
fn read(program: &[u8]) -> object::Result<(Needs, Option<Range<usize>>)> {
    let header = Header::parse(program)?;
    let endian = header.endian()?;
    let mut needs = Needs::default();
    let mut place = None;
    let sections = header.sections(endian, program)?;
    let table = sections.dynamic_table(endian, program)?;
    for entry in table.iter().filter(|entry| entry.is_string()) {
        let text = table.string(entry)?;
        let words = String::from_utf8_lossy(text).into_owned();
        if entry.tag == DT_NEEDED {
            needs.libraries.insert(words);
        } else if entry.tag == DT_RPATH || entry.tag == DT_RUNPATH {
            let start = text.as_ptr().addr() - program.as_ptr().addr();
            place = Some(start..start + text.len());
            needs.search_path = Some(words);
        }
    }
    if let Some((mut libraries, strings)) = sections.gnu_verneed(endian, program)? {
        let strings = sections.strings(endian, program, strings)?;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
                needs.glibc = needs.glibc.max(glibc_version(&name));
            }
        }
    }
    Ok((needs, place))
}

/// `GLIBC_2.34` or `GLIBC_2.2.5` as (2, 34) or (2, 2).
fn glibc_version(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The program with every absolute folder taken out of its search path. The build machine's folders are on it, which
/// would differ from machine to machine, tell of the builder, and let whoever owns such a folder on a user's machine put
/// libraries there.
///
/// # Errors
/// As [`needs`].
pub fn without_absolute_search_path(name: &str, mut program: Vec<u8>) -> Result<Vec<u8>, PackError> {
    let (needs, place) = facts(name, &program)?;
    if let (Some(path), Some(place)) = (needs.search_path, place) {
        let kept: Vec<&str> = path.split(':').filter(|folder| folder.starts_with("$ORIGIN")).collect();
        let mut text = kept.join(":").into_bytes();
        // Shorter or equal; the rest is zeros, so that nothing of the old path stays in the file.
        text.resize(place.len(), 0);
        program[place].copy_from_slice(&text);
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glibc_versions_are_read_and_other_names_are_not() {
        assert_eq!(glibc_version("GLIBC_2.34"), Some((2, 34)));
        assert_eq!(glibc_version("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc_version("GLIBCXX_3.4"), None);
        assert_eq!(glibc_version("GLIBC_PRIVATE"), None);
    }

    #[test]
    fn what_is_no_program_is_refused_by_name() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"MZ\x90\0"] {
            let refused = needs("covey", bytes).unwrap_err().to_string();
            assert!(refused.starts_with("covey is no 64-bit x86 program"), "{refused}");
        }
    }
}
