//! Where an axis has its marks: round numbers, or round times.

/// Marks at 1, 2 or 5 times a power of ten within a range, at most `most` or two.
pub(super) fn steps((low, high): (f64, f64), most: usize) -> Vec<f64> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return Vec::new();
    }
    let rough = span / most.max(2) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(10.0 * power);
    let first = (low / step).ceil();
    let last = (high / step).floor();
    (0..=most.max(2) + 1).map(|i| first + i as f64).take_while(|n| *n <= last).map(|n| n * step).collect()
}

/// Seconds that people count in.
const TIMES: [f64; 19] = [
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0, 172_800.0, 604_800.0,
];

/// Marks of milliseconds at round times before the end, the end among them, oldest first.
pub(super) fn steps_of_time((low, high): (f64, f64), most: usize) -> Vec<f64> {
    let most = most.max(2);
    let span = (high - low) / 1000.0;
    if !(span.is_finite() && span > 0.0) {
        return Vec::new();
    }
    let rough = span / most as f64;
    // Years of points: weeks, then as many of them as it takes.
    let step = TIMES.into_iter().find(|step| *step >= rough).unwrap_or((rough / 604_800.0).ceil() * 604_800.0);
    let count = (span / step).floor() as usize;
    (0..=count.min(most)).rev().map(|i| high - i as f64 * step * 1000.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_within_the_range() {
        assert_eq!(steps((0.0, 10.0), 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!((3..=5).contains(&steps((3.1, 3.4), 3).len()));
        assert!(steps((1.0, 1.0), 4).is_empty());
        assert!(steps((f64::NAN, 1.0), 4).is_empty());
        assert!(steps((-1e300, 1e300), 4).len() <= 7);
    }

    #[test]
    fn times_end_now_and_go_back_in_steps_that_people_count_in() {
        let ten_minutes = steps_of_time((0.0, 600_000.0), 5);
        assert_eq!(ten_minutes, [0.0, 120_000.0, 240_000.0, 360_000.0, 480_000.0, 600_000.0]);
        assert!((3..=5).contains(&steps_of_time((0.0, 1e15), 4).len()));
    }
}
