//! The book: who is believed, what is forgotten, and which announcements cost their sender.

use libp2p::identity::{PublicKey, ed25519};
use types::{Announcement, PeerBinding, SignPayload, Signature, Signer as _};
use wallet::LocalSigner;

use super::*;

const GENESIS: Hash32 = Hash32([0xaa; 32]);
const NOW: u64 = 1_700_000_000_000;

fn network_key(seed: u8) -> ed25519::Keypair {
    let mut secret = [seed; 32];
    ed25519::Keypair::from(ed25519::SecretKey::try_from_bytes(&mut secret).unwrap())
}

fn peer(seed: u8) -> PeerId {
    PublicKey::from(network_key(seed).public()).to_peer_id()
}

fn hotkey(seed: u8) -> Hotkey {
    LocalSigner::from_seed(&[seed; 32]).hotkey()
}

async fn bound(hot: u8, key: u8, seq: u64) -> SignedBinding {
    let (signer, key) = (LocalSigner::from_seed(&[hot; 32]), network_key(key));
    let peer_key = Hash32(key.public().to_bytes());
    let binding =
        PeerBinding { genesis: GENESIS, netuid: 0, hotkey: signer.hotkey(), peer_key, seq, expires_ms: NOW + 1000 };
    let hotkey_signature = signer.sign(&SignPayload::PeerBinding(binding)).await.unwrap();
    let peer_signature = Signature(key.sign(&SignedBinding::message(&binding)).try_into().unwrap());
    SignedBinding { binding, hotkey_signature, peer_signature }
}

async fn said(hot: u8, change: impl FnOnce(&mut Announcement)) -> SignedAnnouncement {
    let signer = LocalSigner::from_seed(&[hot; 32]);
    let mut announcement = Announcement {
        genesis: GENESIS,
        netuid: 0,
        round: Round(5),
        hotkey: signer.hotkey(),
        root: Hash32([1; 32]),
        bytes: 1000,
        codec: CODEC_SUBMISSION,
        sent_ms: NOW,
    };
    change(&mut announcement);
    let signature = signer.sign(&SignPayload::Announcement(announcement)).await.unwrap();
    SignedAnnouncement { announcement, signature }
}

fn members(seeds: &[u8]) -> Membership {
    Membership {
        genesis: GENESIS,
        netuid: 0,
        round: Round(5),
        members: seeds.iter().map(|&seed| (Uid(u16::from(seed)), hotkey(seed))).collect(),
        validators: Vec::new(),
    }
}

fn book(seeds: &[u8]) -> Book {
    let mut book = Book::default();
    book.set_membership(members(seeds));
    book
}

#[tokio::test]
async fn only_registered_hotkeys_get_into_the_book() {
    let mut book = book(&[1]);
    assert_eq!(book.bind(bound(1, 11, 1).await, Some(peer(11)), NOW), Ok(Some(Uid(1))));
    assert_eq!(book.bind(bound(2, 12, 1).await, Some(peer(12)), NOW), Ok(None));
    assert_eq!(book.member(&peer(11), NOW), Some((Uid(1), hotkey(1))));
    assert_eq!(book.member(&peer(12), NOW), None);
    assert_eq!(book.peer_of(&hotkey(1), NOW), Some(peer(11)));
    assert_eq!(book.peer_of(&hotkey(1), NOW + 1000), None, "expired since");
    // Registered in the meantime, and the other one gone.
    book.set_membership(members(&[2]));
    assert_eq!(book.member(&peer(11), NOW), None);
    assert_eq!(book.bind(bound(2, 12, 1).await, Some(peer(12)), NOW), Ok(Some(Uid(2))));
}

#[tokio::test]
async fn the_highest_sequence_counts_and_a_fork_changes_nothing() {
    let mut book = book(&[1]);
    book.bind(bound(1, 11, 4).await, Some(peer(11)), NOW).unwrap();
    let stale = book.bind(bound(1, 12, 3).await, Some(peer(12)), NOW);
    assert_eq!(stale, Err(BindingError::Stale { known: 4, got: 3 }));
    assert_eq!(book.bind(bound(1, 12, 4).await, Some(peer(12)), NOW), Err(BindingError::Fork(4)));
    assert_eq!(book.peer_of(&hotkey(1), NOW), Some(peer(11)));
    book.bind(bound(1, 12, 5).await, Some(peer(12)), NOW).unwrap();
    assert_eq!(book.peer_of(&hotkey(1), NOW), Some(peer(12)));
    assert_eq!(book.member(&peer(11), NOW), None, "the old network key speaks for nobody");
}

#[tokio::test]
async fn a_peer_cannot_show_anothers_binding_as_its_own() {
    let mut book = book(&[1]);
    let signed = bound(1, 11, 1).await;
    assert_eq!(book.bind(signed, Some(peer(12)), NOW), Err(BindingError::OtherPeer(peer(11))));
    // Also when it is in the book already; passing it on is fine.
    book.bind(signed, None, NOW).unwrap();
    assert_eq!(book.bind(signed, Some(peer(12)), NOW), Err(BindingError::OtherPeer(peer(11))));
    assert_eq!(book.binding_of(&peer(11)), Some(signed));
}

#[tokio::test]
async fn an_honest_announcement_goes_on_once() {
    let mut book = book(&[1]);
    let signed = said(1, |_| ()).await;
    assert_eq!(book.hear(&signed.to_bytes()), Judged::Accept(signed));
    assert_eq!(book.hear(&signed.to_bytes()), Judged::Ignore(IgnoreReason::Duplicate));
    let again = said(1, |a| a.sent_ms += 1).await;
    assert_eq!(book.hear(&again.to_bytes()), Judged::Ignore(IgnoreReason::Duplicate));
    assert_eq!(book.announced(&hotkey(1)), Some(&signed));
}

#[tokio::test]
async fn what_an_honest_forwarder_may_have_passed_is_only_ignored() {
    let mut book = Book::default();
    let signed = said(1, |_| ()).await.to_bytes();
    assert_eq!(book.hear(&signed), Judged::Ignore(IgnoreReason::NoMembership));
    book.set_membership(members(&[1]));
    for round in [4, 6] {
        let other = said(1, |a| a.round = Round(round)).await;
        assert_eq!(book.hear(&other.to_bytes()), Judged::Ignore(IgnoreReason::OtherRound));
    }
    assert_eq!(book.hear(&said(2, |_| ()).await.to_bytes()), Judged::Ignore(IgnoreReason::Stranger));
    assert_eq!(book.hear(&said(1, |a| a.codec = 9).await.to_bytes()), Judged::Ignore(IgnoreReason::UnknownCodec));
}

#[tokio::test]
async fn what_no_honest_forwarder_passes_is_rejected() {
    let mut book = book(&[1]);
    let signed = said(1, |_| ()).await.to_bytes();
    assert!(matches!(book.hear(&signed[1..]), Judged::Reject(RejectReason::Form(_))));
    let mut longer = signed.clone();
    longer.push(0);
    assert!(matches!(book.hear(&longer), Judged::Reject(RejectReason::Form(_))));
    let other = said(1, |a| a.netuid = 1).await;
    assert_eq!(book.hear(&other.to_bytes()), Judged::Reject(RejectReason::OtherSubnet));
    let replayed = said(1, |a| a.genesis = Hash32([0xbb; 32])).await;
    assert_eq!(book.hear(&replayed.to_bytes()), Judged::Reject(RejectReason::Signature));
    let huge = said(1, |a| a.bytes = MAX_ANNOUNCED_BYTES + 1).await;
    assert_eq!(book.hear(&huge.to_bytes()), Judged::Reject(RejectReason::TooLarge(MAX_ANNOUNCED_BYTES + 1)));
    // Nothing of it stands in the way of the honest one.
    assert!(matches!(book.hear(&signed), Judged::Accept(_)));
}

#[tokio::test]
async fn one_flipped_bit_in_any_byte_of_an_announcement_is_never_accepted() {
    let mut book = book(&[1]);
    let whole = said(1, |_| ()).await.to_bytes();
    for i in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[i] ^= 1;
        assert!(!matches!(book.hear(&bytes), Judged::Accept(_)), "byte {i}");
    }
}

#[tokio::test]
async fn the_first_root_stands_and_the_second_is_kept_as_evidence() {
    let mut book = book(&[1]);
    let (first, second) = (said(1, |_| ()).await, said(1, |a| a.root = Hash32([2; 32])).await);
    book.hear(&first.to_bytes());
    // An unsigned second root is no evidence.
    let forged = SignedAnnouncement { signature: first.signature, ..second };
    assert_eq!(book.hear(&forged.to_bytes()), Judged::Reject(RejectReason::Signature));
    assert_eq!(book.hear(&second.to_bytes()), Judged::Ignore(IgnoreReason::Equivocation));
    assert_eq!(book.equivocations(), [Equivocation { first, second }]);
    let third = said(1, |a| a.root = Hash32([3; 32])).await;
    assert_eq!(book.hear(&third.to_bytes()), Judged::Ignore(IgnoreReason::Duplicate), "one proof is enough");
    assert_eq!(book.announced(&hotkey(1)), Some(&first));
    // A new round starts afresh; the evidence stays.
    book.set_membership(Membership { round: Round(6), ..members(&[1]) });
    let next = said(1, |a| a.round = Round(6)).await;
    assert_eq!(book.hear(&next.to_bytes()), Judged::Accept(next));
    assert_eq!(book.equivocations().len(), 1);
}
