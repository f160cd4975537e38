//! A picture of every state, for people to look at: `COVEY_PICTURES=folder cargo test -p ui --test setup pictures`.

use super::{Window, press, scenario, type_into};
use egui_kittest::Harness;
use std::path::PathBuf;
use ui::gallery::Scenario;
use ui::gallery::setup::{PAYOUT, setup_scenarios};
use ui::{PSEUDO_TAG, View};
use view_model::Theme;

const SIZE: [f32; 2] = [1180.0, 820.0];

fn folder() -> PathBuf {
    let folder =
        std::env::var_os("COVEY_PICTURES").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

fn painted(scenario: Scenario, size: [f32; 2]) -> Harness<'static, Window> {
    let mut view = View::new();
    view.go_to(scenario.screen);
    let state = Window { view, model: scenario.model, pressed: Vec::new() };
    let mut harness = Harness::builder().with_size(size).with_max_steps(40).wgpu().build_ui_state(
        |ui, window: &mut Window| {
            let pressed = window.view.show(ui, &window.model);
            window.pressed.extend(pressed);
        },
        state,
    );
    let _ = harness.run_ok();
    harness
}

fn save(harness: &mut Harness<'static, Window>, name: &str) {
    let _ = harness.run_ok();
    let picture = harness.render().expect("the picture can be drawn");
    picture.save(folder().join(format!("{name}.png"))).expect("the picture can be written");
}

/// Tall screens are drawn whole.
fn tall(name: &str) -> [f32; 2] {
    match name.split('-').next() {
        Some("settings") => [1180.0, 2100.0],
        Some("wallet" | "runs" | "earnings") => [1180.0, 1500.0],
        _ => SIZE,
    }
}

#[test]
fn pictures_of_every_state_in_both_themes() {
    for (theme, suffix) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
        for mut scenario in setup_scenarios() {
            scenario.model.snapshot.settings.look.theme = theme;
            let name = format!("{}-{suffix}", scenario.name);
            let size = tall(&name);
            save(&mut painted(scenario, size), &name);
        }
    }
}

#[test]
fn pictures_of_long_words_and_of_large_letters() {
    for mut scenario in setup_scenarios() {
        let look = &mut scenario.model.snapshot.settings.look;
        (look.theme, look.language) = (Theme::Light, Some(PSEUDO_TAG.to_owned()));
        let name = format!("{}-long", scenario.name);
        let size = tall(&name);
        save(&mut painted(scenario, size), &name);
    }
    for mut scenario in setup_scenarios() {
        let look = &mut scenario.model.snapshot.settings.look;
        (look.theme, look.text_percent) = (Theme::HighContrast, 200);
        let name = format!("{}-large", scenario.name);
        // A window of the usual size has room for half as many letters then.
        save(&mut painted(scenario, [SIZE[0] / 2.0, SIZE[1]]), &name);
    }
}

#[test]
fn pictures_of_what_is_typed_and_opened() {
    let mut create = painted(scenario("wizard-create-no-keychain"), SIZE);
    type_into(&mut create, "Name of the wallet", "home");
    type_into(&mut create, "Passphrase", "correct horse battery");
    type_into(&mut create, "Passphrase, once more", "correct horse");
    save(&mut create, "wizard-create-typed");
    let mut import = painted(scenario("wizard-import"), SIZE);
    type_into(
        &mut import,
        "The recovery words",
        "bottom drive obey lake curtain smoke basket hold race lonely fit walk",
    );
    press(&mut import, "Show The recovery words");
    save(&mut import, "wizard-import-typed");
    for (tab, name) in [("Seed", "seed"), ("btcli folder", "btcli"), ("Key file", "keyfile")] {
        press(&mut import, tab);
        save(&mut import, &format!("wizard-import-{name}"));
    }
    let mut payout = painted(scenario("wizard-payout"), SIZE);
    type_into(&mut payout, "Address (SS58)", PAYOUT);
    save(&mut payout, "wizard-payout-typed");
    let mut words = painted(scenario("wizard-words"), SIZE);
    press(&mut words, "Show the words");
    save(&mut words, "wizard-words-shown");
    let mut wallet = painted(scenario("wallet-two"), [1180.0, 1900.0]);
    press(&mut wallet, "Unlock");
    save(&mut wallet, "wallet-unlock");
    press(&mut wallet, "Show QR code of the hotkey home");
    press(&mut wallet, "Name a payout address");
    save(&mut wallet, "wallet-payout");
}
