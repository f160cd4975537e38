//! Role `seed`: keeps a run to be had.
//!
//! In: a run folder with data and, where the ledger is on this machine, the way to it. Out: a public node of the run's
//! network that relays and witnesses for others, and serves the manifest, the data set, the newest checkpoints and the
//! ledger to anybody who knows the run; and the run's link. It trains nothing and judges nobody. Strangers get bounded
//! slots; whose node it is stands in a binding signed by its key.

mod checkpoints;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chain::ledger::{GuestError, GuestLimits, Guests, LedgerClient};
use dataset::{Dataset, MANIFEST_FILE, TOKENIZER_FILE};
use exchange::{BlobStore, Library, StoreLimits};
use ipc::{Command, Event, LogLevel};
use swarm::{Inbound, Node, PeerId, Protocol, RunOffer};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::compat::FuturesAsyncReadCompatExt as _;
use tokio_util::sync::CancellationToken;
use types::{JoinLink, RunId};

use self::checkpoints::Mirror;
use crate::chains::RunChain;
use crate::events::Events;
use crate::invitation::{LINK_FILE, invite};
use crate::network::PeerNetwork;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::signing::{Host, Knows};
use crate::whole_file::write_whole;

/// Addresses change in bursts while a node starts: the link is written once they have been quiet for so long.
const LINK_QUIET: Duration = Duration::from_millis(300);
/// How long a stranger's call is repeated while the ledger does not answer: its client tries again by itself.
const GUEST_RETRY: Duration = Duration::from_secs(3);

/// What a seed is started with.
pub struct SeedInput {
    /// The run folder.
    pub run: RunFolder,
    /// Its name: its folder within the run folder.
    pub name: String,
    /// Events, signatures, commands.
    pub host: Host,
    /// The run's chain.
    pub chain: RunChain,
    /// Its node, open to everybody.
    pub network: PeerNetwork,
    /// Where the link is kept; by default in the run folder.
    pub link_file: Option<PathBuf>,
}

/// Serves until `stop`, or until whoever started it goes.
///
/// # Errors
/// [`PeerError`]: the data set does not hold, the ledger is another run's, the signer refuses.
pub async fn run(input: SeedInput, stop: CancellationToken) -> Result<(), PeerError> {
    let SeedInput { run, name, host, chain, network, link_file } = input;
    let Host { events, signer, mut commands, child: _signer_process } = host;
    let role = ipc::Role::Seed;
    events.say(Event::PeerStarted { name: name.clone(), uid: None, pid: std::process::id(), role }).await;
    shelve(&run, network.library())?;
    let bytes = Mirror::bytes_of(run.manifest());
    let limits = StoreLimits { max_bytes: bytes.saturating_mul(checkpoints::KEPT + 1), max_blob_bytes: bytes };
    let store = Arc::new(BlobStore::open(run.share_of(&name), limits)?);
    network.take_part(&chain.backend, &signer, &store).await?;
    let mut tasks = JoinSet::new();
    if let Some(socket) = &run.places.ledger {
        if signer.hotkey() != run.manifest().chain.sequencer {
            let text = "this seed's key is not the sequencer's, so that newcomers will not ask it for the ledger";
            events.log(LogLevel::Warn, text).await;
        }
        let ledger = Arc::new(LedgerClient::connect(socket, run.id(), GUEST_RETRY).await?);
        let callers = network.swarm().node().accept(Protocol::Ledger).await;
        tasks.spawn(serve_ledger(callers, ledger, stop.clone()));
    }
    let others = run.places.network.as_ref().map(|places| places.bootstrap.clone()).unwrap_or_default();
    let link_file = link_file.unwrap_or_else(|| run.dir.join(LINK_FILE));
    let node = network.swarm().node().clone();
    tasks.spawn(keep_link(node, run.id(), others, link_file, events.clone(), stop.clone()));
    let mirror = Mirror::new(&run, chain.backend, network.clone(), store, events.clone());
    tasks.spawn(mirror.follow(stop.clone()));
    let mut listening = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            line = commands.recv(), if listening => {
                if let Some(line) = &line {
                    crate::signing::answer(&events, line, Knows::Basics).await?;
                }
                let command = line.map(|line| line.command);
                if matches!(command, None | Some(Command::Stop { .. } | Command::Shutdown { .. })) {
                    listening = false;
                    stop.cancel();
                }
            }
        }
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// What a seed says of its run to whoever asks.
///
/// # Errors
/// The data set's manifest or the tokenizer cannot be looked at.
pub fn offer(run: &RunFolder) -> Result<RunOffer, PeerError> {
    let length = |name: &str| {
        let path = run.places.dataset.join(name);
        path.metadata().map(|meta| meta.len()).map_err(|source| PeerError::Io { path, source })
    };
    let tokenizer = run.places.dataset.join(TOKENIZER_FILE).exists();
    // What was read and checked serialises again: plain structs of numbers and strings.
    let manifest = serde_json::to_vec(&run.signed).unwrap_or_default();
    Ok(RunOffer {
        manifest,
        dataset_bytes: length(MANIFEST_FILE)?,
        tokenizer_bytes: if tokenizer { Some(length(TOKENIZER_FILE)?) } else { None },
    })
}

/// Puts the run's data set on the shelf: it is served from its files, and nothing of it is held in memory.
///
/// # Errors
/// The data set is not the run's.
pub fn shelve(run: &RunFolder, library: &Library) -> Result<(), PeerError> {
    let set = Dataset::open(&run.places.dataset)?;
    set.check(&run.manifest().data)?;
    for (id, path) in crate::data_files::of(&set) {
        library.add_file(id, path);
    }
    Ok(())
}

/// Bridges streams of strangers to the ledger until `stop`.
async fn serve_ledger(mut callers: mpsc::Receiver<Inbound>, ledger: Arc<LedgerClient>, stop: CancellationToken) {
    let guests: Arc<Guests<PeerId>> = Arc::new(Guests::new(ledger, GuestLimits::default()));
    let mut serving = JoinSet::new();
    loop {
        let caller = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = serving.join_next(), if !serving.is_empty() => continue,
            caller = callers.recv() => caller,
        };
        let Some(Inbound { peer, stream, .. }) = caller else { break };
        let (guests, stop) = (Arc::clone(&guests), stop.clone());
        // Bounded by the guests' own limits: whoever is not let in returns at once.
        serving.spawn(async move {
            match guests.serve(peer, stream.compat(), &stop).await {
                Err(error @ GuestError::Protocol(_)) => tracing::warn!("{peer} at the ledger: {error}"),
                Err(error) => tracing::debug!("{peer} at the ledger: {error}"),
                Ok(()) => {}
            }
        });
    }
    while serving.join_next().await.is_some() {}
}

/// Writes the run's link when the node's addresses are known, and again when they change.
async fn keep_link(
    node: Node,
    run: RunId,
    others: Vec<String>,
    file: PathBuf,
    events: Events,
    stop: CancellationToken,
) {
    let mut view = node.view();
    let peer = node.peer_id().to_string();
    let mut kept: Option<JoinLink> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LINK_QUIET) => {}
        }
        let link = {
            let view = view.borrow_and_update();
            let words = |list: &[swarm::Multiaddr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
            // Without an address of its own a link would lead nowhere.
            let (external, listen) = (words(&view.external), words(&view.listening));
            if listen.is_empty() { None } else { invite(run, &peer, &external, &listen, &others).ok() }
        };
        if let Some(link) = link.filter(|link| kept.as_ref() != Some(link)) {
            match write_link(&file, &link) {
                Ok(()) => events.log(LogLevel::Info, format!("others join by {link}")).await,
                Err(error) => events.log(LogLevel::Warn, format!("`{}`: {error}", file.display())).await,
            }
            kept = Some(link);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = view.changed() => if changed.is_err() { return },
        }
    }
}

fn write_link(file: &Path, link: &JoinLink) -> std::io::Result<()> {
    write_whole(file, format!("{link}\n").as_bytes())
}
