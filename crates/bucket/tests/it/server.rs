//! An S3 server in this process, with keys that may write, only read, or have expired, and with faults on demand.
//!
//! In: what a test wants to go wrong. Out: an endpoint, and what was asked of it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bucket::{BucketPlace, Content, OwnBucket, PublicBucket, ReadKey, Shelf, WriteKey};
use exchange::Manifest;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Result, s3_error};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use types::{Hash32, Hotkey, Round, RunId};

pub(crate) const RUN: RunId = RunId(Hash32([0xab; 32]));
pub(crate) const SECRET: &str = "s3cret-key";

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

/// An answer in the server's place.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>x</Message></Error>");
        Self { status, headers: Vec::new(), body }
    }
}

/// When a fault's answer is given: instead of the server's, or after the server did what was asked.
pub(crate) enum Fault {
    Instead(Answer),
    After(Answer),
}

type Faults = Box<dyn FnMut(&Seen) -> Option<Fault> + Send>;

pub(crate) struct Server {
    address: SocketAddr,
    /// The bucket's files.
    pub(crate) files: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
    faults: Arc<Mutex<Faults>>,
    _dir: TempDir,
    _tasks: JoinSet<()>,
}

/// `READ` may only read, `OLD` has expired.
struct Rights;

#[async_trait::async_trait]
impl S3Access for Rights {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.s3_path().as_bucket().or(cx.s3_path().as_object().map(|o| o.0)).is_some_and(|bucket| bucket != "runs") {
            return Err(s3_error!(NoSuchBucket));
        }
        let key = cx.credentials().map(|c| c.access_key.clone());
        let reads = matches!(cx.s3_op().name(), "GetObject" | "HeadObject" | "ListObjectsV2" | "HeadBucket");
        match key.as_deref() {
            Some("WRITE") => Ok(()),
            Some("READ") if reads => Ok(()),
            Some("OLD") => Err(s3_error!(ExpiredToken)),
            _ => Err(s3_error!(AccessDenied)),
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("runs");
        std::fs::create_dir(&files).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        let mut keys = SimpleAuth::new();
        for id in ["WRITE", "READ", "OLD"] {
            keys.register(id.to_owned(), SECRET.into());
        }
        builder.set_auth(keys);
        builder.set_access(Rights);
        let s3 = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let none: Faults = Box::new(|_| None);
        let faults = Arc::new(Mutex::new(none));
        let front = Front { s3, seen: Arc::clone(&seen), faults: Arc::clone(&faults) };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let front = front.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let front = front.clone();
                        async move { Ok::<_, Infallible>(front.answer(request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, files, seen, faults, _dir: dir, _tasks: tasks }
    }

    pub(crate) fn place(&self) -> BucketPlace {
        self.place_named("runs")
    }

    pub(crate) fn place_named(&self, bucket: &str) -> BucketPlace {
        BucketPlace::at(&format!("http://{}", self.address), bucket, "auto", true).unwrap()
    }

    pub(crate) fn own(&self, notes: &TempDir) -> OwnBucket {
        OwnBucket::open(self.place(), &write_key(), notes.path().to_owned(), None).unwrap()
    }

    pub(crate) fn public(&self) -> PublicBucket {
        PublicBucket::new(self.place(), &ReadKey::new("READ", SECRET).unwrap()).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Parts that were sent so far, in order.
    pub(crate) fn parts(&self) -> Vec<String> {
        let query =
            |seen: Seen| seen.query.split('&').find_map(|pair| pair.strip_prefix("partNumber=").map(str::to_owned));
        self.seen().into_iter().filter(|s| s.method == "PUT").filter_map(query).collect()
    }

    pub(crate) fn on(&self, faults: impl FnMut(&Seen) -> Option<Fault> + Send + 'static) {
        *self.faults.lock().unwrap() = Box::new(faults);
    }

    /// Names of all objects, without what the server keeps beside them.
    pub(crate) fn objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.files.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&self.files).unwrap().to_str().unwrap().replace('\\', "/");
                    found.push(name);
                }
            }
        }
        found.retain(|name| !name.rsplit('/').next().unwrap().starts_with('.'));
        found.sort_unstable();
        found
    }
}

#[derive(Clone)]
struct Front {
    s3: s3s::service::S3Service,
    seen: Arc<Mutex<Vec<Seen>>>,
    faults: Arc<Mutex<Faults>>,
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let seen = Seen {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
        };
        self.seen.lock().unwrap().push(seen.clone());
        let fault = (self.faults.lock().unwrap())(&seen);
        let answer = match fault {
            None => return self.s3.call(request.map(s3s::Body::from)).await.unwrap(),
            Some(Fault::Instead(answer)) => {
                // Read to the end, so that the connection goes on.
                let _ = request.into_body().collect().await;
                answer
            }
            Some(Fault::After(answer)) => {
                let _ = self.s3.call(request.map(s3s::Body::from)).await.unwrap().into_body().collect().await;
                answer
            }
        };
        let mut response = Response::new(s3s::Body::from(answer.body));
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
        for (name, value) in answer.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }
}

pub(crate) fn write_key() -> WriteKey {
    WriteKey::new("WRITE", SECRET).unwrap()
}

pub(crate) fn blob(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 + i / 977) as u8).collect()
}

pub(crate) fn manifest(blob: &[u8]) -> Manifest {
    Manifest::of(blob).unwrap()
}

pub(crate) fn bytes(blob: &[u8]) -> Content {
    Content::Bytes(blob.into())
}

pub(crate) fn shelf(round: u64) -> Shelf {
    Shelf::Round { run: RUN, round: Round(round), hotkey: Hotkey([7; 32]) }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

pub(crate) fn quiet(_: u64) {}
