//! One function per role: arguments in, exit code out. Everything of weight is in the library.

use std::path::Path;
use std::process::ExitCode as ProcessExit;

use ipc::{Event, ExitCode, LogLevel};
use peer::chains::RunChain;
use peer::command::{ExportArgs, KeyArgs, LedgerArgs, RehearseArgs, RoleCommand, SignArgs, TrainArgs, WorkArgs};
use peer::events::Sink;
use peer::outcome::PeerError;
use peer::places::RunFolder;
use peer::rehearse::{Plan, PlanInput, Show};
use peer::replica::Compute;
use peer::signing::Host;
use peer::train::TrainInput;
use peer::validate::ValidateInput;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Runs a role to its end.
pub(crate) fn run(role: RoleCommand) -> ProcessExit {
    match role {
        RoleCommand::Data(args) => plain(peer::data::run(args)),
        RoleCommand::Bench(args) => plain(peer::bench::run(&args)),
        RoleCommand::Doctor(args) => match peer::doctor::run(&args) {
            Ok(true) => ProcessExit::SUCCESS,
            Ok(false) => ExitCode::Failed.into(),
            Err(error) => plain(Err(error)),
        },
        RoleCommand::Key(args) => plain(make_key(&args)),
        RoleCommand::Export(args) => plain(export(&args)),
        RoleCommand::Signer(args) => plain(signer::serve(&args.source()).map_err(Into::into)),
        RoleCommand::Wallet(args) => plain(signer::wallet_cli::run(&args)),
        RoleCommand::Chain(args) => on_runtime(async { plain(peer::chain_cli::run(args).await) }),
        RoleCommand::Earnings(args) => on_runtime(async { plain(peer::account_cli::earnings(args).await) }),
        RoleCommand::Receipts(args) => on_runtime(async {
            match peer::account_cli::receipts(args).await {
                Ok(true) => ProcessExit::SUCCESS,
                Ok(false) => ExitCode::Failed.into(),
                Err(error) => plain(Err(error)),
            }
        }),
        RoleCommand::Rehearse(args) => on_runtime(rehearse(args)),
        RoleCommand::Train(args) => on_runtime(train(args)),
        RoleCommand::Validate(args) => on_runtime(validate(args)),
        RoleCommand::Ledger(args) => on_runtime(ledger(args)),
    }
}

/// A role without a protocol: success, or one sentence.
fn plain(result: anyhow::Result<()>) -> ProcessExit {
    match result {
        Ok(()) => ProcessExit::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::Failed.into()
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
    let failed = |error: anyhow::Error| (ExitCode::Failed, error);
    let show = if args.json { Show::Json } else { Show::View };
    let (corpus, dir) = (args.corpus.clone(), args.dir.clone());
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
    let bar = peer::data::bar();
    let prepared =
        peer::rehearse::prepare(&plan, corpus.as_deref(), &dir, &mut |p| peer::data::show_progress(&bar, p)).await;
    bar.finish_and_clear();
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            remove_unless(kept, &dir);
            return Err(usage(error.into()));
        }
    };
    let result = peer::rehearse::rehearse(&plan, &prepared, show, stop.clone()).await;
    // After a failure the logs are worth more than the space.
    let stopped = matches!(result, Err(peer::rehearse::RehearseError::Interrupted));
    remove_unless(kept || (result.is_err() && !stopped), &dir);
    match result {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(failed(anyhow::Error::from(error).context(format!("the rehearsal failed; files: {}", dir.display()))))
        }
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
    }
}

/// What a role that signs is started with.
struct Started {
    run: RunFolder,
    host: Host,
    chain: RunChain,
}

async fn start(run: &Path, name: &str, sign: &SignArgs, json: bool) -> Result<Started, PeerError> {
    let run = RunFolder::open(run)?;
    let host = open_host(&run, name, sign, json).await?;
    let chain = peer::chains::connect(&run).await?;
    Ok(Started { run, host, chain })
}

async fn open_host(run: &RunFolder, name: &str, sign: &SignArgs, json: bool) -> Result<Host, PeerError> {
    let log = run.state_of(name).join("events.jsonl");
    let host = match (sign.source(), &sign.hotkey) {
        (Some(source), _) => {
            let sink = if json { Sink::Json(Box::new(std::io::stdout())) } else { Sink::Words };
            Host::with_signer_process(&source, sink, Some(&log)).await?
        }
        (None, Some(hotkey)) => Host::over_stdio(*hotkey, Some(&log)).await?,
        (None, None) => {
            return Err(types::SignError::Unavailable("none of --vault, --key and --ipc was given".into()).into());
        }
    };
    Ok(host)
}

fn compute(args: &WorkArgs) -> Compute {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if args.threads == 0 { cores.saturating_sub(1).max(1) } else { args.threads };
    Compute { device: args.device, precision: args.precision.into(), threads }
}

/// The role's end as exit code; a failure is said once, as a problem and on standard error.
async fn end(result: Result<(), PeerError>, events: Option<peer::events::Events>) -> ProcessExit {
    let Err(error) = result else { return ExitCode::Stopped.into() };
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
    let TrainArgs { work, cheat, victim } = args;
    let Started { run, host, chain } = match start(&work.run, &work.name, &work.sign, work.json).await {
        Ok(started) => started,
        Err(error) => return end(Err(error), None).await,
    };
    let seed = run.manifest().seed ^ u64::from(std::process::id());
    let cheat = cheat.map(|kind| (kind, seed, victim));
    let events = host.events.clone();
    let input = TrainInput { run, name: work.name.clone(), compute: compute(&work), cheat, host };
    let result = peer::train::run(input, chain, stop).await;
    events.flush().await;
    end(result, Some(events)).await
}

async fn validate(args: WorkArgs) -> ProcessExit {
    let tasks = tokio_util::task::TaskTracker::new();
    let stop = stop_token(&tasks);
    let Started { run, host, chain } = match start(&args.run, &args.name, &args.sign, args.json).await {
        Ok(started) => started,
        Err(error) => return end(Err(error), None).await,
    };
    let events = host.events.clone();
    let input = ValidateInput { run, name: args.name.clone(), compute: compute(&args), host };
    let result = peer::validate::run(input, chain.backend, stop).await;
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
    let host = match open_host(&run, "ledger", &args.sign, false).await {
        Ok(host) => host,
        Err(error) => return end(Err(error), None).await,
    };
    let events = host.events.clone();
    let result = peer::ledger::run(&run, host, args.expected_peers, stop).await;
    events.flush().await;
    end(result, Some(events)).await
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
