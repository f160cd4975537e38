//! `cargo xtask campaign NAME`: a recorded series of rehearsals, judged against what must hold, written to
//! `docs/campaigns/NAME.md` with date, commit and machine.
//!
//! The first rehearsal of each campaign is the clean one that the others are compared with. A variant that does not
//! hold is written down like the others, and the exit code is 1. Campaigns of `lab` run in network namespaces instead.

mod account;
mod lab;
mod report;

use crate::command_line::{CampaignOptions, SetupOptions, UsageError};
use crate::place::Place;
use crate::{machine, rehearse, run, say, setup};
use account::Account;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// A rehearsal that takes longer hangs; one takes two to three minutes on two cores.
const LIMIT_SECS: &str = "1200";

/// A series of rehearsals.
pub(crate) struct Campaign {
    name: &'static str,
    about: &'static str,
    /// Beside the clean one, which has no words of its own.
    variants: &'static [Variant],
}

/// One rehearsal, and what must hold for it beyond what must hold for all.
struct Variant {
    name: &'static str,
    args: &'static [&'static str],
    must: Must,
}

/// What a variant must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// Equal parameters, one verdict per peer and round, credits that add up, a falling loss.
    Hold,
    /// All that; and the cheater earns at most 5 % of an honest peer's credits, and the loss stays within 1 % of the
    /// clean run's.
    CatchCheater,
    /// All that; and a process was started again.
    Recover,
}

const fn cheater(name: &'static str, args: &'static [&'static str]) -> Variant {
    Variant { name, args, must: Must::CatchCheater }
}

const fn kill(name: &'static str, args: &'static [&'static str]) -> Variant {
    Variant { name, args, must: Must::Recover }
}

const fn on_node(name: &'static str, args: &'static [&'static str]) -> Variant {
    Variant { name, args, must: Must::Hold }
}

const CLEAN: Variant = Variant { name: "clean", args: &[], must: Must::Hold };

const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "cheaters",
        about: "One cheater of each kind beside four honest peers: caught, hardly paid, and the model none the worse",
        variants: &[
            cheater("noise", &["--cheater", "noise"]),
            cheater("copycat", &["--cheater", "copycat"]),
            cheater("lazy", &["--cheater", "lazy"]),
            cheater("norm-bomb", &["--cheater", "norm-bomb"]),
            cheater("nan", &["--cheater", "nan"]),
            cheater("lone-index", &["--cheater", "lone-index"]),
            cheater("stale", &["--cheater", "stale"]),
        ],
    },
    Campaign {
        name: "kills",
        about: "kill -9 of a peer, the validator and the ledger in the middle of a round: the run goes on",
        variants: &[
            kill("peer, early", &["--kill-at", "1", "--kill", "peer-1"]),
            kill("peer, late", &["--kill-at", "8", "--kill", "peer-3"]),
            kill("validator", &["--kill-at", "4", "--kill", "validator-1"]),
            kill("ledger", &["--kill-at", "4", "--kill", "ledger"]),
        ],
    },
    Campaign {
        name: "churn",
        about: "A peer that joins late by checkpoint and replay, one that leaves, and both at once",
        variants: &[
            Variant { name: "join", args: &["--join-at", "5"], must: Must::Hold },
            Variant { name: "leave", args: &["--leave-at", "5"], must: Must::Hold },
            Variant { name: "both", args: &["--join-at", "5", "--leave-at", "7"], must: Must::Hold },
        ],
    },
    Campaign {
        name: "bittensor",
        about: "On a Subtensor node, whose clock waits for nobody: forks, outages, standstills, an upgrade, a kill",
        variants: &[
            on_node("node", &["--chain", "subtensor"]),
            on_node("fork", &["--chain", "subtensor", "--disturb", "reorg@3", "--disturb", "reorg@6"]),
            on_node("outage", &["--chain", "subtensor", "--disturb", "outage@3", "--disturb", "outage@7"]),
            on_node("standstill", &["--chain", "subtensor", "--disturb", "stall@4"]),
            on_node("upgrade", &["--chain", "subtensor", "--disturb", "upgrade@5"]),
            kill("killed peer", &["--chain", "subtensor", "--kill-at", "4", "--kill", "peer-2"]),
        ],
    },
];

pub(crate) fn campaign(place: &Place, options: &CampaignOptions) -> Result<ExitCode> {
    let lab = || lab::LAB_CAMPAIGNS.iter();
    let Some(name) = options.name.as_deref() else {
        let all = CAMPAIGNS.iter().map(|campaign| (campaign.name, campaign.about));
        for (name, about) in all.chain(lab().map(|campaign| (campaign.name, campaign.about))) {
            println!("{name:<10} {about}");
        }
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(campaign) = lab().find(|campaign| campaign.name == name) {
        let profile = if options.dev { lab::Profile::Dev } else { lab::Profile::Release };
        return lab::run(place, campaign, profile);
    }
    let Some(campaign) = CAMPAIGNS.iter().find(|campaign| campaign.name == name) else {
        let known = CAMPAIGNS.iter().map(|campaign| campaign.name);
        let known: Vec<&str> = known.chain(lab().map(|campaign| campaign.name)).collect();
        return Err(UsageError(format!("{name:?} is no campaign; there are: {}", known.join(" "))).into());
    };
    if options.dev {
        return Err(UsageError(format!("`--dev` is for the lab's campaigns; {name} always runs release builds")).into());
    }
    let ready = setup::setup(place, SetupOptions::default())?;
    run::build(place)?;
    if campaign.name == "bittensor" {
        crate::cargo::build(place, &["subtensor-node"])?;
    }
    let since = Instant::now();
    let clean = perform(place, &CLEAN, ready.corpus.as_deref())?;
    let mut rows = vec![report::Row::new(&CLEAN, clean.clone(), &clean)];
    for variant in campaign.variants {
        let account = perform(place, variant, ready.corpus.as_deref())?;
        rows.push(report::Row::new(variant, account, &clean));
    }
    let text = report::markdown(campaign, &rows, &Circumstances::of(place)?);
    println!("\n{text}");
    write_page(place, name, &text)?;
    say::made("campaign", &format!("docs/campaigns/{name}.md"), since);
    let held = rows.iter().all(|row| row.failures.is_empty());
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a campaign's page.
fn write_page(place: &Place, name: &str, text: &str) -> Result<()> {
    let file = place.root.join("docs").join("campaigns").join(format!("{name}.md"));
    let written =
        std::fs::create_dir_all(file.parent().unwrap_or(&place.root)).and_then(|()| std::fs::write(&file, text));
    written.with_context(|| format!("{} can't be written", file.display()))
}

/// Rehearses once; the account is the last line that the peer program prints.
fn perform(place: &Place, variant: &Variant, corpus: Option<&Path>) -> Result<Account> {
    say::doing(&format!("rehearsing: {} {}", variant.name, variant.args.join(" ")));
    let since = Instant::now();
    let mut args: Vec<String> = variant.args.iter().map(ToString::to_string).collect();
    args.push("--json".to_owned());
    let mut child = Command::new("timeout")
        .args(["--foreground", "--kill-after=60", LIMIT_SECS])
        .arg(place.release_program("covey-peer"))
        .args(rehearse::with_corpus(corpus, &args))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("`timeout` (package coreutils) can't be started")?;
    let mut account = None;
    for line in BufReader::new(child.stdout.take().context("the rehearsal has no standard output")?).lines() {
        account = Account::read(&line.context("the rehearsal's output can't be read")?).or(account);
    }
    let status = child.wait().context("the rehearsal can't be waited for")?;
    let Some(account) = account.filter(|_| status.success()) else {
        bail!("the rehearsal `{}` ended with {status} and without a summary", variant.name);
    };
    say::made(variant.name, &account.in_short(), since);
    Ok(account)
}

/// Where and when a campaign ran.
struct Circumstances {
    date: String,
    commit: String,
    machine: String,
}

impl Circumstances {
    fn of(place: &Place) -> Result<Self> {
        let root = place.root.to_string_lossy();
        let git = |args: &[&str]| machine::output_of("git", &[&["-C", root.as_ref()], args].concat());
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|list| !list.is_empty());
        let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        Ok(Self {
            date: machine::output_of("date", &["-u", "+%Y-%m-%d"])?,
            commit: format!("{commit}{}", if changed { " with changes" } else { "" }),
            machine: format!("{cores} cores, {}", model.unwrap_or("unknown processor")),
        })
    }
}

#[cfg(test)]
mod tests;
