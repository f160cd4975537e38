//! Lines: whole, cut, too long, garbage.

use std::io::{self, Read};

use proptest::prelude::*;

use crate::*;

/// Gives its bytes in pieces of the given size, as a pipe may.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = self.1.min(self.0.len()).min(into.len());
        into[..size].copy_from_slice(&self.0[..size]);
        self.0 = &self.0[size..];
        Ok(size)
    }
}

fn resumed(seq: u64) -> EventLine {
    EventLine { seq, at_ms: 1, event: Event::Resumed }
}

fn log_of(chars: usize) -> EventLine {
    EventLine { seq: 0, at_ms: 0, event: Event::Log { level: LogLevel::Info, text: "x".repeat(chars) } }
}

#[test]
fn the_line_after_an_over_long_one_is_read() {
    let mut stream = encode_line(&resumed(1)).unwrap();
    stream.extend(vec![b'{'; 3 * MAX_LINE_BYTES]);
    stream.push(b'\n');
    stream.extend(encode_line(&resumed(2)).unwrap());
    for piece in [1 << 12, 65_537, usize::MAX] {
        let mut reader = LineReader::new(Dribble(&stream, piece));
        assert_eq!(reader.read::<EventLine>().unwrap(), Some(resumed(1)));
        assert!(matches!(reader.read::<EventLine>(), Err(ReadError::Frame(FrameError::TooLong))));
        assert_eq!(reader.read::<EventLine>().unwrap(), Some(resumed(2)));
        assert_eq!(reader.read::<EventLine>().unwrap(), None);
    }
}

#[test]
fn the_longest_line_passes_and_one_byte_more_does_not() {
    let overhead = encode_line(&log_of(0)).unwrap().len();
    let longest = log_of(MAX_LINE_BYTES - overhead);
    let line = encode_line(&longest).unwrap();
    assert_eq!(line.len(), MAX_LINE_BYTES);
    assert_eq!(LineReader::new(&line[..]).read::<EventLine>().unwrap(), Some(longest));
    assert_eq!(encode_line(&log_of(MAX_LINE_BYTES - overhead + 1)), Err(FrameError::TooLong));
    let mut line = line;
    line.insert(0, b' ');
    assert_eq!(decode_line::<EventLine>(&line), Err(FrameError::TooLong));
    assert!(matches!(LineReader::new(&line[..]).read::<EventLine>(), Err(ReadError::Frame(FrameError::TooLong))));
}

#[test]
fn a_stream_that_ends_inside_a_line_gives_no_word() {
    let line = encode_line(&resumed(1)).unwrap();
    // Everything but the line feed: complete JSON, and still not a line.
    let mut reader = LineReader::new(&line[..line.len() - 1]);
    let cut = line.len() - 1;
    assert!(matches!(reader.read::<EventLine>(), Err(ReadError::Frame(FrameError::Truncated(n))) if n == cut));
    assert!(matches!(reader.read::<EventLine>(), Ok(None)));
}

#[test]
fn complaints_about_a_hostile_line_stay_short() {
    let line = format!(r#"{{"seq":1,"at_ms":1,"event":"{}"}}"#, "z".repeat(100_000));
    match decode_line::<EventLine>(line.as_bytes()) {
        Err(FrameError::Syntax(text)) => assert!(text.chars().count() <= 200),
        other => panic!("{other:?}"),
    }
    assert!(decode_line::<EventLine>(&[b'['; 1 << 19]).is_err(), "deep nesting is refused, not followed");
}

#[test]
fn what_the_writer_writes_the_reader_reads() {
    let mut pipe = Vec::new();
    let mut writer = LineWriter::new(&mut pipe);
    for seq in 0..5 {
        writer.write(&resumed(seq)).unwrap();
    }
    assert!(matches!(writer.write(&log_of(MAX_LINE_BYTES)), Err(WriteError::Frame(FrameError::TooLong))));
    let mut reader = LineReader::new(&pipe[..]);
    for seq in 0..5 {
        assert_eq!(reader.read::<EventLine>().unwrap(), Some(resumed(seq)));
    }
    assert_eq!(reader.read::<EventLine>().unwrap(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_line::<EventLine>(&bytes);
        let _ = decode_line::<CommandLine>(&bytes);
    }

    #[test]
    fn a_word_with_one_byte_changed_is_read_or_refused(
        at in any::<proptest::sample::Index>(), to: u8, pick in any::<proptest::sample::Index>(),
    ) {
        let lines: Vec<&str> = super::words::FIXTURE.lines().collect();
        let mut line = lines[pick.index(lines.len())].as_bytes().to_vec();
        let at = at.index(line.len());
        line[at] = to;
        if let Ok(word) = decode_line::<EventLine>(&line) {
            let again = encode_line(&word).unwrap();
            prop_assert_eq!(encode_line(&decode_line::<EventLine>(&again).unwrap()).unwrap(), again);
        }
        let _ = decode_line::<CommandLine>(&line);
    }

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_arrive(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), piece in 1usize..20,
    ) {
        let mut whole: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let tail = whole.pop().unwrap_or_default();
        let (mut splitter, mut lines) = (LineSplitter::new(), Vec::new());
        for mut part in bytes.chunks(piece) {
            while let Some(line) = splitter.next_line(&mut part) {
                lines.push(line.unwrap());
            }
        }
        prop_assert_eq!(lines, whole);
        let end = if tail.is_empty() { Ok(()) } else { Err(FrameError::Truncated(tail.len())) };
        prop_assert_eq!(splitter.finish(), end);
    }

    #[test]
    fn every_finite_number_survives_bit_for_bit(bits: u64) {
        let loss = f64::from_bits(bits);
        let line = EventLine { seq: bits, at_ms: 0, event: Event::Evaluated { round: types::Round(bits), loss } };
        let read: EventLine = decode_line(&encode_line(&line).unwrap()).unwrap();
        let Event::Evaluated { round, loss: read } = read.event else { panic!("another event") };
        prop_assert_eq!(round.0, bits);
        if loss.is_finite() {
            prop_assert_eq!(read.to_bits(), loss.to_bits());
        } else {
            prop_assert!(read.is_nan());
        }
    }
}
