//! What the desktop says by itself, and holding it.

use std::future::Future;
use std::time::Duration;

use sensors::{Appearance, KeepAwake, KeepAwakeError, Places, Sensed};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use zbus::message::Message;

use crate::buses::Bus;
use crate::fakes::{Held, LOGIND, NETWORK, PORTAL, SESSION, World, setting};
use crate::run::{Run, places};

const MANAGER: &str = "org.freedesktop.login1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const LOOK: &str = "org.freedesktop.appearance";

fn on(bus: &Bus) -> Places {
    Places { system_bus: Some(bus.address()), session_bus: Some(bus.address()), ..places() }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    TaskTracker::new().spawn(task)
}

async fn prepare(connection: &zbus::Connection, member: &str, begins: bool) {
    connection.emit_signal(None::<()>, LOGIND, MANAGER, member, &begins).await.unwrap();
}

fn what(sensed: &Sensed) -> Option<&'static str> {
    match sensed {
        Sensed::Sleep(_) => Some("sleep"),
        Sensed::Woke => Some("woke"),
        Sensed::SessionEnding(_) => Some("ending"),
        Sensed::Reading(_) | Sensed::AppearanceChanged(_) => None,
    }
}

#[tokio::test]
async fn sleep_waits_for_the_hold_and_the_next_sleep_does_again() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    let mut run = Run::start(on(&bus));
    for (turn, member) in ["PrepareForSleep", "PrepareForShutdown", "PrepareForSleep"].into_iter().enumerate() {
        // The hold is taken before a reading is told.
        while world.holds("delay") <= turn {
            run.reading(|_| true).await;
        }
        assert_eq!(world.state().holds[turn].what, "sleep:shutdown");
        let gone = spawn(Held::gone(world.end_of("delay")));
        prepare(&connection, member, true).await;
        let hold = run
            .until(|sensed| match sensed {
                Sensed::Sleep(hold) if member == "PrepareForSleep" => Some(hold),
                Sensed::SessionEnding(hold) if member == "PrepareForShutdown" => Some(hold),
                _ => None,
            })
            .await;
        // While it goes to sleep, no new hold is taken, and the old one is there as long as we want.
        run.reading(|_| true).await;
        run.reading(|_| true).await;
        assert_eq!(world.holds("delay"), turn + 1);
        assert!(!gone.is_finished(), "the system waits");
        drop(hold);
        gone.await.unwrap();
        prepare(&connection, member, false).await;
    }
    run.end().await;
}

#[tokio::test]
async fn waking_up_is_told_and_a_shutdown_that_is_called_off_is_not() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    let mut run = Run::start(on(&bus));
    run.reading(|_| true).await;
    prepare(&connection, "PrepareForShutdown", false).await;
    prepare(&connection, "PrepareForSleep", false).await;
    assert_eq!(run.until(|sensed| what(&sensed)).await, "woke");
    run.end().await;
}

#[tokio::test]
async fn nobody_but_logind_can_announce_sleep() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    let mut run = Run::start(on(&bus));
    run.reading(|_| world.holds("delay") > 0).await;
    let to = world.state().holds[0].to.clone();
    let impostor = bus.connect().await;
    for destination in [None, Some(to.as_str())] {
        let mut signal = Message::signal(LOGIND, MANAGER, "PrepareForSleep").unwrap();
        if let Some(to) = destination {
            signal = signal.destination(to).unwrap();
        }
        impostor.send(&signal.build(&true).unwrap()).await.unwrap();
    }
    // An answer to the impostor: the bus has handed its signals on.
    impostor.call_method(Some("org.freedesktop.DBus"), "/", Some("org.freedesktop.DBus"), "GetId", &()).await.unwrap();
    prepare(&connection, "PrepareForShutdown", true).await;
    assert_eq!(run.until(|sensed| what(&sensed)).await, "ending");
    run.end().await;
}

#[tokio::test]
async fn nonsense_in_a_signal_is_no_signal() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    let mut run = Run::start(on(&bus));
    run.reading(|_| true).await;
    let long = "true".repeat(10_000);
    connection.emit_signal(None::<()>, LOGIND, MANAGER, "PrepareForSleep", &long).await.unwrap();
    connection.emit_signal(None::<()>, LOGIND, MANAGER, "PrepareForSleep", &()).await.unwrap();
    prepare(&connection, "PrepareForShutdown", true).await;
    assert_eq!(run.until(|sensed| what(&sensed)).await, "ending");
    run.end().await;
}

#[tokio::test]
async fn line_and_lock_are_read_anew_when_they_change() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    world.network(&connection).await;
    let mut run = Run::start(on(&bus));
    let before = run.reading(|_| true).await;
    assert_eq!((before.metered, before.session_locked), (Some(false), Some(false)));
    (world.state().metered, world.state().locked) = (1, true);
    for path in [NETWORK, SESSION] {
        connection.emit_signal(None::<()>, path, PROPERTIES, "PropertiesChanged", &()).await.unwrap();
    }
    run.reading(|reading| reading.metered == Some(true)).await;
    run.reading(|reading| reading.session_locked == Some(true)).await;
    run.end().await;
}

#[tokio::test]
async fn a_new_look_is_told_when_it_changes_and_once() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.state().settings = vec![setting(LOOK, "color-scheme", 2u32)];
    world.portal(&connection).await;
    let mut run = Run::start(on(&bus));
    let look = |sensed| match sensed {
        Sensed::AppearanceChanged(look) => Some(look),
        _ => None,
    };
    assert_eq!(run.until(look).await, Appearance { dark: Some(false), ..Appearance::default() });
    world.state().settings = vec![setting(LOOK, "color-scheme", 1u32)];
    for _ in 0..10 {
        connection.emit_signal(None::<()>, PORTAL, SETTINGS, "SettingChanged", &()).await.unwrap();
    }
    assert_eq!(run.until(look).await, Appearance { dark: Some(true), ..Appearance::default() });
    world.state().settings = vec![setting(LOOK, "contrast", 1u32)];
    connection.emit_signal(None::<()>, PORTAL, SETTINGS, "SettingChanged", &()).await.unwrap();
    assert_eq!(run.until(look).await, Appearance { high_contrast: Some(true), ..Appearance::default() });
    run.end().await;
}

#[tokio::test]
async fn a_busy_listener_misses_readings_and_nothing_else() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    world.mutter(&connection).await;
    let mut run = Run::start(on(&bus));
    while world.state().mutter_asked < 20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    prepare(&connection, "PrepareForSleep", true).await;
    assert_eq!(run.until(|sensed| what(&sensed)).await, "sleep");
    run.end().await;
}

#[tokio::test]
async fn the_computer_is_kept_awake_until_the_guard_is_dropped() {
    let Some(bus) = Bus::start() else { return };
    let (world, connection) = (World::new(), bus.connect().await);
    world.logind(&connection).await;
    let guard = KeepAwake::take(&on(&bus), "Trains").await.unwrap();
    assert_eq!(world.state().holds[0].what, "idle:sleep");
    let gone = spawn(Held::gone(world.end_of("block")));
    assert!(!gone.is_finished());
    drop(guard);
    gone.await.unwrap();
    world.state().refuses_holds = true;
    let refused = KeepAwake::take(&on(&bus), "Trains").await.unwrap_err();
    assert_eq!(refused, KeepAwakeError::Refused("notfor you".to_owned()));
    (world.state().refuses_holds, world.state().hangs) = (false, vec!["logind"]);
    assert_eq!(KeepAwake::take(&on(&bus), "Trains").await.unwrap_err(), KeepAwakeError::Slow);
    assert_eq!(KeepAwake::take(&places(), "Trains").await.unwrap_err(), KeepAwakeError::Unsupported);
    let empty = Bus::start().unwrap();
    assert_eq!(KeepAwake::take(&on(&empty), "Trains").await.unwrap_err(), KeepAwakeError::Unsupported);
}
