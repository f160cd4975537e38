//! Fetches a pack onto a shelf, on a machine without a window.
//!
//! In: a description's address or file, keys, a folder. Out: the pack, and a line each second; what an interrupt leaves is
//! used the next time.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use pack::{Getter, PackManifest, Progress, Shelf};
use tokio_util::sync::CancellationToken;
use update::belief::Judge;
use update::fetch::{Line, Meter};
use update::keys::ReleaseKeys;
use update::limits::MAX_SIGNED_BYTES;
use update::place::Source;
use update::signed::Purpose;
use update::trust::TrustFile;
use update::whole_file::read_bounded;

use crate::FetchArgs;

pub(crate) fn fetch(args: &FetchArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(get(args))
}

async fn get(args: &FetchArgs) -> Result<()> {
    let keys = args.keys.as_deref().map_or_else(ReleaseKeys::built_in, ReleaseKeys::parse)?;
    let (line, trust) = (Line::new()?, TrustFile::at(args.into.join("trust.json")));
    let judge = Judge { purpose: Purpose::Packs, keys: &keys, trust: &trust };
    let bytes = if args.description.contains("://") {
        line.get(&Source::parse(&args.description)?, MAX_SIGNED_BYTES).await?
    } else {
        read_bounded(Path::new(&args.description), MAX_SIGNED_BYTES as u64)?.context("there is no such file")?
    };
    let manifest = PackManifest::parse(&judge.believe(bytes, now_secs())?.text)?;
    let platform = update::manifest::platform();
    let pack = manifest
        .pack(args.kind.into(), &platform, &args.torch)
        .with_context(|| format!("there is no such pack for {platform} and torch {}", args.torch))?;
    let (shelf, stop) = (Shelf::at(&args.into), CancellationToken::new());
    let meter = Mutex::new((Meter::new(), 0));
    let getter = Getter {
        line: &line,
        shelf: &shelf,
        local: args.local.as_deref(),
        offline: args.offline,
        progress: &|progress| say(&meter, progress),
        stop: &stop,
        quota: None,
    };
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
        // The getter ends by itself, with what it has on the disk.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        got = getter.get(pack) => got?,
        () = interrupted => {}
    }
    println!("{}", shelf.folder().join(pack.name()).display());
    Ok(())
}

/// A line each second; on a terminal over the last one.
fn say(meter: &Mutex<(Meter, u64)>, progress: Progress) {
    let Ok(mut meter) = meter.lock() else { return };
    let now_ms = now_ms();
    meter.0.sample(now_ms, progress.done);
    if now_ms < meter.1 + 1000 && progress.done < progress.total {
        return;
    }
    meter.1 = now_ms;
    let pace = meter.0.pace(now_ms, progress.total);
    let left = pace.and_then(|pace| pace.left_secs).map_or_else(String::new, |left| format!(", {left} s left"));
    let speed = pace.map_or_else(String::new, |pace| format!(", {} kB/s", pace.per_sec / 1000));
    let end = if std::io::stderr().is_terminal() { "\r" } else { "\n" };
    eprint!("{} of {} MB{speed}{left}   {end}", progress.done / 1_000_000, progress.total / 1_000_000);
}

pub(crate) fn now_secs() -> u64 {
    now_ms() / 1000
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
