//! A wallet made by presses, and where its recovery words are afterwards: nowhere.

use crate::needles::{Needle, find_in_memory, find_needles, of_text, of_words};
use crate::program::{App, below};
use crate::session::{Session, eventually};
use crate::tree::Reader;
use std::time::Duration;

/// A little more than a copied secret stays on the clipboard.
const CLIPBOARD: Duration = Duration::from_secs(33);

/// Every form in which the words cross the app: the clipboard's, the pipe's, the accessibility tree's.
fn needles(words: &[String]) -> Vec<Needle> {
    let mut needles = of_words(&words.join(" "));
    for (i, three) in words.windows(3).enumerate() {
        needles.push(of_text(&format!("words {} to {} in JSON", i + 1, i + 3), &three.join("\",\"")));
    }
    for (i, word) in words.iter().enumerate() {
        needles.push(of_text(&format!("label of word {}", i + 1), &format!("Word {}: {word}", i + 1)));
    }
    needles
}

fn found_in(app: &App<'_>, needles: &[Needle]) -> Vec<String> {
    let mut found = Vec::new();
    for pid in std::iter::once(app.id()).chain(below(app.id())) {
        let (places, read) = find_in_memory(needles, &format!("process {pid}"), pid);
        assert!(read > 0, "process {pid} can't be looked into");
        found.extend(places);
    }
    found
}

#[test]
fn after_the_wizard_the_recovery_words_are_in_no_process_and_not_on_the_clipboard() {
    let session = Session::x11().with_a_welcomed_owner();
    let reader = Reader::new(&session);
    let app = App::start(&session, &["--hidden"]);
    app.wait_for("the app answers", |state| state["version"].is_string());
    app.ctl(&["show", "wallet"]);
    reader.press("Set up a wallet");
    reader.press("Make a new wallet");
    reader.wait_for_text("Name of the wallet");
    let typed = session.command("xdotool").args(["type", "--delay", "60", "home"]).status();
    assert!(typed.expect("xdotool is installed").success());
    session.screenshot("6-new-wallet");
    reader.press("Make the wallet");
    reader.press("Show the words");
    reader.press("Copy the words");
    reader.press("Let a screen reader read them");
    let mut words = Vec::new();
    eventually("twelve words can be read", || {
        words = (1..=12)
            .filter_map(|n| {
                let before = format!("Word {n}: ");
                let nodes = reader.nodes();
                nodes.iter().find_map(|node| node.name.strip_prefix(&before).map(str::to_owned))
            })
            .filter(|word| !word.contains(' '))
            .collect();
        words.len() == 12
    });
    let needles = needles(&words);
    assert!(!found_in(&app, &needles).is_empty(), "while they are shown they are somewhere: the search works");

    reader.press("I have written them down");
    reader.press("Later");
    session.screenshot("8-after-the-quiz");
    if reader.control("Leave set-up").is_some() {
        reader.press("Leave set-up");
    }
    let state = app.wait_for("the wizard is closed", |state| state["wizard"].is_null());
    assert_eq!(state["wallet"]["wallets"][0]["name"], "home", "{}", state["wallet"]);
    assert_eq!(state["wallet"]["wallets"][0]["backed_up"], false, "a reminder stays");
    std::thread::sleep(CLIPBOARD);
    app.ctl(&["show", "home"]);
    eventually("the words are nowhere", || found_in(&app, &needles).is_empty());
    let elsewhere = find_needles(&needles, &[("covey", app.id())], &[session.home()]);
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
