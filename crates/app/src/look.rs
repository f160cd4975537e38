//! Looking at a run before it is joined: by link, by file or folder, by a picture of its link.
//!
//! In: what somebody named. Out: the run's facts, and the run on the list. A link is asked after by `covey-peer runs add`,
//! a process of its own; what it brings is believed only if it is the manifest that the link names. Nothing is started.

use crate::files::read_bounded;
use crate::picture;
use crate::runs::{self, RUNS};
use crate::state::{KnownRun, cut};
use crate::supervisor::{Answer, Plan, Spawner, ask};
use serde::Deserialize;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use types::{ByteCount, JoinLink, Problem};
use view_model::{Fit, JoinFacts, Told};

/// Longest wait for the nodes that a link names: eight addresses, over relays too.
const LINK_TIME: Duration = Duration::from_secs(120);
/// Longest wait for a file's facts: libtorch has to be loaded.
const SHOW_TIME: Duration = Duration::from_secs(40);
/// Bytes of a parameter in a checkpoint.
const CHECKPOINT_BYTES: u64 = 4;

/// What looking needs.
pub(crate) struct Looker {
    pub(crate) program: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) spawner: Spawner,
    pub(crate) stop: CancellationToken,
    /// Memory of the largest card; none: the processor's.
    pub(crate) vram: Option<ByteCount>,
    /// No UDP.
    pub(crate) tcp_only: bool,
}

/// A run that was looked at.
#[derive(Debug, PartialEq)]
pub(crate) struct Looked {
    pub(crate) facts: JoinFacts,
    /// It was not on the list before.
    pub(crate) new: bool,
}

/// What was named.
enum Named {
    Link(JoinLink),
    File(PathBuf),
}

/// What `covey-peer runs show` and `runs add` print; fields of newer ones are passed over.
#[derive(Debug, Default, Deserialize)]
struct Shown {
    run: Option<String>,
    dir: Option<PathBuf>,
    fits: Option<bool>,
    device_bytes: Option<u64>,
    host_bytes: Option<u64>,
    disk_bytes: Option<u64>,
    upload_bytes: Option<u64>,
    dataset_bytes: Option<u64>,
}

impl Looker {
    /// Looks at it.
    pub(crate) async fn look(&self, source: String) -> Result<Looked, Problem> {
        let named = blocking(move || named(&source)).await?;
        match named {
            Named::Link(link) => self.by_link(&link).await,
            Named::File(path) => self.by_file(path).await,
        }
    }

    async fn by_file(&self, path: PathBuf) -> Result<Looked, Problem> {
        let data_dir = self.data_dir.clone();
        let (known, new) = blocking(move || runs::add(&data_dir, &path)).await?;
        let folder = self.data_dir.join(RUNS).join(&known.card.id);
        let shown = self.show(&folder).await.unwrap_or_default();
        Ok(Looked { facts: facts(&known, &shown), new })
    }

    async fn by_link(&self, link: &JoinLink) -> Result<Looked, Problem> {
        let id = link.run.to_string();
        let folder = self.data_dir.join(RUNS).join(&id);
        let new = runs::read(&folder).is_none();
        let (dir, vram) = (folder.to_string_lossy(), self.vram());
        let args = ["runs", "add", &link.to_string(), "--dir", &dir, "--vram", &vram, "--json"].map(str::to_owned);
        let switches = self.tcp_only.then(|| "--tcp-only".to_owned());
        let answer = self.ask(args.into_iter().chain(switches).collect(), LINK_TIME).await;
        let added = answer.map_err(|why| not_asked(&why)).and_then(|answer| added(&answer));
        let result = match added {
            Ok(shown) => self.brought(&folder, &id, link, shown).await,
            Err(problem) => Err(problem),
        };
        if result.is_err() && new {
            let (data_dir, id) = (self.data_dir.clone(), id);
            // Nothing of a run that cannot be joined stays.
            let _ = tokio::task::spawn_blocking(move || runs::forget(&data_dir, &id)).await;
        }
        result.map(|facts| Looked { facts, new })
    }

    /// What the peer brought must be the run that the link names.
    async fn brought(&self, folder: &Path, id: &str, link: &JoinLink, shown: Shown) -> Result<JoinFacts, Problem> {
        let (data_dir, elsewhere) = (self.data_dir.clone(), shown.dir.clone().filter(|dir| dir != folder));
        let (here, text) = (folder.to_owned(), link.to_string());
        let named = shown.run.clone();
        let id = id.to_owned();
        let known = blocking(move || {
            if let Some(dir) = elsewhere.filter(|_| runs::read(&here).is_none()) {
                runs::add(&data_dir, &dir)?;
            }
            let right = named.is_none_or(|named| named == id);
            let known = runs::read(&here).filter(|_| right).ok_or_else(other_run)?;
            runs::came_from(&here, &text).map_err(|why| runs::not_kept(&why))?;
            Ok(known)
        })
        .await?;
        Ok(facts(&known, &shown))
    }

    /// The peer's own figures of a run folder; none if its program does not start here.
    async fn show(&self, folder: &Path) -> Option<Shown> {
        let vram = self.vram();
        let args = ["runs", "show", &folder.to_string_lossy(), "--json", "--vram", &vram].map(str::to_owned);
        let answer = self.ask(args.to_vec(), SHOW_TIME).await.ok().filter(|answer| answer.good)?;
        last_json(&answer.stdout)
    }

    fn vram(&self) -> String {
        self.vram.map_or(0, |bytes| bytes.0).to_string()
    }

    async fn ask(&self, args: Vec<String>, deadline: Duration) -> std::io::Result<Answer> {
        let plan = Plan { generation: 0, program: self.program.clone(), args, folder: self.data_dir.clone() };
        ask(&self.spawner, plan, deadline, &self.stop).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    let gone = || Problem::new("look_failed", "The run could not be looked at", "Try again.");
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(gone()))
}

/// A link, or a path to a run file, a run folder or a picture of a link.
fn named(source: &str) -> Result<Named, Problem> {
    let source = source.trim().trim_matches('"');
    if source.to_ascii_lowercase().starts_with("covey:") {
        return source.parse().map(Named::Link).map_err(|why: types::LinkError| no_link(&why));
    }
    let path = runs::path_of(source)?;
    let mut head = [0u8; 16];
    let read = std::fs::File::open(&path).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    if picture::is_picture(head.get(..read).unwrap_or_default()) {
        return picture::link_in(&path).map(Named::Link);
    }
    if let Some(link) = link_file(&path) {
        return Ok(Named::Link(link));
    }
    Ok(Named::File(path))
}

/// A text file that holds nothing but a link.
fn link_file(path: &Path) -> Option<JoinLink> {
    let bytes = read_bounded(path, types::MAX_LINK_CHARS as u64).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}

/// What `runs add` said: the facts, or its problem.
fn added(answer: &Answer) -> Result<Shown, Problem> {
    if answer.good {
        return last_json(&answer.stdout).ok_or_else(|| not_asked(&std::io::Error::other("its answer does not read")));
    }
    #[derive(Deserialize)]
    struct Wrapped {
        problem: Problem,
    }
    let said = last_json::<Problem>(&answer.stdout);
    let said = said.or_else(|| last_json::<Wrapped>(&answer.stdout).map(|wrapped| wrapped.problem));
    Err(said.unwrap_or_else(|| {
        let last = answer.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let words = last.unwrap_or("no reason was given");
        not_added(words.strip_prefix("covey-peer: ").unwrap_or(words))
    }))
}

/// The last line that reads as such.
fn last_json<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    text.lines().rev().take(8).find_map(|line| serde_json::from_str(line).ok())
}

/// A run's facts: what its manifest says, and what the peer worked out for this machine.
fn facts(known: &KnownRun, shown: &Shown) -> JoinFacts {
    let about = &known.about;
    let params = known.card.model_params.unwrap_or_default();
    let bytes = |n: Option<u64>| n.map(ByteCount);
    let fit = shown.fits.map_or(Fit::Unknown, |fits| {
        let need = ByteCount(shown.device_bytes.filter(|n| *n > 0).or(shown.host_bytes).unwrap_or_default());
        let need = view_model::units::memory(need);
        match fits {
            true => Fit::Fits(Told::new("join-fits").with("need", need)),
            false => Fit::DoesNotFit(Told::new("join-fits-not").with("need", need)),
        }
    });
    JoinFacts {
        id: known.card.id.clone(),
        name: known.card.name.clone(),
        founder: known.card.founder.clone().unwrap_or_default(),
        model_params: params,
        round_secs: about.round_secs,
        inner_steps: about.inner_steps,
        validators: about.validators,
        pays: known.card.pays.clone(),
        fit,
        disk: bytes(shown.disk_bytes),
        dataset: bytes(shown.dataset_bytes),
        checkpoint: ByteCount(params.saturating_mul(CHECKPOINT_BYTES)),
        upload: bytes(shown.upload_bytes),
        admission: match about.netuid {
            Some(netuid) => Told::new("join-admission-subnet").with("netuid", netuid.to_string()),
            None => Told::new("join-admission-ledger"),
        },
        startable: known.has_places,
    }
}

/// A link that is none.
pub(crate) fn no_link(why: &types::LinkError) -> Problem {
    let why: String = why.to_string().chars().take(200).collect();
    Problem::new("run_link", format!("This link does not lead to a run: {why}"), "Copy the whole link again.")
}

fn not_added(why: &str) -> Problem {
    let title = format!("The run cannot be joined: {}", cut(why, 300));
    Problem::new(
        "run_not_added",
        title,
        "If nobody answered, look whether this computer is online, or ask for a newer link.",
    )
}

fn not_asked(why: &std::io::Error) -> Problem {
    let why: String = why.to_string().chars().take(300).collect();
    Problem::new(
        "run_not_reached",
        format!("The run's other computers could not be asked: {why}"),
        "Look whether this computer is online, and ask for a newer link if it stays so.",
    )
}

fn other_run() -> Problem {
    Problem::new(
        "run_other",
        "What the link's addresses gave is not the run that the link names",
        "Do not use this link. Ask for it anew from somebody you trust.",
    )
}

#[cfg(test)]
mod tests;
