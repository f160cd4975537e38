//! Lines from a child that may say anything.

use proptest::prelude::*;

use super::*;
use crate::fixtures::{failing, samples, two_cards};
use crate::{Card, CardId, OtherProcess, PcieLink, ProcessKind, Throttle};

fn read_all(bytes: &[u8], buffer: usize) -> Vec<Result<ProbeLine, LineError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut reader = LineReader::new(tokio::io::BufReader::with_capacity(buffer, bytes));
        let mut all = Vec::new();
        while let Some(line) = reader.next().await {
            all.push(line);
        }
        all
    })
}

#[test]
fn what_a_probe_writes_is_these_bytes() {
    let line = ProbeLine::Survey(failing(5, Fault::NoDriver { card_on_bus: Some(true) })).encode().unwrap();
    let golden = concat!(
        r#"{"line":"survey","at_ms":5,"driver":null,"cuda_driver":null,"wsl":false,"cards_on_bus":null,"cards":[],"#,
        r#""verdict":{"verdict":"failed","fault":{"fault":"no_driver","card_on_bus":true}}}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line).unwrap(), golden);
    let sample = samples(7).remove(1);
    let line = ProbeLine::Samples { samples: vec![sample] }.encode().unwrap();
    let golden = concat!(
        r#"{"line":"samples","samples":[{"uuid":"GPU-3090c0de-0000-4000-8000-000000000002","at_ms":7,"util":99,"#,
        r#""vram_used":20401094656,"vram_free":4974444544,"vram_reserved":394264576,"temp_c":81,"fan_percent":78,"#,
        r#""fan_rpm":2310,"power_mw":349000,"enforced_limit_mw":350000,"sm_clock_mhz":1695,"mem_clock_mhz":9751,"#,
        r#""throttle":["power_cap","sw_thermal"],"pcie":{"generation":4,"width":4},"energy_mj":2443,"#,
        r#""others":[{"pid":4242,"name":"game.exe","vram":19327352832,"kind":"graphics"}]}]}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line).unwrap(), golden);
}

#[test]
fn the_fullest_line_that_a_probe_can_say_fits() {
    let other = OtherProcess {
        pid: u32::MAX,
        name: Some("\u{20ac}".repeat(MAX_PROCESS_CHARS)),
        vram: Some(types::ByteCount(u64::MAX)),
        kind: ProcessKind::Graphics,
    };
    let all = Some(u32::MAX);
    let sample = Sample {
        util: all,
        temp_c: all,
        fan_percent: all,
        fan_rpm: all,
        power_mw: all,
        enforced_limit_mw: all,
        sm_clock_mhz: all,
        mem_clock_mhz: all,
        throttle: Some(vec![Throttle::ClocksSetting; 9]),
        pcie: PcieLink { generation: all, width: all },
        energy_mj: Some(u64::MAX),
        others: vec![other; MAX_OTHERS],
        ..Sample::unknown(CardId::new("x".repeat(MAX_TEXT_CHARS)), u64::MAX)
    };
    let line = ProbeLine::Samples { samples: vec![sample; MAX_CARDS] };
    assert_eq!(ProbeLine::parse(&line.encode().unwrap()), Ok(line));
}

#[test]
fn more_cards_or_processes_than_a_line_may_hold_are_refused() {
    let mut survey = two_cards(1);
    survey.cards = vec![Card::unknown(CardId::new("a"), 0); MAX_CARDS + 1];
    let line = ProbeLine::Survey(survey).encode().unwrap();
    assert_eq!(ProbeLine::parse(&line), Err(LineError::TooMany("cards")));
    let mut sample = samples(1).remove(0);
    sample.others = vec![sample.others[0].clone(); MAX_OTHERS + 1];
    let line = ProbeLine::Samples { samples: vec![sample] }.encode().unwrap();
    assert_eq!(ProbeLine::parse(&line), Err(LineError::TooMany("processes")));
}

#[test]
fn an_oversized_line_is_reported_once_and_the_next_one_reads() {
    for size in [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, MAX_LINE_BYTES * 5] {
        let mut bytes = vec![b' '; size];
        bytes.extend(b"\n{\"line\":\"changed\"}\n");
        let read = read_all(&bytes, 8192);
        let first = if size < MAX_LINE_BYTES { "syntax" } else { "too long" };
        assert!(
            matches!(
                (&read[..], first),
                ([Err(LineError::TooLong), Ok(ProbeLine::Changed)], "too long")
                    | ([Err(LineError::Syntax(_)), Ok(ProbeLine::Changed)], "syntax")
            ),
            "{size}: {read:?}"
        );
    }
}

#[test]
fn a_line_that_the_end_cuts_off_is_never_handed_out() {
    assert_eq!(read_all(b"{\"line\":\"changed\"}", 8192), Vec::new());
    assert_eq!(read_all(b"", 8192), Vec::new());
}

proptest! {
    #[test]
    fn garbage_never_breaks_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = ProbeLine::parse(&bytes);
        let _ = read_all(&bytes, 16);
    }

    #[test]
    fn a_word_survives_any_cut_of_the_stream_and_garbage_before_it(
        garbage in "[ -~]{0,200}", buffer in 1usize..64, flip in any::<proptest::sample::Index>(), bit in 0u8..7
    ) {
        let good = ProbeLine::Samples { samples: samples(3) };
        let line = good.encode().unwrap();
        let mut broken = line.clone();
        let at = flip.index(broken.len() - 1);
        broken[at] ^= 1 << bit;
        let whole = [garbage.as_bytes(), b"\n", &broken, b"\n", &line, &line].concat();
        let read = read_all(&whole, buffer);
        prop_assert!(read.ends_with(&[Ok(good.clone()), Ok(good)]), "{:?}", read);
    }

    #[test]
    fn lies_about_numbers_and_lengths_are_errors_of_that_line(number in any::<i128>(), cut in any::<proptest::sample::Index>()) {
        let line = format!("{{\"line\":\"power_set\",\"limit_mw\":{number}}}");
        prop_assert_eq!(ProbeLine::parse(line.as_bytes()).is_ok(), u32::try_from(number).is_ok());
        let whole = ProbeLine::Survey(two_cards(9)).encode().unwrap();
        let cut = cut.index(whole.len() - 1);
        prop_assert!(ProbeLine::parse(&whole[..cut]).is_err());
    }
}
