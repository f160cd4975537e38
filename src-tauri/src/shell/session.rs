//! The session around the app: signals that end it, and sleep that training holds off.

use sensors::{KeepAwake, Places};

/// Keeps the computer awake until dropped; `None` where the system offers no way.
pub(crate) async fn keep_awake() -> Option<KeepAwake> {
    match KeepAwake::take(&Places::here(), "training").await {
        Ok(held) => Some(held),
        Err(error) => {
            tracing::info!("the computer can't be kept awake: {error}");
            None
        }
    }
}

/// Ends when the session or a person asks this process to end.
#[cfg(unix)]
pub(crate) async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        // No handler can be had; the default action of the signals ends the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Ends when the session or a person asks this process to end.
#[cfg(not(unix))]
pub(crate) async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
