//! Role `found`: a run of one's own, from text to a link that others join by.
//!
//! In: a name, text, a model. Out: a data set, a signed manifest and a run folder; then the run's ledger, its validators and
//! its seed as processes, watched and started again when they crash, and the run's link. Started again on the same folder it
//! goes on. It trains nothing itself; the keys it makes are plain key files in the run folder, whose credits are worth
//! nothing. A validator may be lost for good: the run goes on as long as there is another.

mod args;
mod children;
mod prepare;
mod settings;
mod terms;

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

pub use args::FoundArgs;
pub use children::{Children, SuperviseError};
pub use prepare::{Founded, PrepareError, prepare};
pub use settings::{FOUND_FILE, FoundSettings, SettingsError};
pub use terms::{Terms, TermsError};

use crate::places::RUN_FILE;

/// Why no run was founded, or why it ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FoundError {
    /// The arguments make no sound run.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// Text, keys or folder.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The folder of an earlier founding.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The folder holds another run.
    #[error("`{dir}` holds the run `{found}`; name another folder with --dir")]
    OtherRun {
        /// The folder.
        dir: PathBuf,
        /// The name of the run in it.
        found: String,
    },
    /// No folder was given and the system names none.
    #[error("this system names no folder for data; name one with --dir")]
    NoFolder,
    /// A process that the run needs does not run.
    #[error(transparent)]
    Supervise(#[from] SuperviseError),
}

impl FoundError {
    /// The code the process ends with.
    pub fn exit_code(&self) -> ipc::ExitCode {
        match self {
            Self::Terms(_) | Self::NoFolder => ipc::ExitCode::Usage,
            Self::OtherRun { .. } | Self::Settings(_) => ipc::ExitCode::WrongRun,
            Self::Supervise(SuperviseError::Child { reason: Some(reason), .. }) => *reason,
            _ => crate::outcome::code_of(self).unwrap_or(ipc::ExitCode::Failed),
        }
    }
}

/// Founds the run, or goes on with the one in the folder, and keeps it going until `stop`.
///
/// # Errors
/// [`FoundError`]; children are gone in every case.
pub async fn run(args: FoundArgs, stop: CancellationToken) -> Result<(), FoundError> {
    let dir = folder(&args)?;
    let founded = if dir.join(RUN_FILE).exists() {
        let founded = Founded::open(&dir)?;
        let found = &founded.run.manifest().name;
        if *found != args.name {
            return Err(FoundError::OtherRun { dir, found: found.clone() });
        }
        founded
    } else {
        let terms = Terms::check(&args, crate::doctor::machine_at(&dir))?;
        prepare_off_thread(terms, &args, &dir, &stop).await?
    };
    if stop.is_cancelled() {
        return Ok(());
    }
    let show = if args.json { crate::rehearse::Show::Json } else { crate::rehearse::Show::View };
    if show == crate::rehearse::Show::View {
        println!("Run {} ({})", founded.run.manifest().name, founded.run.id());
        println!("Folder: {}", dir.display());
    }
    Ok(Children::new(&founded, &args, show).run(&stop).await?)
}

/// Building shards takes a while and would hold up the two workers.
async fn prepare_off_thread(
    terms: Terms,
    args: &FoundArgs,
    dir: &Path,
    stop: &CancellationToken,
) -> Result<Founded, FoundError> {
    let (dir, runtime) = (dir.to_owned(), tokio::runtime::Handle::current());
    let (corpus, network, key) = (args.corpus.clone(), args.settings(), args.key.clone());
    let preparing = tokio::task::spawn_blocking(move || {
        let bar = crate::data::bar();
        let mut progress = |p| crate::data::show_progress(&bar, p);
        let founded = runtime.block_on(prepare(&terms, &corpus, network, key.as_deref(), &dir, &mut progress));
        bar.finish_and_clear();
        founded
    });
    tokio::select! {
        founded = preparing => match founded {
            Ok(founded) => Ok(founded?),
            Err(error) => Err(PrepareError::Gone(error.to_string()).into()),
        },
        // The build is resumable: what was finished of it stands.
        () = stop.cancelled() => Err(PrepareError::Gone("stopped".to_owned()).into()),
    }
}

/// The folder that was named, or one after the run's name in the user's data folder.
fn folder(args: &FoundArgs) -> Result<PathBuf, FoundError> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => crate::invitation::runs_dir().ok_or(FoundError::NoFolder)?.join(args.folder_name()),
    };
    std::path::absolute(&dir).map_err(|source| PrepareError::Io { path: dir, source }.into())
}
