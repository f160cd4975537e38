//! One bucket through the S3 client: each call is one request, and its failure one [`BucketError`].
//!
//! In: a place, a key, object names. Out: sizes, bytes, yes or no. It tries nothing twice; who may wait does that.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::client::{HttpClient, HttpConnector};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    RetryConfig, UpdateVersion,
};

use crate::error::BucketError;
use crate::limits::CONNECT_TIME;
use crate::line::{Line, Pace};
use crate::place::BucketPlace;

/// Whether an object was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Made,
    WasThere,
}

pub(crate) struct Store {
    s3: AmazonS3,
    line: Line,
}

impl Store {
    pub(crate) fn open(
        place: &BucketPlace,
        id: &str,
        secret: &str,
        pace: Option<Arc<dyn Pace>>,
    ) -> Result<Self, BucketError> {
        let line = Line::new(client(place)?, pace);
        let s3 = AmazonS3Builder::new()
            .with_endpoint(place.address())
            .with_bucket_name(place.bucket())
            .with_region(place.region())
            .with_virtual_hosted_style_request(!place.path_style())
            .with_access_key_id(id)
            .with_secret_access_key(secret)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // Some servers have no bulk delete; single deletes are known to all.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(Given(Mutex::new(line.clone())))
            .build()
            .map_err(|e| BucketError::of(&e))?;
        Ok(Self { s3, line })
    }

    /// Seconds that the server's clock is ahead, if it has said the time.
    pub(crate) fn skew(&self) -> Option<i64> {
        self.line.skew()
    }

    /// Bytes of an object.
    pub(crate) async fn size(&self, name: &str) -> Result<u64, BucketError> {
        Ok(self.s3.head(&Path::from(name)).await.map_err(|e| BucketError::of(&e))?.size)
    }

    /// A range of an object that has `size` bytes: that many, or an error. Empty ranges are not asked for.
    pub(crate) async fn get(&self, name: &str, range: Range<u64>, size: u64) -> Result<Vec<u8>, BucketError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let got = match self.s3.get_opts(&Path::from(name), options).await.map_err(|e| BucketError::of(&e)) {
            // The range lies behind the object's end.
            Err(BucketError::Refused { status: 416, .. }) => {
                return Err(BucketError::WrongSize { expected: size, got: self.size(name).await? });
            }
            got => got?,
        };
        if got.meta.size != size {
            return Err(BucketError::WrongSize { expected: size, got: got.meta.size });
        }
        let bytes = got.bytes().await.map_err(|e| BucketError::of(&e))?;
        // The line lets no more through than was asked for.
        if bytes.len() as u64 != range.end - range.start {
            return Err(BucketError::Protocol("an answer was cut short".to_owned()));
        }
        Ok(bytes.into())
    }

    /// Makes an object unless there is one of this name.
    pub(crate) async fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<Put, BucketError> {
        let made = self.put(name, bytes.clone(), PutMode::Create).await;
        match made {
            Ok(()) => Ok(Put::Made),
            Err(BucketError::Refused { status: 412 | 304, .. }) => Ok(Put::WasThere),
            // The condition is unknown to this server: looked for instead.
            Err(BucketError::Refused { status: 501, .. }) => match self.size(name).await {
                Ok(_) => Ok(Put::WasThere),
                Err(BucketError::NotFound) => self.put(name, bytes, PutMode::Overwrite).await.map(|()| Put::Made),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Asks for what an honest server cannot do: to replace an object that is not there. A key that may write is told that
    /// the condition does not hold, one that may not is told so.
    pub(crate) async fn put_impossible(&self, name: &str) -> Result<(), BucketError> {
        let version = UpdateVersion { e_tag: Some("\"00000000000000000000000000000000\"".to_owned()), version: None };
        self.put(name, Vec::new(), PutMode::Update(version)).await
    }

    async fn put(&self, name: &str, bytes: Vec<u8>, mode: PutMode) -> Result<(), BucketError> {
        let options = PutOptions::from(mode);
        let put = self.s3.put_opts(&Path::from(name), PutPayload::from(bytes), options).await;
        put.map(|_| ()).map_err(|e| BucketError::of(&e))
    }

    /// Removes an object; one that is not there is removed already.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), BucketError> {
        match self.s3.delete(&Path::from(name)).await.map_err(|e| BucketError::of(&e)) {
            Err(BucketError::NotFound) => Ok(()),
            other => other,
        }
    }

    /// The first `max` names below a folder.
    pub(crate) async fn list(&self, folder: &str, max: usize) -> Result<BTreeSet<String>, BucketError> {
        use futures::StreamExt as _;
        let folder = Path::from(folder);
        let found = self.s3.list(Some(&folder)).take(max).map_ok(|meta| meta.location.to_string());
        found.try_collect().await.map_err(|e| BucketError::of(&e))
    }

    /// Begins an object of several parts; its upload id.
    pub(crate) async fn begin(&self, name: &str) -> Result<String, BucketError> {
        self.s3.create_multipart(&Path::from(name)).await.map_err(|e| BucketError::of(&e))
    }

    /// One part, counted from 0; its mark.
    pub(crate) async fn part(&self, name: &str, id: &str, index: usize, bytes: Vec<u8>) -> Result<String, BucketError> {
        let part = self.s3.put_part(&Path::from(name), &id.to_owned(), index, PutPayload::from(bytes)).await;
        Ok(part.map_err(|e| BucketError::of(&e))?.content_id)
    }

    /// Puts the parts together.
    pub(crate) async fn complete(&self, name: &str, id: &str, marks: Vec<String>) -> Result<(), BucketError> {
        let parts = marks.into_iter().map(|content_id| PartId { content_id }).collect();
        let done = self.s3.complete_multipart(&Path::from(name), &id.to_owned(), parts).await;
        done.map(|_| ()).map_err(|e| BucketError::of(&e))
    }

    /// Gives an object of several parts up.
    pub(crate) async fn abort(&self, name: &str, id: &str) -> Result<(), BucketError> {
        match self.s3.abort_multipart(&Path::from(name), &id.to_owned()).await.map_err(|e| BucketError::of(&e)) {
            Err(BucketError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// Hands the S3 client the line that it shall use.
#[derive(Debug)]
struct Given(Mutex<Line>);

impl HttpConnector for Given {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

/// One client for all servers elsewhere: their connections and certificates are shared by the buckets of a whole run.
fn client(place: &BucketPlace) -> Result<reqwest::Client, BucketError> {
    static ELSEWHERE: OnceLock<reqwest::Client> = OnceLock::new();
    // Refused if something else in this process has chosen one before: as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .pool_max_idle_per_host(4)
    };
    let tls = |e: reqwest::Error| BucketError::Tls(e.without_url().to_string());
    if place.is_local() {
        return builder().no_proxy().build().map_err(tls);
    }
    if let Some(client) = ELSEWHERE.get() {
        return Ok(client.clone());
    }
    let client = builder().https_only(true).build().map_err(tls)?;
    Ok(ELSEWHERE.get_or_init(|| client).clone())
}
