//! Writes every screen and state of the window as PNG files into a folder, for people to look at.
//!
//! `cargo run -p ui --example gallery -- DIR [PART-OF-A-NAME]`. In: the sample states of `ui::gallery`. Out: one picture a
//! state and theme, and for some states one with long texts and one with large letters.

use egui::accesskit::Role;
use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use locale::Locale;
use std::path::{Path, PathBuf};
use ui::gallery::setup::setup_scenarios;
use ui::gallery::{Scenario, scenarios};
use ui::{PSEUDO_TAG, View};
use view_model::Theme;

/// How a picture is taken: suffix, theme, width, height, text size in percent, language.
type Shot = (&'static str, Theme, f32, f32, u32, Option<&'static str>);

/// All of them.
const SHOTS: [Shot; 6] = [
    ("dark", Theme::Dark, 1280.0, 1400.0, 100, None),
    ("light", Theme::Light, 1280.0, 1400.0, 100, None),
    ("contrast", Theme::HighContrast, 1280.0, 1400.0, 100, None),
    ("narrow", Theme::Dark, 760.0, 1900.0, 100, None),
    ("long", Theme::Light, 1280.0, 1500.0, 100, Some(PSEUDO_TAG)),
    ("large", Theme::Dark, 640.0, 1200.0, 200, None),
];

fn main() -> Result<(), String> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map(PathBuf::from).ok_or("usage: gallery DIR [PART-OF-A-NAME]")?;
    let part = args.next().unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for (shot, theme, width, height, percent, language) in SHOTS {
        for mut scenario in scenarios().into_iter().chain(setup_scenarios()) {
            let name = format!("{}-{shot}", scenario.name);
            if !name.contains(&part) {
                continue;
            }
            let look = &mut scenario.model.snapshot.settings.look;
            look.theme = theme;
            look.text_percent = percent;
            look.language = language.map(str::to_owned);
            picture(scenario, vec2(width, height), &folder, &name)?;
        }
    }
    Ok(())
}

fn picture(scenario: Scenario, size: egui::Vec2, folder: &Path, name: &str) -> Result<(), String> {
    let mut view = View::new();
    view.go_to(scenario.screen);
    let (model, part) = (scenario.model, scenario.part);
    let pseudo = model.snapshot.settings.look.language.as_deref() == Some(PSEUDO_TAG);
    let words = if pseudo { Locale::pseudo() } else { Locale::english() };
    let mut harness = Harness::builder().with_size(size).wgpu().build_ui(move |ui| {
        view.show(ui, &model);
    });
    harness.run_ok();
    if let Some(key) = part {
        harness.get_by_role_and_label(Role::Tab, &words.text(key)).click();
        harness.run_ok();
        harness.remove_cursor();
        harness.run_ok();
    }
    let image = harness.render()?;
    let path = folder.join(format!("{name}.png"));
    image.save(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
