//! Who is who: which hotkey speaks through which network key, and what each announced for the round.
//!
//! In: the chain's list of members, bindings and announcements from anybody, the time. Out: the peer of a hotkey and the
//! reverse, and for each announcement whether it goes on, stays here, or costs its sender. Bounded by the list of
//! members: nobody else's words are kept. It opens no socket and reads no clock.

use std::collections::HashMap;

use libp2p::PeerId;
use types::{Hash32, Hotkey, Round, Uid};

use crate::announcement::{AnnouncementError, SignedAnnouncement};
use crate::binding::{BindingError, SignedBinding};
use crate::limits::{MAX_ANNOUNCED_BYTES, MAX_EQUIVOCATIONS, MAX_MEMBERS};

/// How a payload is packed: the submission container.
pub const CODEC_SUBMISSION: u8 = 1;

/// Who takes part, by the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Genesis hash of the chain or ledger.
    pub genesis: Hash32,
    /// The subnet; 0 on the embedded ledger.
    pub netuid: u16,
    /// The round that is under way.
    pub round: Round,
    /// Registered hotkeys and their slots.
    pub members: Vec<(Uid, Hotkey)>,
    /// Slots of those that judge.
    pub validators: Vec<Uid>,
}

/// Two roots that one hotkey announced for one round, both signed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equivocation {
    /// The one that stands.
    pub first: SignedAnnouncement,
    /// The other one.
    pub second: SignedAnnouncement,
}

/// What becomes of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It goes on, and to this process.
    Accept(SignedAnnouncement),
    /// It stays here; its forwarder may be honest.
    Ignore(IgnoreReason),
    /// No honest peer passes this on.
    Reject(RejectReason),
}

/// Why an announcement stays here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoreReason {
    /// The chain's members are not known yet.
    NoMembership,
    /// Another round than ours; chain views differ by a block or two.
    OtherRound,
    /// The hotkey is not registered, or not yet by our view.
    Stranger,
    /// A packing that a newer peer may know.
    UnknownCodec,
    /// Heard before.
    Duplicate,
    /// A second root of the same hotkey for the round.
    Equivocation,
}

/// Why an announcement costs its forwarder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectReason {
    /// Not an announcement.
    Form(AnnouncementError),
    /// Of another subnet: that one has another topic.
    OtherSubnet,
    /// A payload longer than any.
    TooLarge(u64),
    /// The signature does not hold.
    Signature,
}

#[derive(Debug, Clone, Copy)]
struct Bound {
    peer: PeerId,
    signed: SignedBinding,
}

/// The book of one run.
#[derive(Debug, Default)]
pub struct Book {
    membership: Option<Membership>,
    uids: HashMap<Hotkey, Uid>,
    bound: HashMap<Hotkey, Bound>,
    hotkeys: HashMap<PeerId, Hotkey>,
    /// First announcement of each hotkey in `membership.round`.
    heard: HashMap<Hotkey, SignedAnnouncement>,
    equivocations: Vec<Equivocation>,
}

impl Book {
    /// The chain's newest word. Bindings of those who left are forgotten, announcements of other rounds too. Members
    /// beyond [`MAX_MEMBERS`] are not taken.
    pub fn set_membership(&mut self, membership: Membership) {
        let before = self.membership.as_ref();
        let other_chain = before.is_some_and(|m| (m.genesis, m.netuid) != (membership.genesis, membership.netuid));
        if before.is_none_or(|m| m.round != membership.round) || other_chain {
            self.heard.clear();
        }
        self.uids = membership.members.iter().take(MAX_MEMBERS).map(|(uid, hotkey)| (*hotkey, *uid)).collect();
        let uids = &self.uids;
        self.bound.retain(|hotkey, _| !other_chain && uids.contains_key(hotkey));
        self.hotkeys.retain(|_, hotkey| !other_chain && uids.contains_key(hotkey));
        self.equivocations.retain(|e| {
            e.first.announcement.genesis == membership.genesis && uids.contains_key(&e.first.announcement.hotkey)
        });
        self.membership = Some(membership);
    }

    /// The chain's newest word, if there was one.
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Takes a binding: of `shown_by` if that peer shows it as its own, of whomever it names otherwise. The highest
    /// sequence of a hotkey counts; of two network keys with one sequence the first. `None`: sound, but of nobody that
    /// is registered, or the members are not known yet.
    ///
    /// # Errors
    /// [`BindingError`]; the book is then as it was.
    pub fn bind(
        &mut self,
        signed: SignedBinding,
        shown_by: Option<PeerId>,
        now_ms: u64,
    ) -> Result<Option<Uid>, BindingError> {
        let Some(membership) = &self.membership else { return Ok(None) };
        let hotkey = signed.binding.hotkey;
        let known = self.bound.get(&hotkey).copied();
        let uid = self.uids.get(&hotkey).copied();
        if let (Some(known), Some(uid)) = (known, uid)
            && known.signed == signed
            && known.signed.binding.expires_ms > now_ms
            && shown_by.is_none_or(|peer| peer == known.peer)
        {
            return Ok(Some(uid));
        }
        let peer = signed.verify(membership.genesis, membership.netuid, now_ms)?;
        if let Some(shown_by) = shown_by.filter(|shown_by| *shown_by != peer) {
            tracing::debug!("{shown_by} shows the binding of {peer}");
            return Err(BindingError::OtherPeer(peer));
        }
        let Some(uid) = uid else { return Ok(None) };
        if let Some(known) = known {
            let (known_seq, got) = (known.signed.binding.seq, signed.binding.seq);
            if got < known_seq {
                return Err(BindingError::Stale { known: known_seq, got });
            }
            if got == known_seq && peer != known.peer {
                return Err(BindingError::Fork(got));
            }
            self.hotkeys.remove(&known.peer);
        }
        // One network key speaks for one hotkey: its newest word counts.
        if let Some(other) = self.hotkeys.insert(peer, hotkey).filter(|other| *other != hotkey) {
            self.bound.remove(&other);
        }
        self.bound.insert(hotkey, Bound { peer, signed });
        Ok(Some(uid))
    }

    /// The peer that speaks for a hotkey.
    pub fn peer_of(&self, hotkey: &Hotkey, now_ms: u64) -> Option<PeerId> {
        self.bound.get(hotkey).filter(|bound| bound.signed.binding.expires_ms > now_ms).map(|bound| bound.peer)
    }

    /// The hotkey and slot that a peer speaks for.
    pub fn member(&self, peer: &PeerId, now_ms: u64) -> Option<(Uid, Hotkey)> {
        let hotkey = self.hotkeys.get(peer)?;
        (self.peer_of(hotkey, now_ms)? == *peer).then_some((*self.uids.get(hotkey)?, *hotkey))
    }

    /// A peer's binding, to pass on.
    pub fn binding_of(&self, peer: &PeerId) -> Option<SignedBinding> {
        self.hotkeys.get(peer).and_then(|hotkey| self.bound.get(hotkey)).map(|bound| bound.signed)
    }

    /// Judges an announcement that came by gossip, the cheap things first. The first root of a hotkey and round stands.
    pub fn hear(&mut self, data: &[u8]) -> Judged {
        let Some(membership) = &self.membership else { return Judged::Ignore(IgnoreReason::NoMembership) };
        let signed = match SignedAnnouncement::from_bytes(data, membership.genesis) {
            Ok(signed) => signed,
            Err(why) => return Judged::Reject(RejectReason::Form(why)),
        };
        let said = &signed.announcement;
        if said.netuid != membership.netuid {
            return Judged::Reject(RejectReason::OtherSubnet);
        }
        if said.bytes > MAX_ANNOUNCED_BYTES {
            return Judged::Reject(RejectReason::TooLarge(said.bytes));
        }
        if said.round != membership.round {
            return Judged::Ignore(IgnoreReason::OtherRound);
        }
        if said.codec != CODEC_SUBMISSION {
            return Judged::Ignore(IgnoreReason::UnknownCodec);
        }
        if !self.uids.contains_key(&said.hotkey) {
            return Judged::Ignore(IgnoreReason::Stranger);
        }
        let first = self.heard.get(&said.hotkey).copied();
        if first.is_some_and(|first| first == signed || self.has_evidence(&first)) {
            return Judged::Ignore(IgnoreReason::Duplicate);
        }
        if signed.verify().is_err() {
            return Judged::Reject(RejectReason::Signature);
        }
        match first {
            None => {
                self.heard.insert(said.hotkey, signed);
                Judged::Accept(signed)
            }
            Some(first) if (first.announcement.root, first.announcement.bytes) == (said.root, said.bytes) => {
                Judged::Ignore(IgnoreReason::Duplicate)
            }
            Some(first) => {
                if self.equivocations.len() == MAX_EQUIVOCATIONS {
                    self.equivocations.remove(0);
                }
                self.equivocations.push(Equivocation { first, second: signed });
                Judged::Ignore(IgnoreReason::Equivocation)
            }
        }
    }

    fn has_evidence(&self, first: &SignedAnnouncement) -> bool {
        self.equivocations.iter().any(|e| e.first == *first)
    }

    /// What a hotkey announced for the current round.
    pub fn announced(&self, hotkey: &Hotkey) -> Option<&SignedAnnouncement> {
        self.heard.get(hotkey)
    }

    /// Evidence against members, the oldest first, at most [`MAX_EQUIVOCATIONS`].
    pub fn equivocations(&self) -> &[Equivocation] {
        &self.equivocations
    }
}

#[cfg(test)]
mod tests;
