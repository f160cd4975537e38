//! Every line as it crosses the pipe, and back.

use super::*;
use crate::{PauseFor, WizardIntent};

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn every_line_to_the_window_is_written_so_and_read_back() {
    let words = |words| ToWindow::Words { words };
    let log = LogLine { at_ms: 5, level: LogLevel::Warn, who: "peer-1".into(), text: "late".into() };
    let lines = [
        (words(Some(vec![secret("abandon"), secret("zoo")])), r#"{"say":"words","words":["abandon","zoo"]}"#),
        (words(None), r#"{"say":"words","words":null}"#),
        (ToWindow::Show { screen: Screen::Wallet }, r#"{"say":"show","screen":"wallet"}"#),
        (ToWindow::Raise, r#"{"say":"raise"}"#),
        (ToWindow::Bye, r#"{"say":"bye"}"#),
        (
            ToWindow::Points { series: Series::Loss, from: 7, points: vec![[1.0, 2.5]] },
            r#"{"say":"points","series":"loss","from":7,"points":[[1.0,2.5]]}"#,
        ),
        (
            ToWindow::Log { from: 0, lines: vec![log] },
            r#"{"say":"log","from":0,"lines":[{"at_ms":5,"level":"warn","who":"peer-1","text":"late"}]}"#,
        ),
    ];
    for (line, text) in lines {
        assert_eq!(serde_json::to_string(&line).unwrap(), text);
        assert_eq!(serde_json::from_str::<ToWindow>(text).unwrap(), line);
    }
    let snapshot = ToWindow::Snapshot(Box::default());
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<ToWindow>(&text).unwrap(), snapshot);
}

#[test]
fn every_line_from_the_window_is_written_so_and_read_back() {
    let press = |press| FromWindow::Intent(Intent::Wizard(press));
    let lines = [
        (
            FromWindow::Painted { after_ms: 120, adapter: "x".into() },
            r#"{"say":"painted","after_ms":120,"adapter":"x"}"#,
        ),
        (FromWindow::Intent(Intent::Start), r#"{"say":"intent","intent":"start"}"#),
        (
            FromWindow::Intent(Intent::Pause { for_how_long: PauseFor::Secs { secs: 60 } }),
            r#"{"say":"intent","intent":"pause","for_how_long":{"pause_for":"secs","secs":60}}"#,
        ),
        (press(WizardIntent::Next), r#"{"say":"intent","intent":"wizard","press":"next"}"#),
        (
            press(WizardIntent::Quiz { words: vec![secret("zoo")] }),
            r#"{"say":"intent","intent":"wizard","press":"quiz","words":["zoo"]}"#,
        ),
    ];
    for (line, text) in lines {
        assert_eq!(serde_json::to_string(&line).unwrap(), text);
        assert_eq!(serde_json::from_str::<FromWindow>(text).unwrap(), line);
    }
    let settings = FromWindow::Intent(Intent::Set(Box::default()));
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<FromWindow>(&text).unwrap(), settings);
}
