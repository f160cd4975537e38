//! `nat`: two homes behind routers meet through a node in the open, and find the best way to each other.
//!
//! Holds if homes whose routers keep ports reach each other straight, and all others at least through the relay.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Bench, CampaignError};
use crate::report::{Report, Table};
use crate::{Lab, LabError, Line, Nat, Node, Plan, Process, Tail};

/// To find the relay, get a place, meet, and punch.
const PATIENCE: Duration = Duration::from_secs(45);
/// A way that has not got better for so long is the way.
const SETTLED: Duration = Duration::from_secs(20);
const RELAY: &str = "relay";
const HOMES: [&str; 2] = ["a", "b"];

/// What stands before each home, and the best that can be had.
struct Case {
    routers: [(&'static str, Nat, bool); 2],
    tcp_only: bool,
    want: &'static str,
}

const KEPT: (&str, Nat, bool) = ("port-restricted NAT", Nat::PortRestricted, false);
const MIXED: (&str, Nat, bool) = ("symmetric NAT", Nat::Symmetric, false);
const WALL: (&str, Nat, bool) = ("firewall", Nat::None, true);
const OPEN: (&str, Nat, bool) = ("nothing", Nat::None, false);

const CASES: [Case; 7] = [
    Case { routers: [KEPT, KEPT], tcp_only: false, want: "punched" },
    Case { routers: [KEPT, KEPT], tcp_only: true, want: "punched" },
    Case { routers: [WALL, KEPT], tcp_only: false, want: "punched" },
    Case { routers: [KEPT, OPEN], tcp_only: false, want: "direct" },
    Case { routers: [MIXED, OPEN], tcp_only: false, want: "direct" },
    Case { routers: [MIXED, KEPT], tcp_only: false, want: "relayed" },
    Case { routers: [MIXED, MIXED], tcp_only: false, want: "relayed" },
];

pub(super) fn run(bench: &Bench) -> Result<Report, CampaignError> {
    let mut report =
        Report::new(["Two homes on 20/100 Mbit/s lines, 10 ms one way each, and a public node that relays, in \
        network namespaces; routers drop what comes in unasked. Each home is told of the public node only."]);
    let columns = [
        "before the one",
        "before the other",
        "transport",
        "way found",
        "seconds",
        "reach of the one",
        "reach of the other",
    ];
    let mut table = Table::new("Ways", &columns);
    for case in &CASES {
        let [(one, ..), (other, ..)] = case.routers;
        let transport = if case.tcp_only { "TCP only" } else { "QUIC and TCP" };
        let met = meet(bench, case)?;
        println!("{one}, {other}, {transport}: {}", met.way);
        let measured = format!("{} after {:.1} s", met.way, met.after.as_secs_f64());
        report.goal(
            format!("{one} and {other}, {transport}: {}", case.want),
            measured,
            good_enough(&met.way, case.want),
        );
        let cells =
            [one, other, transport, &met.way, &format!("{:.1}", met.after.as_secs_f64()), &met.reach[0], &met.reach[1]];
        table.row(cells.map(ToString::to_string));
    }
    report.tables.push(table);
    Ok(report)
}

/// Ways from the worst to the best.
const WAYS: [&str; 4] = ["none", "relayed", "punched", "direct"];

/// A way counts as what is wanted, or as better.
fn good_enough(way: &str, want: &str) -> bool {
    rank(way) >= rank(want)
}

fn rank(way: &str) -> usize {
    let way = way.split(' ').next().unwrap_or_default();
    WAYS.iter().position(|known| *known == way).unwrap_or(0)
}

/// How two homes met.
struct Met {
    way: String,
    after: Duration,
    reach: [String; 2],
}

fn meet(bench: &Bench, case: &Case) -> Result<Met, CampaignError> {
    let dir = bench.fresh("nat")?;
    let mut nodes = vec![Node::public(RELAY)];
    for (name, (_, nat, firewall)) in HOMES.iter().zip(case.routers) {
        nodes.push(Node::home(*name, Line { nat, firewall, ..Line::SLOW.delayed(10.0) }));
    }
    let lab = Lab::build(&Plan { nodes }, &dir)?;
    let public = lab.public_address(RELAY)?;
    let transports = if case.tcp_only { &["tcp/4001"][..] } else { &["udp/4001/quic-v1", "tcp/4001"][..] };
    let mut relay = vec!["--public".to_owned()];
    for transport in transports {
        relay.extend(["--listen".to_owned(), format!("/ip4/0.0.0.0/{transport}")]);
        relay.extend(["--external".to_owned(), format!("/ip4/{public}/{transport}")]);
    }
    let mut relay = Small::start(&lab, &dir, RELAY, relay, case.tcp_only)?;
    let relay_id = relay.peer(bench)?;
    let mut homes = Vec::new();
    for name in HOMES {
        let mut args: Vec<String> = Vec::new();
        for transport in transports {
            args.extend(["--bootstrap".to_owned(), format!("/ip4/{public}/{transport}/p2p/{relay_id}")]);
        }
        homes.push(Small::start(&lab, &dir, name, args, case.tcp_only)?);
    }
    let other = homes[1].peer(bench)?;
    let begun = Instant::now();
    let (mut way, mut after) = ("none".to_owned(), Duration::ZERO);
    bench.wait(PATIENCE, || {
        for home in &mut homes {
            home.listen()?;
        }
        let now = homes[0].way_to(&other);
        if rank(&now) > rank(&way) {
            (way, after) = (now, begun.elapsed());
        }
        let over = way.starts_with("direct")
            || way.starts_with("punched")
            || begun.elapsed() > after + SETTLED && way != "none";
        Ok(over.then_some(()))
    })?;
    let reach = [homes[0].reach(), homes[1].reach()];
    Ok(Met { way, after, reach })
}

/// A running `covey-netlab node`.
struct Small {
    process: Process,
    tail: Tail,
    peer: Option<String>,
    view: Value,
}

impl Small {
    fn start(
        lab: &Lab,
        dir: &std::path::Path,
        name: &str,
        args: Vec<String>,
        tcp_only: bool,
    ) -> Result<Self, CampaignError> {
        let mut words = vec!["node".to_owned(), "--dir".to_owned(), dir.join(name).display().to_string()];
        words.extend(args);
        if tcp_only {
            words.push("--tcp-only".to_owned());
        }
        let program = std::env::current_exe().map_err(LabError::io("find the own program"))?;
        let process = lab.start(name, name, &program, words, &[])?;
        let tail = process.tail()?;
        Ok(Self { process, tail, peer: None, view: Value::Null })
    }

    fn listen(&mut self) -> Result<(), CampaignError> {
        while let Some(line) = self.tail.next_line().map_err(LabError::io("read what a node says"))? {
            let value: Value = serde_json::from_str(&line).unwrap_or_default();
            match value["event"].as_str() {
                Some("listening") => self.peer = value["peer"].as_str().map(ToOwned::to_owned),
                Some("view") => self.view = value,
                _ => {}
            }
        }
        Ok(())
    }

    /// Its identity, once it has said it.
    fn peer(&mut self, bench: &Bench) -> Result<String, CampaignError> {
        let peer = bench.wait(PATIENCE, || {
            self.listen()?;
            Ok(self.peer.clone())
        })?;
        let last = self.process.last_words();
        peer.ok_or(CampaignError::Late { what: "a node's identity".to_owned(), secs: PATIENCE.as_secs(), last })
    }

    /// How it is connected to somebody: `punched by QUIC`.
    fn way_to(&self, peer: &str) -> String {
        let mut peers = self.view["peers"].as_array().into_iter().flatten();
        let Some(found) = peers.find(|found| found["peer"] == peer) else { return "none".to_owned() };
        let transport = if found["quic"] == true { "QUIC" } else { "TCP" };
        format!("{} by {transport}", found["path"].as_str().unwrap_or("none"))
    }

    fn reach(&self) -> String {
        let word = |key: &str| self.view[key].as_str().unwrap_or("unknown").to_owned();
        format!("{} ({})", word("reach"), word("cause"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_way_than_wanted_is_good_enough_and_a_worse_one_is_not() {
        assert!(good_enough("direct by TCP", "punched") && good_enough("relayed by QUIC", "relayed"));
        assert!(!good_enough("relayed by TCP", "punched") && !good_enough("none", "relayed"));
        assert!(CASES.iter().all(|case| rank(case.want) > 0));
    }
}
