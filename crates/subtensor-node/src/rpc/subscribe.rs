//! Subscriptions: heads, runtime versions, and what becomes of an extrinsic.
//!
//! In: notices of the chain. Out: notifications as the endpoint's knobs show them, until the client leaves or the node
//! ends. A client that does not keep up misses some.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::core::{RegisterMethodError, SubscriptionResult};
use jsonrpsee::server::{PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink};
use jsonrpsee::types::Params;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Args, hex};
use crate::chain::Notice;
use crate::extrinsic::MAX_EXTRINSIC;
use crate::pool::Status;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// Names for `rpc_methods`.
pub(super) const METHODS: [&str; 10] = [
    "chain_subscribeAllHeads",
    "chain_unsubscribeAllHeads",
    "chain_subscribeNewHeads",
    "chain_unsubscribeNewHeads",
    "chain_subscribeFinalizedHeads",
    "chain_unsubscribeFinalizedHeads",
    "state_subscribeRuntimeVersion",
    "state_unsubscribeRuntimeVersion",
    "author_submitAndWatchExtrinsic",
    "author_unwatchExtrinsic",
];

/// What a subscriber wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Best,
    Final,
    Runtime,
}

pub(super) fn register(module: &mut RpcModule<Arc<Shared>>, endpoint: usize) -> Result<(), RegisterMethodError> {
    let topics = [
        ("chain_subscribeAllHeads", "chain_allHead", "chain_unsubscribeAllHeads", Topic::Best),
        ("chain_subscribeNewHeads", "chain_newHead", "chain_unsubscribeNewHeads", Topic::Best),
        ("chain_subscribeFinalizedHeads", "chain_finalizedHead", "chain_unsubscribeFinalizedHeads", Topic::Final),
        ("state_subscribeRuntimeVersion", "state_runtimeVersion", "state_unsubscribeRuntimeVersion", Topic::Runtime),
    ];
    for (name, notification, leave, topic) in topics {
        module.register_subscription(name, notification, leave, move |_, pending, shared, _| async move {
            follow(&shared, endpoint, topic, name, pending).await
        })?;
    }
    module.register_subscription(
        "author_submitAndWatchExtrinsic",
        "author_extrinsicUpdate",
        "author_unwatchExtrinsic",
        move |params, pending, shared, _| async move { watch(&shared, endpoint, &params, pending).await },
    )?;
    Ok(())
}

async fn follow(
    shared: &Shared,
    endpoint: usize,
    topic: Topic,
    name: &str,
    pending: PendingSubscriptionSink,
) -> SubscriptionResult {
    let (mut notices, first) = match opened(shared, endpoint, topic, name) {
        Ok(opened) => opened,
        Err(refusal) => {
            pending.reject(refusal).await;
            return Ok(());
        }
    };
    let sink = pending.accept().await?;
    send(shared, endpoint, &sink, &first).await?;
    let ended = shared.ended();
    loop {
        let notice = tokio::select! {
            () = sink.closed() => return Ok(()),
            () = ended.cancelled() => return Ok(()),
            notice = notices.recv() => notice,
        };
        let shown = match notice {
            Ok(notice) => shown(shared, endpoint, topic, notice)?,
            Err(RecvError::Lagged(_)) => None,
            Err(RecvError::Closed) => return Ok(()),
        };
        if let Some(shown) = shown {
            send(shared, endpoint, &sink, &shown).await?;
        }
    }
}

/// What a subscriber hears first, and where the rest comes from.
fn opened(shared: &Shared, endpoint: usize, topic: Topic, name: &str) -> Result<(Receiver<Notice>, Value), Refusal> {
    let look = shared.view(endpoint)?.look();
    if look.knobs.missing.contains(name) {
        return Err(Refusal::Method);
    }
    let first = match topic {
        Topic::Best => json!(look.head(look.best)),
        Topic::Final => json!(look.head(look.finalized)),
        Topic::Runtime => look.chain.runtime().map_or(Value::Null, |runtime| runtime.version_json()),
    };
    Ok((look.chain.subscribe(), first))
}

/// A notice as the endpoint shows it; `None` if it hides it.
fn shown(shared: &Shared, endpoint: usize, topic: Topic, notice: Notice) -> Result<Option<Value>, Refusal> {
    let look = shared.view(endpoint)?.look();
    let head = |height, header: Arc<_>, most| {
        let shown = if look.knobs.lie_ahead.is_some() { json!(look.head(height)) } else { json!(&*header) };
        (height <= most).then_some(shown)
    };
    Ok(match (topic, notice) {
        (Topic::Best, Notice::Best(height, header)) => head(height, header, look.best),
        (Topic::Final, Notice::Final(height, header)) => head(height, header, look.finalized),
        (Topic::Runtime, Notice::Runtime(runtime)) => Some(runtime.version_json()),
        _ => None,
    })
}

async fn watch(
    shared: &Shared,
    endpoint: usize,
    params: &Params<'_>,
    pending: PendingSubscriptionSink,
) -> SubscriptionResult {
    let taken = Args::parse(params.as_str()).and_then(|args| {
        let raw = args.bytes(0, MAX_EXTRINSIC)?;
        let mut look = shared.view(endpoint)?.look();
        if look.knobs.missing.contains("author_submitAndWatchExtrinsic") {
            return Err(Refusal::Method);
        }
        look.chain.submit_and_watch(&raw)
    });
    let mut news = match taken {
        Ok(news) => news,
        Err(refusal) => {
            pending.reject(refusal).await;
            return Ok(());
        }
    };
    let sink = pending.accept().await?;
    loop {
        let status = tokio::select! {
            () = sink.closed() => return Ok(()),
            status = news.recv() => status,
        };
        let Some(status) = status else { return Ok(()) };
        send(shared, endpoint, &sink, &status_json(status)).await?;
    }
}

fn status_json(status: Status) -> Value {
    match status {
        Status::Future => json!("future"),
        Status::Ready => json!("ready"),
        Status::InBlock(hash) => json!({ "inBlock": hex(hash) }),
        Status::Retracted(hash) => json!({ "retracted": hex(hash) }),
        Status::Finalized(hash) => json!({ "finalized": hex(hash) }),
        Status::Usurped(hash) => json!({ "usurped": hex(hash) }),
        Status::Dropped => json!("dropped"),
        Status::Invalid => json!("invalid"),
    }
}

async fn send(shared: &Shared, endpoint: usize, sink: &SubscriptionSink, value: &Value) -> SubscriptionResult {
    let delay = shared.view(endpoint)?.delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    sink.send(SubscriptionMessage::from(serde_json::value::to_raw_value(value)?)).await?;
    Ok(())
}
