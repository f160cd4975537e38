//! The tray's pictures, drawn here: each state has a shape of its own, so that colour is never the only sign.
//!
//! In: a tone. Out: RGBA pixels. Running is a full disc with a notch, paused two bars, a problem a triangle with a
//! stroke, waiting a ring with a dot, idle a ring.

use view_model::Tone;

/// Edge in pixels; desktops scale it down.
pub(crate) const EDGE: u32 = 64;
/// Samples per pixel and axis, for smooth edges.
const SAMPLES: u32 = 4;

/// The picture of a tone, [`EDGE`] by [`EDGE`] pixels, four bytes each.
pub(crate) fn rgba(tone: Tone) -> Vec<u8> {
    let colour = colour(tone);
    let mut pixels = Vec::with_capacity((EDGE * EDGE * 4) as usize);
    for y in 0..EDGE {
        for x in 0..EDGE {
            let covered = (0..SAMPLES * SAMPLES).filter(|sample| {
                let offset = |i: u32| (f64::from(i) + 0.5) / f64::from(SAMPLES);
                let (sx, sy) = (f64::from(x) + offset(sample % SAMPLES), f64::from(y) + offset(sample / SAMPLES));
                // To -1…1 with y upwards.
                let scale = 2.0 / f64::from(EDGE);
                is_inside(tone, sx.mul_add(scale, -1.0), 1.0 - sy * scale)
            });
            let alpha = covered.count() * 255 / (SAMPLES * SAMPLES) as usize;
            pixels.extend_from_slice(&colour);
            pixels.push(u8::try_from(alpha).unwrap_or(u8::MAX));
        }
    }
    pixels
}

/// Bright enough for a dark bar and dark enough for a light one.
fn colour(tone: Tone) -> [u8; 3] {
    match tone {
        Tone::Running | Tone::Earned => [46, 160, 92],
        Tone::Waiting => [58, 130, 220],
        Tone::Paused => [200, 140, 20],
        Tone::Problem => [214, 64, 64],
        Tone::Neutral => [128, 136, 148],
    }
}

fn is_inside(tone: Tone, x: f64, y: f64) -> bool {
    let radius = x.hypot(y);
    match tone {
        // A play sign cut out of a disc.
        Tone::Running | Tone::Earned => {
            let play = x > -0.28 && x < 0.5 && y.abs() < (0.5 - x) * 0.62;
            radius < 0.9 && !play
        }
        Tone::Waiting => (0.66..0.9).contains(&radius) || radius < 0.28,
        Tone::Paused => y.abs() < 0.8 && (0.18..0.6).contains(&x.abs()),
        Tone::Problem => {
            let triangle = y > -0.8 && y < 0.86 && x.abs() < (0.86 - y) * 0.56;
            let stroke = x.abs() < 0.11 && ((-0.2..0.42).contains(&y) || (-0.6..-0.38).contains(&y));
            triangle && !stroke
        }
        Tone::Neutral => (0.66..0.9).contains(&radius),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(tone: Tone) -> Vec<bool> {
        rgba(tone).chunks(4).map(|pixel| pixel[3] > 127).collect()
    }

    #[test]
    fn states_differ_by_shape_and_not_only_by_colour() {
        let tones = [Tone::Running, Tone::Waiting, Tone::Paused, Tone::Problem, Tone::Neutral];
        for (i, one) in tones.iter().enumerate() {
            assert_eq!(rgba(*one).len(), (EDGE * EDGE * 4) as usize);
            for other in &tones[i + 1..] {
                let differing = shape(*one).iter().zip(shape(*other)).filter(|(a, b)| **a != *b).count();
                assert!(differing > 200, "{one:?} and {other:?} differ in {differing} pixels");
            }
        }
    }
}
