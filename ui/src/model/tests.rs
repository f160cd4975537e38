//! What comes in is kept, thinned without losing an extreme, and bounded.

use super::*;
use proptest::prelude::*;
use view_model::{LogLevel, LogLine, MAX_SERIES_POINTS};

fn line(text: &str) -> LogLine {
    LogLine { at_ms: 0, level: LogLevel::Info, who: "peer".to_owned(), text: text.to_owned() }
}

fn curve(values: &[f64]) -> Curve {
    let points: Vec<[f64; 2]> = values.iter().zip(0..).map(|(y, x)| [f64::from(x), *y]).collect();
    let mut curve = Curve::default();
    curve.take(0, &points);
    curve
}

#[test]
fn a_hundred_thousand_points_are_drawn_with_about_two_a_column() {
    let values: Vec<f64> = (0..100_000).map(|i| (f64::from(i) * 0.01).sin()).collect();
    let thinned = curve(&values).thinned(0.0, 1e9, 800);
    assert!((100..2_000).contains(&thinned.len()), "{}", thinned.len());
    assert!(thinned.is_sorted_by(|a, b| a[0] <= b[0]));
}

#[test]
fn one_spike_among_a_hundred_thousand_points_is_seen_at_every_width() {
    let mut values = vec![1.0; MAX_SERIES_POINTS];
    values[77_777] = 9.0;
    values[3] = -9.0;
    let curve = curve(&values);
    for columns in [1, 7, 100, 3_000] {
        let thinned = curve.thinned(0.0, 1e9, columns);
        assert!(thinned.contains(&[77_777.0, 9.0]) && thinned.contains(&[3.0, -9.0]), "{columns}");
    }
    assert_eq!(curve.range(0.0, 1e9), Some((-9.0, 9.0)));
    assert_eq!(curve.range(10.0, 70_000.0), Some((1.0, 1.0)));
}

#[test]
fn bands_hold_the_mean_and_the_extremes_and_few_points_have_none() {
    let values: Vec<f64> = (0..50_000).map(|i| if i % 2 == 0 { 1.0 } else { 3.0 }).collect();
    let curve = curve(&values);
    let bands = curve.bands(f64::MIN, f64::MAX, 300).unwrap();
    assert!(bands.len() < 500, "{}", bands.len());
    let whole = bands.iter().filter(|band| band.low < band.high);
    assert!(whole.clone().count() > 50);
    assert!(whole.clone().all(|band| (band.low, band.high, band.mean) == (1.0, 3.0, 2.0)));
    assert_eq!(curve.bands(0.0, 100.0, 300), None);
}

#[test]
fn the_oldest_points_go_when_a_series_is_full() {
    let mut curve = Curve::default();
    let points: Vec<[f64; 2]> = (0..MAX_SERIES_POINTS as u64 + 5_000).map(|i| [i as f64, i as f64]).collect();
    for (n, piece) in points.chunks(10_000).enumerate() {
        curve.take(n as u64 * 10_000, piece);
    }
    assert_eq!((curve.len(), curve.first()), (MAX_SERIES_POINTS, Some([5_000.0, 5_000.0])));
    let thinned = curve.thinned(f64::MIN, f64::MAX, 500);
    assert_eq!((thinned.first(), thinned.last()), (Some(&[5_000.0, 5_000.0]), Some(&[104_999.0, 104_999.0])));
}

#[test]
fn points_that_overlap_are_taken_once_and_index_nought_begins_anew() {
    let mut curve = curve(&[1.0, 2.0, 3.0]);
    curve.take(2, &[[2.0, 3.0], [3.0, 4.0]]);
    assert_eq!((curve.len(), curve.last()), (4, Some([3.0, 4.0])));
    curve.take(0, &[[9.0, 9.0]]);
    assert_eq!((curve.len(), curve.last()), (1, Some([9.0, 9.0])));
    curve.take(1, &[[f64::NAN, 1.0], [10.0, f64::INFINITY], [1.0, 1.0], [11.0, 2.0]]);
    assert_eq!((curve.len(), curve.last()), (2, Some([11.0, 2.0])));
}

#[test]
fn the_nearest_point_is_found_between_beyond_and_in_nothing() {
    let curve = curve(&[5.0, 6.0, 7.0]);
    assert_eq!(curve.nearest(0.6), Some([1.0, 6.0]));
    assert_eq!(curve.nearest(1e9), Some([2.0, 7.0]));
    assert_eq!(Curve::EMPTY.nearest(1.0), None);
}

proptest! {
    #[test]
    fn thinning_keeps_order_ends_and_extremes(
        values in proptest::collection::vec(-100.0f64..100.0, 1..6_000),
        columns in 1usize..700,
    ) {
        let thinned = curve(&values).thinned(-1.0, 1e9, columns);
        let ys = || thinned.iter().map(|p| p[1]);
        let least = values.iter().copied().min_by(f64::total_cmp);
        let greatest = values.iter().copied().max_by(f64::total_cmp);
        prop_assert_eq!(ys().min_by(f64::total_cmp), least);
        prop_assert_eq!(ys().max_by(f64::total_cmp), greatest);
        prop_assert!(thinned.is_sorted_by(|a, b| a[0] <= b[0]));
        prop_assert!(thinned.len() <= 2 * columns + 8 * 14 * 5, "{} for {columns}", thinned.len());
    }
}

#[test]
fn the_log_is_bounded_and_keeps_the_newest() {
    let mut log = Log::default();
    let long = "x".repeat(1 << 20);
    for n in 0..120 {
        log.take(n, vec![line(&long)]);
    }
    assert_eq!(log.end(), 120);
    assert!(log.first() > 20 && log.get(119).is_some() && log.get(0).is_none());
}

#[test]
fn a_gap_in_the_log_begins_it_anew_and_an_overlap_does_not_repeat() {
    let mut log = Log::default();
    log.take(0, vec![line("a"), line("b")]);
    log.take(1, vec![line("b"), line("c")]);
    assert_eq!((log.first(), log.end(), log.get(2).map(|l| l.text.as_str())), (0, 3, Some("c")));
    let begun = log.begun();
    log.take(9, vec![line("z")]);
    assert_eq!((log.first(), log.end()), (9, 10));
    assert!(log.begun() > begun);
}

#[test]
fn words_go_when_they_are_taken_back_and_too_many_are_not_kept() {
    let mut model = Model::default();
    let words = |n: usize| Some((0..n).map(|i| Secret::new(format!("word{i}"))).collect());
    assert_eq!(model.take(ToWindow::Words { words: words(12) }), None);
    assert_eq!(model.words().map(<[Secret]>::len), Some(12));
    model.take(ToWindow::Words { words: None });
    assert!(model.words().is_none());
    model.take(ToWindow::Words { words: words(25) });
    assert!(model.words().is_none());
}

#[test]
fn what_concerns_the_window_itself_is_handed_on() {
    let mut model = Model::default();
    assert_eq!(model.take(ToWindow::Show { screen: Screen::Help }), Some(HostAsk::Show(Screen::Help)));
    assert_eq!(model.take(ToWindow::Raise), Some(HostAsk::Raise));
    assert_eq!(model.take(ToWindow::Bye), Some(HostAsk::Close));
}
