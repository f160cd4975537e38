//! The desktop's wishes, the settings' last word.

use super::*;

fn desktop(dark: bool, high_contrast: bool, reduced_motion: bool) -> Appearance {
    Appearance { dark, high_contrast, reduced_motion }
}

#[test]
fn the_theme_follows_the_desktop_until_the_settings_name_one() {
    let system = Look::default();
    assert_eq!(*palette(&system, &desktop(true, false, false)), DARK);
    assert_eq!(*palette(&system, &desktop(false, false, false)), LIGHT);
    assert_eq!(*palette(&system, &desktop(false, true, false)), HIGH_CONTRAST);
    let light = Look { theme: Theme::Light, ..Look::default() };
    assert_eq!(*palette(&light, &desktop(true, true, false)), LIGHT);
}

#[test]
fn reduced_motion_takes_every_animation_away() {
    let ctx = Context::default();
    let look = Look::default();
    apply_look(&ctx, &look, &desktop(true, false, true));
    assert_eq!(ctx.style_of(egui::Theme::Dark).animation_time, 0.0);
    let moving = Look { reduced_motion: Some(false), ..look };
    apply_look(&ctx, &moving, &desktop(true, false, true));
    let secs = ctx.style_of(egui::Theme::Dark).animation_time;
    assert!(secs > 0.0 && secs <= 0.15, "{secs}");
}

#[test]
fn text_grows_between_eighty_and_two_hundred_percent_and_no_further() {
    for (asked, zoom) in [(10, 0.8), (80, 0.8), (100, 1.0), (200, 2.0), (u32::MAX, 2.0)] {
        let ctx = Context::default();
        let look = Look { text_percent: asked, ..Look::default() };
        let frame = || {
            let mut out = ctx.run_ui(egui::RawInput::default(), |ui| {
                apply_look(ui.ctx(), &look, &Appearance::default());
            });
            out.textures_delta.clear();
        };
        frame();
        frame();
        assert_eq!(ctx.zoom_factor(), zoom, "{asked}");
    }
}
