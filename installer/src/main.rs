//! `packager`: the packages of one build, for `cargo xtask package`, which finds the parts.
//!
//! In: `--root --programs --metadata --version --time --out` and perhaps `--any-size`, `--windows`. Out: files in the folder of
//! `--out`, a line for each; exit code 1 and one sentence where it could not.

use anyhow::{Context as _, Result, bail};
use packager::{Parts, Release};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packager: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let (mut folders, mut version, mut time) = ([const { None }; 4], None, None);
    let (mut any_size, mut windows) = (false, false);
    while let Some(word) = words.next() {
        let option = word.to_string_lossy().into_owned();
        let mut value = || words.next().with_context(|| format!("{option} takes a value"));
        match option.as_str() {
            "--root" => folders[0] = Some(PathBuf::from(value()?)),
            "--programs" => folders[1] = Some(PathBuf::from(value()?)),
            "--metadata" => folders[2] = Some(PathBuf::from(value()?)),
            "--out" => folders[3] = Some(PathBuf::from(value()?)),
            "--version" => version = value()?.into_string().ok(),
            "--time" => time = value()?.into_string().ok().and_then(|text| text.parse().ok()),
            "--any-size" => any_size = true,
            "--windows" => windows = true,
            _ => bail!("{option:?} is no option"),
        }
    }
    let [Some(root), Some(programs), Some(metadata), Some(out)] = folders else {
        bail!("--root, --programs, --metadata and --out must be given");
    };
    let release = Release::new(
        &version.context("--version must be given, as text")?,
        time.context("--time must be given, in seconds since 1970")?,
    )?;
    let metadata = std::fs::read(&metadata).with_context(|| format!("{} can't be read", metadata.display()))?;
    let metadata = serde_json::from_slice(&metadata).context("the metadata is no JSON")?;
    let parts = Parts { root, programs, metadata, within_promise: !any_size };
    let write = if windows { packager::windows_setup } else { packager::linux };
    for file in write(&parts, &release, &out)? {
        println!("{}  {:>11}  {}", file.sha256, file.bytes, file.name);
    }
    Ok(())
}
