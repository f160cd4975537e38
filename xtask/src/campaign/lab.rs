//! Campaigns in the laboratory of network namespaces: `covey-netlab campaign NAME` runs one and prints a report; here it
//! becomes a page.
//!
//! In: the report line (the last one that the program prints). Out: `docs/campaigns/NAME.md`. A goal that does not hold is
//! written down like the others, and the exit code is 1. Where no lab can be built, it says so and writes nothing.

use super::Circumstances;
use crate::command_line::Consent;
use crate::place::Place;
use crate::setup::packages;
use crate::{cargo, machine, say};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// A campaign that takes longer hangs.
const LIMIT_SECS: &str = "5400";
/// `covey-netlab` cannot build a lab here.
const NOT_RUN: i32 = 3;

/// A campaign in the lab.
pub(super) struct LabCampaign {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Whether it starts the real `covey-peer`.
    pub(super) needs_peer: bool,
}

pub(super) const LAB_CAMPAIGNS: &[LabCampaign] = &[
    LabCampaign {
        name: "home-lines",
        about: "Eight peers and two validators on shaped home lines, two behind NAT, join by a link and train",
        needs_peer: true,
    },
    LabCampaign {
        name: "wire-churn",
        about: "On the same lines, half of the peers disturbed in every round: joins, leaves, kills, stops, splits",
        needs_peer: true,
    },
    LabCampaign {
        name: "nat",
        about: "Two homes behind all kinds of routers meet through a public node: straight where it can be",
        needs_peer: false,
    },
    LabCampaign {
        name: "uplink",
        about: "What an upload does to the line's other users, and what several holders and downloaders share",
        needs_peer: false,
    },
    LabCampaign {
        name: "payload-1b",
        about: "Utilisation with the 1B preset's payloads on 110/500 Mbit/s, exchange overlapped with compute or not",
        needs_peer: false,
    },
];

/// Runs it and writes its page.
pub(super) fn run(place: &Place, campaign: &LabCampaign, profile: Profile) -> Result<ExitCode> {
    // Without root there is no lab, whatever is installed: it says so itself.
    if machine::is_root() {
        packages::install_missing(&packages::missing_for_lab(), Consent::Ask)?;
    }
    build(place, campaign, profile)?;
    let since = Instant::now();
    say::doing(&format!("{}: as root, in network namespaces", campaign.name));
    let work = place.target.join("netlab").join(campaign.name);
    let mut child = Command::new("timeout")
        .args(["--foreground", "--kill-after=60", LIMIT_SECS])
        .arg(profile.program(place, "covey-netlab"))
        .args(["campaign", campaign.name, "--peer-program"])
        .arg(profile.program(place, "covey-peer"))
        .arg("--work")
        .arg(&work)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("`timeout` (package coreutils) can't be started")?;
    let mut report = None;
    for line in BufReader::new(child.stdout.take().context("the lab has no standard output")?).lines() {
        let line = line.context("the lab's output can't be read")?;
        match serde_json::from_str::<Value>(&line) {
            Ok(value) if value["event"] == "report" => report = Some(value),
            _ => println!("{line}"),
        }
    }
    let status = child.wait().context("the lab can't be waited for")?;
    if status.code() == Some(NOT_RUN) {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(report) = report.filter(|_| status.success()) else {
        bail!("`covey-netlab campaign {}` ended with {status} and without a report", campaign.name);
    };
    let text = markdown(campaign, &report, &Circumstances::of(place)?, profile);
    println!("\n{text}");
    super::write_page(place, campaign.name, &text)?;
    say::made("campaign", &format!("docs/campaigns/{}.md", campaign.name), since);
    Ok(if holds(&report) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How its programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// As users get them.
    Release,
    /// As tests are: seconds instead of a quarter of an hour, and slower when they run.
    Dev,
}

impl Profile {
    fn program(self, place: &Place, name: &str) -> std::path::PathBuf {
        match self {
            Self::Release => place.release_program(name),
            Self::Dev => place.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)),
        }
    }
}

fn build(place: &Place, campaign: &LabCampaign, profile: Profile) -> Result<()> {
    let mut command = cargo::cargo(place);
    command.args(["build", "--bins", "--package", "netlab"]);
    if campaign.needs_peer {
        command.args(["--package", "peer"]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    let status = command.status().context("cargo can't be started")?;
    if status.success() { Ok(()) } else { bail!("the build failed; cargo's message stands above") }
}

/// Whether every goal holds; a report without goals shows nothing.
fn holds(report: &Value) -> bool {
    report["goals"].as_array().is_some_and(|goals| !goals.is_empty() && goals.iter().all(|goal| goal["holds"] == true))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The page.
fn markdown(campaign: &LabCampaign, report: &Value, circumstances: &Circumstances, profile: Profile) -> String {
    let Circumstances { date, commit, machine } = circumstances;
    let dev = if profile == Profile::Dev { " --dev" } else { "" };
    let mut page = format!(
        "# Campaign `{}`\n\n{}.\n\nWritten by `cargo xtask campaign {}{dev}` on {date}, commit {commit}, on {machine}.\n",
        campaign.name, campaign.about, campaign.name
    );
    for sentence in texts(&report["how"]) {
        let _ = write!(page, "\n{sentence}\n");
    }
    let goals = report["goals"].as_array().map_or(&[][..], Vec::as_slice);
    let held = goals.iter().filter(|goal| goal["holds"] == true).count();
    let _ = write!(page, "\n**{held} of {} hold.**\n\n", goals.len());
    page += &row(["what must hold", "measured", "holds"].into_iter());
    page += "|---|---|---|\n";
    for goal in goals {
        let yes = if goal["holds"] == true { "yes" } else { "**no**" };
        let cells = [goal["what"].as_str().unwrap_or("unknown"), goal["measured"].as_str().unwrap_or("unknown"), yes];
        page += &row(cells.into_iter());
    }
    for table in report["tables"].as_array().into_iter().flatten() {
        let _ = write!(page, "\n## {}\n\n", table["title"].as_str().unwrap_or("Figures"));
        page += &row(texts(&table["columns"]));
        page += &format!("|{}\n", "---|".repeat(texts(&table["columns"]).count()));
        for cells in table["rows"].as_array().into_iter().flatten() {
            page += &row(texts(cells));
        }
    }
    let mut not_run = texts(&report["not_run"]).peekable();
    if not_run.peek().is_some() {
        page += "\n## Not run\n\n";
        not_run.for_each(|what| page += &format!("- {what}\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(report: &Value) -> String {
        let circumstances =
            Circumstances { date: "2026-11-25".into(), commit: "abc".into(), machine: "2 cores".into() };
        let uplink = LAB_CAMPAIGNS.iter().find(|campaign| campaign.name == "uplink").unwrap();
        markdown(uplink, report, &circumstances, Profile::Dev)
    }

    #[test]
    fn a_report_becomes_a_page_and_what_fails_is_written_down() {
        let report = json!({"event": "report", "how": ["Cubic."], "not_run": ["the big one: no time"],
            "goals": [{"what": "a", "measured": "1 | 2", "holds": true}, {"what": "b", "measured": "3", "holds": false}],
            "tables": [{"title": "Pings", "columns": ["way", "ms"], "rows": [["paced", "12"]]}]});
        let page = page(&report);
        for part in [
            "# Campaign `uplink`",
            "campaign uplink --dev` on 2026-11-25, commit abc, on 2 cores",
            "\nCubic.\n",
            "**1 of 2 hold.**",
            "| a | 1 \\| 2 | yes |\n| b | 3 | **no** |",
            "## Pings\n\n| way | ms |\n|---|---|\n| paced | 12 |",
            "## Not run\n\n- the big one: no time",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!holds(&report));
    }

    #[test]
    fn a_report_that_shows_nothing_does_not_hold() {
        assert!(!holds(&json!({"goals": []})));
        assert!(!holds(&json!({})));
        assert!(!holds(&json!({"goals": [{"what": "a"}]})));
        assert!(holds(&json!({"goals": [{"holds": true}]})));
        assert!(page(&json!({})).contains("**0 of 0 hold.**"));
    }
}
