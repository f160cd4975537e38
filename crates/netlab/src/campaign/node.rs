//! Small nodes in the lab: processes of `covey-netlab node`, started, told to go, waited for.
//!
//! In: a lab, who holds what, who fetches it. Out: seconds, as the node itself measured them. A node knows all that were
//! started before it; all are killed when the value is dropped.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{Bench, CampaignError};
use crate::{Lab, LabError, Process, Tail};

/// Starting, connecting and proving who one is; on a loaded machine.
const READY: Duration = Duration::from_secs(60);

/// Bytes that follow from a seed, so that nobody has to carry files about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) seed: u64,
    pub(super) bytes: u64,
}

impl Blob {
    /// Millions of bytes.
    pub(super) fn megabytes(&self) -> u64 {
        self.bytes.div_ceil(1_000_000)
    }

    fn word(&self) -> String {
        format!("{}:{}", self.seed, self.bytes)
    }
}

/// What a node is like.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// Bytes a second it may send; none: as fast as it goes.
    pub(super) up: Option<u64>,
    /// What it holds from the beginning.
    pub(super) holds: Vec<Blob>,
    /// What it fetches when told to go, and keeps serving.
    pub(super) gets: Vec<Blob>,
    /// Other nodes it must know before it is ready to go.
    pub(super) knows: usize,
}

/// Nodes of one part of an experiment.
pub(super) struct Nodes<'a> {
    bench: &'a Bench,
    lab: &'a Lab,
    dir: PathBuf,
    addresses: Vec<String>,
    running: Vec<Small>,
}

struct Small {
    name: String,
    process: Process,
    tail: Tail,
    fetches: bool,
}

/// What a node measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetched {
    pub(super) took: Duration,
    /// Seconds of processor time of the whole process until then.
    pub(super) processor: Duration,
}

impl<'a> Nodes<'a> {
    /// None runs yet; `part` names the folder of their keys and logs.
    pub(super) fn new(bench: &'a Bench, lab: &'a Lab, part: &str) -> Result<Self, CampaignError> {
        let dir = bench.fresh(part)?;
        Ok(Self { bench, lab, dir, addresses: Vec::new(), running: Vec::new() })
    }

    /// Starts a node and waits until it listens.
    pub(super) fn start(&mut self, node: &str, shape: &Shape) -> Result<(), CampaignError> {
        let number = self.lab.names().position(|name| name == node).ok_or_else(|| LabError::NoNode(node.to_owned()))?;
        let members = self.lab.names().count();
        let address = format!("/ip4/{}/tcp/4001", self.lab.public_address(node)?);
        let mut args: Vec<OsString> = vec!["node".into(), "--dir".into(), self.dir.join(node).into()];
        let mut option = |name: &str, value: String| args.extend([format!("--{name}").into(), value.into()]);
        option("listen", "/ip4/0.0.0.0/tcp/4001".to_owned());
        option("number", number.to_string());
        option("members", members.to_string());
        option("external", address.clone());
        option("knows", shape.knows.to_string());
        option("go", self.go_file().display().to_string());
        self.addresses.iter().for_each(|address| option("bootstrap", address.clone()));
        shape.holds.iter().for_each(|blob| option("hold", blob.word()));
        shape.gets.iter().for_each(|blob| option("get", blob.word()));
        if let Some(up) = shape.up {
            option("up", up.to_string());
        }
        args.push("--tcp-only".into());
        let program = std::env::current_exe().map_err(LabError::io("find the own program"))?;
        let log = format!("{}-{node}", self.label());
        let process = self.lab.start(node, &log, &program, args, &[])?;
        let tail = process.tail()?;
        self.running.push(Small { name: node.to_owned(), process, tail, fetches: !shape.gets.is_empty() });
        let ready = self.wait_for(self.running.len() - 1, "listening", READY)?;
        let peer = ready["peer"].as_str().unwrap_or_default();
        self.addresses.push(format!("{address}/p2p/{peer}"));
        Ok(())
    }

    /// Waits until every node that fetches knows whom it must, and lets them go together; what they measured, in the
    /// order of their start.
    pub(super) fn go(&mut self, patience: Duration) -> Result<Vec<(String, Fetched)>, CampaignError> {
        let fetchers: Vec<usize> = (0..self.running.len()).filter(|index| self.running[*index].fetches).collect();
        for index in &fetchers {
            self.wait_for(*index, "ready", READY)?;
        }
        let go = self.go_file();
        std::fs::write(&go, "").map_err(LabError::io("let the nodes go"))?;
        let mut all = Vec::new();
        for index in fetchers {
            let fetched = self.wait_for(index, "fetched", patience)?;
            let secs = |key: &str| Duration::from_secs_f64(fetched[key].as_f64().unwrap_or(0.0).max(0.0));
            let measured = Fetched { took: secs("secs"), processor: secs("processor_secs") };
            all.push((self.running[index].name.clone(), measured));
        }
        Ok(all)
    }

    /// The only fetch there is.
    pub(super) fn go_alone(&mut self, patience: Duration) -> Result<Fetched, CampaignError> {
        let all = self.go(patience)?;
        let late = || CampaignError::Late { what: "a fetch".into(), secs: patience.as_secs(), last: String::new() };
        all.first().map(|(_, fetched)| *fetched).ok_or_else(late)
    }

    fn go_file(&self) -> PathBuf {
        self.dir.join("go")
    }

    fn label(&self) -> &str {
        self.dir.file_name().and_then(|name| name.to_str()).unwrap_or("node")
    }

    /// Waits for a node's event of this name.
    fn wait_for(&mut self, index: usize, event: &str, patience: Duration) -> Result<Value, CampaignError> {
        let Small { name, process, tail, .. } = &mut self.running[index];
        let found = self.bench.wait(patience, || {
            while let Some(line) = tail.next_line().map_err(LabError::io("read what a node says"))? {
                let value: Value = serde_json::from_str(&line).unwrap_or_default();
                if value["event"] == event {
                    return Ok(Some(Some(value)));
                }
            }
            Ok(process.ended()?.map(|_| None))
        })?;
        let late = |last| CampaignError::Late { what: format!("{event} of {name}"), secs: patience.as_secs(), last };
        found.flatten().ok_or_else(|| late(process.last_words()))
    }
}
