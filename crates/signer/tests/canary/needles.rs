//! Looks for planted secrets wherever a program could have left them: arguments, environment and memory of processes,
//! and every file below some folders.
//!
//! In: a wallet's secret parts, process ids, folders. Out: where one of them was found, never the secret itself.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Memory is read in pieces of this size.
const PIECE: usize = 1 << 20;

/// Something that must be found nowhere.
pub(crate) struct Needle {
    name: String,
    bytes: Vec<u8>,
}

/// A secret in every form in which it could turn up: raw, hexadecimal in both cases, and base64.
pub(crate) fn of_bytes(name: &str, bytes: &[u8]) -> Vec<Needle> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let forms = [("raw", bytes.to_vec()), ("hex", hex.clone().into_bytes()), ("HEX", hex.to_uppercase().into_bytes())];
    forms.into_iter().map(|(form, bytes)| Needle { name: format!("{name} ({form})"), bytes }).collect()
}

/// Recovery words: any three of them that follow each other, with a space or a line break between.
pub(crate) fn of_words(words: &str) -> Vec<Needle> {
    let words: Vec<&str> = words.split(' ').collect();
    let three = words.windows(3).enumerate().flat_map(|(i, three)| {
        [" ", "\n", "\0"].map(|between| Needle {
            name: format!("words {} to {}", i + 1, i + 3),
            bytes: three.join(between).into_bytes(),
        })
    });
    three.collect()
}

/// A text as it is.
pub(crate) fn of_text(name: &str, text: &str) -> Needle {
    Needle { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

/// Every place in which a needle was found.
pub(crate) fn find_needles(needles: &[Needle], processes: &[(&str, u32)], folders: &[&Path]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, pid) in processes {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert!(file == "environ" || !bytes.is_empty(), "{name} does not run");
            report(needles, &bytes, &format!("{file} of {name}"), &mut found);
        }
    }
    for folder in folders {
        search_folder(needles, folder, &mut found);
    }
    found
}

/// Every place in the process's memory in which a needle was found, and how many bytes were read.
pub(crate) fn find_in_memory(needles: &[Needle], name: &str, pid: u32) -> (Vec<String>, usize) {
    let (mut found, mut read_bytes) = (Vec::new(), 0);
    let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or_default();
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { continue };
        // What is read-only comes from files, which are searched as files.
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        // Pieces overlap, so that nothing hides across an edge.
        let mut piece: Vec<u8> = Vec::with_capacity(PIECE + longest);
        while at < to {
            let want = PIECE.min((to - at) as usize);
            let keep = piece.len().min(longest);
            piece.drain(..piece.len() - keep);
            match read_at(&mut memory, at, want) {
                Ok(bytes) => {
                    read_bytes += bytes.len();
                    piece.extend_from_slice(&bytes);
                    report(needles, &piece, &format!("memory of {name}"), &mut found);
                }
                // A page that the system does not give out (a device, a guard page).
                Err(_) => piece.clear(),
            }
            at += want as u64;
        }
    }
    found.dedup();
    (found, read_bytes)
}

fn read_at(file: &mut File, at: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn search_folder(needles: &[Needle], folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            search_folder(needles, &entry.path(), found);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            report(needles, &bytes, &entry.path().display().to_string(), found);
        }
        report(needles, entry.file_name().as_encoded_bytes(), "a file's name", found);
    }
}

fn report(needles: &[Needle], bytes: &[u8], place: &str, found: &mut Vec<String>) {
    for needle in needles {
        if holds(bytes, &needle.bytes) {
            found.push(format!("{}: {place}", needle.name));
        }
    }
}

/// Skips from one possible first byte to the next: memory is large and this runs unoptimised.
fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if bytes[from..].starts_with(rest) {
            return true;
        }
    }
    false
}
