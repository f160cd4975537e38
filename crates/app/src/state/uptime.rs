//! What this computer did in the last 30 days.
//!
//! In: what it does at a moment. Out: spans, oldest first. Two spans of the same kind that nearly touch are one.

use super::run::drop_oldest;
use view_model::{Uptime, UptimeSpan};

/// Spans that are kept.
const MAX_SPANS: usize = 2000;
/// How far back they go.
const KEPT_MS: u64 = 30 * 86_400_000;
/// A gap that is no gap: the state is looked at every second, and a restart takes some.
const JOIN_MS: u64 = 60_000;

/// The spans.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<UptimeSpan>);

impl Spans {
    pub(crate) fn restored(mut spans: Vec<UptimeSpan>) -> Self {
        spans.retain(|span| span.from_ms <= span.to_ms);
        spans.sort_by_key(|span| span.from_ms);
        drop_oldest(&mut spans, MAX_SPANS);
        Self(spans)
    }

    /// What is done now; `None`: nothing worth a span.
    pub(crate) fn now(&mut self, what: Option<Uptime>, now_ms: u64) {
        let Some(what) = what else { return };
        match self.0.last_mut() {
            Some(last) if last.what == what && now_ms.saturating_sub(last.to_ms) <= JOIN_MS => {
                last.to_ms = last.to_ms.max(now_ms);
            }
            _ => {
                self.0.push(UptimeSpan { from_ms: now_ms, to_ms: now_ms, what });
                self.0.retain(|span| span.to_ms.saturating_add(KEPT_MS) >= now_ms);
                drop_oldest(&mut self.0, MAX_SPANS);
            }
        }
    }

    pub(crate) fn spans(&self) -> &[UptimeSpan] {
        &self.0
    }

    /// As the window shows them: by the minute, so that a running span is not news every second.
    pub(crate) fn shown(&self) -> Vec<UptimeSpan> {
        let minute = |ms: u64| ms / 60_000 * 60_000;
        let shown = |span: &UptimeSpan| UptimeSpan { to_ms: minute(span.to_ms).max(span.from_ms), ..*span };
        self.0.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_goes_on_until_something_else_is_done_and_old_ones_go() {
        let mut spans = Spans::default();
        for second in 0..120 {
            spans.now(Some(Uptime::Training), second * 1000);
        }
        spans.now(Some(Uptime::Paused), 120_000);
        spans.now(None, 121_000);
        spans.now(Some(Uptime::Paused), 600_000);
        let lengths: Vec<_> = spans.spans().iter().map(|span| (span.what, span.to_ms - span.from_ms)).collect();
        assert_eq!(lengths, [(Uptime::Training, 119_000), (Uptime::Paused, 0), (Uptime::Paused, 0)]);
        spans.now(Some(Uptime::Down), 31 * 86_400_000);
        assert_eq!(spans.spans().len(), 1);
    }
}
