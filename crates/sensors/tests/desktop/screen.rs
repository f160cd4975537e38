//! A real X server, without a window manager: the test says which window is active.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sensors::{FullScreen, Places};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, Window, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::run::{Run, places};

struct Server {
    process: Child,
    display: String,
}

impl Server {
    /// `None`, and a line that says so, where there is no Xvfb.
    fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        let Ok(mut process) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            eprintln!("not run: Xvfb is not installed (package xvfb)");
            return None;
        };
        let mut number = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        assert_ne!(display, ":", "the X server did not come up");
        Some(Self { process, display })
    }

    fn places(&self, wayland: bool) -> Places {
        Places { display: Some(self.display.clone()), wayland, ..places() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program with one window.
struct Program {
    connection: RustConnection,
    root: Window,
    window: Window,
}

impl Program {
    fn start(server: &Server) -> Self {
        let (connection, screen) = RustConnection::connect(Some(&server.display)).unwrap();
        let (root, window) = (connection.setup().roots[screen].root, connection.generate_id().unwrap());
        let (class, aux) = (WindowClass::INPUT_OUTPUT, CreateWindowAux::new());
        connection.create_window(0, window, root, 0, 0, 640, 480, 0, class, 0, &aux).unwrap();
        connection.map_window(window).unwrap();
        let it = Self { connection, root, window };
        let (property, text) = (AtomEnum::WM_CLASS, AtomEnum::STRING);
        it.connection.change_property8(PropMode::REPLACE, window, property, text, b"game\0A Game\0").unwrap();
        it
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    fn set(&self, window: Window, name: &str, kind: AtomEnum, words: &[u32]) {
        let name = self.atom(name);
        self.connection.change_property32(PropMode::REPLACE, window, name, kind, words).unwrap().check().unwrap();
    }

    fn full_screen(&self, yes: bool) {
        let state = [self.atom("_NET_WM_STATE_ABOVE"), self.atom("_NET_WM_STATE_FULLSCREEN")];
        self.set(self.window, "_NET_WM_STATE", AtomEnum::ATOM, &state[..if yes { 2 } else { 1 }]);
    }

    fn activate(&self, window: Window) {
        self.set(self.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[window]);
    }
}

fn program(app: &str) -> Option<FullScreen> {
    Some(FullScreen::Program { app: app.to_owned() })
}

#[tokio::test]
async fn a_window_that_fills_the_screen_is_seen_with_the_name_of_its_program() {
    let Some(server) = Server::start() else { return };
    let mut run = Run::start(server.places(false));
    assert_eq!(run.reading(|_| true).await.full_screen, None, "nobody says which window is active");
    let game = Program::start(&server);
    game.activate(0);
    run.reading(|reading| reading.full_screen == Some(FullScreen::Nothing)).await;
    game.activate(game.window);
    game.full_screen(true);
    run.reading(|reading| reading.full_screen == program("A Game")).await;
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    game.set(game.window, "_NET_WM_PID", AtomEnum::CARDINAL, &[child.id()]);
    run.reading(|reading| reading.full_screen == program("sleep")).await;
    game.set(game.window, "_NET_WM_PID", AtomEnum::CARDINAL, &[std::process::id()]);
    run.reading(|reading| reading.full_screen == Some(FullScreen::Nothing)).await;
    game.set(game.window, "_NET_WM_PID", AtomEnum::CARDINAL, &[u32::MAX]);
    run.reading(|reading| reading.full_screen == program("A Game")).await;
    game.full_screen(false);
    run.reading(|reading| reading.full_screen == Some(FullScreen::Nothing)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    run.end().await;
}

#[tokio::test]
async fn hostile_properties_and_windows_that_have_gone_are_nothing() {
    let Some(server) = Server::start() else { return };
    let game = Program::start(&server);
    let mut run = Run::start(server.places(false));
    game.activate(0xdead_beef);
    run.reading(|reading| reading.full_screen == Some(FullScreen::Nothing)).await;
    // The state is past what is read of it.
    let mut states = vec![game.atom("_NET_WM_STATE_ABOVE"); 60_000];
    states.push(game.atom("_NET_WM_STATE_FULLSCREEN"));
    game.set(game.window, "_NET_WM_STATE", AtomEnum::ATOM, &states);
    game.activate(game.window);
    assert_eq!(run.reading(|reading| reading.full_screen.is_some()).await.full_screen, Some(FullScreen::Nothing));
    let class = [b"a\0".as_slice(), "\u{1b}]0;x\u{7}".repeat(10_000).as_bytes()].concat();
    let (property, text) = (AtomEnum::WM_CLASS, AtomEnum::STRING);
    game.connection.change_property8(PropMode::REPLACE, game.window, property, text, &class).unwrap();
    game.full_screen(true);
    let seen = run.reading(|reading| matches!(reading.full_screen, Some(FullScreen::Program { .. }))).await;
    let Some(FullScreen::Program { app }) = seen.full_screen else { unreachable!() };
    assert!(app.chars().count() <= 64 && app.starts_with("]0;x") && !app.contains('\u{1b}'), "{app:?}");
    run.end().await;
}

#[tokio::test]
async fn the_servers_own_clock_tells_for_how_long_no_key_was_pressed() {
    let Some(server) = Server::start() else { return };
    let mut run = Run::start(server.places(false));
    let first = run.reading(|reading| reading.idle_secs.is_some()).await.idle_secs.unwrap();
    run.reading(|reading| reading.idle_secs.is_some_and(|idle| idle > first)).await;
    run.end().await;
}

#[tokio::test]
async fn under_wayland_x11_is_believed_only_in_what_it_sees() {
    let Some(server) = Server::start() else { return };
    let game = Program::start(&server);
    game.activate(game.window);
    game.full_screen(false);
    let mut run = Run::start(server.places(true));
    for _ in 0..3 {
        let reading = run.reading(|_| true).await;
        assert_eq!((reading.full_screen, reading.idle_secs), (None, None));
    }
    game.full_screen(true);
    let reading = run.reading(|reading| reading.full_screen.is_some()).await;
    assert_eq!((reading.full_screen, reading.idle_secs), (program("A Game"), None));
    run.end().await;
}

#[tokio::test]
async fn a_server_that_hangs_or_ends_is_cannot_tell_and_the_others_go_on() {
    let Some(mut server) = Server::start() else { return };
    let mut run = Run::start(server.places(false));
    run.reading(|reading| reading.idle_secs.is_some()).await;
    kill_process(Pid::from_child(&server.process), Signal::STOP).unwrap();
    let reading = run.reading(|reading| reading.idle_secs.is_none()).await;
    assert!(reading.memory_free.is_some());
    kill_process(Pid::from_child(&server.process), Signal::CONT).unwrap();
    run.end().await;
    let mut run = Run::start(server.places(false));
    run.reading(|reading| reading.idle_secs.is_some()).await;
    server.process.kill().unwrap();
    run.reading(|reading| reading.idle_secs.is_none()).await;
    run.end().await;
}
