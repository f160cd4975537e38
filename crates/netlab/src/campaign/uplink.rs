//! `uplink`: what a payload going out does to the line's other users, what several holders give one downloader, and what
//! one seed must send to four.
//!
//! By the small node of `covey-netlab node`, which uses the exchange and the swarm as the peer does, without training.
//! A plain TCP copy over the same lines stands beside each figure.

use std::time::Duration;

use super::node::{Blob, Nodes, Shape};
use super::{Bench, CampaignError};
use crate::report::{Report, Table, median};
use crate::{Lab, Line, Node, Pinger, Pings, Plan, plain_copy};

/// The 1B preset's payload: 0.02734375 bytes a parameter.
const PAYLOAD: Blob = Blob { seed: 1, bytes: 27_343_750 };
/// What several holders share.
const SHARED: Blob = Blob { seed: 2, bytes: 64 << 20 };
/// The slow line's uplink in bytes per second.
const SLOW_UP: u64 = 20_000_000 / 8;
/// Longest upload that is waited for.
const PATIENCE: Duration = Duration::from_secs(180);
/// Pings before, to know the line at rest.
const AT_REST: Duration = Duration::from_secs(5);
/// Share of the line that a paced upload may take, as the peer's own default.
const PACED_SHARE: f64 = 0.85;
const MAX_ADDED_MS: f64 = 30.0;
const MIN_FOUR_HOLDERS: f64 = 3.4;
const MAX_SEED_SENDS: f64 = 1.1;
/// Runs of each; the middle one counts.
const REPEATS: usize = 3;

pub(super) fn run(bench: &Bench) -> Result<Report, CampaignError> {
    let mut report = Report::new([
        "Each node is a network namespace of its own on one machine, TCP uses cubic, routers have 100 ms of \
         buffer before each slow line and no active queue management. Nodes are `covey-netlab node`: exchange and swarm as \
         in the peer, and nothing else.",
    ]);
    pings(bench, &mut report)?;
    holders(bench, &mut report)?;
    fan_out(bench, &mut report)?;
    Ok(report)
}

/// Pings over a line that uploads.
fn pings(bench: &Bench, report: &mut Report) -> Result<(), CampaignError> {
    let dir = bench.fresh("pings")?;
    let plan =
        Plan { nodes: vec![Node::home("home", Line::SLOW.delayed(10.0)), Node::public("other"), Node::public("far")] };
    let lab = Lab::build(&plan, &dir)?;
    let mut table = Table::new(
        format!("Pings over a 20/100 Mbit/s line, 20 ms long there and back, while {} MB go out", PAYLOAD.megabytes()),
        &[
            "upload",
            "seconds",
            "Mbit/s",
            "ping median, ms",
            "ping 95 %, ms",
            "lost",
            "added at the median, ms",
            "added at 95 %, ms",
        ],
    );
    let pinger = Pinger::start(&lab, "home", "far")?;
    std::thread::sleep(AT_REST);
    let rest = pinger.stop()?;
    table.row(ping_row("none", None, &rest, &rest));
    let pinger = Pinger::start(&lab, "home", "far")?;
    let took = plain_copy(&lab, &["home"], "other", PAYLOAD.bytes)?;
    table.row(ping_row("plain TCP, cubic", Some(took), &pinger.stop()?, &rest));
    for (name, up) in [("Covey, not paced", None), ("Covey, paced", Some((SLOW_UP as f64 * PACED_SHARE) as u64))] {
        let mut nodes = Nodes::new(bench, &lab, if up.is_some() { "paced" } else { "unpaced" })?;
        nodes.start("home", &Shape { up, holds: vec![PAYLOAD], ..Shape::default() })?;
        nodes.start("other", &Shape { gets: vec![PAYLOAD], knows: 1, ..Shape::default() })?;
        let pinger = Pinger::start(&lab, "home", "far")?;
        let took = nodes.go_alone(PATIENCE)?.took;
        let pings = pinger.stop()?;
        if up.is_some() {
            let added = added(pings.slow(), rest.slow());
            let measured = added.map_or("unknown".to_owned(), |added| format!("{added:.1} ms at 95 %, {took:.1?}"));
            let what = format!("a paced upload adds less than {MAX_ADDED_MS} ms to pings on 20 Mbit/s");
            report.goal(what, measured, added.is_some_and(|added| added < MAX_ADDED_MS));
        }
        table.row(ping_row(name, Some(took), &pings, &rest));
    }
    report.tables.push(table);
    Ok(())
}

fn added(with: Option<f64>, without: Option<f64>) -> Option<f64> {
    with.zip(without).map(|(with, without)| (with - without).max(0.0))
}

fn ping_row(name: &str, took: Option<Duration>, pings: &Pings, rest: &Pings) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or("unknown".to_owned(), |value| format!("{value:.1}"));
    let secs = took.map(|took| took.as_secs_f64());
    vec![
        name.to_owned(),
        secs.map_or(String::new(), |secs| format!("{secs:.1}")),
        secs.map_or(String::new(), |secs| format!("{:.1}", PAYLOAD.bytes as f64 * 8e-6 / secs)),
        number(pings.median()),
        number(pings.slow()),
        pings.lost.to_string(),
        number(added(pings.median(), rest.median())),
        number(added(pings.slow(), rest.slow())),
    ]
}

/// One, two, four holders, each 110 Mbit/s up, one downloader, 500 down.
fn holders(bench: &Bench, report: &mut Report) -> Result<(), CampaignError> {
    let dir = bench.fresh("holders")?;
    let names = ["h1", "h2", "h3", "h4"];
    let mut nodes: Vec<Node> = names.iter().map(|name| Node::home(*name, Line::FAST)).collect();
    nodes.push(Node::home("d", Line::FAST));
    let lab = Lab::build(&Plan { nodes }, &dir)?;
    let mut table = Table::new(
        format!("{} MiB from several holders on 110/500 Mbit/s, middle of {REPEATS}", SHARED.bytes >> 20),
        &["holders", "Covey, MB/s", "against one", "plain TCP, MB/s", "against one"],
    );
    let (mut one, mut last) = (None, (0.0, 0.0));
    for count in [1, 2, 4] {
        let (mut covey, mut plain) = (Vec::new(), Vec::new());
        for repeat in 0..REPEATS {
            plain.push(rate(plain_copy(&lab, &names[..count], "d", SHARED.bytes)?));
            let mut nodes = Nodes::new(bench, &lab, &format!("holders-{count}-{repeat}"))?;
            for name in &names[..count] {
                nodes.start(name, &Shape { holds: vec![SHARED], ..Shape::default() })?;
            }
            nodes.start("d", &Shape { gets: vec![SHARED], knows: count, ..Shape::default() })?;
            covey.push(rate(nodes.go_alone(PATIENCE)?.took));
        }
        let now = (median(&covey).unwrap_or(0.0), median(&plain).unwrap_or(0.0));
        let (first_covey, first_plain) = *one.get_or_insert(now);
        last = (now.0 / first_covey, now.1 / first_plain);
        let cells = [now.0, last.0, now.1, last.1].map(|value| format!("{value:.2}"));
        table.row([count.to_string()].into_iter().chain(cells));
    }
    report.goal(
        format!("four holders give at least {MIN_FOUR_HOLDERS} times what one gives"),
        format!("{:.2} times (plain TCP: {:.2})", last.0, last.1),
        last.0 >= MIN_FOUR_HOLDERS,
    );
    report.tables.push(table);
    Ok(())
}

fn rate(took: Duration) -> f64 {
    SHARED.bytes as f64 / 1e6 / took.as_secs_f64()
}

/// One seed, four downloaders that start together and serve each other.
fn fan_out(bench: &Bench, report: &mut Report) -> Result<(), CampaignError> {
    let dir = bench.fresh("fan-out")?;
    let names = ["d1", "d2", "d3", "d4"];
    let mut homes: Vec<Node> = names.iter().map(|name| Node::home(*name, Line::FAST)).collect();
    homes.push(Node::home("seed", Line::FAST));
    let lab = Lab::build(&Plan { nodes: homes }, &dir)?;
    let mut nodes = Nodes::new(bench, &lab, "fan")?;
    nodes.start("seed", &Shape { holds: vec![SHARED], ..Shape::default() })?;
    let before = lab.traffic("seed")?.up;
    for name in names {
        nodes.start(name, &Shape { gets: vec![SHARED], knows: names.len(), ..Shape::default() })?;
    }
    let mut table = Table::new(
        format!("{} MiB from one seed to four, all lines 110/500 Mbit/s", SHARED.bytes >> 20),
        &["downloader", "seconds", "MB up"],
    );
    for (name, fetched) in nodes.go(PATIENCE)? {
        table.row([name, format!("{:.1}", fetched.took.as_secs_f64())]);
    }
    for (row, name) in table.rows.iter_mut().zip(names) {
        row[2] = format!("{:.1}", lab.traffic(name)?.up as f64 / 1e6);
    }
    let sent = (lab.traffic("seed")?.up - before) as f64;
    let times = sent / SHARED.bytes as f64;
    table.row(["the seed".to_owned(), String::new(), format!("{:.1}", sent / 1e6)]);
    report.goal(
        format!("the seed sends at most {MAX_SEED_SENDS} times the payload to four downloaders"),
        format!("{times:.2} times, with all headers"),
        times <= MAX_SEED_SENDS,
    );
    report.tables.push(table);
    Ok(())
}
