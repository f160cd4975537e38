//! One HTTP client for descriptions and files.
//!
//! In: a source, a range. Out: pieces of bytes as they come. Every wait ends. Redirects are followed a few times and never to
//! plain HTTP: whatever is brought is checked by signature or hash.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::{Instant, timeout};

use super::FetchError;
use crate::limits::{CONNECT_TIME, DRIP_BYTES, DRIP_TIME, FIRST_BACKOFF, MAX_REDIRECTS, SIGNED_TIME, STALL_TIME};
use crate::place::Source;

/// Bytes read from a disk at once.
const PIECE_BYTES: usize = 256 << 10;

/// The client: one for this machine, one for everywhere else.
#[derive(Debug, Clone)]
pub struct Line {
    outside: Client,
    here: Client,
    stall: Duration,
    /// First wait before a source that is down is asked again.
    pub(super) backoff: Duration,
}

impl Line {
    /// A client.
    ///
    /// # Errors
    /// [`FetchError::Tls`].
    pub fn new() -> Result<Self, FetchError> {
        Self::with_waits(STALL_TIME, FIRST_BACKOFF)
    }

    /// A client with other waits: for silence, and before a source that is down is asked again.
    ///
    /// # Errors
    /// [`FetchError::Tls`].
    pub fn with_waits(stall: Duration, backoff: Duration) -> Result<Self, FetchError> {
        // Refused if something else in this process has chosen one before: as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || Client::builder().referer(false).connect_timeout(CONNECT_TIME).user_agent("covey");
        let tls = |error: reqwest::Error| FetchError::Tls(error.without_url().to_string());
        let outside = builder().https_only(true).redirect(redirect::Policy::limited(MAX_REDIRECTS));
        let here = builder().no_proxy().redirect(redirect::Policy::none());
        Ok(Self { outside: outside.build().map_err(tls)?, here: here.build().map_err(tls)?, stall, backoff })
    }

    /// A whole short file of at most `max` bytes.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn get(&self, source: &Source, max: usize) -> Result<Vec<u8>, FetchError> {
        let all = async {
            let response = self.send(source, None).await?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Refused(response.status().as_u16()));
            }
            let mut answer = Answer::web(response, 0, self.stall);
            let mut bytes = Vec::new();
            while let Some(piece) = answer.next().await? {
                if bytes.len() + piece.len() > max {
                    return Err(FetchError::TooLong(max));
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(bytes)
        };
        timeout(SIGNED_TIME, all).await.map_err(|_| FetchError::Stalled)?
    }

    /// Begins a range of a file that has `whole` bytes. The answer may begin earlier: see [`Answer::begins_before`].
    pub(super) async fn open(&self, source: &Source, range: Range<u64>, whole: u64) -> Result<Answer, FetchError> {
        let all = range == (0..whole);
        let response = self.send(source, (!all).then(|| range.clone())).await?;
        let size = |got: Option<u64>| match got {
            Some(got) if got != whole => Err(FetchError::WrongSize { got, expected: whole }),
            _ => Ok(()),
        };
        match response.status() {
            StatusCode::OK => {
                size(response.content_length())?;
                Ok(Answer::web(response, 0, self.stall))
            }
            StatusCode::PARTIAL_CONTENT => {
                let text = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
                let (first, total) = text.and_then(content_range).ok_or(FetchError::BadRange)?;
                size(total)?;
                if first != range.start {
                    return Err(FetchError::BadRange);
                }
                Ok(Answer::web(response, first, self.stall))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => Err(FetchError::BadRange),
            other => Err(FetchError::Refused(other.as_u16())),
        }
    }

    async fn send(&self, source: &Source, range: Option<Range<u64>>) -> Result<Response, FetchError> {
        let client = if source.is_local() { &self.here } else { &self.outside };
        let mut request = client.get(source.url().clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            request = request.header(RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        }
        let sent = timeout(self.stall, request.send()).await.map_err(|_| FetchError::Stalled)?;
        sent.map_err(|_| FetchError::Unreachable(source.host().to_owned()))
    }
}

/// First byte and total of `bytes 5-9/20`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    (first <= last).then_some((first, total))
}

/// Bytes on their way.
pub(super) struct Answer {
    from: Bytes,
    begins: u64,
    stall: Duration,
    /// Since when, and how much came: a drip is no download.
    window: (Instant, u64),
}

enum Bytes {
    Web(Response),
    Disk(File),
}

impl Answer {
    fn web(response: Response, begins: u64, stall: Duration) -> Self {
        Self { from: Bytes::Web(response), begins, stall, window: (Instant::now(), 0) }
    }

    /// The same from a file on this machine.
    pub(super) async fn disk(path: &Path, start: u64, whole: u64) -> Result<Self, FetchError> {
        let opened = async {
            let mut file = File::open(path).await?;
            let got = file.metadata().await?.len();
            file.seek(std::io::SeekFrom::Start(start)).await?;
            Ok((file, got))
        };
        let (file, got) = opened.await.map_err(FetchError::disk)?;
        if got != whole {
            return Err(FetchError::WrongSize { got, expected: whole });
        }
        Ok(Self { from: Bytes::Disk(file), begins: start, stall: STALL_TIME, window: (Instant::now(), 0) })
    }

    /// Bytes that come before `start`.
    pub(super) fn begins_before(&self, start: u64) -> u64 {
        start.saturating_sub(self.begins)
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        let piece = match &mut self.from {
            Bytes::Disk(file) => {
                let mut piece = vec![0; PIECE_BYTES];
                let count = file.read(&mut piece).await.map_err(FetchError::disk)?;
                piece.truncate(count);
                return Ok((count > 0).then_some(piece));
            }
            Bytes::Web(response) => {
                let next = timeout(self.stall, response.chunk()).await.map_err(|_| FetchError::Stalled)?;
                next.map_err(|_| FetchError::Short)?
            }
        };
        let Some(piece) = piece else { return Ok(None) };
        self.window.1 += piece.len() as u64;
        if self.window.0.elapsed() >= DRIP_TIME {
            if self.window.1 < DRIP_BYTES {
                return Err(FetchError::Stalled);
            }
            self.window = (Instant::now(), 0);
        }
        Ok(Some(piece.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn a_content_range_reads_one_way_only() {
        assert_eq!(content_range("bytes 5-9/20"), Some((5, Some(20))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0, None)));
        for bad in [
            "",
            "bytes",
            "bytes 9-5/20",
            "bytes */20",
            "5-9/20",
            "bytes -5-9/20",
            "bytes 5-9",
            "bytes 5-99999999999999999999/*",
        ] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
