//! How the window looks: the palette, the text's size, and motion, put into egui.
//!
//! In: the settings' look and what the desktop wants. Out: egui's style. It does nothing when nothing has changed.

use crate::design_tokens::{self as tokens, DARK, HIGH_CONTRAST, LIGHT, Palette};
use egui::{
    Context, CornerRadius, FontDefinitions, FontFamily, FontId, Id, Margin, Shadow, Stroke, Style, TextStyle, Vec2,
    Visuals,
};
use view_model::{Appearance, Look, Theme};

/// Smallest and largest text size, percent.
const TEXT_PERCENT: (u32, u32) = (80, 200);

/// The style of the one number of a card.
pub(crate) fn number_style() -> TextStyle {
    TextStyle::Name("number".into())
}

/// The palette that settings and desktop ask for together.
pub fn palette(look: &Look, appearance: &Appearance) -> &'static Palette {
    match look.theme {
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
        Theme::HighContrast => &HIGH_CONTRAST,
        Theme::System if appearance.high_contrast => &HIGH_CONTRAST,
        Theme::System if appearance.dark => &DARK,
        Theme::System => &LIGHT,
    }
}

/// Whether things may move.
pub fn motion(look: &Look, appearance: &Appearance) -> bool {
    !look.reduced_motion.unwrap_or(appearance.reduced_motion)
}

/// Puts theme, text size and motion into egui. Cheap when nothing has changed since the last call.
pub fn apply_look(ctx: &Context, look: &Look, appearance: &Appearance) {
    let (palette, motion) = (palette(look, appearance), motion(look, appearance));
    let zoom = look.text_percent.clamp(TEXT_PERCENT.0, TEXT_PERCENT.1) as f32 / 100.0;
    ctx.set_zoom_factor(zoom);
    let id = Id::unique("covey-look");
    let wanted = (*palette, motion);
    if ctx.data(|data| data.get_temp::<(Palette, bool)>(id)) == Some(wanted) {
        return;
    }
    if ctx.data(|data| data.get_temp::<(Palette, bool)>(id)).is_none() {
        ctx.set_fonts(fonts());
    }
    ctx.data_mut(|data| data.insert_temp(id, wanted));
    let theme = if palette.dark { egui::Theme::Dark } else { egui::Theme::Light };
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.set_theme(theme);
    ctx.set_style_of(theme, style(palette, motion));
}

/// The fonts that egui brings. The one for text has no arrows; the one for code does, and stands behind it.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let code: Vec<String> = fonts.families.get(&FontFamily::Monospace).cloned().unwrap_or_default();
    let text = fonts.families.entry(FontFamily::Proportional).or_default();
    for name in code {
        if !text.contains(&name) {
            text.push(name);
        }
    }
    fonts
}

fn style(palette: &Palette, motion: bool) -> Style {
    let mut style = Style { visuals: visuals(palette), ..Style::default() };
    let font = |size: f32| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, font(tokens::CAPTION)),
        (TextStyle::Body, font(tokens::BODY)),
        (TextStyle::Button, font(tokens::BODY)),
        (TextStyle::Heading, font(tokens::TITLE)),
        (number_style(), font(tokens::NUMBER)),
        (TextStyle::Monospace, FontId::new(tokens::CAPTION, FontFamily::Monospace)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::splat(tokens::SPACE_S);
    spacing.button_padding = Vec2::new(tokens::SPACE_M, tokens::SPACE_S);
    spacing.interact_size = Vec2::new(tokens::BUTTON, 24.0);
    spacing.menu_margin = Margin::same(tokens::SPACE_S as i8);
    spacing.window_margin = Margin::same(tokens::SPACE_XL as i8);
    spacing.tooltip_width = 360.0;
    spacing.scroll.floating = true;
    spacing.scroll.bar_width = 8.0;
    spacing.scroll.kinetic.rubber_band = false;
    spacing.icon_width = tokens::ICON;
    spacing.icon_width_inner = tokens::SPACE_S;
    spacing.combo_width = 160.0;
    style.interaction.tooltip_delay = 0.3;
    style.interaction.selectable_labels = false;
    style.animation_time = if motion { tokens::MOTION_SECS } else { 0.0 };
    style.scroll_animation = if motion {
        egui::style::ScrollAnimation::duration(tokens::MOTION_SECS)
    } else {
        egui::style::ScrollAnimation::none()
    };
    style.visuals.text_cursor.blink = false;
    style
}

fn visuals(p: &Palette) -> Visuals {
    let mut v = if p.dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(tokens::RADIUS as u8);
    let line = |colour| Stroke::new(tokens::LINE, colour);
    v.override_text_color = None;
    v.weak_text_color = Some(p.muted);
    v.panel_fill = p.ground;
    v.window_fill = p.card;
    v.window_stroke = line(p.border);
    v.window_corner_radius = radius;
    v.menu_corner_radius = radius;
    v.extreme_bg_color = p.raised;
    v.text_edit_bg_color = Some(p.raised);
    v.code_bg_color = p.raised;
    v.faint_bg_color = p.raised;
    v.hyperlink_color = p.accent_text;
    v.selection.bg_fill = p.accent;
    v.selection.stroke = Stroke::new(tokens::LINE, p.on_accent);
    v.error_fg_color = p.tone(view_model::Tone::Problem);
    v.warn_fg_color = p.tone(view_model::Tone::Waiting);
    let alpha = if p.dark { 120 } else { 40 };
    v.popup_shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: egui::Color32::from_black_alpha(alpha) };
    v.window_shadow = Shadow { offset: [0, 8], blur: 32, spread: 0, color: egui::Color32::from_black_alpha(alpha) };
    let w = &mut v.widgets;
    for (visuals, fill, stroke, text) in [
        (&mut w.noninteractive, p.card, line(p.border), p.text),
        (&mut w.inactive, p.raised, line(p.outline), p.text),
        (&mut w.hovered, p.hover, line(p.outline), p.text),
        (&mut w.active, p.hover, Stroke::new(tokens::FOCUS, p.focus), p.text),
        (&mut w.open, p.hover, line(p.outline), p.text),
    ] {
        visuals.bg_fill = fill;
        visuals.weak_bg_fill = fill;
        visuals.bg_stroke = stroke;
        visuals.corner_radius = radius;
        visuals.fg_stroke = Stroke::new(tokens::STROKE, text);
        visuals.expansion = 0.0;
    }
    v.slider_trailing_fill = true;
    v
}

#[cfg(test)]
mod tests;
