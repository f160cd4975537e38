//! What is written can be read.

use super::*;

const TONES: [Tone; 6] = [Tone::Running, Tone::Waiting, Tone::Paused, Tone::Problem, Tone::Earned, Tone::Neutral];
const THEMES: [(&str, Palette); 3] = [("dark", DARK), ("light", LIGHT), ("high contrast", HIGH_CONTRAST)];

/// Relative luminance as in WCAG 2.2.
fn luminance(colour: Color32) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

fn contrast(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn letters_have_a_contrast_of_at_least_four_and_a_half_on_every_ground_they_stand_on() {
    for (name, p) in THEMES {
        let mut pairs = vec![("accent", p.on_accent, p.accent), ("accent hover", p.on_accent, p.accent_hover)];
        for (on, ground) in
            [("ground", p.ground), ("side", p.side), ("card", p.card), ("raised", p.raised), ("hover", p.hover)]
        {
            pairs.push((on, p.text, ground));
            pairs.push((on, p.muted, ground));
        }
        for tone in TONES {
            pairs.extend([("soft", p.text, p.soft(tone)), ("soft", p.muted, p.soft(tone))]);
            for ground in [p.ground, p.side, p.card, p.raised, p.soft(tone)] {
                pairs.push(("tone", p.tone(tone), ground));
            }
        }
        for ground in [p.ground, p.side, p.card, p.raised] {
            pairs.push(("accent text", p.accent_text, ground));
        }
        for (what, letters, ground) in pairs {
            let got = contrast(letters, ground);
            assert!(got >= 4.5, "{name}, {what}: {letters:?} on {ground:?} has {got:.2}");
        }
    }
}

#[test]
fn the_focus_ring_and_the_outlines_of_high_contrast_are_seen() {
    for (name, p) in THEMES {
        for ground in [p.ground, p.side, p.card] {
            assert!(contrast(p.focus, ground) >= 3.0, "{name}");
        }
    }
    assert!(contrast(HIGH_CONTRAST.border, HIGH_CONTRAST.card) >= 3.0);
}

#[test]
fn sizes_stand_on_the_grid_of_four() {
    let sizes = [
        SPACE_XS,
        SPACE_S,
        SPACE_M,
        SPACE_L,
        SPACE_XL,
        RADIUS,
        RADIUS_S,
        BUTTON,
        BUTTON_BIG,
        ROW,
        ICON,
        SIDE_WIDE,
        SIDE_NARROW,
        COLLAPSE_BELOW,
        CONTENT_MAX,
        CARD_MIN,
        CHART,
    ];
    for size in sizes {
        assert_eq!(size % 4.0, 0.0, "{size}");
    }
    const { assert!(MOTION_SECS <= 0.15) };
}
