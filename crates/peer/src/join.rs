//! Role `join`, and `runs add`: from a link, a file or a folder to a run folder that a peer can train in.
//!
//! In: what a person was given (hostile). Out: a run folder, and the facts of the run before anything large is fetched: who
//! may join, what it takes on this machine. A folder that holds the run already is used as it is. A key is made only for
//! runs whose credits are worth nothing, and never overwritten.

use std::path::{Path, PathBuf};

use engine::Machine;
use tokio_util::sync::CancellationToken;
use types::{JoinLink, LINK_PREFIX, LinkError, SignedManifest};
use wallet::KeyFile;

use crate::command::{JoinArgs, TrainArgs};
use crate::places::{RunFolder, read_bounded};
use crate::run_fetch::{self, MemberOptions, RunFetchError};
use crate::runs_cli::{self, AddArgs};

/// What a peer of a folder without keys of its own signs with.
const KEYS: &str = "keys";

/// What was asked for.
#[derive(Debug, Clone)]
pub struct AddInput {
    /// A link, a file with a link, a run file or a run folder.
    pub what: String,
    /// Nodes that know the run, for a run file, which names none.
    pub at: Vec<String>,
    /// The run folder to make; by default one in the user's data folder.
    pub dir: Option<PathBuf>,
    /// How this machine takes part.
    pub options: MemberOptions,
}

/// What a person was given.
enum Given {
    Folder(Box<RunFolder>),
    Link(JoinLink),
    File(Box<SignedManifest>),
}

/// A run folder from a link, a file or a folder.
///
/// # Errors
/// [`RunFetchError`]; then nothing was written.
pub async fn add(input: AddInput, stop: &CancellationToken) -> Result<RunFolder, RunFetchError> {
    let (link, signed) = match given(&input.what)? {
        Given::Folder(run) => return Ok(*run),
        Given::Link(link) => (link, None),
        Given::File(signed) => (JoinLink::new(signed.manifest.id(), input.at.clone())?, Some(*signed)),
    };
    let dir = run_fetch::folder_of(link.run, input.dir.as_deref())?;
    if let Some(run) = run_fetch::existing(&dir, link.run)? {
        return Ok(run);
    }
    let signed = match signed {
        Some(signed) => signed,
        None => run_fetch::ask(&link, input.options, stop).await?.signed,
    };
    run_fetch::write_folder(&dir, signed, &link, input.options)
}

fn given(what: &str) -> Result<Given, RunFetchError> {
    if what.trim().starts_with(LINK_PREFIX) {
        return Ok(Given::Link(what.parse()?));
    }
    let path = Path::new(what);
    if path.is_dir() {
        return Ok(Given::Folder(Box::new(RunFolder::open(path)?)));
    }
    let bytes = read_bounded(path, types::manifest::MAX_MANIFEST_BYTES as u64)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim().starts_with(LINK_PREFIX) => Ok(Given::Link(text.parse::<JoinLink>()?)),
        _ => Ok(Given::File(Box::new(SignedManifest::from_bytes(&bytes)?))),
    }
}

impl From<LinkError> for RunFetchError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Count(0) => Self::NoNodes,
            other => Self::Link(other),
        }
    }
}

/// `runs add`: makes the folder and says what is in it.
///
/// # Errors
/// [`RunFetchError`], in one sentence.
pub fn add_and_say(args: &AddArgs) -> anyhow::Result<()> {
    let input = AddInput {
        what: args.what.clone(),
        at: args.at.clone(),
        dir: args.dir.clone(),
        options: MemberOptions { tcp_only: args.tcp_only },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // Ctrl-C ends the process: nothing is half written at any moment.
    let run = runtime.block_on(add(input, &CancellationToken::new()));
    let run = match run {
        Ok(run) => run,
        Err(error) => {
            if args.json {
                println!("{}", serde_json::to_string(&error.problem())?);
            }
            return Err(error.into());
        }
    };
    let machine = Machine { vram_bytes: args.vram, ..crate::doctor::machine_at(&run.dir) };
    let shown = runs_cli::show(&run.dir, machine)?;
    let admission = run_fetch::admission(run.manifest());
    if args.json {
        let mut object = serde_json::to_value(&shown)?;
        object["dir"] = serde_json::to_value(&run.dir)?;
        object["admission"] = admission.into();
        println!("{object}");
    } else {
        runs_cli::say(&shown);
        println!("{admission}");
        println!("Folder: {}", run.dir.display());
    }
    Ok(())
}

/// The key to train with: the one that was named, or one that is made in the run folder.
///
/// # Errors
/// [`RunFetchError::NeedsKey`] where a key is worth something; a file that cannot be made.
fn key_for(run: &RunFolder, args: &JoinArgs) -> Result<Option<PathBuf>, RunFetchError> {
    if args.vault.is_some() || args.key.is_some() {
        return Ok(args.key.clone());
    }
    if run.manifest().chain.subtensor.is_some() {
        return Err(RunFetchError::NeedsKey);
    }
    let path = run.dir.join(KEYS).join(format!("{}.key", args.name));
    if !path.exists() {
        let io = |source| RunFetchError::Io { path: path.clone(), source };
        std::fs::create_dir_all(run.dir.join(KEYS)).map_err(io)?;
        KeyFile::create_new(&path).map_err(|e| io(std::io::Error::other(e)))?;
    }
    Ok(Some(path))
}

/// What this machine has for the work that was asked for. What a card holds is known only if it was said; then the run's
/// memory is not judged here.
fn machine(args: &JoinArgs, dir: &Path) -> Machine {
    let machine = crate::doctor::machine_at(dir);
    let on_a_card = args.device != engine::DeviceChoice::Cpu && engine::cuda::available();
    match args.vram {
        0 if on_a_card => Machine { vram_bytes: u64::MAX, ..machine },
        vram_bytes => Machine { vram_bytes, ..machine },
    }
}

/// Makes the run folder and a key if need be; what is left is to train in it.
///
/// # Errors
/// [`RunFetchError`].
pub async fn prepare(args: JoinArgs, stop: &CancellationToken) -> Result<TrainArgs, RunFetchError> {
    let input = AddInput {
        what: args.link.clone(),
        at: args.at.clone(),
        dir: args.dir.clone(),
        options: MemberOptions { tcp_only: args.network.tcp_only },
    };
    let run = add(input, stop).await?;
    let needs = run_fetch::needs(run.manifest(), None, 0, machine(&args, &run.dir))?;
    if !args.json && !args.app {
        let gb = |bytes: u64| bytes as f64 / 1e9;
        eprintln!("Run {} ({}) in {}", run.manifest().name, run.id(), run.dir.display());
        eprintln!("{}", run_fetch::admission(run.manifest()));
        eprintln!(
            "It takes {:.2} GB of memory and {:.2} GB on disk besides its data.",
            gb(needs.host),
            gb(needs.state)
        );
    }
    let key = key_for(&run, &args)?;
    Ok(args.train(run.dir, key))
}
