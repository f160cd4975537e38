//! One function per role: arguments in, exit code out. Everything of weight is in the library.

use std::path::{Path, PathBuf};
use std::process::ExitCode as ProcessExit;

use ipc::{Event, ExitCode, LogLevel};
use peer::chains::RunChain;
use peer::command::{
    ExportArgs, JoinArgs, KeyArgs, LedgerArgs, RehearseArgs, RoleCommand, SeedArgs, SignArgs, TrainArgs, WorkArgs,
};
use peer::events::Sink;
use peer::lossy::Loss;
use peer::metrics::Figures;
use peer::network::{Gives, PeerNetwork};
use peer::outcome::PeerError;
use peer::places::RunFolder;
use peer::rehearse::{App, Plan, PlanInput, Prepared, RehearseError, Show};
use peer::replica::Compute;
use peer::seed::SeedInput;
use peer::signing::{Host, StartedBy};
use peer::train::TrainInput;
use peer::validate::ValidateInput;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Runs a role to its end.
pub(crate) fn run(role: RoleCommand) -> ProcessExit {
    match role {
        RoleCommand::Data(args) => plain(peer::data::run(args)),
        RoleCommand::Runs(args) => plain(peer::runs_cli::run(&args)),
        RoleCommand::Bench(args) => plain(peer::bench::run(&args)),
        RoleCommand::Doctor(args) => match peer::doctor::run(&args) {
            Ok(true) => ProcessExit::SUCCESS,
            Ok(false) => ExitCode::Failed.into(),
            Err(error) => plain(Err(error)),
        },
        RoleCommand::Key(args) => plain(make_key(&args)),
        RoleCommand::Export(args) => plain(export(&args)),
        RoleCommand::Import(args) => plain(peer::import_cli::run(&args)),
        RoleCommand::Eval(args) => plain(peer::eval::run(&args)),
        RoleCommand::Signer(args) => plain(signer::serve(&args.source()).map_err(Into::into)),
        RoleCommand::Wallet(args) => plain(signer::wallet_cli::run(&args)),
        RoleCommand::Chain(args) => on_runtime(async { plain(peer::chain_cli::run(args).await) }),
        RoleCommand::Bucket(args) => on_runtime(async { plain(peer::bucket_cli::run(*args).await) }),
        RoleCommand::Earnings(args) => on_runtime(async { plain(peer::account_cli::earnings(args).await) }),
        RoleCommand::Receipts(args) => on_runtime(async {
            match peer::account_cli::receipts(args).await {
                Ok(true) => ProcessExit::SUCCESS,
                Ok(false) => ExitCode::Failed.into(),
                Err(error) => plain(Err(error)),
            }
        }),
        RoleCommand::Rehearse(args) => on_runtime(rehearse(*args)),
        RoleCommand::Train(args) => on_runtime(train(args)),
        RoleCommand::Validate(args) => on_runtime(validate(args)),
        RoleCommand::Ledger(args) => on_runtime(ledger(args)),
        RoleCommand::Found(args) => on_runtime(found(*args)),
        RoleCommand::Join(args) => on_runtime(join(*args)),
        RoleCommand::Seed(args) => on_runtime(seed(args)),
    }
}

/// A role without a protocol: success, or one sentence.
fn plain(result: anyhow::Result<()>) -> ProcessExit {
    match result {
        Ok(()) => ProcessExit::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            peer::outcome::code_of(error.as_ref()).unwrap_or(ExitCode::Failed).into()
        }
    }
}

fn on_runtime(role: impl Future<Output = ProcessExit>) -> ProcessExit {
    // Two workers: one for the loop, one beside it; tensors have a thread of their own.
    match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(role);
            // The thread that waits on stdin cannot be interrupted; the process ends without it.
            runtime.shutdown_background();
            code
        }
        Err(error) => plain(Err(error.into())),
    }
}

/// Cancelled by Ctrl-C, and by SIGTERM where there is one.
fn stop_token(tasks: &tokio_util::task::TaskTracker) -> CancellationToken {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = terminated() => cancel.cancel(),
            () = cancel.cancelled() => {}
        }
    });
    stop
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut term) => {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn terminated() {
    let _ = tokio::signal::ctrl_c().await;
}

async fn rehearse(args: RehearseArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    match Box::pin(run_rehearsal(args, &stop)).await {
        Ok(()) => ProcessExit::SUCCESS,
        Err((code, error)) => {
            eprintln!("{error:#}");
            code.into()
        }
    }
}

type Failure = (ExitCode, anyhow::Error);

async fn run_rehearsal(args: RehearseArgs, stop: &CancellationToken) -> Result<(), Failure> {
    let usage = |error: anyhow::Error| (ExitCode::Usage, error);
    let show = if args.json || args.app { Show::Json } else { Show::View };
    let (corpus, dir, app, metrics) = (args.corpus.clone(), args.dir.clone(), args.app, args.metrics);
    let plan = Plan::check(plan_input(args), peer::doctor::memory_bytes()).map_err(|e| usage(e.into()))?;
    let kept = dir.is_some();
    let dir = match dir {
        Some(dir) => std::path::absolute(dir).map_err(|e| usage(e.into()))?,
        None => peer::rehearse::cache_dir()
            .unwrap_or_else(std::env::temp_dir)
            .join(format!("rehearsal-{}", std::process::id())),
    };
    if dir.join(peer::places::RUN_FILE).exists() {
        let error = anyhow::anyhow!("`{}` already holds a run; name another folder with --dir", dir.display());
        return Err(usage(error));
    }
    if let Some(cache) = peer::rehearse::cache_dir() {
        peer::rehearse::sweep_old_rehearsals(&cache);
    }
    let figures = Figures::of_many(metrics, stop).await.map_err(|e| usage(e.into()))?;
    let mut app = if app { Some(App::open().map_err(|e| failed(e.into()))?) } else { None };
    let prepared = prepare(&plan, corpus, &dir, app.as_mut(), stop).await;
    let prepared = match prepared {
        Ok(Some(prepared)) => prepared,
        Ok(None) => {
            remove_unless(kept, &dir);
            return Ok(());
        }
        Err(error) => {
            remove_unless(kept, &dir);
            // Most often the corpus that was named.
            let code = if error.is::<RehearseError>() { ExitCode::Failed } else { ExitCode::Usage };
            return Err(coded(error, code));
        }
    };
    let result = peer::rehearse::rehearse(&plan, &prepared, show, app, figures, stop.clone()).await;
    // After a failure the logs are worth more than the space.
    let stopped = matches!(result, Err(RehearseError::Interrupted));
    remove_unless(kept || (result.is_err() && !stopped), &dir);
    match result {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(failed(anyhow::Error::from(error).context(format!("the rehearsal failed; files: {}", dir.display()))))
        }
    }
}

fn failed(error: anyhow::Error) -> Failure {
    coded(error, ExitCode::Failed)
}

/// With the code that says most about the error, or else this one.
fn coded(error: anyhow::Error, otherwise: ExitCode) -> Failure {
    let code = match error.downcast_ref::<RehearseError>() {
        Some(RehearseError::Child { reason: Some(reason), .. }) => *reason,
        Some(RehearseError::Protocol(_)) => ExitCode::ProtocolMismatch,
        _ => peer::outcome::code_of(error.as_ref()).unwrap_or(otherwise),
    };
    (code, error)
}

/// Prepares the rehearsal on a thread of its own, since building shards takes a while; `None` if nobody wants it any more.
async fn prepare(
    plan: &Plan,
    corpus: Option<PathBuf>,
    dir: &Path,
    app: Option<&mut App>,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Prepared>> {
    let (plan, dir, runtime) = (plan.clone(), dir.to_owned(), tokio::runtime::Handle::current());
    let preparing = tokio::task::spawn_blocking(move || {
        let bar = peer::data::bar();
        let mut progress = |p| peer::data::show_progress(&bar, p);
        let prepared = runtime.block_on(peer::rehearse::prepare(&plan, corpus.as_deref(), &dir, &mut progress));
        bar.finish_and_clear();
        prepared
    });
    let unwanted = async {
        match app {
            Some(app) => app.until_unwanted().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        prepared = preparing => Ok(Some(prepared??)),
        unwanted = unwanted => {
            unwanted?;
            Ok(None)
        }
        () = stop.cancelled() => Err(RehearseError::Interrupted.into()),
    }
}

fn remove_unless(keep: bool, dir: &Path) {
    if !keep
        && dir.exists()
        && let Err(error) = std::fs::remove_dir_all(dir)
    {
        tracing::warn!("`{}` could not be removed: {error}", dir.display());
    }
}

fn plan_input(args: RehearseArgs) -> PlanInput {
    PlanInput {
        peers: args.peers,
        validators: args.validators,
        rounds: args.rounds,
        model: args.model,
        inner_steps: args.inner_steps,
        batch: args.batch,
        sequence: args.sequence,
        seed: args.seed,
        cheaters: args.cheaters,
        join_at: args.join_at,
        leave_at: args.leave_at,
        kill_at: args.kill_at,
        kill: args.kill,
        phase_secs: args.phase_secs,
        alpha: args.alpha,
        rule: args.rule.into(),
        chain: args.chain,
        block_ms: args.block_ms,
        disturb: args.disturb,
        loss: args.loss,
        exchange: args.exchange,
    }
}

/// What a role that signs is started with.
struct Started {
    run: RunFolder,
    host: Host,
    chain: RunChain,
    network: Option<PeerNetwork>,
    figures: Figures,
}

async fn start(args: &WorkArgs, stop: &CancellationToken) -> Result<Started, PeerError> {
    let run = RunFolder::open(&args.run)?;
    let by = match (args.app, args.json) {
        (true, _) => StartedBy::App,
        (false, true) => StartedBy::Hand(Sink::Json(Box::new(std::io::stdout()))),
        (false, false) => StartedBy::Hand(Sink::Words),
    };
    let mut host = open_host(&run, &args.name, &args.sign, by).await?;
    let figures = Figures::start(&host.events, &args.name, args.metrics, run.manifest(), stop).await;
    let network = PeerNetwork::start(&run, &args.name, &args.network, Gives::default(), host.events.clone(), stop)?;
    if let Some(network) = &network {
        figures.ask(network);
        peer::run_fetch::ensure_told(&run, network, &mut host, stop).await?;
    }
    let chain = peer::chains::connect(&run, network.as_ref()).await?;
    Ok(Started { run, host, chain, network, figures })
}

async fn open_host(run: &RunFolder, name: &str, sign: &SignArgs, by: StartedBy) -> Result<Host, PeerError> {
    let log = run.state_of(name).join("events.jsonl");
    let host = match (sign.source(), &sign.hotkey) {
        (Some(source), _) => Host::with_signer_process(&source, by, Some(&log)).await?,
        (None, Some(hotkey)) => Host::over_stdio(*hotkey, Some(&log)).await?,
        (None, None) => {
            return Err(types::SignError::Unavailable("none of --vault, --key and --ipc was given".into()).into());
        }
    };
    Ok(host)
}

async fn close(network: Option<PeerNetwork>, figures: Figures) {
    figures.close().await;
    if let Some(network) = network {
        network.close().await;
    }
}

fn compute(args: &WorkArgs) -> Compute {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if args.threads == 0 { cores.saturating_sub(1).max(1) } else { args.threads };
    Compute { device: args.device, precision: args.precision.into(), threads }
}

/// Everybody has a bad line of their own.
fn loss(args: &WorkArgs, run: &RunFolder) -> Option<Loss> {
    let name = types::Hash32::of(args.name.as_bytes()).0;
    let own = name.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    (args.loss > 0).then(|| Loss { percent: args.loss, seed: run.manifest().seed ^ own })
}

/// The role's end as exit code; a failure is said once, as a problem and on standard error.
async fn end(result: Result<(), PeerError>, events: Option<peer::events::Events>) -> ProcessExit {
    let Err(error) = result else { return ExitCode::Stopped.into() };
    if error.exit_code() == ExitCode::Stopped {
        return ExitCode::Stopped.into();
    }
    let problem = error.problem();
    eprintln!("{problem}");
    if let Some(events) = events {
        events.log(LogLevel::Error, error.to_string()).await;
        events.say(Event::Problem { problem, fatal: true }).await;
        events.flush().await;
    }
    error.exit_code().into()
}

async fn train(args: TrainArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    let TrainArgs { work, sample_every, cheat, victim } = args;
    let Started { run, host, chain, network, figures } = match start(&work, &stop).await {
        Ok(started) => started,
        Err(error) => return end(Err(error), None).await,
    };
    let seed = run.manifest().seed ^ u64::from(std::process::id());
    let cheat = cheat.map(|kind| (kind, seed, victim));
    let events = host.events.clone();
    let loss = loss(&work, &run);
    let (name, compute) = (work.name.clone(), compute(&work));
    let input = TrainInput { run, name, compute, cheat, loss, sample_every, network: network.clone(), host };
    let result = peer::train::run(input, chain, stop).await;
    close(network, figures).await;
    events.flush().await;
    end(result, Some(events)).await
}

async fn validate(args: WorkArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    let Started { run, host, chain, network, figures } = match start(&args, &stop).await {
        Ok(started) => started,
        Err(error) => return end(Err(error), None).await,
    };
    let events = host.events.clone();
    let loss = loss(&args, &run);
    let input =
        ValidateInput { run, name: args.name.clone(), compute: compute(&args), loss, network: network.clone(), host };
    let result = peer::validate::run(input, chain.backend, stop).await;
    close(network, figures).await;
    events.flush().await;
    end(result, Some(events)).await
}

async fn ledger(args: LedgerArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    let run = match RunFolder::open(&args.run) {
        Ok(run) => run,
        Err(error) => return end(Err(error.into()), None).await,
    };
    let by = if args.app { StartedBy::App } else { StartedBy::Hand(Sink::Words) };
    let host = match open_host(&run, "ledger", &args.sign, by).await {
        Ok(host) => host,
        Err(error) => return end(Err(error), None).await,
    };
    let events = host.events.clone();
    let result = peer::ledger::run(&run, host, args.expected_peers, stop).await;
    events.flush().await;
    end(result, Some(events)).await
}

async fn found(args: peer::found::FoundArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    match Box::pin(peer::found::run(args, stop)).await {
        Ok(()) => ProcessExit::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code().into()
        }
    }
}

async fn join(args: JoinArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    let prepared = peer::join::prepare(args, &stop).await;
    // From here on `train` listens for Ctrl-C itself.
    stop.cancel();
    match prepared {
        Ok(args) => Box::pin(train(args)).await,
        Err(error) => {
            eprintln!("{}", error.problem());
            error.exit_code().into()
        }
    }
}

async fn seed(args: SeedArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    let (input, network, figures) = match start_seed(&args, &stop).await {
        Ok(started) => started,
        Err(error) => return end(Err(error), None).await,
    };
    let events = input.host.events.clone();
    let result = Box::pin(peer::seed::run(input, stop)).await;
    close(Some(network), figures).await;
    events.flush().await;
    end(result, Some(events)).await
}

async fn start_seed(args: &SeedArgs, stop: &CancellationToken) -> Result<(SeedInput, PeerNetwork, Figures), PeerError> {
    let mut run = RunFolder::open(&args.run)?;
    let by = match (args.app, args.json) {
        (true, _) => StartedBy::App,
        (false, true) => StartedBy::Hand(Sink::Json(Box::new(std::io::stdout()))),
        (false, false) => StartedBy::Hand(Sink::Words),
    };
    let mut host = open_host(&run, &args.name, &args.sign, by).await?;
    let figures = Figures::start(&host.events, &args.name, args.metrics, run.manifest(), stop).await;
    // A seed serves others as relay and witness.
    run.places.network.get_or_insert_default().public = true;
    let events = host.events.clone();
    let start = |gives: Gives| {
        let network = PeerNetwork::start(&run, &args.name, &args.network, gives, events.clone(), stop)?;
        network.ok_or_else(|| PeerError::State("the seed has no network".to_owned()))
    };
    if !run.places.dataset.join(dataset::MANIFEST_FILE).exists() {
        // What it does not have yet it fetches like any newcomer.
        let network = start(Gives::default())?;
        let fetched = peer::run_fetch::ensure_told(&run, &network, &mut host, stop).await;
        network.close().await;
        fetched?;
    }
    let network = start(Gives { offer: Some(peer::seed::offer(&run)?), open: true })?;
    figures.ask(&network);
    let chain = peer::chains::connect(&run, Some(&network)).await?;
    let (name, link_file) = (args.name.clone(), args.link_file.clone());
    Ok((SeedInput { run, name, host, chain, network: network.clone(), link_file }, network, figures))
}

fn make_key(args: &KeyArgs) -> anyhow::Result<()> {
    use types::Signer as _;
    let signer = wallet::KeyFile::create_new(&args.file)?;
    println!("{}", signer.hotkey());
    eprintln!("The key stands in `{}` as plain text: for rehearsals and test runs only.", args.file.display());
    Ok(())
}

fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
    let manifest = run.manifest();
    let folder = peer::checkpoint::StateFolder::open(&run.state_of(&args.name))?;
    let parameters = usize::try_from(manifest.model.parameter_count())?;
    let state = folder
        .load(run.id(), parameters)?
        .ok_or_else(|| anyhow::anyhow!("`{}` has no saved state in this run", args.name))?;
    let dataset = dataset::Dataset::open(&run.places.dataset)?;
    let tokenizer = dataset.tokenizer()?;
    let path = dataset.dir().join(dataset::TOKENIZER_FILE);
    let tokenizer = match tokenizer.json() {
        Some(_) => engine::ExportTokenizer::File { path: &path, eos: Some(tokenizer.end()) },
        None => engine::ExportTokenizer::Bytes,
    };
    engine::export_hf(&args.out, &manifest.model, &state.anchor, &tokenizer, engine::ExportDtype::F32)?;
    println!("round {}: {} parameters in `{}`", state.round, parameters, args.out.display());
    Ok(())
}
