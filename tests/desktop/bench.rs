//! `cargo xtask bench desktop`: how long the app takes to show itself, what it costs to have it open, and how fast it
//! lets go. Real programs on a screen of their own, drawn by software; medians, spread and CPU time, nothing asserted.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails should say where"
)]

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "program.rs"]
mod program;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "session.rs"]
mod session;

use program::App;
use session::{Session, eventually};
use std::fs;
use std::time::{Duration, Instant};

/// Starts that are timed.
const STARTS: usize = 7;
/// How long CPU time is counted while nothing happens.
const IDLE: Duration = Duration::from_secs(20);
/// Pairs of speeds with the window open and closed.
const PAIRS: usize = 5;
/// Speeds that are read in each half of a pair.
const READINGS: usize = 12;

fn main() {
    // `cargo test --benches` runs this with `--test`-like words; only `cargo bench` measures.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    starts();
    idle();
    speed_and_stop();
}

fn starts() {
    let (mut whole, mut window) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let session = Session::x11().with_a_welcomed_owner();
        let began = Instant::now();
        let mut app = App::start(&session, &[]);
        let log = session.data().join("logs/covey.log");
        let mut line = String::new();
        while line.is_empty() {
            assert!(began.elapsed() < session::PATIENCE, "no first frame: {}", app.printed());
            std::thread::sleep(Duration::from_millis(4));
            let text = fs::read_to_string(&log).unwrap_or_default();
            line = text.lines().find(|line| line.contains("first frame after")).unwrap_or_default().to_owned();
        }
        whole.push(began.elapsed().as_secs_f64() * 1e3);
        let own = line.split("first frame after ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        window.push(own.parse::<f64>().unwrap());
        app.kill();
    }
    report("start to first frame", "ms", &mut whole);
    report("of that in the window's process", "ms", &mut window);
}

fn idle() {
    let session = Session::x11().with_a_welcomed_owner();
    let app = App::start(&session, &[]);
    eventually("the first frame", || app.printed().contains("first frame after"));
    std::thread::sleep(Duration::from_secs(5));
    let window = app.window().unwrap();
    let (shell_before, window_before) = (ticks(app.id()), ticks(window));
    std::thread::sleep(IDLE);
    println!("visible and idle, shell        {:8.2} % of a core", percent(ticks(app.id()) - shell_before));
    println!("visible and idle, window       {:8.2} % of a core", percent(ticks(window) - window_before));
    println!("memory (PSS), shell            {:8.1} MB", pss(app.id()));
    println!("memory (PSS), window           {:8.1} MB", pss(window));
    close(&session);
    eventually("the window is gone", || app.window().is_none());
    std::thread::sleep(Duration::from_secs(3));
    let before = ticks(app.id());
    std::thread::sleep(IDLE);
    println!("hidden, shell                  {:8.2} % of a core", percent(ticks(app.id()) - before));
    println!("hidden, memory (PSS)           {:8.1} MB", pss(app.id()));
}

fn speed_and_stop() {
    let session = Session::x11().with_a_welcomed_owner();
    let app = App::start(&session, &[]);
    app.ctl(&["do", r#"{"intent":"start_rehearsal","peers":2,"rounds":100,"inner_steps":30}"#]);
    app.wait_for_activity("running");
    let (mut open, mut shut, mut difference) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        app.ctl(&["show", "home"]);
        eventually("there is a window", || app.window().is_some());
        let with = speed(&app);
        close(&session);
        eventually("the window is gone", || app.window().is_none());
        let without = speed(&app);
        open.push(with);
        shut.push(without);
        difference.push((1.0 - with / without) * 100.0);
    }
    report("tokens/s of a peer, window open", "", &mut open);
    report("tokens/s of a peer, window closed", "", &mut shut);
    report("lost while the window is open", "%", &mut difference);
    let began = Instant::now();
    app.ctl(&["stop", "--now"]);
    eventually("the trainers are gone", || app.below("covey-peer").is_empty());
    println!("stop to no trainer left        {:8.0} ms", began.elapsed().as_secs_f64() * 1e3);
}

/// Median tokens per second of the first peer over some steps.
fn speed(app: &App<'_>) -> f64 {
    std::thread::sleep(Duration::from_secs(3));
    let mut rates = Vec::new();
    while rates.len() < READINGS {
        std::thread::sleep(Duration::from_millis(500));
        if let Some(rate) = app.snapshot()["training"]["now"]["tokens_per_sec"].as_f64() {
            rates.push(rate);
        }
    }
    median(&mut rates)
}

fn close(session: &Session) {
    session.command("wmctrl").args(["-F", "-c", "Covey"]).status().unwrap();
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(what: &str, unit: &str, values: &mut [f64]) {
    let middle = median(values);
    let (least, most) = (values[0], values[values.len() - 1]);
    println!("{what:<34} {middle:8.1} {unit} ({least:.1} to {most:.1}, {} times)", values.len());
}

/// CPU time in hundredths of a second.
fn ticks(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}

fn percent(ticks: f64) -> f64 {
    ticks / IDLE.as_secs_f64()
}

fn pss(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1000.0
}
