//! Whole swarms: random rounds, copies in any order, and what noise earns.

use proptest::prelude::*;

use super::*;
use crate::filter::{Candidate, filter_set};
use crate::weights::weights;

/// A small generator of its own, so that a failing seed says everything.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        let Hash32(hash) = Hash32::of(&self.0.to_le_bytes());
        hash[..8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// About normal, mean 0, deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.word() as f64 / u64::MAX as f64).sum::<f64>() - 6.0
    }

    fn loss(&mut self) -> LossSample {
        let mut loss = |scale: f64| 3.0 + scale * self.normal();
        LossSample { own_before: 3.0, own_after: loss(0.05), random_before: 3.0, random_after: loss(0.05) }
    }
}

fn random_round(run: &Run, dice: &mut Dice) -> RoundFacts {
    use RejectReason::*;
    let mut facts = run.facts();
    facts.null_round = dice.one_in(20);
    for peer in &mut facts.peers {
        peer.loss = (!dice.one_in(4)).then(|| dice.loss());
        peer.selected = peer.loss.is_some() || dice.one_in(2);
        peer.listed = peer.listed || dice.one_in(8);
        match dice.below(12) {
            0 => missing(peer),
            1 => peer.payload = Err([Format, Signature, WrongHeader, Unavailable, WrongRoot][dice.below(5) as usize]),
            2 => peer.filter = Err([NormOutlier, Copied, Stale][dice.below(3) as usize]),
            3 => peer.commit.as_mut().unwrap().theta = theta(dice.below(1000)),
            4 => peer.hotkey = hotkey(1000 + dice.below(3) as u16),
            5 => peer.loss = Some(LossSample { own_after: f64::NAN, ..GOOD }),
            6 => peer.own_overlap = Some(dice.below(100) as f64 / 100.0),
            _ => {}
        }
    }
    for _ in 0..dice.below(3) {
        let (a, b) = (dice.below(run.peers.into()), dice.below(run.peers.into()));
        facts.overlaps.push((Uid(a as u16), Uid(b as u16), dice.below(110) as f64 / 100.0));
    }
    facts
}

#[test]
fn a_thousand_random_rounds_give_every_peer_exactly_one_verdict() {
    let mut dice = Dice(1);
    let mut run = Run::new(12);
    for round in 0..1000 {
        // Peers come and go.
        if dice.one_in(50) {
            run.peers = 6 + dice.below(10) as u16;
        }
        let facts = random_round(&run, &mut dice);
        let mut turned = facts.clone();
        turned.peers.reverse();
        turned.overlaps.reverse();
        let mut other = run.state.clone();
        let judgement = run.judge(&facts);
        assert_eq!(other.apply_round(&run.params, &turned).unwrap(), judgement, "round {round}: order of facts");
        let uids: Vec<Uid> = judgement.peers.iter().map(|peer| peer.uid).collect();
        assert_eq!(uids, (0..run.peers).map(Uid).collect::<Vec<_>>(), "round {round}");
        for peer in &judgement.peers {
            let numbers = [peer.score, peer.bma, peer.rating.mu, peer.rating.sigma];
            assert!(numbers.iter().all(|n| n.is_finite()), "round {round}: {peer:?}");
            let listed = facts.peers[usize::from(peer.uid.0)].listed;
            assert!(peer.verdict != Verdict::Accepted || (listed && !facts.null_round), "round {round}: {peer:?}");
            assert!(peer.excluded.is_none() || !judgement.gather.contains(&peer.uid), "round {round}: {peer:?}");
        }
        let resumed: State = serde_json::from_slice(&serde_json::to_vec(&run.state).unwrap()).unwrap();
        assert_eq!(resumed, run.state, "round {round}");
    }
}

#[test]
fn noise_earns_next_to_nothing_beside_four_equal_honest_peers() {
    for (seed, sigmas) in (0..20).flat_map(|seed| [(seed, 3.0), (seed, 1.0)]) {
        let mut dice = Dice(seed << 32);
        let mut run = Run::new(5);
        run.params.openskill.ordinal_sigmas = sigmas;
        let mut earned = [0u64; 5];
        for _ in 0..10 {
            let mut facts = run.facts();
            for peer in &mut facts.peers {
                let mut after = |gain: f64| 3.0 - 0.03 * gain - 0.003 * dice.normal();
                let (own, random) = if peer.uid == Uid(4) { (-0.5, -0.5) } else { (1.4, 1.0) };
                let (own_after, random_after) = (after(own), after(random));
                peer.loss = Some(LossSample { own_before: 3.0, own_after, random_before: 3.0, random_after });
            }
            let judgement = run.judge(&facts);
            for (uid, weight) in weights(&judgement.scores, &run.params.weights, None) {
                earned[usize::from(uid.0)] += u64::from(weight);
            }
        }
        let poorest = earned[..4].iter().min().unwrap();
        assert!(*poorest > 0 && 20 * earned[4] <= *poorest, "seed {seed}: {earned:?}");
    }
}

/// One round of `peers`, in which those of `copies` send the body of uid 0 and commit later than it.
fn copied_round(peers: u16, copies: &[u16], overlap: f64, arrival: &[usize]) -> RoundJudgement {
    let mut run = Run::new(peers);
    run.honest(1);
    let mut facts = run.facts();
    let mut pairs = vec![];
    for copy in copies {
        let order = facts.peers[usize::from(*copy)].commit.unwrap().order;
        assert!(order > facts.peers[0].commit.unwrap().order);
        pairs.push((Uid(*copy), Uid(0), overlap));
        if overlap == 1.0 {
            facts.peers[usize::from(*copy)].body_digest = facts.peers[0].body_digest;
        }
    }
    let order = |peer: &PeerFacts| Candidate {
        uid: peer.uid,
        commit_order: peer.commit.unwrap().order,
        norm: 1.0,
        body_digest: peer.body_digest.unwrap(),
        previous_body_digest: run.state.previous_body(peer.uid),
    };
    let candidates: Vec<Candidate> = arrival.iter().map(|i| order(&facts.peers[*i])).collect();
    for (uid, filter) in filter_set(&run.params, &candidates, &pairs) {
        facts.peers[usize::from(uid.0)].filter = filter;
    }
    facts.overlaps = pairs;
    run.judge(&facts)
}

proptest! {
    #[test]
    fn the_copied_peer_is_never_blamed_in_any_order_of_arrival(
        copies in proptest::sample::subsequence(vec![1u16, 2, 3, 4, 5], 1..5), percent in prop_oneof![Just(100u8), 60u8..100],
        arrival in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let judgement = copied_round(6, &copies, f64::from(percent) / 100.0, &arrival);
        for peer in &judgement.peers {
            let want = if copies.contains(&peer.uid.0) {
                Verdict::Rejected(RejectReason::Copied)
            } else {
                Verdict::Accepted
            };
            prop_assert_eq!(peer.verdict, want);
            prop_assert_eq!(peer.slashes.is_empty(), want == Verdict::Accepted);
        }
    }
}
