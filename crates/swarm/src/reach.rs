//! Whether others can reach this machine, and why: a verdict from what was seen.
//!
//! In: what witnesses, hole punches, relays and the router said. Out: one verdict and one cause. Pure; an outbound-only
//! node is a full member and no verdict is an error.

/// Whether others can reach this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Nobody has looked yet.
    Unknown,
    /// Straight.
    Direct,
    /// After punching a hole through the router.
    Punched,
    /// Only through a relay.
    Relayed,
    /// Not at all: it calls out and nobody calls in.
    OutboundOnly,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReachCause {
    /// Not known.
    Unknown,
    /// It has a public address and nothing stands before it.
    PublicAddress,
    /// The router opened a port when asked.
    PortMapped,
    /// A router or firewall drops what comes in unasked.
    Firewall,
    /// The router gives every connection another port, so no hole can be punched.
    SymmetricNat,
    /// UDP does not get through; TCP does.
    UdpBlocked,
    /// No node of the run could be reached at all.
    NobodyReached,
}

/// What was seen so far. Results about loopback and relayed addresses do not count and are not entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// Peers that are connected.
    pub(crate) connected: u32,
    /// Dials of the run's own nodes that failed since one succeeded.
    pub(crate) failed_dials: u32,
    /// A witness has dialled back.
    pub(crate) dialled_back: bool,
    /// A witness tried and could not.
    pub(crate) not_dialled_back: bool,
    /// Others see it at an address that none of its devices has: a router translates.
    pub(crate) translated: bool,
    /// The router opened a port.
    pub(crate) mapped: bool,
    /// Hole punches that worked, and that did not.
    pub(crate) punched: u32,
    /// See `punched`.
    pub(crate) not_punched: u32,
    /// A relay holds a place.
    pub(crate) reserved: bool,
    /// Connections over QUIC that came about.
    pub(crate) quic: u32,
    /// Dials over QUIC that failed although the same peer was reached over TCP.
    pub(crate) quic_failed: u32,
}

/// Failed dials without any success after which the line itself is the suspect.
const GIVEN_UP: u32 = 3;
/// Failed punches after which the router is said to be symmetric.
const SYMMETRIC: u32 = 2;

/// The verdict.
pub(crate) fn verdict(seen: &Seen) -> (Reach, ReachCause) {
    let udp_blocked = seen.quic == 0 && seen.quic_failed > 0;
    if seen.dialled_back {
        let cause = if seen.mapped { ReachCause::PortMapped } else { ReachCause::PublicAddress };
        return (Reach::Direct, cause);
    }
    if seen.connected == 0 {
        let cause = if seen.failed_dials >= GIVEN_UP { ReachCause::NobodyReached } else { ReachCause::Unknown };
        return (Reach::Unknown, cause);
    }
    if seen.punched > 0 {
        return (Reach::Punched, ReachCause::Firewall);
    }
    let cause = match () {
        () if udp_blocked => ReachCause::UdpBlocked,
        () if seen.not_punched >= SYMMETRIC => ReachCause::SymmetricNat,
        () if seen.not_dialled_back || seen.not_punched > 0 => ReachCause::Firewall,
        () => ReachCause::Unknown,
    };
    match (seen.reserved, cause) {
        // Nobody has tried yet, but a router that translates and opened no port lets nobody in unasked.
        (true, ReachCause::Unknown) if seen.translated && !seen.mapped => (Reach::Relayed, ReachCause::Firewall),
        (true, _) => (Reach::Relayed, cause),
        (false, ReachCause::Unknown) => (Reach::Unknown, cause),
        (false, _) => (Reach::OutboundOnly, cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_verdicts() {
        let none = Seen::default();
        let online = Seen { connected: 3, quic: 1, ..none };
        let table = [
            (none, (Reach::Unknown, ReachCause::Unknown)),
            (Seen { failed_dials: 3, ..none }, (Reach::Unknown, ReachCause::NobodyReached)),
            (online, (Reach::Unknown, ReachCause::Unknown)),
            (Seen { dialled_back: true, ..online }, (Reach::Direct, ReachCause::PublicAddress)),
            (Seen { dialled_back: true, mapped: true, ..online }, (Reach::Direct, ReachCause::PortMapped)),
            // A witness that could not is outvoted by one that could.
            (Seen { dialled_back: true, not_dialled_back: true, ..online }, (Reach::Direct, ReachCause::PublicAddress)),
            (Seen { not_dialled_back: true, ..online }, (Reach::OutboundOnly, ReachCause::Firewall)),
            (Seen { not_dialled_back: true, reserved: true, ..online }, (Reach::Relayed, ReachCause::Firewall)),
            (Seen { reserved: true, ..online }, (Reach::Relayed, ReachCause::Unknown)),
            (Seen { reserved: true, translated: true, ..online }, (Reach::Relayed, ReachCause::Firewall)),
            (Seen { translated: true, ..online }, (Reach::Unknown, ReachCause::Unknown)),
            (Seen { reserved: true, punched: 1, not_punched: 1, ..online }, (Reach::Punched, ReachCause::Firewall)),
            (Seen { reserved: true, not_punched: 2, ..online }, (Reach::Relayed, ReachCause::SymmetricNat)),
            (
                Seen { quic: 0, quic_failed: 1, not_dialled_back: true, ..online },
                (Reach::OutboundOnly, ReachCause::UdpBlocked),
            ),
        ];
        for (seen, want) in table {
            assert_eq!(verdict(&seen), want, "{seen:?}");
        }
    }
}
