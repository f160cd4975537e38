//! One line of the log, and the place of a changed byte in it.
//!
//! In: an entry, or a hostile line. Out: `{"hash":…,"marks":…,"entry":…}` and back. The hash binds; the marks, six bytes of hash per
//! field, only tell which field it was that changed. A line has exactly one spelling: another one is wrong, even if it says the same.

use types::Hash32;

use super::entry::{CommitFound, Entry, Kind, RECEIPT_VERSION, RewardShare, RoundReceipt, VerdictGiven, What, hash_of};

/// The longest line; ours have at most 1,300 bytes.
pub const MAX_LINE_BYTES: usize = 8 * 1024;
/// Hex digits of one field's mark: enough that a changed field is never taken for whole by chance.
const MARK_DIGITS: usize = 12;

const HASH_OPENS: &str = "{\"hash\":\"";
const MARKS_OPEN: &str = "\",\"marks\":\"";
const ENTRY_OPENS: &str = "\",\"entry\":";

/// The first thing in a line that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {why}")]
pub struct Wrong {
    /// Name of the field.
    pub field: &'static str,
    /// What is the matter with it.
    pub why: &'static str,
}

const CHANGED: &str = "was changed after the receipt was written";
const UNREADABLE: &str = "does not read";

/// The line without its newline.
pub fn encode(entry: &Entry) -> String {
    let text = entry.to_text();
    let marks: String = pieces(entry.what.kind(), &text).iter().map(|(name, raw)| mark(name, raw)).collect();
    format!("{HASH_OPENS}{}{MARKS_OPEN}{marks}{ENTRY_OPENS}{text}}}", hash_of(&text))
}

/// Reads a line and its hash.
///
/// # Errors
/// [`Wrong`] with the first field that does not hold.
pub fn decode(line: &[u8]) -> Result<(Entry, Hash32), Wrong> {
    let wrong = |field, why| Wrong { field, why };
    if line.len() > MAX_LINE_BYTES {
        return Err(wrong("line", "is longer than any receipt"));
    }
    // A byte that is no text becomes a mark of its own, and so a changed byte like any other.
    let line = String::from_utf8_lossy(line);
    let line = line.as_ref();
    let frame = Frame::of(line).map_err(|field| wrong(field, UNREADABLE))?;
    let hash = hash_of(frame.entry);
    if hash.to_string() != frame.hash {
        return Err(wrong(first_changed(&frame), CHANGED));
    }
    let entry = parse(frame.entry).map_err(|field| wrong(field, UNREADABLE))?;
    // The entry is whole, since its hash is: what differs now is a spelling that is not ours, or the frame.
    if entry.to_text() != frame.entry {
        return Err(wrong("entry", UNREADABLE));
    }
    let spelt = encode(&entry);
    if spelt != line {
        let end = spelt.len() - 1;
        return Err(wrong(
            if line.as_bytes().get(..end) == spelt.as_bytes().get(..end) { "line" } else { "marks" },
            CHANGED,
        ));
    }
    entry.what.check().map_err(|field| wrong(field, "contradicts the other fields"))?;
    Ok((entry, hash))
}

struct Frame<'a> {
    hash: &'a str,
    marks: &'a str,
    entry: &'a str,
}

impl<'a> Frame<'a> {
    /// Takes a line apart by its frozen places; else the part at which that ends.
    fn of(line: &'a str) -> Result<Self, &'static str> {
        let rest = line.strip_prefix(HASH_OPENS).ok_or("hash")?;
        let (hash, rest) = rest.split_at_checked(64).ok_or("hash")?;
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        if !hex(hash) {
            return Err("hash");
        }
        let rest = rest.strip_prefix(MARKS_OPEN).ok_or("marks")?;
        // The first mark says how many there are; where they end early, one of them was changed.
        let length = kind_of(rest).map(|kind| MARK_DIGITS * names(kind).count()).ok_or("marks")?;
        let (marks, rest) = rest.split_at_checked(length).filter(|(marks, _)| hex(marks)).ok_or("marks")?;
        let rest = rest.strip_prefix(ENTRY_OPENS).ok_or("entry")?;
        // A line that was cut may end with a brace of another kind, which belongs to its field.
        let entry = if rest.ends_with("}}}") { &rest[..rest.len() - 1] } else { rest };
        Ok(Self { hash, marks, entry })
    }
}

/// The first field whose text does not have its mark. If all have, it is the hash itself that was changed.
fn first_changed(frame: &Frame<'_>) -> &'static str {
    let Some(kind) = kind_of(frame.marks) else { return "marks" };
    let count = frame.marks.len() / MARK_DIGITS;
    let marks: Vec<&str> = (0..count).map(|at| &frame.marks[at * MARK_DIGITS..(at + 1) * MARK_DIGITS]).collect();
    let mut at = 0;
    let text = frame.entry;
    for (place, name) in names(kind).enumerate() {
        let opens = opens(name);
        let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(opens.as_str())) else { return name };
        let next = names(kind).nth(place + 1);
        // The value ends where its mark says so; searching for the next name instead would blame the neighbour.
        let ends = |end: &usize| rest.get(..*end).is_some_and(|raw| mark(name, raw) == marks[place]);
        let length = value_length(rest, next).filter(&ends).or_else(|| (0..=rest.len()).find(&ends));
        let Some(length) = length else { return name };
        at += opens.len() + length;
    }
    if text.get(at..) == Some("}}") { "hash" } else { "line" }
}

/// The fields of a kind in the order of the text.
fn names(kind: Kind) -> impl Iterator<Item = &'static str> {
    ["kind", "version", "previous"].into_iter().chain(kind.fields().iter().copied())
}

/// The kind that the marks were made for. It stands in its mark as well as in its name, so a changed name is still placed.
fn kind_of(marks: &str) -> Option<Kind> {
    let first = marks.get(..MARK_DIGITS)?;
    Kind::ALL.into_iter().find(|kind| mark("kind", &format!("\"{}\"", kind.name())) == first)
}

/// What stands before a field's value.
fn opens(name: &str) -> String {
    match name {
        "kind" => "{\"kind\":".to_owned(),
        "run" => ",\"body\":{\"run\":".to_owned(),
        other => format!(",\"{other}\":"),
    }
}

/// The fields of a canonical text with their raw values.
fn pieces(kind: Kind, text: &str) -> Vec<(&'static str, &str)> {
    let names: Vec<&'static str> = names(kind).collect();
    let mut out = Vec::with_capacity(names.len());
    let mut rest = text;
    for (at, name) in names.iter().enumerate() {
        rest = rest.strip_prefix(opens(name).as_str()).unwrap_or(rest);
        let (raw, after) = rest.split_at(value_length(rest, names.get(at + 1).copied()).unwrap_or(rest.len()));
        out.push((*name, raw));
        rest = after;
    }
    out
}

/// How long the value at the front of `rest` is, before the name `next` or the entry's end. Values hold no free text, so the
/// next name stands nowhere else; the last value may itself end with a brace.
fn value_length(rest: &str, next: Option<&str>) -> Option<usize> {
    match next {
        Some(name) => rest.find(opens(name).as_str()),
        None => rest.rfind("}}"),
    }
}

fn mark(name: &str, raw: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("covey 2026-11-24 receipt field mark v1");
    hasher.update(name.as_bytes()).update(&[0]).update(raw.as_bytes());
    hex::encode(&hasher.finalize().as_bytes()[..MARK_DIGITS / 2])
}

/// Reads an entry whose hash holds; else the field that does not read.
fn parse(text: &str) -> Result<Entry, &'static str> {
    let rest = text.strip_prefix("{\"kind\":\"").ok_or("kind")?;
    let (kind, rest) = rest.split_once("\",\"version\":").ok_or("kind")?;
    let (version, rest) = rest.split_once(",\"previous\":\"").ok_or("version")?;
    let (previous, rest) = rest.split_once("\",\"body\":").ok_or("previous")?;
    let body = rest.strip_suffix('}').ok_or("body")?;
    if version.parse() != Ok(RECEIPT_VERSION) {
        return Err("version");
    }
    let previous: Hash32 = previous.parse().map_err(|_| "previous")?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or("kind")?;
    let what = match kind {
        Kind::Round => serde_json::from_str::<RoundReceipt>(body).map(What::Round),
        Kind::Commit => serde_json::from_str::<CommitFound>(body).map(What::Commit),
        Kind::Verdict => serde_json::from_str::<VerdictGiven>(body).map(What::Verdict),
        Kind::Reward => serde_json::from_str::<RewardShare>(body).map(What::Reward),
    };
    what.map(|what| Entry { previous, what }).map_err(|_| "body")
}

#[cfg(test)]
pub(crate) mod tests;
