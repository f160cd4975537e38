//! Sample points and log lines, always the same.

use crate::model::Model;
use view_model::{LogLevel, LogLine, MAX_POINTS_PER_LINE, Series, ToWindow};

/// The moment at which every sample was taken: 25 November 2026.
pub const NOW_MS: u64 = 1_795_564_800_000;

/// A number between -1 and 1 that looks random and is always the same.
fn noise(n: u64) -> f64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 29;
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A value by the point's number and its share of the whole.
type Shape = fn(u64, f64) -> f64;

/// Fills every series with a point a second up to now.
pub fn fill(model: &mut Model, points: u64) {
    let shapes: [(Series, Shape); 9] = [
        (Series::Loss, |n, t| 2.6 + 3.4 * (-6.0 * t).exp() + 0.09 * noise(n)),
        (Series::TokensPerSec, |n, _| 8_990.0 + 240.0 * noise(n) - if n % 613 < 9 { 6_000.0 } else { 0.0 }),
        (Series::LearningRate, |_, t| 6e-4 * (0.1 + 0.9 * (0.5 + 0.5 * (t * 3.1).cos())) * (t * 40.0).min(1.0)),
        (Series::GradNorm, |n, t| {
            0.8 + 1.4 * (-5.0 * t).exp() + 0.2 * noise(n).abs() + if n == 2_900 { 2.0 } else { 0.0 }
        }),
        (Series::Temperature, |n, _| 67.0 + 2.0 * noise(n / 30)),
        (Series::Power, |n, _| 310.0 + 20.0 * noise(n)),
        (Series::Utilisation, |n, _| 96.0 + 3.0 * noise(n)),
        (Series::Upload, |n, _| if n % 300 < 25 { 2.1e6 + 3e5 * noise(n) } else { 4e3 + 2e3 * noise(n).abs() }),
        (Series::Download, |n, _| if n % 300 > 270 { 7.4e6 + 9e5 * noise(n) } else { 9e3 + 3e3 * noise(n).abs() }),
    ];
    for (series, shape) in shapes {
        let at = |n: u64| {
            let share = n as f64 / points.max(1) as f64;
            [(NOW_MS - (points - 1 - n) * 1000) as f64, shape(n, share)]
        };
        send(model, series, points, at);
    }
    send(model, Series::RunLoss, 128, |n| [n as f64, 2.7 + 3.1 * (-(n as f64) / 22.0).exp() + 0.02 * noise(n)]);
}

fn send(model: &mut Model, series: Series, count: u64, at: impl Fn(u64) -> [f64; 2]) {
    let all: Vec<[f64; 2]> = (0..count).map(at).collect();
    for (n, piece) in all.chunks(MAX_POINTS_PER_LINE).enumerate() {
        let from = (n * MAX_POINTS_PER_LINE) as u64;
        let _ = model.take(ToWindow::Points { series, from, points: piece.to_vec() });
    }
}

/// Lines of a log, one a second up to now.
pub fn log_lines(count: u64) -> Vec<LogLine> {
    let text = |n: u64| match n % 9 {
        0 => (LogLevel::Info, "peer", format!("round {} begins", n / 9)),
        1 | 2 => {
            (LogLevel::Debug, "engine", format!("inner step {} of 30, loss {:.3}", n % 30 + 1, 2.6 + noise(n).abs()))
        }
        3 => (LogLevel::Info, "engine", "compressed 48.2 MB to 330 kB".to_owned()),
        4 => (LogLevel::Info, "exchange", format!("submission of round {} published in 0.8 s", n / 9)),
        5 => (LogLevel::Warn, "exchange", "peer-3 answered after 4.1 s, second try".to_owned()),
        6 => (LogLevel::Info, "exchange", "gathered 6 of 7 submissions".to_owned()),
        7 if n.is_multiple_of(4) => {
            (LogLevel::Error, "gpu", "no reading for 5 s; the last one is shown as old".to_owned())
        }
        _ => (LogLevel::Info, "engine", "outer step taken, parameters agree with the run's".to_owned()),
    };
    let line = |n: u64| {
        let (level, who, text) = text(n);
        LogLine { at_ms: NOW_MS - (count - n) * 1000, level, who: who.to_owned(), text }
    };
    (0..count).map(line).collect()
}
