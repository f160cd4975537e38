//! Settings and session on disk, whole, spoilt and newer.

use super::*;
use view_model::Theme;

fn read(folder: &Path) -> (Settings, Vec<String>) {
    let read = Files::read(folder);
    (read.settings, read.problems.into_iter().map(|problem| problem.code).collect())
}

#[test]
fn what_is_saved_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = Files::read(dir.path());
    assert_eq!((first.settings.clone(), first.problems.len()), (Settings::default(), 0));
    let mut settings = first.settings;
    settings.look.theme = Theme::Light;
    settings.pause.apps = vec!["game".to_owned()];
    first.files.save_settings(&settings).unwrap();
    assert_eq!(read(dir.path()), (settings, Vec::new()));
}

#[test]
fn a_file_written_by_hand_may_leave_out_what_it_likes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(SETTINGS), r#"{ "look": { "text_percent": 120 } }"#).unwrap();
    let (settings, problems) = read(dir.path());
    assert_eq!((settings.look.text_percent, problems.len()), (120, 0));
    assert!(settings.pause.battery, "the rest has its default");
}

#[test]
fn a_file_that_does_not_read_is_put_aside_and_said() {
    let long = format!("{{\"look\":{{\"language\":\"{}\"}}}}", "x".repeat(300 * 1024));
    for bad in ["", "{", "[]", "{\"look\":3}", "{\"lok\":{}}", "{\"version\":\"one\"}", "\0\0\0", long.as_str()] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(SETTINGS), bad).unwrap();
        let (settings, problems) = read(dir.path());
        assert_eq!((settings, problems), (Settings::default(), vec!["settings_bad".to_owned()]), "{bad:.40}");
        assert_eq!(std::fs::read_to_string(dir.path().join("settings.json.bad")).unwrap(), bad);
        assert_eq!(read(dir.path()).1.len(), 0, "said once");
    }
}

#[test]
fn a_newer_programs_settings_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let newer = r#"{"version":2,"look":{"glow":true}}"#;
    std::fs::write(dir.path().join(SETTINGS), newer).unwrap();
    let first = Files::read(dir.path());
    assert_eq!(first.problems[0].code, "settings_newer");
    first.files.save_settings(&Settings::default()).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join(SETTINGS)).unwrap(), newer);
}

#[test]
fn version_0_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(SETTINGS), r#"{"version":0,"autostart":true,"language":"de"}"#).unwrap();
    let (settings, problems) = read(dir.path());
    assert_eq!(
        (settings.behaviour.autostart, settings.look.language.as_deref(), problems.len()),
        (true, Some("de"), 0)
    );
}

#[test]
fn a_spoilt_session_costs_the_session_only() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(SESSION), "{\"job\":7}").unwrap();
    let read = Files::read(dir.path());
    assert_eq!((read.session, read.problems.len()), (Session::default(), 1));
    assert!(dir.path().join("session.json.bad").exists());
}
