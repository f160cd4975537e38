//! The door of an endpoint: takes connections on loopback, and cuts them when a scenario says so.
//!
//! In: TCP connections. Out: their bytes, to and from the JSON-RPC server. A cut is as abrupt as a broken line. The number
//! of connections is bounded; nothing beyond loopback can connect.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonrpsee::server::{Methods, Server, ServerConfig, StopHandle, serve};
use tokio::io::{copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::NodeError;
use crate::view::{MAX_OVERSIZE, lock};

/// Most connections at once.
const MAX_CONNECTIONS: usize = 256;
/// Most subscriptions of one connection.
const MAX_SUBSCRIPTIONS: u32 = 256;
/// Longest request, in bytes.
const MAX_REQUEST: u32 = 4 * 1024 * 1024;
/// Bytes between socket and server.
const BUFFER: usize = 64 * 1024;
/// Pause after the listener failed, so that a lack of file handles does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What can be done to an endpoint's connections.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    cut: CancellationToken,
    closed_until: Option<Instant>,
}

impl Gate {
    /// Cuts what is connected and turns away what comes within `refuse`.
    pub(crate) fn cut(&self, refuse: Duration) {
        let mut line = lock(&self.line);
        line.closed_until = Instant::now().checked_add(refuse);
        std::mem::take(&mut line.cut).cancel();
    }

    /// What ends a new connection; `None` while the gate is closed.
    fn admit(&self) -> Option<CancellationToken> {
        let line = lock(&self.line);
        let closed = line.closed_until.is_some_and(|until| Instant::now() < until);
        (!closed).then(|| line.cut.clone())
    }
}

/// Opens a port on loopback.
pub(crate) async fn listen() -> Result<(TcpListener, SocketAddr), NodeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|e| NodeError::Serve(e.to_string()))?;
    let address = listener.local_addr().map_err(|e| NodeError::Serve(e.to_string()))?;
    Ok((listener, address))
}

/// Serves until `ended`, then waits for its connections to end.
pub(crate) async fn run(
    listener: TcpListener,
    gate: Arc<Gate>,
    methods: Methods,
    stop: StopHandle,
    ended: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = ended.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                let Some(cut) = gate.admit() else { continue };
                let (methods, stop, ended) = (methods.clone(), stop.clone(), ended.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = cut.cancelled() => {}
                        () = ended.cancelled() => {}
                        () = connection(stream, methods, stop) => {}
                    }
                });
            }
            // One too many is hung up on.
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(mut stream: TcpStream, methods: Methods, stop: StopHandle) {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST)
        .max_response_body_size(MAX_OVERSIZE + BUFFER as u32)
        .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
        .build();
    // A reply waits for nothing: requests are small and answered one by one.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = Server::builder().set_config(config).to_service_builder().build(methods, stop);
    let (mut ours, theirs) = duplex(BUFFER);
    let server = async move {
        if let Err(error) = serve(theirs, service).await {
            tracing::debug!("a connection ended: {error}");
        }
    };
    let line = async move {
        if let Err(error) = copy_bidirectional(&mut stream, &mut ours).await {
            tracing::debug!("a connection broke: {error}");
        }
    };
    tokio::join!(server, line);
}
