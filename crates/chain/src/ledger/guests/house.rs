//! Who is in, and how much each may still ask.
//!
//! In: a guest's name and the time. Out: a place, a wait, or a refusal. A full house makes room for a newcomer by showing
//! out the oldest connection of the guest with the most, never one of a guest that has proved to be a member of the run.
//! Names cost nothing, so all of it is bounded. No I/O, no clock of its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::Hotkey;

use super::GuestError;
use super::limits::{GuestLimits, MAX_REMEMBERED};

/// Tokens that come back with time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f64,
    burst: f64,
    per_sec: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(burst: f64, per_sec: f64, now: Instant) -> Self {
        Self { tokens: burst, burst, per_sec, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_sec).min(self.burst);
        self.at = now;
    }

    /// Takes a token, on credit if need be; how long to wait until it has come back.
    pub(super) fn owe(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        Duration::try_from_secs_f64((-self.tokens).max(0.0) / self.per_sec).unwrap_or(Duration::MAX)
    }

    fn has_one(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens >= 1.0
    }
}

struct Guest {
    requests: Bucket,
    registrations: Bucket,
    /// The key that was counted last: while its registration waits for a block, it is submitted again and again.
    registering: Option<Hotkey>,
    /// One page at a time.
    page: Arc<Semaphore>,
    /// A transaction of a registered key came from it and was taken.
    member: bool,
    connections: usize,
    last: Instant,
}

struct Connection<K> {
    guest: K,
    out: CancellationToken,
    /// What it submitted is still at the ledger: its place is not free before that is answered.
    submitting: bool,
}

/// Everybody who is in.
pub(super) struct House<K> {
    limits: GuestLimits,
    guests: HashMap<K, Guest>,
    /// By number, the oldest first.
    connections: std::collections::BTreeMap<u64, Connection<K>>,
    next: u64,
    requests: Bucket,
    registrations: Bucket,
    pub(super) shown_out: u64,
}

/// What a connection was given.
pub(super) struct Given {
    pub(super) number: u64,
    pub(super) out: CancellationToken,
    pub(super) page: Arc<Semaphore>,
}

impl<K: Clone + Eq + Hash> House<K> {
    pub(super) fn new(limits: GuestLimits, now: Instant) -> Self {
        Self {
            limits,
            guests: HashMap::new(),
            connections: std::collections::BTreeMap::new(),
            next: 0,
            requests: Bucket::new(limits.all_requests_per_sec, limits.all_requests_per_sec, now),
            registrations: Bucket::new(limits.registrations, 1.0 / limits.registration_every.as_secs_f64(), now),
            shown_out: 0,
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Lets a guest's connection in.
    pub(super) fn enter(&mut self, guest: &K, now: Instant) -> Result<Given, GuestError> {
        let here = self.guests.get(guest).map_or(0, |guest| guest.connections);
        if here >= self.limits.connections_per_guest {
            return Err(GuestError::TooMany { limit: self.limits.connections_per_guest });
        }
        if self.connections.len() >= self.limits.connections {
            let worst = self.worst().ok_or(GuestError::Full { limit: self.limits.connections })?;
            self.shown_out += 1;
            self.remove(worst, now);
        }
        self.remember(guest, now);
        let limits = self.limits;
        let registering = 1.0 / limits.registration_every.as_secs_f64();
        let entry = self.guests.entry(guest.clone()).or_insert_with(|| Guest {
            requests: Bucket::new(limits.request_burst, limits.requests_per_sec, now),
            registrations: Bucket::new(limits.registrations_per_guest, registering, now),
            registering: None,
            page: Arc::new(Semaphore::new(1)),
            member: false,
            connections: 0,
            last: now,
        });
        entry.connections += 1;
        entry.last = now;
        let given = Given { number: self.next, out: CancellationToken::new(), page: Arc::clone(&entry.page) };
        let connection = Connection { guest: guest.clone(), out: given.out.clone(), submitting: false };
        self.connections.insert(self.next, connection);
        self.next += 1;
        Ok(given)
    }

    /// The connection that goes if one must.
    fn worst(&self) -> Option<u64> {
        let of = |connection: &Connection<K>| self.guests.get(&connection.guest);
        let may_go = |c: &&u64| {
            self.connections.get(c).is_some_and(|c| !c.submitting && of(c).is_none_or(|guest| !guest.member))
        };
        let held = |number: &u64| self.connections.get(number).and_then(of).map_or(0, |guest| guest.connections);
        // The first of equals, and so the oldest.
        self.connections.keys().filter(may_go).copied().max_by_key(|number| (held(number), u64::MAX - number))
    }

    /// Frees room in the list of guests for one more.
    fn remember(&mut self, guest: &K, now: Instant) {
        if self.guests.contains_key(guest) || self.guests.len() < MAX_REMEMBERED {
            return;
        }
        let gone = |guest: &Guest| (!guest.member, now.saturating_duration_since(guest.last));
        let absent = self.guests.iter().filter(|(_, guest)| guest.connections == 0);
        if let Some(name) = absent.max_by_key(|(_, guest)| gone(guest)).map(|(name, _)| name.clone()) {
            self.guests.remove(&name);
        }
    }

    /// A connection has ended, or must.
    pub(super) fn remove(&mut self, number: u64, now: Instant) {
        let Some(connection) = self.connections.remove(&number) else { return };
        connection.out.cancel();
        if let Some(guest) = self.guests.get_mut(&connection.guest) {
            guest.connections = guest.connections.saturating_sub(1);
            guest.last = now;
        }
    }

    /// How long a request must wait for its turn.
    pub(super) fn request(&mut self, guest: &K, now: Instant) -> Duration {
        let own = self.guests.get_mut(guest).map_or(Duration::ZERO, |guest| guest.requests.owe(now));
        own.max(self.requests.owe(now))
    }

    /// Whether this guest may register a key now; takes its place if so, once for a key.
    pub(super) fn register(&mut self, guest: &K, hotkey: Hotkey, now: Instant) -> bool {
        let all = self.registrations.has_one(now);
        let Some(guest) = self.guests.get_mut(guest) else { return false };
        if guest.registering == Some(hotkey) {
            return true;
        }
        let both = all && guest.registrations.has_one(now);
        if both {
            guest.registrations.owe(now);
            guest.registering = Some(hotkey);
            self.registrations.owe(now);
        }
        both
    }

    pub(super) fn submitting(&mut self, number: u64, submitting: bool) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.submitting = submitting;
        }
    }

    pub(super) fn is_member(&mut self, guest: &K) {
        if let Some(guest) = self.guests.get_mut(guest) {
            guest.member = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_that_waits_for_its_block_counts_once_however_often_it_is_submitted() {
        let now = Instant::now();
        let limits = GuestLimits { registrations_per_guest: 2.0, ..GuestLimits::default() };
        let mut house = House::new(limits, now);
        house.enter(&"guest", now).unwrap();
        for _ in 0..100 {
            assert!(house.register(&"guest", Hotkey([1; 32]), now));
        }
        assert!(house.register(&"guest", Hotkey([2; 32]), now));
        assert!(!house.register(&"guest", Hotkey([3; 32]), now), "two keys at once, and no third");
    }
}
