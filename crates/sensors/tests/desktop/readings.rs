//! Each source: what it says, and what is said where it is absent, hangs or talks nonsense.

use std::fs;

use sensors::{Appearance, Config, Places};

use crate::buses::Bus;
use crate::fakes::{NETWORK, Nonsense, NonsenseSession, SESSION, World, setting};
use crate::run::{Run, places};

const LOOK: &str = "org.freedesktop.appearance";

/// Both buses are one: the names do not meet.
fn on(bus: &Bus) -> Places {
    Places { system_bus: Some(bus.address()), session_bus: Some(bus.address()), ..places() }
}

#[tokio::test]
async fn every_service_is_read() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.state().settings = vec![
        setting(LOOK, "color-scheme", 1u32),
        setting(LOOK, "contrast", 1u32),
        setting(LOOK, "reduced-motion", 1u32),
    ];
    (world.state().metered, world.state().locked) = (1, true);
    world.logind(&connection).await;
    world.network(&connection).await;
    world.mutter(&connection).await;
    world.portal(&connection).await;
    let mut run = Run::start(on(&bus));
    let reading = run.reading(|_| true).await;
    assert_eq!((reading.metered, reading.online), (Some(true), Some(true)));
    assert_eq!((reading.idle_secs, reading.session_locked), (Some(5), Some(true)));
    let all = Appearance { dark: Some(true), high_contrast: Some(true), reduced_motion: Some(true) };
    assert_eq!(reading.appearance, all);
    assert!(reading.memory_free.is_some());
    assert_eq!((reading.full_screen, reading.meeting, reading.apps, reading.disk_free), (None, None, None, None));
    run.end().await;
}

#[tokio::test]
async fn where_nobody_is_nothing_is_known() {
    let Some(bus) = Bus::start() else { return };
    let nobody = Places { system_bus: Some("unix:path=/no/such/bus".to_owned()), ..places() };
    let unreadable = Places { session_bus: Some("nonsense".to_owned()), ..places() };
    let missing = Places { display: Some(":93210".to_owned()), ..places() };
    let far = Places { display: Some("elsewhere.example:0".to_owned()), ..places() };
    for places in [places(), nobody, unreadable, on(&bus), missing, far] {
        let mut run = Run::start(places);
        for _ in 0..2 {
            let reading = run.reading(|_| true).await;
            assert_eq!((reading.metered, reading.online, reading.idle_secs), (None, None, None));
            assert_eq!((reading.session_locked, reading.full_screen, reading.meeting), (None, None, None));
            assert_eq!(reading.appearance, Appearance::default());
            assert!(reading.memory_free.is_some(), "the other sources go on");
        }
        run.end().await;
    }
}

#[tokio::test]
async fn a_service_that_hangs_costs_a_deadline_once_and_the_others_go_on() {
    for hanging in ["network", "mutter", "portal", "logind"] {
        let Some(bus) = Bus::start() else { return };
        let (world, connection) = (World::new(), bus.connect().await);
        world.state().hangs = vec![hanging];
        world.state().settings = vec![setting(LOOK, "contrast", 0u32)];
        world.logind(&connection).await;
        world.network(&connection).await;
        world.mutter(&connection).await;
        world.portal(&connection).await;
        let mut run = Run::start(on(&bus));
        for _ in 0..3 {
            let reading = run.reading(|_| true).await;
            assert_eq!(reading.metered, (hanging != "network").then_some(false), "{hanging}");
            assert_eq!(reading.idle_secs, (hanging != "mutter").then_some(5), "{hanging}");
            assert_eq!(reading.appearance.high_contrast, (hanging != "portal").then_some(false), "{hanging}");
            assert_eq!(reading.session_locked, (hanging != "logind").then_some(false), "{hanging}");
        }
        run.end().await;
    }
}

#[tokio::test]
async fn nonsense_is_not_believed() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.state().mutter_ms = u64::MAX;
    world.state().settings = vec![
        setting(LOOK, "color-scheme", "dark"),
        setting(LOOK, "contrast", 7u32),
        setting(LOOK, "reduced-motion", vec![1u8; 5]),
        setting("org.gnome.desktop.interface", "color-scheme", "prefer-everything"),
    ];
    world.mutter(&connection).await;
    world.portal(&connection).await;
    let server = connection.object_server();
    server.at(NETWORK, Nonsense).await.unwrap();
    server.at(SESSION, NonsenseSession).await.unwrap();
    connection.request_name("org.freedesktop.NetworkManager").await.unwrap();
    connection.request_name("org.freedesktop.login1").await.unwrap();
    let mut run = Run::start(on(&bus));
    for _ in 0..2 {
        let reading = run.reading(|_| true).await;
        assert_eq!((reading.metered, reading.online, reading.idle_secs), (None, None, None));
        assert_eq!((reading.session_locked, reading.appearance), (None, Appearance::default()));
    }
    run.end().await;
}

#[tokio::test]
async fn codes_of_the_line_are_read_as_they_are_meant() {
    for (metered, connectivity, expected) in [
        (0, 0, (None, None)),
        (1, 1, (Some(true), Some(false))),
        (2, 2, (Some(false), Some(false))),
        (3, 3, (Some(true), None)),
        (4, 4, (Some(false), Some(true))),
    ] {
        let Some(bus) = Bus::start() else { return };
        let (world, connection) = (World::new(), bus.connect().await);
        (world.state().metered, world.state().connectivity) = (metered, connectivity);
        world.network(&connection).await;
        let mut run = Run::start(on(&bus));
        let reading = run.reading(|_| true).await;
        assert_eq!((reading.metered, reading.online), expected);
        run.end().await;
    }
}

#[tokio::test]
async fn a_screen_saver_is_believed_in_seconds_and_in_milliseconds_and_not_if_it_never_moves() {
    for (per_sec, expected) in [(1, true), (1_000, true), (0, false)] {
        let Some(bus) = Bus::start() else { return };
        let (world, connection) = (World::new(), bus.connect().await);
        (world.state().saver_per_sec, world.state().saver_active) = (per_sec, true);
        world.screen_saver(&connection).await;
        let mut run = Run::start(on(&bus));
        if expected {
            let reading = run.reading(|reading| reading.idle_secs.is_some()).await;
            assert!((100..160).contains(&reading.idle_secs.unwrap()), "{per_sec}: {:?}", reading.idle_secs);
            assert_eq!(reading.session_locked, Some(true), "the screen saver tells the lock, too");
        } else {
            for _ in 0..60 {
                assert_eq!(run.reading(|_| true).await.idle_secs, None);
            }
        }
        run.end().await;
    }
}

#[tokio::test]
async fn logind_is_believed_in_not_idle_only_after_it_has_said_idle() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    let mut run = Run::start(on(&bus));
    assert_eq!(run.reading(|_| true).await.idle_secs, None);
    world.state().idle_hint = true;
    let reading = run.reading(|reading| reading.idle_secs.is_some()).await;
    assert!((700..760).contains(&reading.idle_secs.unwrap()));
    world.state().idle_hint = false;
    run.reading(|reading| reading.idle_secs == Some(0)).await;
    run.end().await;
}

#[tokio::test]
async fn the_look_of_gnome_counts_where_the_portal_has_no_word_of_its_own() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.state().settings = vec![
        setting("org.gnome.desktop.interface", "color-scheme", "prefer-dark"),
        setting("org.gnome.desktop.interface", "enable-animations", false),
        setting("org.gnome.desktop.a11y.interface", "high-contrast", true),
    ];
    world.portal(&connection).await;
    let mut run = Run::start(on(&bus));
    let all = Appearance { dark: Some(true), high_contrast: Some(true), reduced_motion: Some(true) };
    assert_eq!(run.reading(|_| true).await.appearance, all);
    run.end().await;
}

#[tokio::test]
async fn programs_and_disk_are_read_once_somebody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("covey-test-game");
    fs::copy("/bin/sleep", &program).unwrap();
    let mut child = std::process::Command::new(&program).arg("600").spawn().unwrap();
    let mut run = Run::start(places());
    let reading = run.reading(|_| true).await;
    assert_eq!((reading.apps, reading.disk_free), (None, None));
    let apps = vec!["Covey-Test-Game".to_owned(), "no-such-program".to_owned()];
    run.config.send_replace(Config { apps, disk: Some(folder.path().join("not/yet")) });
    let reading = run.reading(|reading| reading.apps.is_some()).await;
    assert_eq!(reading.apps.unwrap(), ["Covey-Test-Game"]);
    assert!(reading.disk_free.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    run.reading(|reading| reading.apps.as_ref().is_some_and(Vec::is_empty)).await;
    run.end().await;
}

#[tokio::test]
async fn a_microphone_that_records_is_a_meeting() {
    let folder = tempfile::tempdir().unwrap();
    let status = folder.path().join("card0/pcm0c/sub0");
    fs::create_dir_all(&status).unwrap();
    fs::write(folder.path().join("cards"), "").unwrap();
    fs::write(status.join("status"), "closed\n").unwrap();
    let mut run = Run::start(Places { sound: folder.path().to_owned(), ..places() });
    assert_eq!(run.reading(|_| true).await.meeting, Some(false));
    fs::write(status.join("status"), "state: RUNNING\n").unwrap();
    run.reading(|reading| reading.meeting == Some(true)).await;
    run.end().await;
}
