//! All states since genesis: for each key the values it had, by block number.
//!
//! In: the changes of a block. Out: values and keys as of any kept block. It knows no encodings.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// What a block changed; `None` removes.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
/// Block numbers, ascending, and the value from there on.
type History = Vec<(u32, Option<Arc<[u8]>>)>;

/// The values of every key.
#[derive(Default)]
pub(crate) struct Store {
    entries: BTreeMap<Vec<u8>, History>,
}

impl Store {
    /// The value of `key` after block `height`.
    pub(crate) fn get(&self, key: &[u8], height: u32) -> Option<&Arc<[u8]>> {
        at(self.entries.get(key)?, height)
    }

    /// Adds the changes of the newest block.
    pub(crate) fn apply(&mut self, height: u32, changes: &Changes) {
        for (key, value) in changes {
            let value = value.as_deref().map(Arc::from);
            self.entries.entry(key.clone()).or_default().push((height, value));
        }
    }

    /// Forgets all blocks above `height`.
    pub(crate) fn truncate(&mut self, height: u32) {
        self.entries.retain(|_, history| {
            history.truncate(history.partition_point(|(at, _)| *at <= height));
            !history.is_empty()
        });
    }

    /// Forgets what was overwritten before block `floor`.
    pub(crate) fn prune(&mut self, floor: u32) {
        self.entries.retain(|_, history| {
            let standing = history.partition_point(|(at, _)| *at <= floor);
            history.drain(..standing.saturating_sub(1));
            history.iter().any(|(at, value)| *at > floor || value.is_some())
        });
    }

    /// Keys after block `height` that begin with `prefix` and come after `after`, ascending.
    pub(crate) fn keys<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&[u8]>,
        height: u32,
    ) -> impl Iterator<Item = &'a [u8]> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.to_vec()),
            _ => Bound::Included(prefix.to_vec()),
        };
        self.entries
            .range((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter(move |(_, history)| at(history, height).is_some())
            .map(|(key, _)| key.as_slice())
    }
}

fn at(history: &History, height: u32) -> Option<&Arc<[u8]>> {
    let standing = history.partition_point(|(at, _)| *at <= height);
    history.get(standing.checked_sub(1)?)?.1.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(pairs: &[(&str, Option<&str>)]) -> Changes {
        pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.map(|v| v.as_bytes().to_vec()))).collect()
    }

    fn text(store: &Store, key: &str, height: u32) -> Option<String> {
        store.get(key.as_bytes(), height).map(|v| String::from_utf8_lossy(v).into_owned())
    }

    #[test]
    fn each_block_keeps_the_values_it_had() {
        let mut store = Store::default();
        store.apply(0, &changes(&[("a", Some("1")), ("b", Some("1"))]));
        store.apply(2, &changes(&[("a", Some("2")), ("b", None)]));
        assert_eq!(text(&store, "a", 1).as_deref(), Some("1"));
        assert_eq!(text(&store, "a", 9).as_deref(), Some("2"));
        assert_eq!(text(&store, "b", 2), None);
        assert_eq!(store.keys(b"", None, 2).collect::<Vec<_>>(), [b"a"]);
        assert_eq!(store.keys(b"", Some(b"a"), 1).collect::<Vec<_>>(), [b"b"]);
    }

    #[test]
    fn a_dropped_block_leaves_no_trace() {
        let mut store = Store::default();
        store.apply(0, &changes(&[("a", Some("1"))]));
        store.apply(1, &changes(&[("a", None), ("b", Some("1"))]));
        store.truncate(0);
        assert_eq!(text(&store, "a", 1).as_deref(), Some("1"));
        assert_eq!(store.keys(b"", None, 1).count(), 1);
    }

    #[test]
    fn pruning_keeps_what_still_stands() {
        let mut store = Store::default();
        store.apply(0, &changes(&[("a", Some("1")), ("b", Some("1"))]));
        store.apply(1, &changes(&[("b", None)]));
        store.apply(3, &changes(&[("a", Some("3"))]));
        store.prune(2);
        assert_eq!(text(&store, "a", 2).as_deref(), Some("1"));
        assert_eq!(text(&store, "a", 3).as_deref(), Some("3"));
        assert_eq!(store.keys(b"", None, 3).count(), 1);
    }
}
