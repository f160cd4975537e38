//! From bytes that anybody may have sent to a description that is believed.
//!
//! In: sources, keys, what was believed last, the time. Out: the newest description that passes every check, remembered as
//! such. The order is: length, signature, number and dates, then form. All sources are asked, so that one of them alone can
//! hold nothing back.

use crate::fetch::{FetchError, Line};
use crate::keys::{KeyError, ReleaseKeys};
use crate::limits::{MAX_SIGNED_BYTES, MAX_URLS};
use crate::manifest::{ManifestError, UpdateManifest};
use crate::place::Source;
use crate::signed::{Purpose, SignedError, open};
use crate::trust::{Head, TrustError, TrustFile, check};

/// Why there is no description to go by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeliefError {
    /// This build trusts nobody.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// It did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Nobody trusted says so.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// Old, run out, or another one.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It says nothing that makes sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its head does not read.
    #[error("the signed description has no number and dates: {0}")]
    Head(String),
}

impl BeliefError {
    /// Whether somebody may be lying, rather than a line being down: said to the user once.
    pub fn is_suspicious(&self) -> bool {
        match self {
            Self::Signed(_) | Self::Manifest(_) | Self::Head(_) => true,
            Self::Trust(error) => !matches!(error, TrustError::Disk(_) | TrustError::Format(_)),
            Self::Fetch(error) => matches!(error, FetchError::TooLong(_)),
            Self::Keys(_) => false,
        }
    }
}

/// A description that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// Its number and dates.
    pub head: Head,
    /// All of it, as text.
    pub text: String,
    /// As it came, signatures and all.
    pub bytes: Vec<u8>,
}

/// What descriptions of one purpose are judged by.
#[derive(Debug)]
pub struct Judge<'a> {
    /// What they are for.
    pub purpose: Purpose,
    /// Whose word counts.
    pub keys: &'a ReleaseKeys,
    /// What was believed last.
    pub trust: &'a TrustFile,
}

impl Judge<'_> {
    /// Checks bytes without remembering them.
    ///
    /// # Errors
    /// [`BeliefError`].
    pub fn judge(&self, bytes: Vec<u8>, now_secs: u64) -> Result<Believed, BeliefError> {
        let text = open(&bytes, self.purpose, self.keys)?;
        let head: Head = serde_json::from_str(&text).map_err(|error| BeliefError::Head(error.to_string()))?;
        check(self.trust.read()?.as_ref(), &head, &text, now_secs)?;
        Ok(Believed { head, text, bytes })
    }

    /// Checks bytes and remembers them as the newest.
    ///
    /// # Errors
    /// [`BeliefError`]; what is remembered is then as before.
    pub fn believe(&self, bytes: Vec<u8>, now_secs: u64) -> Result<Believed, BeliefError> {
        let believed = self.judge(bytes, now_secs)?;
        self.trust.accept(&believed.head, &believed.text, now_secs)?;
        Ok(believed)
    }

    /// The newest description that any of the sources has; it is remembered only if `reads` takes it.
    ///
    /// # Errors
    /// The last source's reason if none has a good one; a suspicious one first.
    pub async fn ask<T>(
        &self,
        line: &Line,
        sources: &[Source],
        now_secs: u64,
        reads: impl Fn(&str) -> Result<T, ManifestError>,
    ) -> Result<(T, Believed), BeliefError> {
        let mut best: Option<(T, Believed)> = None;
        let mut worst = BeliefError::Fetch(FetchError::NoSource);
        for source in sources.iter().take(MAX_URLS) {
            let came = line.get(source, MAX_SIGNED_BYTES).await.map_err(BeliefError::from);
            let judged = came.and_then(|bytes| self.judge(bytes, now_secs));
            let read = judged.and_then(|believed| Ok((reads(&believed.text)?, believed)));
            match read {
                Ok(new) if best.as_ref().is_none_or(|(_, best)| new.1.head.sequence > best.head.sequence) => {
                    best = Some(new);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!("{}: {error}", source.host());
                    if !worst.is_suspicious() {
                        worst = error;
                    }
                }
            }
        }
        let (read, believed) = best.ok_or(worst)?;
        self.trust.accept(&believed.head, &believed.text, now_secs)?;
        Ok((read, believed))
    }

    /// [`Judge::ask`] for versions.
    ///
    /// # Errors
    /// [`BeliefError`].
    pub async fn versions(
        &self,
        line: &Line,
        sources: &[Source],
        now_secs: u64,
    ) -> Result<UpdateManifest, BeliefError> {
        Ok(self.ask(line, sources, now_secs, UpdateManifest::parse).await?.0)
    }
}
