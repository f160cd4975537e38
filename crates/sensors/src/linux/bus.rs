//! A D-Bus that may be there or not: connected when it can be, asked with a deadline, listened to.
//!
//! In: an address, what to listen for. Out: answers or [`Silence`], and [`Signal`]s. A signal on which something is done is
//! believed only from the owner of the service's name.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use zbus::export::futures_core::Stream as _;
use zbus::export::serde::Serialize;
use zbus::fdo::DBusProxy;
use zbus::message::Message;
use zbus::names::{BusName, UniqueName};
use zbus::proxy::{Builder, CacheProperties, MethodFlags};
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedValue};
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use super::DEADLINE;

/// A bus that is not there is looked for again after so long.
const RETRY: Duration = Duration::from_secs(30);
/// Signals that wait while the sources are asked.
const QUEUE: usize = 32;
/// Refusals are cut to so many characters.
const LONGEST_REFUSAL: usize = 200;

/// A service on a bus.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) interface: &'static str,
    /// Started by the bus if it does not run.
    pub(crate) start: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Silence {
    /// Nobody is there.
    Absent,
    /// Somebody said no, or something that makes no sense.
    Refused(String),
    /// No answer in time.
    Slow,
}

/// What a bus says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Before sleep, and after it.
    Sleep(bool),
    /// Before the end, or it was called off.
    Shutdown(bool),
    /// Something about the line has changed.
    Line,
    /// Something about the session has changed.
    Session,
    /// The look has changed.
    Look,
}

/// What to listen for.
pub(crate) struct Listen {
    pub(crate) rule: MatchRule<'static>,
    /// Who must have sent it, if it matters.
    pub(crate) sender: Option<&'static str>,
    pub(crate) parse: fn(&Message) -> Option<Signal>,
}

pub(crate) struct Bus {
    address: Option<String>,
    listen: fn() -> Vec<Listen>,
    open: Option<Open>,
    retry_at: Option<Instant>,
}

struct Open {
    connection: Connection,
    streams: Vec<(MessageStream, Listen)>,
    /// Came in and is not handed on yet: the sender is asked for first, and that may be interrupted.
    pending: VecDeque<Pending>,
}

struct Pending {
    signal: Signal,
    from: Option<UniqueName<'static>>,
    must_be: Option<&'static str>,
}

impl Bus {
    pub(crate) fn new(address: Option<String>, listen: fn() -> Vec<Listen>) -> Self {
        Self { address, listen, open: None, retry_at: None }
    }

    /// The connection, if there is one now.
    pub(crate) fn open(&self) -> Option<&Connection> {
        self.open.as_ref().map(|open| &open.connection)
    }

    /// Connects if it is not connected and it is time to try.
    pub(crate) async fn connect(&mut self) {
        if self.open.as_ref().is_some_and(|open| open.connection.is_closed()) {
            self.open = None;
        }
        let Some(address) = self.address.as_deref().filter(|_| self.open.is_none()) else { return };
        let now = Instant::now();
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_at = Some(now + RETRY);
        match timeout(DEADLINE, connect(address, (self.listen)())).await {
            Ok(Ok(open)) => self.open = Some(open),
            Ok(Err(error)) => tracing::debug!(%error, "a D-Bus is not there"),
            Err(_) => tracing::debug!("a D-Bus does not answer"),
        }
    }

    /// The next signal. Waits for ever while there is no connection. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            let Some(open) = &mut self.open else { return std::future::pending().await };
            while let Some(pending) = open.pending.front() {
                let believed = match pending.must_be {
                    None => true,
                    Some(name) => owner(&open.connection, name).await.is_some_and(|owner| pending.from == Some(owner)),
                };
                let signal = pending.signal;
                open.pending.pop_front();
                if believed {
                    return signal;
                }
            }
            match open.message().await {
                Some(pending) => open.pending.push_back(pending),
                None => self.open = None,
            }
        }
    }
}

impl Open {
    /// The next message that says something; `None` at the end of the connection.
    async fn message(&mut self) -> Option<Pending> {
        std::future::poll_fn(|context| {
            for (stream, listen) in &mut self.streams {
                while let Poll::Ready(item) = Pin::new(&mut *stream).poll_next(context) {
                    let Some(Ok(message)) = item else { return Poll::Ready(None) };
                    let Some(signal) = (listen.parse)(&message) else { continue };
                    let from = message.header().sender().map(UniqueName::to_owned);
                    return Poll::Ready(Some(Pending { signal, from, must_be: listen.sender }));
                }
            }
            Poll::Pending
        })
        .await
    }
}

async fn connect(address: &str, listen: Vec<Listen>) -> zbus::Result<Open> {
    let connection = zbus::connection::Builder::address(address)?.build().await?;
    let mut streams = Vec::with_capacity(listen.len());
    for one in listen {
        let stream = MessageStream::for_match_rule(one.rule.clone(), &connection, Some(QUEUE)).await?;
        streams.push((stream, one));
    }
    Ok(Open { connection, streams, pending: VecDeque::new() })
}

async fn owner(connection: &Connection, name: &'static str) -> Option<UniqueName<'static>> {
    let ask = async {
        let bus = DBusProxy::new(connection).await.ok()?;
        let owner = bus.get_name_owner(BusName::try_from(name).ok()?).await.ok()?;
        Some(owner.into_inner())
    };
    timeout(DEADLINE, ask).await.ok().flatten()
}

/// Calls a method.
pub(crate) async fn ask<B, R>(connection: &Connection, service: &Service, method: &str, body: &B) -> Result<R, Silence>
where
    B: Serialize + DynamicType + Sync,
    R: for<'d> DynamicDeserialize<'d>,
{
    let call = async {
        let proxy: Proxy<'_> = Builder::new(connection)
            .destination(service.name)?
            .path(service.path)?
            .interface(service.interface)?
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let start = if service.start { Default::default() } else { MethodFlags::NoAutoStart.into() };
        proxy.call_with_flags(method, start, body).await
    };
    match timeout(DEADLINE, call).await {
        Err(_) => Err(Silence::Slow),
        Ok(Ok(Some(answer))) => Ok(answer),
        Ok(Ok(None)) => Err(Silence::Absent),
        Ok(Err(error)) => Err(silence(&error)),
    }
}

/// Reads a property as what it should be.
pub(crate) async fn property<T>(connection: &Connection, service: &Service, name: &str) -> Result<T, Silence>
where
    T: TryFrom<OwnedValue>,
{
    let properties = Service { interface: "org.freedesktop.DBus.Properties", ..*service };
    let value: OwnedValue = ask(connection, &properties, "Get", &(service.interface, name)).await?;
    T::try_from(value).map_err(|_| Silence::Refused(format!("{name} is of another type")))
}

fn silence(error: &zbus::Error) -> Silence {
    match error {
        zbus::Error::MethodError(name, text, _) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                Silence::Absent
            }
            name => {
                let text = text.as_deref().unwrap_or(name);
                Silence::Refused(text.chars().filter(|c| !c.is_control()).take(LONGEST_REFUSAL).collect())
            }
        },
        zbus::Error::InputOutput(_) => Silence::Absent,
        _ => Silence::Refused("the answer makes no sense".to_owned()),
    }
}
