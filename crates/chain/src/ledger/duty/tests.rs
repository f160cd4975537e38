//! Who is waited for, case by case. Uids 0 and 1 are validators; rounds have 12 blocks, commit before 5, attest before 9.

use types::Record;

use super::super::Call;
use super::super::fixture::{advance, attest, block, commit, key, ledger, report, signed};
use super::super::store::Ledger;
use super::*;

struct Scene {
    ledger: Ledger,
    nonces: std::collections::BTreeMap<String, u64>,
}

impl Scene {
    async fn new(miners: &[&str]) -> Self {
        let mut scene = Self { ledger: ledger().await, nonces: std::collections::BTreeMap::new() };
        for miner in miners {
            scene.say(miner, Call::Register).await;
        }
        scene
    }

    async fn say(&mut self, who: &str, call: Call) {
        let nonce = self.nonces.entry(who.to_owned()).or_default();
        let t = signed(&self.ledger, &key(who), *nonce, call).await;
        *nonce += 1;
        block(&self.ledger, &[t]).await[0].clone().unwrap();
    }

    async fn publish(&mut self, who: &str, record: Record) {
        self.say(who, Call::Publish(record)).await;
    }

    fn check(&self, want: &[Duty]) {
        let tip = self.ledger.tip();
        assert_eq!(duties(self.ledger.genesis(), &tip.state, tip.head.number, 0), want, "at {}", tip.head.number);
    }
}

const fn commit_duty(round: u64, uid: u16) -> Duty {
    Duty::Commit { round: Round(round), uid: Uid(uid) }
}

const fn attest_duty(round: u64, uid: u16) -> Duty {
    Duty::Attest { round: Round(round), uid: Uid(uid) }
}

const fn report_duty(round: u64, uid: u16) -> Duty {
    Duty::Report { round: Round(round), uid: Uid(uid) }
}

#[tokio::test]
async fn the_start_waits_for_the_expected_miners() {
    let scene = Scene::new(&["a"]).await;
    let tip = scene.ledger.tip();
    let owed = duties(scene.ledger.genesis(), &tip.state, tip.head.number, 3);
    assert_eq!(owed, [Duty::Join { missing: 2 }, commit_duty(0, 2)]);
}

#[tokio::test]
async fn a_round_waits_for_miners_then_for_attestations_then_for_reports() {
    let mut s = Scene::new(&["a", "b"]).await;
    s.check(&[commit_duty(0, 2), commit_duty(0, 3)]);
    s.publish("a", commit(0, 1)).await;
    s.check(&[commit_duty(0, 3)]);
    advance(&s.ledger, 5).await;
    // b did not commit: it owes no attestation.
    s.check(&[attest_duty(0, 0), attest_duty(0, 1), attest_duty(0, 2)]);
    s.publish("a", attest(0, &[2])).await;
    s.publish("validator-1", attest(0, &[2])).await;
    s.check(&[attest_duty(0, 0)]);
    advance(&s.ledger, 9).await;
    s.check(&[]);
    advance(&s.ledger, 12).await;
    // b registered in round 0, so round 1 still waits for it.
    s.check(&[commit_duty(1, 2), commit_duty(1, 3), report_duty(0, 0), report_duty(0, 1)]);
    s.publish("validator-0", report(0, 1)).await;
    s.publish("a", commit(1, 1)).await;
    s.check(&[commit_duty(1, 3), report_duty(0, 1)]);
}

#[tokio::test]
async fn who_went_silent_is_waited_for_two_rounds_and_no_longer() {
    let mut s = Scene::new(&["a", "b"]).await;
    s.publish("a", commit(0, 1)).await;
    s.publish("b", commit(0, 2)).await;
    advance(&s.ledger, 5).await;
    s.publish("validator-0", attest(0, &[2, 3])).await;
    s.publish("validator-1", attest(0, &[2, 3])).await;
    for round in 1..=3u64 {
        advance(&s.ledger, 12 * round).await;
        // b and validator 1 have gone.
        let mut want = vec![commit_duty(round, 2)];
        if round <= 2 {
            want.push(commit_duty(round, 3));
        }
        want.push(report_duty(round - 1, 0));
        if round <= 2 {
            want.push(report_duty(round - 1, 1));
        }
        s.check(&want);
        s.publish("a", commit(round, 1)).await;
        s.publish("validator-0", report(round - 1, 1)).await;
    }
    // Who comes back is waited for again.
    s.publish("b", commit(3, 9)).await;
    advance(&s.ledger, 48).await;
    s.check(&[commit_duty(4, 2), commit_duty(4, 3), report_duty(3, 0)]);
}
