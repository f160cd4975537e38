//! Parameter arithmetic against the paper, and manifests that must be refused.

use super::*;
use crate::Round;

#[test]
fn parameter_counts_are_the_published_ones() {
    let check = |name: &str, tied: u64, untied: u64| {
        let model = ModelParams::preset(name).unwrap();
        assert_eq!((model.parameter_count(), model.untied_parameter_count()), (tied, untied), "{name}");
    };
    // protocol.md §1.2: the paper's 72,747,327,488 is the untied export.
    check("covenant-72b", 70_599_843_840, 72_747_327_488);
    check("8b", 8_030_261_248, 8_030_261_248);
    let about = |name: &str, millions: f64| {
        let count = ModelParams::preset(name).unwrap().parameter_count() as f64 / 1e6;
        assert!((count - millions).abs() < 0.005 * millions, "{name}: {count}");
    };
    about("150m", 182.0);
    about("512m", 512.4);
    about("1b", 1205.0);
    about("tiny", 0.919);
}

#[test]
fn outer_schedule_is_a_step_function() {
    let schedule = OuterSchedule(vec![(Round(0), 1.0), (Round(10), 0.5)]);
    assert_eq!([0, 9, 10, 999].map(|r| schedule.at(Round(r))), [1.0, 1.0, 0.5, 0.5]);
}
