//! Colours and sizes: the only place that has any.
//!
//! In: a theme's name. Out: one palette and constants on a 4 px grid. A colour has one meaning ([`Tone`]) and never stands
//! alone: a shape or a word is beside it. Every pair of letters and ground has a contrast of at least 4.5.

use egui::Color32;
use view_model::Tone;

/// Between things that belong together.
pub const SPACE_S: f32 = 8.0;
/// Between things.
pub const SPACE_M: f32 = 12.0;
/// Between groups; inside a card.
pub const SPACE_L: f32 = 16.0;
/// Between parts of a screen.
pub const SPACE_XL: f32 = 24.0;
/// Half of the smallest space: inside chips, between a letter and its mark.
pub const SPACE_XS: f32 = 4.0;
/// Corners of cards and buttons.
pub const RADIUS: f32 = 8.0;
/// Corners of chips, bars and tiles.
pub const RADIUS_S: f32 = 4.0;

/// Body text.
pub const BODY: f32 = 13.0;
/// Captions, axes, chips.
pub const CAPTION: f32 = 11.0;
/// Titles.
pub const TITLE: f32 = 20.0;
/// The one number of a card.
pub const NUMBER: f32 = 32.0;

/// Height of a button.
pub const BUTTON: f32 = 32.0;
/// Height of the big button.
pub const BUTTON_BIG: f32 = 48.0;
/// Height of a row in a table or a log.
pub const ROW: f32 = 20.0;
/// An icon beside body text.
pub const ICON: f32 = 16.0;
/// Line of borders.
pub const LINE: f32 = 1.0;
/// Line of charts and icons.
pub const STROKE: f32 = 1.5;
/// Line of the focus ring.
pub const FOCUS: f32 = 2.0;
/// Side bar with words.
pub const SIDE_WIDE: f32 = 184.0;
/// Side bar with icons only.
pub const SIDE_NARROW: f32 = 56.0;
/// Below this width of the window the side bar shows icons only.
pub const COLLAPSE_BELOW: f32 = 900.0;
/// Widest content: lines of text stay readable on a wide screen.
pub const CONTENT_MAX: f32 = 1240.0;
/// Narrowest card in a grid; below twice this cards stand in one column.
pub const CARD_MIN: f32 = 264.0;
/// Height of a chart.
pub const CHART: f32 = 168.0;
/// Longest motion, in seconds.
pub const MOTION_SECS: f32 = 0.15;
/// How strongly a tone colours the ground of its chip.
const SOFT: f32 = 0.14;

/// A theme's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Light letters on dark ground.
    pub dark: bool,
    /// The window.
    pub ground: Color32,
    /// The side bar.
    pub side: Color32,
    /// Cards.
    pub card: Color32,
    /// Fields, quiet buttons, tracks of bars.
    pub raised: Color32,
    /// The same under the pointer.
    pub hover: Color32,
    /// Borders of cards.
    pub border: Color32,
    /// Grid lines of charts and lanes.
    pub grid: Color32,
    /// Borders of fields and buttons.
    pub outline: Color32,
    /// Letters.
    pub text: Color32,
    /// Letters of less weight.
    pub muted: Color32,
    /// The one accent: ground of the big button.
    pub accent: Color32,
    /// The same under the pointer.
    pub accent_hover: Color32,
    /// Letters on it.
    pub on_accent: Color32,
    /// The accent as letters and as my line in a chart.
    pub accent_text: Color32,
    /// The focus ring.
    pub focus: Color32,
    /// What lies behind a question.
    pub veil: Color32,
    running: Color32,
    waiting: Color32,
    paused: Color32,
    problem: Color32,
    earned: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Dark.
pub const DARK: Palette = Palette {
    dark: true,
    ground: rgb(0x0f1217),
    side: rgb(0x0b0d11),
    card: rgb(0x161a21),
    raised: rgb(0x1f252e),
    hover: rgb(0x29303b),
    border: rgb(0x242a34),
    grid: rgb(0x242a34),
    outline: rgb(0x39424f),
    text: rgb(0xe8ebf0),
    muted: rgb(0xa0aab8),
    accent: rgb(0x3b6fe0),
    accent_hover: rgb(0x3366d6),
    on_accent: rgb(0xffffff),
    accent_text: rgb(0x82aeff),
    focus: rgb(0x82aeff),
    veil: Color32::from_black_alpha(160),
    running: rgb(0x4ac78e),
    waiting: rgb(0xe8b450),
    paused: rgb(0x93b4d8),
    problem: rgb(0xff8579),
    earned: rgb(0xbfa5ff),
};

/// Light.
pub const LIGHT: Palette = Palette {
    dark: false,
    ground: rgb(0xf5f6f8),
    side: rgb(0xeceef2),
    card: rgb(0xffffff),
    raised: rgb(0xf0f2f5),
    hover: rgb(0xe4e8ee),
    border: rgb(0xe1e5ea),
    grid: rgb(0xe8ebef),
    outline: rgb(0xc3cad3),
    text: rgb(0x171b22),
    muted: rgb(0x566170),
    accent: rgb(0x2f62d4),
    accent_hover: rgb(0x2756c0),
    on_accent: rgb(0xffffff),
    accent_text: rgb(0x2456bd),
    focus: rgb(0x2f62d4),
    veil: Color32::from_black_alpha(90),
    running: rgb(0x0f6b40),
    waiting: rgb(0x7d5200),
    paused: rgb(0x3f5a79),
    problem: rgb(0xb32d24),
    earned: rgb(0x5f3dba),
};

/// Black, white and strong colours.
pub const HIGH_CONTRAST: Palette = Palette {
    dark: true,
    ground: rgb(0x000000),
    side: rgb(0x000000),
    card: rgb(0x000000),
    raised: rgb(0x141414),
    hover: rgb(0x303030),
    border: rgb(0xbfbfbf),
    grid: rgb(0x4a4a4a),
    outline: rgb(0xffffff),
    text: rgb(0xffffff),
    muted: rgb(0xe6e6e6),
    accent: rgb(0xffd60a),
    accent_hover: rgb(0xffe357),
    on_accent: rgb(0x000000),
    accent_text: rgb(0xffd60a),
    focus: rgb(0x00e5ff),
    veil: Color32::from_black_alpha(200),
    running: rgb(0x4dff9a),
    waiting: rgb(0xffc53d),
    paused: rgb(0xa8d4ff),
    problem: rgb(0xff9088),
    earned: rgb(0xd9c2ff),
};

impl Palette {
    /// The colour of a meaning, for letters, lines and shapes.
    pub fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Running => self.running,
            Tone::Waiting => self.waiting,
            Tone::Paused => self.paused,
            Tone::Problem => self.problem,
            Tone::Earned => self.earned,
            Tone::Neutral => self.muted,
        }
    }

    /// The ground of a chip or banner of a meaning.
    pub fn soft(&self, tone: Tone) -> Color32 {
        mix(self.card, self.tone(tone), SOFT)
    }

    /// The border of a chip or banner of a meaning.
    pub fn soft_border(&self, tone: Tone) -> Color32 {
        mix(self.card, self.tone(tone), 3.0 * SOFT)
    }

    /// A cell of a heat strip, from nothing to everything.
    pub fn heat(&self, share: f32) -> Color32 {
        mix(self.raised, self.accent_text, share.clamp(0.0, 1.0))
    }
}

/// `share` of `other` in `base`.
fn mix(base: Color32, other: Color32, share: f32) -> Color32 {
    let part = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    Color32::from_rgb(part(base.r(), other.r()), part(base.g(), other.g()), part(base.b(), other.b()))
}

#[cfg(test)]
mod tests;
