//! The line to a bucket's server: HTTP as the S3 client uses it, with every answer bounded.
//!
//! In: the client's signed requests. Out: answers that are read to their end and no further than an honest one goes, or a
//! [`LineError`], which the client passes through. No redirect is followed. What goes up goes in small pieces, each after
//! the upload limit ([`Pace`]) has let it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::stream;
use http_body_util::BodyExt as _;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use reqwest::header::{CONTENT_LENGTH, DATE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use crate::limits::{
    ANSWER_TIME, COMPLETE_TIME, MAX_ANSWER_BYTES, MAX_CODE_CHARS, MAX_REFUSAL_BYTES, PIECE_BYTES, STALL_TIME,
};

/// The upload limit: asked before each piece goes out.
#[async_trait::async_trait]
pub trait Pace: Send + Sync {
    /// Returns when `bytes` may go.
    async fn take(&self, bytes: usize);
}

/// What the line itself has to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("no answer in time")]
    TimedOut,
    #[error("an answer of more than {0} bytes")]
    TooLong(usize),
    #[error("ranges are not served")]
    NoRange,
    #[error("no address")]
    Address,
    #[error("redirected with {0}")]
    Redirected(u16),
    #[error("refused with {status} {code}")]
    Refused { status: u16, code: String, skew: i64 },
}

/// One server's line. Clones share what is known of its clock.
#[derive(Clone)]
pub(crate) struct Line {
    client: reqwest::Client,
    pace: Option<Arc<dyn Pace>>,
    /// Seconds that the server's clock was ahead last; `i64::MIN` before it said.
    skew: Arc<AtomicI64>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    pub(crate) fn new(client: reqwest::Client, pace: Option<Arc<dyn Pace>>) -> Self {
        Self { client, pace, skew: Arc::new(AtomicI64::new(i64::MIN)) }
    }

    /// Seconds that the server's clock is ahead, if it has said the time.
    pub(crate) fn skew(&self) -> Option<i64> {
        Some(self.skew.load(Ordering::Relaxed)).filter(|skew| *skew != i64::MIN)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, LineError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| LineError::Address)?;
        let range = range_bytes(&parts.headers);
        let patience = match parts.method {
            Method::PUT => STALL_TIME,
            Method::POST => COMPLETE_TIME,
            _ => ANSWER_TIME,
        };
        let head = parts.method == Method::HEAD;
        let mut out = reqwest::Request::new(parts.method, url);
        *out.headers_mut() = parts.headers;
        // It lies in memory already.
        let bytes = body.collect().await.map_err(|_| LineError::Address)?.to_bytes();
        let moved = Arc::new(Moved::now());
        if !bytes.is_empty() {
            out.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            let pieces = (bytes, self.pace.clone(), Arc::clone(&moved));
            let pieces = stream::unfold(pieces, |(mut rest, pace, moved)| async move {
                if rest.is_empty() {
                    return None;
                }
                let piece = rest.split_to(PIECE_BYTES.min(rest.len()));
                if let Some(pace) = &pace {
                    pace.take(piece.len()).await;
                }
                moved.touch();
                Some((Ok::<_, std::io::Error>(piece), (rest, pace, moved)))
            });
            *out.body_mut() = Some(reqwest::Body::wrap_stream(pieces));
        }
        let response = tokio::select! {
            response = self.client.execute(out) => response.map_err(|e| unreachable(&e))?,
            () = moved.stopped_for(patience) => return Err(LineError::TimedOut),
        };
        self.note_time(response.headers());
        let status = response.status();
        if status.is_redirection() {
            return Err(LineError::Redirected(status.as_u16()));
        }
        if !status.is_success() {
            return Err(self.refusal(response).await);
        }
        if range.is_some() && !head && status != StatusCode::PARTIAL_CONTENT {
            return Err(LineError::NoRange);
        }
        let headers = response.headers().clone();
        let body = read(response, range.unwrap_or(MAX_ANSWER_BYTES), patience).await?;
        let mut answer = HttpResponse::new(body.into());
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    /// What a refusal says. Its text may be missing, endless or nonsense: the status counts.
    async fn refusal(&self, response: Response) -> LineError {
        let status = response.status().as_u16();
        let text = read(response, MAX_REFUSAL_BYTES, ANSWER_TIME).await.unwrap_or_default();
        let code = code_in(&String::from_utf8_lossy(&text));
        LineError::Refused { status, code, skew: self.skew().unwrap_or_default() }
    }

    fn note_time(&self, headers: &HeaderMap) {
        let there = headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| {
            let parser = jiff::fmt::rfc2822::DateTimeParser::new();
            parser.parse_timestamp(date).ok()
        });
        let here = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        if let (Some(there), Ok(here)) = (there, here) {
            // Seconds since 1970 fit for ages.
            let skew = there.as_second().saturating_sub(here.as_secs() as i64);
            self.skew.store(skew, Ordering::Relaxed);
        }
    }
}

#[async_trait::async_trait]
impl HttpService for Line {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // The kind says that the client must not try again: that is done above it, within the caller's deadline.
        Box::pin(self.ask(request)).await.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))
    }
}

/// When something went up last.
struct Moved(Mutex<Instant>);

impl Moved {
    fn now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stopped_for(&self, patience: Duration) {
        loop {
            let last = self.last();
            sleep_until(last + patience).await;
            if self.last() == last {
                return;
            }
        }
    }
}

async fn read(mut response: Response, max: usize, patience: Duration) -> Result<Vec<u8>, LineError> {
    let whole = async {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| unreachable(&e))? {
            if body.len() + piece.len() > max {
                return Err(LineError::TooLong(max));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    };
    timeout(patience, whole).await.unwrap_or(Err(LineError::TimedOut))
}

/// How many bytes a request with a range asks for.
fn range_bytes(headers: &HeaderMap) -> Option<usize> {
    let (first, last) = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    usize::try_from(last.checked_sub(first)?.checked_add(1)?).ok()
}

/// The error code of a refusal, letters and digits only.
fn code_in(text: &str) -> String {
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    code.chars().filter(char::is_ascii_alphanumeric).take(MAX_CODE_CHARS).collect()
}

/// The innermost reason, without the address that the request went to.
fn unreachable(error: &reqwest::Error) -> LineError {
    if error.is_timeout() {
        return LineError::TimedOut;
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // An error without a cause names the address, in which a signature may stand.
    let why = if std::ptr::addr_eq(cause, error) { "the connection failed".to_owned() } else { cause.to_string() };
    LineError::Unreachable(why.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_found_and_cleaned() {
        assert_eq!(code_in("<?xml?><Error><Code>NoSuchKey</Code><Message>x</Message></Error>"), "NoSuchKey");
        assert_eq!(code_in("<Code>a\u{1b}[31m b</Code>"), "a31mb");
        assert_eq!(code_in(&format!("<Code>{}</Code>", "x".repeat(500))).len(), MAX_CODE_CHARS);
        assert_eq!(code_in("502 Bad Gateway"), "");
    }

    #[test]
    fn a_range_says_how_much_may_come() {
        let bytes =
            |range: &'static str| range_bytes(&HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]));
        assert_eq!(bytes("bytes=0-0"), Some(1));
        assert_eq!(bytes("bytes=1048576-2097151"), Some(1 << 20));
        assert_eq!(bytes("bytes=5-4"), None);
        assert_eq!(bytes("bytes=-4"), None);
    }

    proptest! {
        #[test]
        fn any_refusal_gives_a_short_plain_code(text in ".{0,200}") {
            let code = code_in(&text);
            prop_assert!(code.len() <= MAX_CODE_CHARS && code.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
    }
}
