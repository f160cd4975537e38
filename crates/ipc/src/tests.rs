//! The words as bytes, the framing under hostile input, and the exit table.

mod frames;
mod words;

use crate::*;

#[test]
fn equal_protocols_shake_hands_and_the_older_side_is_told_to_update() {
    let ours = Hello { protocol: 3, version: "1.2.0".into() };
    let theirs = |protocol| Hello { protocol, version: "9.9.9".into() };
    assert_eq!(handshake(&ours, &theirs(3)), Ok(()));
    let version = "9.9.9".to_owned();
    assert_eq!(
        handshake(&ours, &theirs(2)),
        Err(HandshakeError::Older { ours: 3, theirs: 2, version: version.clone() })
    );
    assert_eq!(handshake(&ours, &theirs(4)), Err(HandshakeError::Newer { ours: 3, theirs: 4, version }));
}

#[test]
fn version_text_that_could_garble_a_screen_is_refused() {
    let ours = Hello::ours("1.0.0");
    for version in [String::new(), "v".repeat(65), "1.0\u{1b}[2J".into()] {
        let theirs = Hello { protocol: PROTOCOL, version };
        assert!(matches!(handshake(&ours, &theirs), Err(HandshakeError::VersionText(_))));
    }
}

#[test]
fn a_hello_from_any_later_version_still_reads() {
    let line = br#"{"seq":0,"at_ms":5,"event":"hello","protocol":77,"version":"9.0.0","features":["x"]}"#;
    let read: EventLine = decode_line(line).unwrap();
    assert_eq!(read.event, Event::Hello(Hello { protocol: 77, version: "9.0.0".into() }));
    let line = br#"{"id":0,"command":{"kind":"hello","protocol":77,"version":"9.0.0","x":1},"y":2}"#;
    let read: CommandLine = decode_line(line).unwrap();
    assert_eq!(read.command, Command::Hello(Hello { protocol: 77, version: "9.0.0".into() }));
}

#[test]
fn exit_codes_keep_their_numbers() {
    let numbers: Vec<u8> = ExitCode::all().map(ExitCode::code).collect();
    assert_eq!(numbers, [0, 1, 2, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 50, 51, 60, 61, 101, 127]);
    for code in ExitCode::all() {
        assert_eq!(ExitCode::from_code(i32::from(code.code())), Some(code));
    }
}

#[test]
fn crashes_restart_and_hopeless_exits_do_not() {
    let class = ExitClass::of_exit;
    assert_eq!(class(None), ExitClass::Restart);
    assert_eq!(class(Some(139)), ExitClass::Restart);
    assert_eq!(class(Some(101)), ExitClass::Restart);
    assert_eq!(class(Some(0)), ExitClass::Done);
    assert_eq!(class(Some(12)), ExitClass::StopAndTell);
    assert_eq!(class(Some(31)), ExitClass::StopAndTell);
    assert_eq!(class(Some(20)), ExitClass::Ask);
}

#[test]
fn an_end_that_has_no_code_is_told_by_its_last_words() {
    let of = ExitCode::of_end;
    assert_eq!(of(None, "memory allocation of 4096 bytes failed"), Some(ExitCode::OutOfMemory));
    assert_eq!(of(Some(1), "DefaultCPUAllocator: can't allocate memory"), Some(ExitCode::OutOfMemory));
    let loader = "covey-peer: error while loading shared libraries: libtorch_cpu.so: cannot open shared object file";
    assert_eq!(of(Some(127), loader), Some(ExitCode::LibraryMissing));
    assert_eq!(of(Some(-1_073_741_515), ""), Some(ExitCode::LibraryMissing));
    assert_eq!(of(Some(31), "memory allocation of 1 bytes failed"), Some(ExitCode::DiskFull), "a code says more");
    assert_eq!(of(Some(1), "no run.json"), Some(ExitCode::Failed));
    assert_eq!(of(None, ""), None);
    assert_eq!(of(Some(3), ""), None);
    assert_eq!(ExitClass::of_exit(Some(127)), ExitClass::StopAndTell);
}
