//! `payload-1b`: what part of the time a peer of the 1B preset computes on a 110/500 Mbit/s line, if it exchanges while it
//! computes, and if it does not.
//!
//! The exchange is real and full-sized, by `covey-netlab node`; the computing is a sleep, and the page says so.

use std::time::{Duration, Instant};

use super::node::{Blob, Nodes, Shape};
use super::{Bench, CampaignError};
use crate::report::{Report, Table};
use crate::{Lab, Line, Node, Plan, plain_copy};

/// Contributions a round takes: twenty, the own one among them.
const CONTRIBUTIONS: usize = 20;
/// The other peers' bytes stand on so many unshaped nodes: two cores cannot carry twenty homes.
const OTHERS: usize = 4;
/// What a round computes in the paper: twenty minutes.
const NOMINAL: Duration = Duration::from_secs(1200);
/// The sleep: a tenth of it, which makes the exchange weigh ten times as much.
const COMPUTE: Duration = Duration::from_secs(120);
const MIN_UTILISATION: f64 = 0.945;
const PATIENCE: Duration = Duration::from_secs(600);
/// Bytes of a payload: a round billion of parameters at the reference's fixed 14 bits per value sent, and the preset's
/// 1.205 billion in our coding, 0.0195 bytes each.
const SIZES: [(&str, u64); 2] = [("10⁹ parameters, fixed rate", 27_343_750), ("preset `1b`, Rice code", 23_497_500)];

pub(super) fn run(bench: &Bench) -> Result<Report, CampaignError> {
    let mut report = Report::new([
        format!(
            "One home on 110/500 Mbit/s, 10 ms one way, against {OTHERS} unshaped nodes that stand for the other {} peers: it \
             fetches {} payloads and sends as many payloads' bytes, the mean of a swarm in which everybody uploads. TCP uses \
             cubic. Full-sized payloads, random bytes.",
            CONTRIBUTIONS - 1,
            CONTRIBUTIONS - 1
        ),
        format!(
            "**Computing is a sleep** of {} s, a tenth of the paper's {} s, so that the exchange weighs ten times as much as it \
             would. *Serial* is arithmetic: the sleep (or the paper's window) and then the exchange. *Overlapped* is \
             measured: both begin together and the round ends with the later. What the exchange costs the processor, and \
             so a peer that computes on it, stands beside.",
            COMPUTE.as_secs(),
            NOMINAL.as_secs()
        ),
    ]);
    let columns = [
        "payload",
        "MB each",
        "exchange, s",
        "line's own limit, s",
        "plain TCP up, s",
        "processor, s",
        "overlapped, 120 s (measured)",
        "serial, 120 s (arithmetic)",
        "serial, 1200 s (arithmetic)",
    ];
    let mut table = Table::new("Utilisation", &columns);
    for (index, (name, bytes)) in SIZES.into_iter().enumerate() {
        let round = exchange(bench, index, bytes)?;
        let share = |compute: Duration, wall: Duration| compute.as_secs_f64() / wall.as_secs_f64();
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let overlapped = share(COMPUTE, round.wall);
        let sent = bytes as f64 * (CONTRIBUTIONS - 1) as f64;
        table.row([
            name.to_owned(),
            format!("{:.1}", bytes as f64 / 1e6),
            format!("{:.1}", round.took.as_secs_f64()),
            format!("{:.1}", sent * 8.0 / 110e6),
            format!("{:.1}", round.plain.as_secs_f64()),
            format!("{:.1}", round.processor.as_secs_f64()),
            percent(overlapped),
            percent(share(COMPUTE, COMPUTE + round.took)),
            percent(share(NOMINAL, NOMINAL + round.took)),
        ]);
        let serial = share(COMPUTE, COMPUTE + round.took);
        report.goal(
            format!("utilisation of at least 94.5 % with {:.1} MB payloads on 110/500 Mbit/s", bytes as f64 / 1e6),
            format!("{} overlapped over 120 s; {} serial over 120 s", percent(overlapped), percent(serial)),
            overlapped >= MIN_UTILISATION,
        );
    }
    report.tables.push(table);
    Ok(report)
}

struct Round {
    /// The exchange alone.
    took: Duration,
    /// Exchange and sleep.
    wall: Duration,
    /// The home's uplink by a plain copy of the same bytes.
    plain: Duration,
    /// The home node's processor time.
    processor: Duration,
}

/// One round's exchange while a sleep runs.
fn exchange(bench: &Bench, index: usize, bytes: u64) -> Result<Round, CampaignError> {
    let dir = bench.fresh(&format!("lab-{index}"))?;
    let others: Vec<String> = (1..=OTHERS).map(|n| format!("other-{n}")).collect();
    let mut plan = vec![Node::home("home", Line::FAST.delayed(10.0))];
    plan.extend(others.iter().map(Node::public));
    let lab = Lab::build(&Plan { nodes: plan }, &dir)?;
    let blobs =
        |from: u64| -> Vec<Blob> { (1..CONTRIBUTIONS as u64).map(|n| Blob { seed: from + n, bytes }).collect() };
    let (theirs, ours) = (blobs(1000), blobs(2000));
    let share = |all: &[Blob], nth: usize| -> Vec<Blob> { all.iter().skip(nth).step_by(OTHERS).copied().collect() };
    let mut nodes = Nodes::new(bench, &lab, &format!("nodes-{index}"))?;
    for (nth, other) in others.iter().enumerate() {
        // Each waits for the home that comes last.
        let shape = Shape { holds: share(&theirs, nth), gets: share(&ours, nth), knows: 1, ..Shape::default() };
        nodes.start(other, &shape)?;
    }
    nodes.start("home", &Shape { holds: ours, gets: theirs, knows: OTHERS, ..Shape::default() })?;
    let begun = Instant::now();
    let all = nodes.go(PATIENCE)?;
    let took = all.iter().map(|(_, fetched)| fetched.took).max().unwrap_or_default();
    let processor = all.iter().filter(|(name, _)| name == "home").map(|(_, fetched)| fetched.processor).sum();
    std::thread::sleep(COMPUTE.saturating_sub(begun.elapsed()));
    let wall = begun.elapsed();
    drop(nodes);
    let plain = plain_copy(&lab, &["home"], &others[0], bytes * (CONTRIBUTIONS - 1) as u64)?;
    Ok(Round { took, wall, plain, processor })
}
