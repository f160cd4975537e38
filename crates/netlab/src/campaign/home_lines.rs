//! `home-lines`: eight peers on eight different lines join by a link, from a founder in the open, and train together.
//!
//! Holds if every round's parameters are the same everywhere and every peer gets through all rounds.

use std::time::{Duration, Instant};

use super::founded::{FOUNDER, Founded};
use super::{Bench, CampaignError};
use crate::account::compare;
use crate::report::{Report, Table};
use crate::{Lab, Line, Nat, Node, Plan};

/// Rounds to go.
const ROUNDS: u64 = 10;
/// A round on two cores that eleven processes share takes well under a minute.
const PER_ROUND: Duration = Duration::from_secs(120);
/// Starting eleven processes and fetching the run.
const TO_BEGIN: Duration = Duration::from_secs(300);

/// The lines: both kinds, 20 to 60 ms from each other, up to 0.1 % loss, two behind routers that translate.
pub(super) fn plan() -> Plan {
    let lines = [
        Line::FAST.delayed(10.0),
        Line::FAST.delayed(15.0).lossy(0.02),
        Line::FAST.delayed(20.0).behind(Nat::PortRestricted),
        Line::FAST.delayed(30.0),
        Line::SLOW.delayed(10.0).lossy(0.1),
        Line::SLOW.delayed(15.0),
        Line::SLOW.delayed(20.0).behind(Nat::Symmetric),
        Line { firewall: true, ..Line::SLOW.delayed(30.0).lossy(0.05) },
    ];
    let homes = lines.into_iter().enumerate().map(|(index, line)| Node::home(format!("home-{}", index + 1), line));
    Plan { nodes: [Node::public(FOUNDER)].into_iter().chain(homes).collect() }
}

/// What the founder is told: few and short inner steps, because two cores compute for eleven processes.
pub(super) const OPTIONS: &[&str] = &[
    "--model",
    "tiny",
    "--inner-steps",
    "4",
    "--batch",
    "2",
    "--sequence",
    "64",
    "--validators",
    "2",
    "--expected-peers",
    "8",
    "--phase-secs",
    "60",
    "--block-ms",
    "500",
    "--threads",
    "1",
    "--device",
    "cpu",
    "--alpha",
    "1.0",
];

pub(super) fn run(bench: &Bench) -> Result<Report, CampaignError> {
    let rounds = bench.rounds.unwrap_or(ROUNDS);
    let dir = bench.fresh("home-lines")?;
    let plan = plan();
    let lab = Lab::build(&plan, &dir)?;
    let congestion = lab.congestion().to_owned();
    let mut run = Founded::start(bench, lab, dir, OPTIONS)?;
    println!("founded: {}", run.link());
    let homes: Vec<&Node> = plan.nodes.iter().filter(|node| node.name != FOUNDER).collect();
    for home in &homes {
        run.join(&home.name)?;
    }
    let begun = Instant::now();
    let patience = TO_BEGIN + PER_ROUND * u32::try_from(rounds).unwrap_or(u32::MAX);
    let mut said = None;
    let mut fallen = Vec::new();
    let done = bench.wait(patience, || {
        run.listen()?;
        fallen.extend(run.fallen()?);
        if run.round() != said {
            said = run.round();
            println!("round {} after {} s", said.unwrap_or(0), begun.elapsed().as_secs());
        }
        let all = run.members.values().all(|member| member.account.thetas.len() as u64 >= rounds);
        Ok((all || !fallen.is_empty()).then_some(()))
    })?;
    let mut report = Report::new([
        format!(
            "Each node is a network namespace of its own on one machine; TCP uses {congestion}. The founder runs the ledger, \
             two validators and a seed in the open; the peers are started with `covey-peer join LINK`."
        ),
        format!(
            "`covey-peer found lab --stories {}`. Twelve processes share the machine's cores, so seconds are the machine's and not the lines'.",
            OPTIONS.join(" ")
        ),
    ]);
    judge(&mut report, &run, &homes, (rounds, rounds), begun.elapsed());
    for (node, words) in fallen {
        report.goal(format!("{node} stays"), words, false);
    }
    if done.is_none() {
        report.goal("in time", format!("{} s were not enough", patience.as_secs()), false);
    }
    report.tables.push(per_peer(&run, &homes)?);
    report
        .not_run
        .push("the 150M preset: eleven processes of it do not fit in the memory of the machine at hand".to_owned());
    Ok(report)
}

/// The goals: so many rounds compared in all, so many taken by each.
pub(super) fn judge(report: &mut Report, run: &Founded, homes: &[&Node], (rounds, each): (u64, u64), took: Duration) {
    let (differ, compared) = compare(run.accounts());
    let measured = format!("{} rounds compared, {} differ, {} s in all", compared.len(), differ.len(), took.as_secs());
    let enough = compared.len() as u64 >= rounds;
    report.goal("equal parameters everywhere after every round", measured, differ.is_empty() && enough);
    let through = run.members.values().filter(|member| member.account.thetas.len() as u64 >= each).count();
    let what = format!("every peer takes at least {each} outer steps");
    report.goal(what, format!("{through} of {} did", homes.len()), through == homes.len());
    let sent = run.members.values().filter(|member| !member.account.sent.is_empty()).count();
    report.goal("every peer gets a submission in", format!("{sent} of {} did", homes.len()), sent == homes.len());
}

/// The table.
pub(super) fn per_peer(run: &Founded, homes: &[&Node]) -> Result<Table, CampaignError> {
    let columns = [
        "peer",
        "line",
        "outer steps",
        "submissions",
        "inner steps' share of its time",
        "MB up",
        "MB down",
        "reached",
        "last connections",
    ];
    let mut table = Table::new("Per peer", &columns);
    for home in homes {
        let Some(member) = run.members.get(&home.name) else { continue };
        let account = &member.account;
        let traffic = run.lab.traffic(&home.name)?;
        let share = account.utilisation().map_or("unknown".to_owned(), |share| format!("{:.1} %", share * 100.0));
        let reach = account.reach.map_or("unknown".to_owned(), |reach| format!("{reach:?}").to_lowercase());
        table.row([
            home.name.clone(),
            home.words(),
            account.thetas.len().to_string(),
            account.sent.len().to_string(),
            share,
            format!("{:.1}", traffic.up as f64 / 1e6),
            format!("{:.1}", traffic.down as f64 / 1e6),
            reach,
            account.path_words(),
        ]);
    }
    Ok(table)
}
