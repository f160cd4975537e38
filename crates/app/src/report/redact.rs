//! Blacks out what could name a person or open a wallet.
//!
//! In: text. Out: the same text with paths of the home folder, addresses, keys, words of a wallet, addresses of the network,
//! mail addresses and whatever looks like a secret replaced by a word in brackets. In doubt it blacks out.

use std::path::Path;

/// Words in a row from the list of recovery words, from which on they are taken for a wallet's.
const WORDS_IN_A_ROW: usize = 4;
/// A token of random letters and digits at least so long is a secret.
const MIN_SECRET_CHARS: usize = 20;
/// Bits per character from which on such a token counts as random: `training-loss-by-time` has about 3.4 and no digits.
const MIN_BITS: f64 = 3.5;
/// Shortest name of a user that is blacked out by itself: shorter ones are parts of words.
const MIN_NAME_CHARS: usize = 3;

/// Homes of others, as each system lays them out.
const HOMES: [&str; 4] = [concat!("/", "home/"), "/Users/", "\\Users\\", "\\\\Users\\\\"];
/// Names of computers in addresses of peers.
const HOSTS: [&str; 4] = ["/dns/", "/dns4/", "/dns6/", "/dnsaddr/"];

/// Blacks out texts and counts what it blacked out.
#[derive(Debug)]
pub(super) struct Redactor {
    /// Literal texts and what stands for them, the longest first.
    literal: Vec<(String, &'static str)>,
    count: u32,
}

impl Redactor {
    /// Knows this user's folders and names, and the data folder.
    pub(super) fn new(data_dir: &Path) -> Self {
        let mut literal = vec![(data_dir.to_string_lossy().into_owned(), "[data folder]")];
        for name in ["HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"] {
            if let Ok(path) = std::env::var(name) {
                literal.push((path, "[home]"));
            }
        }
        for name in ["USER", "USERNAME", "LOGNAME", "COMPUTERNAME", "HOSTNAME"] {
            if let Ok(text) = std::env::var(name) {
                literal.push((text, "[name]"));
            }
        }
        if let Ok(host) = std::fs::read_to_string("/etc/hostname") {
            literal.push((host.trim().to_owned(), "[name]"));
        }
        Self::with(literal)
    }

    fn with(mut literal: Vec<(String, &'static str)>) -> Self {
        // JSON writes a backslash twice.
        let doubled: Vec<_> = literal
            .iter()
            .filter(|(text, _)| text.contains('\\'))
            .map(|(text, to)| (text.replace('\\', "\\\\"), *to))
            .collect();
        literal.extend(doubled);
        // `/` or `root` stand in every second line and name nobody.
        literal.retain(|(text, _)| {
            text.chars().count() >= MIN_NAME_CHARS && !["root", "/root", "localhost"].contains(&text.as_str())
        });
        literal.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        literal.dedup();
        Self { literal, count: 0 }
    }

    /// How many things were blacked out.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Blacks a text out.
    pub(super) fn redact(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, shown) in self.literal.clone() {
            let found = text.matches(secret.as_str()).count();
            if found > 0 {
                self.add(found);
                text = text.replace(&secret, shown);
            }
        }
        let text = self.behind(&text, &HOMES, "[name]");
        let text = self.behind(&text, &HOSTS, "[host]");
        let text = self.words(&text);
        self.tokens(&text)
    }

    fn add(&mut self, found: usize) {
        self.count = self.count.saturating_add(u32::try_from(found).unwrap_or(u32::MAX));
    }

    /// The name behind each of the roots.
    fn behind(&mut self, text: &str, roots: &[&str], shown: &str) -> String {
        let mut text = text.to_owned();
        for root in roots.iter().copied() {
            let mut out = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some(at) = rest.find(root) {
                let (before, after) = rest.split_at(at + root.len());
                let end = after.find(['/', '\\', '"', '\'', ' ', '\n', ':', ',']).unwrap_or(after.len());
                out.push_str(before);
                if end > 0 {
                    out.push_str(shown);
                    self.add(1);
                }
                rest = &after[end..];
            }
            out.push_str(rest);
            text = out;
        }
        text
    }

    /// Recovery words, however they are set apart: by blanks, numbers, commas or lines.
    fn words(&mut self, text: &str) -> String {
        let mut row: Vec<(usize, usize)> = Vec::new();
        let mut cut: Vec<(usize, usize)> = Vec::new();
        let mut close = |row: &mut Vec<(usize, usize)>| {
            if let (true, Some(first), Some(last)) = (row.len() >= WORDS_IN_A_ROW, row.first(), row.last()) {
                cut.push((first.0, last.1));
            }
            row.clear();
        };
        for (from, to) in letters(text) {
            // A name of ours or the key of a JSON object is no word of a wallet.
            let apart = row.last().map_or("", |(_, end)| &text[*end..from]);
            if apart.contains('_') || apart.contains("\":") {
                close(&mut row);
            }
            let word = text[from..to].to_ascii_lowercase();
            match bip39::Language::English.find_word(&word) {
                Some(_) => row.push((from, to)),
                None => close(&mut row),
            }
        }
        close(&mut row);
        self.add(cut.len());
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (from, to) in cut {
            out.push_str(&text[done..from]);
            out.push_str("[words]");
            done = to;
        }
        out.push_str(&text[done..]);
        out
    }

    fn tokens(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut token = String::new();
        for c in text.chars().chain(['\n']) {
            if c.is_alphanumeric() || matches!(c, '.' | '@' | ':' | '-' | '_' | '+' | '=') {
                token.push(c);
                continue;
            }
            self.token(&token, &mut out);
            token.clear();
            out.push(c);
        }
        out.pop();
        out
    }

    fn token(&mut self, token: &str, out: &mut String) {
        match kind(token) {
            Some(shown) => {
                self.add(1);
                out.push_str(shown);
            }
            None => out.push_str(token),
        }
    }
}

/// Runs of ASCII letters, as ranges of bytes.
fn letters(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !bytes[at].is_ascii_alphabetic() {
            at += 1;
        }
        let from = at;
        while at < bytes.len() && bytes[at].is_ascii_alphabetic() {
            at += 1;
        }
        (from < at).then_some((from, at))
    })
}

/// What a token is blacked out as.
fn kind(token: &str) -> Option<&'static str> {
    let core = token.trim_matches(['.', ':', '-', '_', '=', '+']);
    if core.contains('@') && core.split('@').next_back().is_some_and(|host| host.contains('.')) {
        return Some("[mail]");
    }
    if core.split('=').any(is_ip) {
        return Some("[address]");
    }
    // What stands behind a colon or an equals sign is looked at by itself too: `hotkey=5F…`.
    core.split([':', '=', '@']).find_map(secret)
}

fn secret(part: &str) -> Option<&'static str> {
    let plain: String = part.chars().filter(|c| c.is_alphanumeric()).collect();
    let count = plain.chars().count();
    if count >= 32 && plain.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some("[hex]");
    }
    let base58 = |c: char| c.is_ascii_alphanumeric() && !"0OIl".contains(c);
    if (45..=52).contains(&count) && plain.chars().all(base58) {
        return Some("[key]");
    }
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    let letters = plain.chars().filter(|c| c.is_alphabetic()).count();
    let mixed = digits >= 2 && letters >= 2 || has_both_cases(&plain);
    (count >= MIN_SECRET_CHARS && mixed && bits(&plain) >= MIN_BITS).then_some("[secret]")
}

/// Letters of both cases in the middle of words: `LayersMoved` is a name, `xK9qPzrA` is not.
fn has_both_cases(text: &str) -> bool {
    let upper = text.chars().filter(|c| c.is_uppercase()).count();
    let lower = text.chars().filter(|c| c.is_lowercase()).count();
    upper >= 4 && lower >= 4 && upper * 4 >= lower
}

/// Shannon's bits per character.
fn bits(text: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    for c in text.chars() {
        *counts.entry(c).or_insert(0u32) += 1;
    }
    let all = f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
    counts.values().map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}

/// An address of the network or of a card of it, with or without a port.
fn is_ip(text: &str) -> bool {
    let is = |text: &str| text.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified());
    let socket = text.parse::<std::net::SocketAddr>().is_ok_and(|at| !at.ip().is_loopback());
    let host = text.rsplit_once(':').is_some_and(|(host, port)| port.bytes().all(|b| b.is_ascii_digit()) && is(host));
    let pairs: Vec<&str> = text.split([':', '-']).collect();
    let mac =
        pairs.len() == 6 && pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()));
    (is(text) && text.contains(['.', ':'])) || socket || host || mac
}

#[cfg(test)]
pub(super) fn for_test(literal: Vec<(String, &'static str)>) -> Redactor {
    Redactor::with(literal)
}
