//! Numbers at their edges.

use super::*;

#[test]
fn counts_and_parameters() {
    let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (41_288, "41,288"), (1_234_567, "1,234,567")];
    for (n, text) in cases {
        assert_eq!(count(n), text);
    }
    assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    for (n, text) in [(7, "7"), (919_040, "919 k"), (182_000_000, "182 M"), (72_747_327_488, "72.7 B")] {
        assert_eq!(parameters(n), text);
    }
}

#[test]
fn sizes_have_three_digits_and_never_read_1000_of_a_unit() {
    for (n, text) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1004, "1.00 kB"),
        (1005, "1.01 kB"),
        (9994, "9.99 kB"),
        (9995, "10.0 kB"),
        (18_140, "18.1 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (1_990_000_000, "1.99 GB"),
        (u64::MAX, "18.4 EB"),
    ] {
        assert_eq!(bytes(ByteCount(n)), text, "{n}");
    }
    assert_eq!(memory(ByteCount(8 << 30)), "8.00 GiB");
    assert_eq!(memory(ByteCount(1023)), "1023 B");
    assert_eq!(memory(ByteCount((1 << 20) - 1)), "1.00 MiB");
    assert_eq!(bytes_per_sec(ByteCount(13_100_000)), "13.1 MB/s");
}

#[test]
fn speeds_are_not_more_precise_than_measured() {
    for (rate, text) in [
        (0.0, "0.0 tok/s"),
        (12.54, "12.5 tok/s"),
        (99.96, "100 tok/s"),
        (8987.3, "8,990 tok/s"),
        (1_234_567.0, "1,230,000 tok/s"),
        (f64::NAN, "unknown"),
        (f64::INFINITY, "unknown"),
        (-1.0, "unknown"),
    ] {
        assert_eq!(tokens_per_sec(rate), text);
    }
}

#[test]
fn durations() {
    for (secs, text) in [
        (0, "0:00"),
        (7, "0:07"),
        (192, "3:12"),
        (3599, "59:59"),
        (3723, "1:02:03"),
        (86_399, "23:59:59"),
        (97_200, "1 d 3 h"),
    ] {
        assert_eq!(duration(secs), text);
    }
}

#[test]
fn shares_and_losses() {
    assert_eq!([percent(0.0), percent(0.9449), percent(1.0)], ["0.0 %", "94.5 %", "100.0 %"]);
    assert_eq!([loss(3.2567), loss(0.0)], ["3.257", "0.000"]);
    assert_eq!([loss(f64::NAN), percent(f64::NAN)], [UNKNOWN, UNKNOWN]);
}

#[test]
fn exact_credits_lose_no_rao() {
    for (rao, text) in [
        (0, "0"),
        (1, "0.000000001"),
        (999_999_999, "0.999999999"),
        (1_000_000_000, "1"),
        (1_234_500_000_000, "1,234.5"),
        (u64::MAX, "18,446,744,073.709551615"),
    ] {
        assert_eq!(credits_exact(Rao(rao)), text);
    }
}

#[test]
fn short_credits_never_show_more_than_is_there() {
    for (rao, text) in [
        (0, "0"),
        (999_999, "<0.001"),
        (1_999_999, "0.001"),
        (999_999_999, "0.999"),
        (1_234_567_899_999, "1,234.567"),
        (u64::MAX, "18,446,744,073.709"),
    ] {
        assert_eq!(credits(Rao(rao)), text);
    }
}
