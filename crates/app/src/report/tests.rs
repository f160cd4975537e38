//! What a report holds, and what it never does.

use super::*;
use view_model::LogLevel;

/// Secrets that somebody might find in a log, each with the part that must not be seen.
const PLANTED: &[(&str, &str)] = &[
    ("address", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    ("hex seed", "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"),
    ("hex with mark", "0xe5be9a5092b81bca64be81d212e7f2f9"),
    ("token", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("password-like", "xK9qPzrA7mWv2LdTn4Yb"),
    ("base64", "dGhpc0lzQVNlY3JldEtleVRoYXRJc0xvbmc9PQ=="),
    ("mail", "alice.example@mail.example.org"),
    ("ipv4", "203.0.113.77"),
    ("ipv6", "2001:db8:85a3::8a2e:370:7334"),
    ("network identity", "12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z"),
    ("address of a peer", "/ip4/203.0.113.77/udp/4001/quic-v1"),
    ("name of a peer's computer", "/dns4/alice.example.org/tcp/4001"),
    ("mac", "00:1A:2B:3C:4D:5E"),
    ("card", "GPU-8f6d2c1a-4b3e-5d7c-9a0b-1c2d3e4f5a6b"),
    ("home", concat!("/", "home/alice/covey")),
    ("windows home", "C:\\Users\\alice\\AppData"),
    ("mnemonic", "legal winner thank year wave sausage worth useful"),
];

const MNEMONIC: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

fn facts(lines: &[String]) -> Facts {
    let line = |text: &String| LogLine { at_ms: 1, level: LogLevel::Info, who: "peer".to_owned(), text: text.clone() };
    Facts {
        now_ms: 1_800_000_000_000,
        version: "1.2.3".to_owned(),
        settings: Settings::default(),
        activity: Activity::Idle,
        problems: Vec::new(),
        crashes: Vec::new(),
        machine: MachineView::default(),
        gpus: GpuView::default(),
        checks: Vec::new(),
        log: lines.iter().map(line).collect(),
        cannot_tell: Vec::new(),
    }
}

fn text(report: &ReportPreview) -> String {
    report.files.iter().map(|file| file.text.as_str()).collect()
}

#[test]
fn no_planted_secret_is_left_in_any_surrounding() {
    for (what, secret) in PLANTED {
        let lines: Vec<String> = [
            format!("could not open {secret}"),
            format!("{secret}: refused"),
            format!("key={secret}, next"),
            format!("{{\"hotkey\":\"{secret}\"}}"),
            format!("({secret})"),
            format!("'{secret}'."),
        ]
        .into();
        let report = put_together(&facts(&lines), Path::new("/data/covey"));
        let seen = text(&report);
        let alice = seen.contains("alice");
        assert!(!seen.contains(secret) && !alice, "{what} leaks: {seen}");
        assert!(report.redactions as usize >= lines.len(), "{what}");
    }
}

#[test]
fn recovery_words_are_found_by_number_by_line_and_in_capitals() {
    let words: Vec<&str> = MNEMONIC.split(' ').collect();
    let numbered: String = words.iter().enumerate().map(|(n, word)| format!("{}. {word}\n", n + 1)).collect();
    for written in [MNEMONIC.to_owned(), numbered, words.join(","), MNEMONIC.to_uppercase(), words.join("\",\"")] {
        let seen = redact::for_test(Vec::new()).redact(&format!("he said {written} and left"));
        for word in ["sausage", "winner", "wave", "SAUSAGE"] {
            assert!(!seen.contains(word), "{seen}");
        }
        assert!(seen.contains("he said") && seen.contains("left"), "{seen}");
    }
}

#[test]
fn an_honest_log_stays_readable() {
    let lines = [
        "round 128: accepted by validator-1, score 0.93",
        "checkpoint of round 12 saved, 3676160 bytes",
        "thread 'main' panicked at crates/engine/src/torch.rs:120:5",
        "error while loading shared libraries: libtorch_cpu.so: cannot open shared object file",
        "127.0.0.1 answers",
        "covey-peer 1.12.3-beta.4",
        "first frame after 310 ms by llvmpipe (LLVM 15.0.6, 256 bits) (Vulkan)",
    ];
    let mut redactor = redact::for_test(Vec::new());
    for line in lines {
        assert_eq!(redactor.redact(line), line);
    }
    assert_eq!(redactor.count(), 0);
}

#[test]
fn what_is_saved_is_what_was_shown_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let report = put_together(&facts(&["hello".to_owned()]), dir.path());
    let names: Vec<&str> = report.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["about.json", "settings.json", "state.json", "machine.json", "checks.json", "log.txt"]);
    let path = save(dir.path(), &report).unwrap();
    let saved = std::fs::read_to_string(path).unwrap();
    for file in &report.files {
        assert!(saved.contains(&file.text), "{}", file.name);
    }
}

#[test]
fn a_long_log_keeps_its_newest_lines_and_the_preview_fits_the_pipe() {
    let lines: Vec<String> = (0..2000).map(|n| format!("line {n} {}", "é\"\\".repeat(300))).collect();
    let report = put_together(&facts(&lines), Path::new("/data"));
    assert!(report.files[5].text.contains("line 1999"));
    assert!(serde_json::to_vec(&report).unwrap().len() < view_model::MAX_LINE_BYTES);
}
