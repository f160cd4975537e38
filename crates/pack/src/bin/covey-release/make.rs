//! Keys, descriptions and signatures.
//!
//! In: archives, what the maintainer says of them, key files. Out: JSON on standard output, a signed file. What would be
//! refused on a user's machine is refused here, before it is published.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ed25519_dalek::SigningKey;
use pack::{Kind, Needs, Pack, PackManifest};
use update::describe::About;
use update::limits::{FIRST_SECS, SECS_PER_SEQUENCE};
use update::manifest::{Channel, UpdateManifest};
use update::place::Source;
use update::signed::{Purpose, seal};
use update::trust::{FORMAT, Head};
use update::whole_file::{read_bounded, write_whole};

use crate::{KindArg, PackArgs, PurposeArg, ReleaseArgs, SignArgs};

/// A key file holds 64 hex digits and a line's end.
const MAX_KEY_BYTES: u64 = 100;
/// One description of one pack or release.
const MAX_PART_BYTES: u64 = 4 << 20;

pub(crate) fn key(path: &Path) -> Result<()> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow!("this system gives no randomness: {error}"))?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("{} can't be made anew", path.display()))?;
    writeln!(file, "{}", hex::encode(seed)).context("the key can't be written")?;
    println!("{}", hex::encode(SigningKey::from_bytes(&seed).verifying_key().to_bytes()));
    Ok(())
}

pub(crate) fn pack(args: &PackArgs) -> Result<()> {
    let archives = args.archive.iter().map(|archive| {
        let (path, url) = archive.split_once('=').map_or((archive.as_str(), None), |(path, url)| (path, Some(url)));
        let path = PathBuf::from(path);
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted: Vec<String> = args
            .want
            .iter()
            .filter_map(|want| want.split_once(':'))
            .filter(|(whose, _)| file.starts_with(whose))
            .map(|(_, prefix)| prefix.to_owned())
            .collect();
        let urls = url.map(Source::parse).transpose()?.into_iter().collect();
        pack::describe(&path, urls, &wanted).with_context(|| format!("{}", path.display()))
    });
    let pack = Pack {
        kind: args.kind.into(),
        platform: args.platform.clone(),
        torch: args.torch.clone(),
        needs: Needs { cuda: args.cuda, compute: args.compute },
        archives: archives.collect::<Result<_>>()?,
    };
    eprintln!(
        "{} files, {} bytes to fetch, {} on the disk",
        pack.members().count(),
        pack.packed_bytes(),
        pack.disk_bytes()
    );
    println!("{}", serde_json::to_string(&pack)?);
    Ok(())
}

pub(crate) fn release(args: ReleaseArgs) -> Result<()> {
    let urls = args.url.iter().map(|url| Source::parse(url)).collect::<Result<_, _>>()?;
    let channel = if args.preview { Channel::Preview } else { Channel::Stable };
    let ReleaseArgs { version, platform, percent, notes, folder, .. } = args;
    let about = About { channel, version, platform, percent, notes, folder, urls };
    let scratch = update::whole_file::beside(&args.archive, "unpacked");
    let release = update::describe::describe(&args.archive, about, &scratch)?;
    println!("{}", serde_json::to_string(&release)?);
    Ok(())
}

pub(crate) fn sign(args: &SignArgs) -> Result<()> {
    let issued = crate::shelve::now_secs();
    let sequence = args.sequence.unwrap_or_else(|| issued.saturating_sub(FIRST_SECS) / SECS_PER_SEQUENCE);
    let head = Head { format: FORMAT, sequence, issued, expires: issued + args.days * 86_400 };
    let (text, purpose) = match args.purpose {
        PurposeArg::Packs => {
            let text = serde_json::to_string(&PackManifest { head, packs: parts(&args.files)? })?;
            PackManifest::parse(&text)?;
            (text, Purpose::Packs)
        }
        PurposeArg::Updates => {
            let text = serde_json::to_string(&UpdateManifest { head, releases: parts(&args.files)? })?;
            UpdateManifest::parse(&text)?;
            (text, Purpose::Updates)
        }
    };
    update::trust::check(None, &head, &text, issued)?;
    let keys = args.key.iter().map(|path| signing_key(path)).collect::<Result<Vec<_>>>()?;
    let bytes = seal(&text, purpose, &keys.iter().collect::<Vec<_>>())?;
    write_whole(&args.out, &bytes).with_context(|| format!("{} can't be written", args.out.display()))?;
    eprintln!("number {sequence}, good for {} days, {} bytes", args.days, bytes.len());
    Ok(())
}

fn parts<T: serde::de::DeserializeOwned>(files: &[PathBuf]) -> Result<Vec<T>> {
    let read = |path: &PathBuf| -> Result<T> {
        let bytes = read_bounded(path, MAX_PART_BYTES)?.context("it is not there")?;
        Ok(serde_json::from_slice(&bytes)?)
    };
    files.iter().map(|path| read(path).with_context(|| format!("{} does not read", path.display()))).collect()
}

fn signing_key(path: &Path) -> Result<SigningKey> {
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions()) & 0o077 != 0 {
        bail!("others can read {}: take the right away and make a new key", path.display());
    }
    let bytes = read_bounded(path, MAX_KEY_BYTES)?.with_context(|| format!("{} is not there", path.display()))?;
    let text = String::from_utf8(bytes).ok().context("a key file holds 64 hex digits")?;
    let seed: Option<[u8; 32]> = hex::decode(text.trim()).ok().and_then(|seed| seed.try_into().ok());
    Ok(SigningKey::from_bytes(&seed.context("a key file holds 64 hex digits")?))
}

/// `13.0` as two numbers.
pub(crate) fn pair(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parts.ok_or_else(|| "two numbers with a point between them".to_owned())
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Cpu => Self::Cpu,
            KindArg::Cuda => Self::Cuda,
        }
    }
}
