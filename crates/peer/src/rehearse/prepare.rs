//! Before the first process starts: text, shards, keys, manifest, run folder.
//!
//! In: a plan and where text may be. Out: a run folder that any peer could join, and the swarm's worthless keys. Shards are
//! kept in the user's cache by what they were built from; a second rehearsal on the same text builds nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dataset::build::{BuildError, BuildOptions, BuildReport, Progress};
use dataset::{Dataset, Tokenizer};
use swarm::NodeKey;
use types::manifest::RunId;
use types::{Hash32, Hotkey, SignError, SignPayload, SignedManifest, Signer as _};
use wallet::LocalSigner;

use super::node::{NodeError, NodeProcess, Owner};
use super::plan::{MEETING_POINT, Plan, PlanError};
use super::setting::{ChainKind, ExchangeKind};
use crate::network::{KEY_FILE, NetworkError};
use crate::places::{NetworkPlaces, Places, PlacesError, RunFolder};

/// Sequences never trained on: what the loss is measured on.
const HELD_OUT_SEQUENCES: u64 = 64;
/// The logs of a failed rehearsal are worth a day.
const KEEP_LEFTOVERS: Duration = Duration::from_secs(24 * 3600);
/// Built-in stories, when no text can be had: enough for every pool of a default rehearsal.
const STORY_TOKENS: u64 = 16 << 20;

/// Why nothing could be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The text cannot be used.
    #[error("the text cannot be used: {0}")]
    Text(#[from] BuildError),
    /// The shards cannot be opened.
    #[error(transparent)]
    Data(#[from] dataset::OpenError),
    /// The plan founds no sound run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The run folder cannot be written.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// A folder cannot be made.
    #[error("cannot create `{path}`: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// There is no Subtensor node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// No network identity can be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// A rehearsal ready to start.
#[derive(Debug)]
pub struct Prepared {
    /// The run folder.
    pub run: RunFolder,
    /// Which text it trains on, in words.
    pub text: String,
    /// From which all keys are derived; worthless, and gone with the rehearsal.
    pub key_master: [u8; 32],
    /// The node, if the rehearsal runs on one.
    pub node: Option<NodeProcess>,
}

impl Prepared {
    /// A process's key.
    pub fn signer(&self, name: &str) -> LocalSigner {
        LocalSigner::derive(&self.key_master, name)
    }

    /// The run.
    pub fn id(&self) -> RunId {
        self.run.id()
    }
}

/// Text on this machine that `cargo xtask setup` or the app fetched, if there is any.
pub fn fetched_text() -> Option<PathBuf> {
    let dir = cache_dir()?.join("text");
    ["gcide.dict.dz", "gcide.dict", "gcide.txt"].iter().map(|name| dir.join(name)).find(|path| path.is_file())
}

/// Removes what rehearsals that were killed left behind more than a day ago.
pub fn sweep_old_rehearsals(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let ours = entry
            .file_name()
            .to_string_lossy()
            .strip_prefix("rehearsal-")
            .is_some_and(|pid| pid.parse::<u32>().is_ok());
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if ours && age.is_some_and(|age| age > KEEP_LEFTOVERS) {
            // It may be in use or not ours after all: then it stays.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The user's cache folder of this program.
pub fn cache_dir() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else {
        var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")))
    };
    base.map(|dir| dir.join("covey"))
}

/// Builds shards, derives keys, signs the manifest, writes the run folder.
///
/// # Errors
/// [`PrepareError`] with the file or option that is at fault.
pub async fn prepare(
    plan: &Plan,
    corpus: Option<&Path>,
    dir: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Prepared, PrepareError> {
    let corpus = corpus.map(Path::to_owned).or_else(fetched_text);
    let datasets = cache_dir().unwrap_or_else(|| dir.to_owned()).join("datasets");
    let (report, out, text) = build_shards(plan, corpus.as_deref(), &datasets, progress)?;
    let dataset = Dataset::open(&out)?;
    // A cache may rot: the shards are read once anyway, so their hashes are checked once.
    dataset.verify()?;
    let key_master = *blake3::hash(format!("covey rehearsal keys, seed {}", plan.input.seed).as_bytes()).as_bytes();
    let key = |name: &str| LocalSigner::derive(&key_master, name);
    let validators: Vec<_> = (1..=plan.input.validators).map(|i| key(&format!("validator-{i}")).hotkey()).collect();
    let node = match plan.input.chain {
        ChainKind::Ledger => None,
        ChainKind::Subtensor => Some(start_node(plan, dir, &validators, &key).await?),
    };
    let subtensor = match &node {
        Some(node) => Some(node.run_from_here().await?),
        None => None,
    };
    let manifest = plan.manifest(report.hash, key("ledger").hotkey(), &validators, subtensor)?;
    let founder = key("founder");
    let payload = SignPayload::Manifest { run: manifest.id() };
    let signature = founder.sign(&payload).await?;
    let signed = SignedManifest { manifest, founder: founder.hotkey(), signature };
    let nodes = node.iter().map(|node| node.url().to_owned()).collect();
    let share = dir.join("share");
    let network = match plan.input.exchange {
        ExchangeKind::Network => Some(meeting_point(&plan.state_of(dir, MEETING_POINT))?),
        ExchangeKind::Folders => None,
    };
    let places = Places { ledger: Some(socket_path(dir)), nodes, share: share.clone(), dataset: out, network };
    std::fs::create_dir_all(&share).map_err(|source| PrepareError::Io { path: share, source })?;
    let run = RunFolder::create(dir, signed, places)?;
    Ok(Prepared { run, text, key_master, node })
}

/// The address that everybody looks for first, and the key behind it, so that it is known before its process runs.
fn meeting_point(state: &Path) -> Result<NetworkPlaces, PrepareError> {
    let io = |source| PrepareError::Io { path: state.to_owned(), source };
    std::fs::create_dir_all(state).map_err(io)?;
    let key = NodeKey::load_or_create(&state.join(KEY_FILE)).map_err(NetworkError::from)?;
    // Whoever else takes the port before the process does would be a stranger with another key.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).map_err(io)?.port();
    let address = format!("/ip4/127.0.0.1/tcp/{port}");
    Ok(NetworkPlaces {
        bootstrap: vec![format!("{address}/p2p/{}", key.peer_id())],
        listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
        external: Vec::new(),
        public: false,
        tcp_only: true,
        mdns: false,
        upnp: false,
    })
}

/// Starts the node and registers the first peers one after the other, so that the same seed gives everybody the same slot.
async fn start_node(
    plan: &Plan,
    dir: &Path,
    validators: &[Hotkey],
    key: &impl Fn(&str) -> LocalSigner,
) -> Result<NodeProcess, PrepareError> {
    let owner = Owner { hotkey: key("owner").hotkey(), coldkey: key("owner's coldkey").hotkey() };
    let node = NodeProcess::start(dir, plan.input.block_ms, validators, owner, key("coldkey")).await?;
    for name in plan.first_names() {
        node.register(key(&name).hotkey()).await?;
    }
    Ok(node)
}

fn build_shards(
    plan: &Plan,
    corpus: Option<&Path>,
    datasets: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(BuildReport, PathBuf, String), PrepareError> {
    let sequence = plan.input.sequence;
    let what = match corpus {
        Some(path) => std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
        None => "stories".to_owned(),
    };
    let key = Hash32::of(format!("{what}\0{sequence}\0bytes").as_bytes()).short();
    let out = datasets.join(format!("{key}-{sequence}"));
    let mut options =
        BuildOptions::new(corpus.map(Path::to_owned).into_iter().collect(), out.clone(), Tokenizer::bytes());
    options.sequence_tokens = sequence;
    options.held_out_sequences = HELD_OUT_SEQUENCES;
    options.name = "rehearsal text".into();
    let report = match corpus {
        Some(_) => dataset::build::build(&options, progress)?,
        None => dataset::build::build_stories(&options, plan.input.seed, STORY_TOKENS, progress)?,
    };
    let text = match corpus {
        Some(path) => {
            let name = path.file_name().map_or_else(|| what.clone(), |name| name.to_string_lossy().into_owned());
            format!("{name}, {:.1} MB of text", report.counts.text_bytes as f64 / 1e6)
        }
        None => "built-in stories (no text was given or fetched)".to_owned(),
    };
    Ok((report, out, text))
}

/// A Unix socket's path may have some 100 bytes at most, so it cannot lie in a deep run folder.
pub(crate) fn socket_path(dir: &Path) -> PathBuf {
    let tag = Hash32::of(format!("{}\0{}", dir.display(), std::process::id()).as_bytes()).short();
    std::env::temp_dir().join(format!("covey-{tag}.sock"))
}
