//! A founded run in the lab: a founder in the open, members that join by its link from their own lines.
//!
//! In: a lab, options for `covey-peer found`. Out: processes, and what they said. The command lines are the README's.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::{Bench, CampaignError};
use crate::account::Account;
use crate::{Lab, LabError, Process, Tail};

/// The founder's node.
pub(super) const FOUNDER: &str = "founder";
/// Building shards, starting processes and learning its addresses, on a loaded machine.
const LINK_PATIENCE: Duration = Duration::from_secs(240);
/// Ends by itself within this when asked.
const LEAVE_PATIENCE: Duration = Duration::from_secs(60);

/// A run.
pub(super) struct Founded {
    pub(super) members: BTreeMap<String, Member>,
    /// What the founder's own processes said, by their names.
    pub(super) said: BTreeMap<String, Account>,
    founder: Process,
    founder_tail: Tail,
    link: String,
    program: PathBuf,
    dir: PathBuf,
    /// Last, so that processes go before their namespaces.
    pub(super) lab: Lab,
}

/// A machine that joined.
pub(super) struct Member {
    process: Option<Process>,
    tail: Tail,
    pub(super) account: Account,
    pub(super) starts: u32,
}

impl Founded {
    /// Starts the founder and waits for the link.
    pub(super) fn start(bench: &Bench, lab: Lab, dir: PathBuf, options: &[&str]) -> Result<Self, CampaignError> {
        let address = lab.public_address(FOUNDER)?;
        let run = dir.join("run");
        let mut args: Vec<OsString> = ["found", "lab", "--stories", "--json", "--dir"].map(Into::into).into();
        args.push(run.into());
        for transport in ["tcp/4001", "udp/4001/quic-v1"] {
            args.extend(["--listen".into(), format!("/ip4/0.0.0.0/{transport}").into()]);
            args.extend(["--external".into(), format!("/ip4/{address}/{transport}").into()]);
        }
        args.extend(options.iter().map(Into::into));
        let program = bench.peer_program.clone();
        let founder = start(&lab, FOUNDER, &program, args, &dir)?;
        let founder_tail = founder.tail()?;
        let mut made = Self {
            members: BTreeMap::new(),
            said: BTreeMap::new(),
            founder,
            founder_tail,
            link: String::new(),
            program,
            dir,
            lab,
        };
        let found = bench.wait(LINK_PATIENCE, || {
            made.listen()?;
            let over = made.founder.ended()?.is_some();
            Ok((over || !made.link.is_empty()).then_some(()))
        })?;
        if found.is_none() || made.link.is_empty() {
            let last = made.founder.last_words();
            return Err(CampaignError::Late { what: "the run's link".into(), secs: LINK_PATIENCE.as_secs(), last });
        }
        Ok(made)
    }

    /// The invitation.
    pub(super) fn link(&self) -> &str {
        &self.link
    }

    /// Joins from a node, for the first time or again with the same key and folder.
    pub(super) fn join(&mut self, node: &str) -> Result<(), CampaignError> {
        let key = self.dir.join(format!("{node}.key"));
        if !key.exists() {
            let (program, key) = (self.program.display().to_string(), key.display().to_string());
            crate::system::run(&program, &["key", &key])?;
        }
        let mut args: Vec<OsString> = ["join", &self.link, "--json", "--threads", "1", "--dir"].map(Into::into).into();
        args.extend([self.dir.join(node).into(), "--key".into(), key.into()]);
        let process = start(&self.lab, node, &self.program, args, &self.dir)?;
        match self.members.get_mut(node) {
            Some(member) => {
                member.process = Some(process);
                member.starts += 1;
            }
            None => {
                let tail = process.tail()?;
                let member = Member { process: Some(process), tail, account: Account::default(), starts: 1 };
                self.members.insert(node.to_owned(), member);
            }
        }
        Ok(())
    }

    /// Takes in what everybody has said since.
    pub(super) fn listen(&mut self) -> Result<(), CampaignError> {
        let reading = || LabError::io("read what a peer says");
        while let Some(line) = self.founder_tail.next_line().map_err(reading())? {
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            let who = value["who"].as_str().unwrap_or(FOUNDER).to_owned();
            if let Some(link) = value["link"].as_str() {
                link.clone_into(&mut self.link);
            }
            self.said.entry(who).or_default().take(&line);
        }
        for member in self.members.values_mut() {
            while let Some(line) = member.tail.next_line().map_err(reading())? {
                member.account.take(&line);
            }
        }
        Ok(())
    }

    /// Sends a signal to a member that runs.
    pub(super) fn signal(&mut self, node: &str, signal: Signal) -> Result<(), CampaignError> {
        if let Some(process) = self.members.get_mut(node).and_then(|member| member.process.as_mut()) {
            process.signal(signal)?;
        }
        Ok(())
    }

    /// Kills a member at once.
    pub(super) fn kill(&mut self, node: &str) -> Result<(), CampaignError> {
        if let Some(mut process) = self.members.get_mut(node).and_then(|member| member.process.take()) {
            process.kill()?;
        }
        Ok(())
    }

    /// Lets a member leave properly, and kills it if it does not.
    pub(super) fn leave(&mut self, bench: &Bench, node: &str) -> Result<(), CampaignError> {
        self.signal(node, Signal::TERM)?;
        let Some(mut process) = self.members.get_mut(node).and_then(|member| member.process.take()) else {
            return Ok(());
        };
        bench.wait(LEAVE_PATIENCE, || Ok(process.ended()?))?;
        Ok(process.kill()?)
    }

    /// Members whose process has ended although nobody ended it, with their last words.
    pub(super) fn fallen(&mut self) -> Result<Vec<(String, String)>, CampaignError> {
        let mut fallen = Vec::new();
        for (node, member) in &mut self.members {
            let Some(process) = member.process.as_mut() else { continue };
            if let Some(status) = process.ended()? {
                fallen.push((node.clone(), format!("{status}: {}", process.last_words())));
                member.process = None;
            }
        }
        Ok(fallen)
    }

    /// The last round whose outer step somebody took.
    pub(super) fn round(&self) -> Option<u64> {
        self.members.values().filter_map(|member| member.account.last_round()).max()
    }

    /// Held-out loss after a round, by a validator's word.
    pub(super) fn losses(&self) -> BTreeMap<u64, f64> {
        let mut losses = BTreeMap::new();
        for account in self.accounts() {
            losses.extend(account.losses.iter().map(|(round, loss)| (*round, *loss)));
        }
        losses
    }

    /// Everybody's accounts, the founder's processes' first.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.said.values().chain(self.members.values().map(|member| &member.account))
    }
}

fn start(lab: &Lab, node: &str, program: &Path, args: Vec<OsString>, dir: &Path) -> Result<Process, CampaignError> {
    // Nothing of the user's own is read or written.
    let own = dir.join("home");
    let variables: Vec<(&str, &OsStr)> =
        ["HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, own.as_os_str())).into();
    Ok(lab.start(node, node, program, args, &variables)?)
}
