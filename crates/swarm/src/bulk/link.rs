//! One stream to a peer, with several requests under way.
//!
//! In: requests from any number of callers. Out: each caller's answer, or why there is none. Writing and reading go on
//! side by side, so that neither waits for the other's buffers. The first wrong or late answer ends the stream.

use std::time::Duration;

use exchange::{Have, Manifest};
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::read::Answers;
use super::{BulkError, Request};
use crate::limits::{ANSWER_FLOOR, ANSWER_GRACE, PIECE_WRITE_TIME, REQUESTS_IN_FLIGHT};
use crate::pace::Tap;

/// A stream of bytes in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// An answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Manifest(Manifest),
    Chunk(Vec<u8>),
    Have(Have),
    Echo,
    NotHere,
    /// Not now, in words; the stream goes on.
    Refused(&'static str),
}

/// How long answers may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkTimes {
    /// Before bytes count.
    pub(crate) grace: Duration,
    /// Bytes a second from then on.
    pub(crate) floor: u64,
}

impl Default for LinkTimes {
    fn default() -> Self {
        Self { grace: ANSWER_GRACE, floor: ANSWER_FLOOR }
    }
}

impl LinkTimes {
    /// Time for an answer of this length.
    pub(super) fn allowed(&self, bytes: usize) -> Duration {
        self.grace + Duration::from_secs_f64(bytes as f64 / self.floor as f64)
    }
}

struct Ask {
    request: Request,
    answer: oneshot::Sender<Result<Answer, BulkError>>,
}

/// The callers' end of a stream. The stream is closed when all of them are gone.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    asks: mpsc::Sender<Ask>,
}

impl Link {
    /// A link, and what its user must run on a task: it ends with the stream.
    pub(crate) fn new<S: Duplex>(
        stream: S,
        times: LinkTimes,
        down: impl AsRef<Tap> + Send,
    ) -> (Self, impl Future<Output = Result<(), BulkError>> + Send) {
        let (asks, asked) = mpsc::channel(REQUESTS_IN_FLIGHT);
        (Self { asks }, async move { drive(stream, asked, times, down.as_ref()).await })
    }

    /// Asks, and waits for the answer. Cancel-safe: an answer that nobody waits for is read and dropped.
    ///
    /// # Errors
    /// [`BulkError`]; the stream is of no use afterwards.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, BulkError> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(Ask { request, answer }).await.map_err(|_| BulkError::Closed)?;
        answered.await.unwrap_or(Err(BulkError::Closed))
    }

    /// Whether the stream has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.asks.is_closed()
    }

    /// Whether both are ends of one stream.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.asks.same_channel(&other.asks)
    }
}

async fn drive<S: Duplex>(
    stream: S,
    mut asked: mpsc::Receiver<Ask>,
    times: LinkTimes,
    down: &Tap,
) -> Result<(), BulkError> {
    let (read, mut write) = stream.split();
    let mut answers = Answers { stream: read, times, down };
    let (under_way, mut oldest) = mpsc::channel::<Ask>(REQUESTS_IN_FLIGHT);
    let writing = async {
        while let Some(ask) = asked.recv().await {
            // Only as many as may be under way.
            let Ok(place) = under_way.reserve().await else { break };
            let bytes = ask.request.to_bytes();
            place.send(ask);
            let sent = async {
                write.write_all(&bytes).await?;
                write.flush().await
            };
            if !matches!(timeout(PIECE_WRITE_TIME, sent).await, Ok(Ok(()))) {
                return Err(BulkError::Closed);
            }
        }
        drop(under_way);
        Ok(())
    };
    let reading = async {
        while let Some(ask) = oldest.recv().await {
            match answers.read(&ask.request).await {
                // The caller may have stopped waiting.
                Ok(answer) => drop(ask.answer.send(Ok(answer))),
                Err(why) => {
                    let _ = ask.answer.send(Err(why.clone()));
                    return Err(why);
                }
            }
        }
        Ok(())
    };
    let done = {
        tokio::pin!(reading);
        tokio::select! {
            // First, so that a peer that said why before it closed is heard.
            biased;
            done = &mut reading => done,
            wrote = writing => match wrote {
                Ok(()) => reading.await,
                // What was answered before the stream broke still counts.
                Err(broken) => reading.await.and(Err(broken)),
            },
        }
    };
    let _ = timeout(PIECE_WRITE_TIME, write.close()).await;
    done
}
