//! Before a founded run's first process starts: shards, keys, manifest, run folder.
//!
//! In: checked terms, text, a folder. Out: a run folder that is whole or not there: `run.json` is written last, and a
//! founding that was interrupted goes on where it was. Keys that exist are kept and never overwritten.

use std::path::{Path, PathBuf};

use dataset::build::{BuildError, BuildOptions, BuildReport, Progress};
use dataset::{Dataset, Tokenizer};
use swarm::NodeKey;
use types::{SignError, SignPayload, SignedManifest, Signer as _};
use wallet::{KeyFile, KeyFileError, LocalSigner};

use super::settings::{FOUND_FILE, FoundSettings, SettingsError};
use super::terms::{Terms, TermsError};
use crate::places::{NetworkPlaces, PLACES_FILE, Places, PlacesError, RUN_FILE, RunFolder};
use crate::whole_file::write_whole;

/// Sequences never trained on: what the loss is measured on.
const HELD_OUT_SEQUENCES: u64 = 64;
/// Built-in stories of a run without text: some 16 million bytes.
const STORY_TOKENS: u64 = 16 << 20;
/// Name of the ledger's process and key.
pub(super) const LEDGER: &str = "ledger";
/// Name of the seed's process, folder and key.
pub(super) const SEED: &str = "seed";

/// Why nothing could be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The text cannot be used.
    #[error("the text cannot be used: {0}")]
    Text(#[from] BuildError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] dataset::TokenizerError),
    /// The shards cannot be opened.
    #[error(transparent)]
    Data(#[from] dataset::OpenError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The seed's network key.
    #[error("the seed's network key: {0}")]
    Network(String),
    /// The manifest does not hold.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The run folder.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// What the machine remembers of it.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file or folder.
    #[error("cannot write `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It was not finished.
    #[error("the run was not founded: {0}")]
    Gone(String),
}

/// A run that was founded on this machine.
#[derive(Debug, Clone)]
pub struct Founded {
    /// The run folder.
    pub run: RunFolder,
    /// What this machine does for it.
    pub settings: FoundSettings,
}

impl Founded {
    /// Opens the folder of an earlier founding.
    ///
    /// # Errors
    /// [`PrepareError::Places`] or [`PrepareError::Settings`].
    pub fn open(dir: &Path) -> Result<Self, PrepareError> {
        Ok(Self { run: RunFolder::open(dir)?, settings: FoundSettings::open(dir)? })
    }

    /// A key of the run's own processes.
    pub(super) fn key_file(&self, name: &str) -> PathBuf {
        key_file(&self.run.dir, name)
    }
}

fn key_file(dir: &Path, name: &str) -> PathBuf {
    dir.join("keys").join(format!("{name}.key"))
}

/// Opens a key file, or makes it.
fn key(dir: &Path, name: &str) -> Result<LocalSigner, PrepareError> {
    let path = key_file(dir, name);
    if path.exists() { Ok(KeyFile::open(&path)?) } else { Ok(KeyFile::create_new(&path)?) }
}

/// Builds shards, makes keys, signs the manifest, writes the run folder.
///
/// # Errors
/// [`PrepareError`] with the file or option that is at fault.
pub async fn prepare(
    terms: &Terms,
    corpus: &[PathBuf],
    settings: FoundSettings,
    founder: Option<&Path>,
    dir: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Founded, PrepareError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PrepareError::Io { path, source }
    };
    let (set, share, keys) = (dir.join("dataset"), dir.join("share"), dir.join("keys"));
    for folder in [&share, &keys] {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let founder = match founder {
        Some(path) => KeyFile::open(path)?,
        None => key(dir, "founder")?,
    };
    let report = build_shards(terms, corpus, &set, progress)?;
    Dataset::open(&set)?.verify()?;
    let sequencer = key(dir, LEDGER)?.hotkey();
    // A key file has one signer at a time, and the seed's network key is bound to the sequencer's as well.
    let twin = key_file(dir, SEED);
    if !twin.exists() {
        std::fs::copy(key_file(dir, LEDGER), &twin).map_err(io(&twin))?;
    }
    let validators = (1..=terms.validators).map(|n| Ok(key(dir, &format!("validator-{n}"))?.hotkey()));
    let validators = validators.collect::<Result<Vec<_>, PrepareError>>()?;
    let manifest = terms.manifest(report.hash, report.manifest.tokenizer.clone(), sequencer, &validators)?;
    let signature = founder.sign(&SignPayload::Manifest { run: manifest.id() }).await?;
    let signed = SignedManifest { manifest, founder: founder.hotkey(), signature };
    let settings = settings.with_addresses().map_err(io(dir))?;
    let network_key = dir.join("peers").join(SEED).join(crate::network::KEY_FILE);
    let peer = NodeKey::load_or_create(&network_key).map_err(|e| PrepareError::Network(e.to_string()))?.peer_id();
    let network = NetworkPlaces {
        bootstrap: settings.seen_from_here(&peer.to_string()),
        // The seed has the port; validators take any.
        listen: Vec::new(),
        external: Vec::new(),
        public: false,
        tcp_only: settings.tcp_only,
        mdns: false,
        upnp: false,
    };
    let ledger = Some(crate::rehearse::socket_path(dir));
    let places = Places { ledger, nodes: Vec::new(), share, dataset: set, network: Some(network) };
    let found = dir.join(FOUND_FILE);
    write_whole(&found, &settings.to_bytes()).map_err(io(&found))?;
    write_run(dir, &signed, &places)?;
    Ok(Founded { run: RunFolder { dir: dir.to_owned(), signed, places }, settings })
}

/// Writes a run folder's two files, the manifest last: a folder without it is no run.
pub(crate) fn write_run(dir: &Path, signed: &SignedManifest, places: &Places) -> Result<(), PlacesError> {
    for (name, text) in [(PLACES_FILE, serde_json::to_vec_pretty(places)), (RUN_FILE, serde_json::to_vec(signed))] {
        let path = dir.join(name);
        let text = text.map_err(|e| PlacesError::Syntax { path: path.clone(), why: e.to_string() })?;
        write_whole(&path, &text).map_err(|source| PlacesError::Io { path: path.clone(), source })?;
    }
    Ok(())
}

fn build_shards(
    terms: &Terms,
    corpus: &[PathBuf],
    out: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<BuildReport, PrepareError> {
    let tokenizer = match &terms.tokenizer {
        Some(path) => Tokenizer::from_file(path)?,
        None => Tokenizer::bytes(),
    };
    let mut options = BuildOptions::new(corpus.to_vec(), out.to_owned(), tokenizer);
    options.sequence_tokens = terms.sequence;
    options.held_out_sequences = HELD_OUT_SEQUENCES;
    options.name.clone_from(&terms.name);
    if corpus.is_empty() {
        return Ok(dataset::build::build_stories(&options, terms.seed, STORY_TOKENS, progress)?);
    }
    Ok(dataset::build::build(&options, progress)?)
}
