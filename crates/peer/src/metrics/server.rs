//! The page over HTTP/1.1.
//!
//! In: requests of strangers, where the address lets them. Out: `GET /metrics`, and nothing else. Bounded: connections,
//! header bytes, header lines, time to ask, time to be answered. At an address of this machine alone, a request that
//! names another host is refused: a web page must not read the figures through a name that it points here.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HOST};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Metrics, MetricsAddress};

/// Readers at once: two Prometheus servers, a person, and room.
const MAX_CONNECTIONS: usize = 8;
/// Bytes of a request's head; hyper takes no less.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Lines of a request's head.
const MAX_HEADERS: usize = 32;
/// A request's head comes within this, or the connection goes.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// A connection lives so long, however busy: readers ask every some seconds and can call again.
const CONNECTION_TIME: Duration = Duration::from_secs(120);
/// After a failed accept, for instance for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// What Prometheus asks for by default.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("figures cannot be served at {address}: {source}")]
pub struct MetricsError {
    /// Where it was asked for.
    pub address: SocketAddr,
    /// The operating system's reason.
    pub source: std::io::Error,
}

/// Listens at `address` and answers until `stop`. Returns where: port 0 is any free one.
///
/// # Errors
/// [`MetricsError`] if the address cannot be listened at.
pub async fn serve(
    address: MetricsAddress,
    metrics: Metrics,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result<SocketAddr, MetricsError> {
    let failed = |source| MetricsError { address: address.0, source };
    let listener = TcpListener::bind(address.0).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let own_only = address.is_loopback();
    let connections = tasks.clone();
    tasks.spawn(async move { accept(&listener, &metrics, own_only, &connections, &stop).await });
    Ok(bound)
}

async fn accept(
    listener: &TcpListener,
    metrics: &Metrics,
    own_only: bool,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ACCEPT_PAUSE) => continue,
            }
        };
        // One too many is closed at once, so that it does not wait for nothing.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let (metrics, stop) = (metrics.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = tokio::time::timeout(CONNECTION_TIME, answer(stream, metrics, own_only)) => {}
            }
            drop(place);
        });
    }
}

async fn answer(stream: TcpStream, metrics: Metrics, own_only: bool) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(&request, &metrics, own_only);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("a reader of figures: {error}");
    }
}

fn respond(request: &Request<Incoming>, metrics: &Metrics, own_only: bool) -> Response<Full<Bytes>> {
    if own_only && !names_this_machine(request) {
        return plain(StatusCode::FORBIDDEN, "This address is for programs of this machine.\n");
    }
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "There is only /metrics.\n");
    }
    if request.method() != Method::GET {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n");
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET"));
        return response;
    }
    let mut response = plain(StatusCode::OK, metrics.page());
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(OPEN_METRICS));
    response
}

/// Whether the request's `Host` is this machine by number or as `localhost`. HTTP/1.0 names none; no browser speaks it.
fn names_this_machine(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let Some(host) = hosts.next() else { return request.version() == hyper::Version::HTTP_10 };
    let Ok(host) = host.to_str() else { return false };
    hosts.next().is_none() && is_own_name(host)
}

fn is_own_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || number.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}
