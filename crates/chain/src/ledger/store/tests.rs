//! The ledger's promises at its file and its rules.

use types::{BucketCommitment, BucketKeys, Rao, Record, Round, Uid};

use super::super::fixture::{
    START_MS, advance, attest, block, checkpoint, commit, interval, key, ledger, report, seal, signed,
};
use super::*;

fn publish(record: Record) -> Call {
    Call::Publish(record)
}

/// Registers "a" (uid 2) and "b" (uid 3) in block 1.
async fn with_miners() -> Ledger {
    let ledger = ledger().await;
    register_miners(&ledger).await;
    ledger
}

async fn register_miners(ledger: &Ledger) {
    let both = [signed(ledger, &key("a"), 0, Call::Register).await, signed(ledger, &key("b"), 0, Call::Register).await];
    assert!(block(ledger, &both).await.iter().all(Result::is_ok));
}

async fn refusal(ledger: &Ledger, who: &str, nonce: u64, call: Call) -> ChainError {
    let t = signed(ledger, &key(who), nonce, call).await;
    block(ledger, &[t]).await.remove(0).unwrap_err()
}

#[tokio::test]
async fn validators_stand_in_genesis_and_miners_get_the_next_uids() {
    let ledger = with_miners().await;
    let neurons = ledger.tip().state.neurons();
    let seen: Vec<_> = neurons.iter().map(|n| (n.uid.0, n.is_validator, n.stake.0, n.registered_at.0)).collect();
    assert_eq!(seen, [(0, true, 300, 0), (1, true, 100, 0), (2, false, 0, 1), (3, false, 0, 1)]);
}

#[tokio::test]
async fn forged_replayed_and_foreign_transactions_are_refused() {
    let ledger = with_miners().await;
    let good = signed(&ledger, &key("a"), 1, publish(commit(0, 1))).await;
    let mut forged = good.clone();
    forged.call = publish(commit(0, 2));
    assert_eq!(block(&ledger, &[forged]).await, [Err(ChainError::BadSignature)]);
    let other = Ledger::in_memory(&interval(1000), START_MS + 1, &key("sequencer")).await.unwrap();
    let foreign = signed(&other, &key("a"), 1, publish(commit(0, 1))).await;
    assert_eq!(block(&ledger, &[foreign]).await, [Err(ChainError::BadSignature)]);
    let place = Receipt { block: BlockNumber(4), index: 0 };
    assert_eq!(block(&ledger, std::slice::from_ref(&good)).await, [Ok(place)]);
    // Again, byte for byte: the receipt it has. Later, after another transaction of the key: an old counter.
    advance(&ledger, 5).await;
    assert_eq!(
        block(&ledger, std::slice::from_ref(&good)).await,
        [Err(ChainError::Duplicate { receipt: place, same: true })]
    );
    let next = signed(&ledger, &key("a"), 2, publish(attest(0, &[2]))).await;
    assert!(block(&ledger, &[next]).await[0].is_ok());
    assert_eq!(block(&ledger, &[good]).await, [Err(ChainError::Nonce { expected: 3, got: 1 })]);
    assert_eq!(ledger.head().number, BlockNumber(8));
    ledger.verify().unwrap();
}

#[tokio::test]
async fn records_are_taken_in_their_phase_only() {
    let ledger = with_miners().await;
    let (round, block_) = (Round, BlockNumber);
    let early = |r, opens, block| ChainError::Early { round: round(r), opens: block_(opens), block: block_(block) };
    let late =
        |r, deadline, block| ChainError::Late { round: round(r), deadline: block_(deadline), block: block_(block) };
    assert_eq!(refusal(&ledger, "a", 1, publish(attest(0, &[]))).await, early(0, 5, 2));
    assert_eq!(refusal(&ledger, "a", 1, publish(commit(1, 1))).await, early(1, 12, 3));
    assert_eq!(refusal(&ledger, "validator-0", 0, publish(report(0, 1))).await, early(0, 12, 4));
    assert_eq!(refusal(&ledger, "a", 1, publish(commit(0, 1))).await, late(0, 5, 5));
    assert_eq!(refusal(&ledger, "a", 1, publish(checkpoint(2, 1))).await, early(2, 12, 6));
    advance(&ledger, 8).await;
    assert_eq!(refusal(&ledger, "a", 1, publish(attest(0, &[]))).await, late(0, 9, 9));
    advance(&ledger, 12 * 17).await;
    assert_eq!(refusal(&ledger, "validator-0", 0, publish(report(0, 1))).await, late(0, 204, 205));
    let far = publish(commit(u64::MAX, 1));
    assert!(matches!(refusal(&ledger, "a", 1, far).await, ChainError::Early { .. }));
}

#[tokio::test]
async fn one_record_per_key_and_place() {
    let ledger = with_miners().await;
    let first = signed(&ledger, &key("a"), 1, publish(commit(0, 1))).await;
    block(&ledger, &[first]).await;
    let receipt = Receipt { block: BlockNumber(2), index: 0 };
    // A restarted peer says the same with a fresh counter; a cheat says something else.
    assert_eq!(refusal(&ledger, "a", 2, publish(commit(0, 1))).await, ChainError::Duplicate { receipt, same: true });
    assert_eq!(refusal(&ledger, "a", 2, publish(commit(0, 2))).await, ChainError::Duplicate { receipt, same: false });
    // Even after the phase is over the standing one is shown.
    advance(&ledger, 20).await;
    assert_eq!(refusal(&ledger, "a", 2, publish(commit(0, 1))).await, ChainError::Duplicate { receipt, same: true });
}

#[tokio::test]
async fn a_bucket_is_named_once_in_the_round_that_runs_and_no_older_ledger_changes() {
    let ledger = with_miners().await;
    let named = |round, digit: &str| {
        let commitment = BucketCommitment::new(&digit.repeat(32), &digit.repeat(32), &digit.repeat(64)).unwrap();
        publish(Record::Bucket { round: Round(round), bucket: Some(BucketKeys::try_from(&commitment).unwrap()) })
    };
    let before = String::from_utf8(ledger.tip().state.to_bytes()).unwrap();
    assert!(!before.contains("buckets"));
    let said = signed(&ledger, &key("a"), 1, named(0, "a")).await;
    assert_eq!(block(&ledger, &[said]).await[0], Ok(Receipt { block: BlockNumber(2), index: 0 }));
    let receipt = Receipt { block: BlockNumber(2), index: 0 };
    assert_eq!(refusal(&ledger, "a", 2, named(0, "a")).await, ChainError::Duplicate { receipt, same: true });
    assert_eq!(refusal(&ledger, "a", 2, named(0, "b")).await, ChainError::Duplicate { receipt, same: false });
    let early = ChainError::Early { round: Round(1), opens: BlockNumber(12), block: BlockNumber(5) };
    assert_eq!(refusal(&ledger, "a", 2, named(1, "b")).await, early);
    advance(&ledger, 11).await;
    let late = ChainError::Late { round: Round(0), deadline: BlockNumber(12), block: BlockNumber(12) };
    assert_eq!(refusal(&ledger, "b", 1, named(0, "b")).await, late);
    let forgotten = signed(&ledger, &key("a"), 2, publish(Record::Bucket { round: Round(1), bucket: None })).await;
    assert!(block(&ledger, &[forgotten]).await[0].is_ok());
    ledger.verify().unwrap();
}

#[tokio::test]
async fn permits_and_limits_hold() {
    let ledger = with_miners().await;
    let stranger = ChainError::NotRegistered { hotkey: key("nobody").hotkey() };
    assert_eq!(refusal(&ledger, "nobody", 0, publish(commit(0, 1))).await, stranger);
    let not_permitted = |e: ChainError| assert!(matches!(e, ChainError::NotPermitted { .. }), "{e}");
    not_permitted(refusal(&ledger, "a", 1, Call::SetWeights(vec![])).await);
    not_permitted(refusal(&ledger, "a", 1, publish(report(0, 1))).await);
    for weights in [
        vec![(Uid(3), 1), (Uid(2), 1)],
        vec![(Uid(2), 1), (Uid(2), 1)],
        vec![(Uid(4), 1)],
        vec![(Uid(2), 65_535), (Uid(3), 1)],
    ] {
        let refused = refusal(&ledger, "validator-0", 0, Call::SetWeights(weights)).await;
        assert!(matches!(refused, ChainError::Invalid { .. }), "{refused}");
    }
    advance(&ledger, 24).await;
    for n in 0..4 {
        let t = signed(&ledger, &key("a"), 1 + n, publish(checkpoint(2, n as u8))).await;
        assert!(block(&ledger, &[t]).await[0].is_ok());
    }
    let fifth = refusal(&ledger, "a", 5, publish(checkpoint(2, 9))).await;
    assert_eq!(fifth, ChainError::TooOften { limit: 4, per: "round".to_owned() });
}

#[tokio::test]
async fn the_two_hundred_and_fifty_seventh_key_finds_no_place() {
    let ledger = ledger().await;
    let mut all = Vec::new();
    for n in 0..255 {
        all.push(signed(&ledger, &key(&format!("miner-{n}")), 0, Call::Register).await);
    }
    let results = block(&ledger, &all).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 254);
    assert_eq!(results[254], Err(ChainError::Full { limit: 256 }));
}

#[tokio::test]
async fn two_validators_pay_by_stake_and_every_rao_is_accounted_for() {
    let ledger = with_miners().await;
    let votes = [
        signed(&ledger, &key("validator-0"), 0, Call::SetWeights(vec![(Uid(2), 40_000), (Uid(3), 20_000)])).await,
        signed(&ledger, &key("validator-1"), 0, Call::SetWeights(vec![(Uid(3), 65_535)])).await,
    ];
    assert!(block(&ledger, &votes).await.iter().all(Result::is_ok));
    advance(&ledger, 40).await;
    let (epochs, next) = ledger.epochs(BlockNumber(0), BlockNumber(u64::MAX)).unwrap();
    assert_eq!((epochs.iter().map(|e| e.block.0).collect::<Vec<_>>(), next), (vec![10, 20, 30, 40], None));
    let mut paid = vec![0u64; 4];
    for e in &epochs {
        assert_eq!(e.minted, Rao(10 * Rao::PER_CREDIT));
        let pay: u64 = e.miner.iter().chain(&e.validator).map(|p| p.1.0).sum();
        assert_eq!(e.minted.0, e.owner.0 + e.burned.0 + pay);
        for (uid, rao) in e.miner.iter().chain(&e.validator) {
            paid[usize::from(uid.0)] += rao.0;
        }
    }
    let neurons = ledger.tip().state.neurons();
    assert_eq!(neurons.iter().map(|n| n.balance.0).collect::<Vec<_>>(), paid);
    // The majority's weights hold: uid 2 gets about twice what uid 3 gets, and validator 1 less than its quarter.
    let ratio = paid[2] as f64 / paid[3] as f64;
    assert!((1.4..2.0).contains(&ratio), "{ratio}");
    assert!(paid[1] * 4 < paid[0] + paid[1], "{paid:?}");
    assert!(epochs[0].burned.0 > 0, "validator 0 left 5,535 parts to nobody");
}

#[tokio::test]
async fn time_never_runs_backwards() {
    let ledger = ledger().await;
    let first = ledger.draft(&[], START_MS + 5);
    ledger.append(&[seal(first).await]).unwrap();
    let second = ledger.draft(&[], START_MS);
    ledger.append(&[seal(second).await]).unwrap();
    assert_eq!(ledger.head().time_ms, START_MS + 5);
}

#[tokio::test]
async fn a_draft_of_an_older_tip_is_refused() {
    let ledger = ledger().await;
    let (one, other) = (ledger.draft(&[], 0), ledger.draft(&[], 0));
    ledger.append(&[seal(one).await]).unwrap();
    assert!(matches!(ledger.append(&[seal(other).await]), Err(ChainError::Invalid { .. })));
}

/// A ledger of `blocks` blocks in a file, some of them with records, weights and pay-outs.
async fn in_file(path: &Path, blocks: u64) -> Ledger {
    let ledger = Ledger::open_or_create(path, &interval(1000), START_MS, &key("sequencer")).await.unwrap();
    register_miners(&ledger).await;
    let both = [
        signed(&ledger, &key("a"), 1, publish(commit(0, 1))).await,
        signed(&ledger, &key("validator-0"), 0, Call::SetWeights(vec![(Uid(2), 60_000)])).await,
    ];
    assert!(block(&ledger, &both).await.iter().all(Result::is_ok));
    advance(&ledger, blocks).await;
    ledger
}

#[tokio::test]
async fn a_ledger_cut_off_at_any_block_opens_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    let ledger = in_file(&path, 3).await;
    for number in [3, 63, 64, 65, 130, 193] {
        advance(&ledger, number).await;
        // What a kill -9 leaves: the file as it is while the ledger is open.
        let copy = dir.path().join(format!("copy-{number}.redb"));
        std::fs::copy(&path, &copy).unwrap();
        let opened = Ledger::open(&copy).unwrap();
        assert_eq!(opened.head(), ledger.head());
        assert_eq!(opened.tip().state, ledger.tip().state);
        assert_eq!(opened.verify().unwrap().number.0, number);
    }
    let (head, genesis) = (ledger.head(), interval(1000));
    drop(ledger);
    let again = Ledger::open_or_create(&path, &genesis, START_MS + 9, &key("sequencer")).await.unwrap();
    assert_eq!(again.head(), head);
    drop(again);
    let other = Genesis { run: RunId(Hash32([6; 32])), ..genesis };
    let wrong = Ledger::open_or_create(&path, &other, START_MS, &key("sequencer")).await;
    assert!(matches!(wrong, Err(ChainError::WrongChain { .. })));
}

/// Changes a stored block behind the ledger's back.
fn tamper(path: &Path, number: u64, change: impl Fn(&mut Block)) {
    let database = Database::open(path).unwrap();
    let mut block = read_block(&database, number).unwrap().unwrap();
    change(&mut block);
    let write = database.begin_write().unwrap();
    write.open_table(BLOCKS).unwrap().insert(number, block.to_bytes().as_slice()).unwrap();
    write.commit().unwrap();
}

#[tokio::test]
async fn tampering_shows_with_the_block_number() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole.redb");
    drop(in_file(&whole, 70).await);
    let check = |number: u64, change: &dyn Fn(&mut Block)| {
        let path = dir.path().join("tampered.redb");
        std::fs::copy(&whole, &path).unwrap();
        tamper(&path, number, change);
        match Ledger::open(&path).and_then(|ledger| ledger.verify()) {
            Err(ChainError::Corrupt { block, .. }) => assert_eq!(block, BlockNumber(number)),
            other => panic!("block {number}: {other:?}"),
        }
    };
    check(0, &|b| b.time_ms += 1);
    check(2, &|b| b.transactions.truncate(1));
    check(10, &|b| b.reward.as_mut().unwrap().minted.0 += 1);
    check(33, &|b| b.time_ms += 1);
    check(64, &|b| b.state = Hash32([0; 32]));
    check(69, &|b| b.signature = Signature([1; 64]));
    check(70, &|b| b.time_ms += 1);
}

#[tokio::test]
async fn a_signed_block_that_breaks_a_rule_does_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    let ledger = in_file(&path, 9).await;
    let hash = ledger.genesis_hash();
    drop(ledger);
    // The sequencer itself prints money in block 10 and signs it.
    let ledger = Ledger::open(&path).unwrap();
    let mut draft = ledger.draft(&[], 0);
    draft.block.reward.as_mut().unwrap().validator.push((Uid(1), Rao(1)));
    let signature = key("sequencer").sign(&draft.block.payload(hash)).await.unwrap();
    draft.next.head = head_of(&draft.block);
    ledger.append(&[draft.seal(signature)]).unwrap();
    let found = ledger.verify().unwrap_err();
    assert!(matches!(found, ChainError::Corrupt { block: BlockNumber(10), .. }), "{found}");
}

#[tokio::test]
async fn a_changed_snapshot_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    let state = {
        let ledger = in_file(&path, 70).await;
        ledger.tip().state
    };
    {
        let database = Database::open(&path).unwrap();
        let mut rich = State::clone(&state);
        rich.accounts[0].balance = Rao(u64::MAX);
        let write = database.begin_write().unwrap();
        write.open_table(SNAPSHOTS).unwrap().insert(64, rich.to_bytes().as_slice()).unwrap();
        write.commit().unwrap();
    }
    assert_eq!(Ledger::open(&path).unwrap().tip().state, state);
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    std::fs::write(&path, b"not a database, but long enough to look like something").unwrap();
    assert!(matches!(Ledger::open(&path), Err(ChainError::Storage { .. })));
    let wrong_key = Ledger::in_memory(&interval(1000), START_MS, &key("a")).await;
    assert!(matches!(wrong_key, Err(ChainError::Sign(_))));
}

/// Not a test of its own: the process that `a_killed_process_leaves_whole_blocks` kills.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_LEDGER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ledger =
            Ledger::open_or_create(Path::new(&path), &interval(1000), START_MS, &key("sequencer")).await.unwrap();
        println!("open");
        for n in 0.. {
            let t = signed(&ledger, &key(&format!("miner-{}", ledger.head().number)), 0, Call::Register).await;
            block(&ledger, &[t]).await;
            // Everything shown must survive the kill.
            println!("head {} {n}", ledger.head().number);
        }
    });
}

const CHILD_LEDGER: &str = "COVEY_TEST_CHILD_LEDGER";

#[test]
fn a_killed_process_leaves_whole_blocks() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    for kill in 0..10u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::store::tests::child_that_appends_until_it_is_killed", "--nocapture"])
            .env(CHILD_LEDGER, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Killed at another place of the write each time.
        let seen = lines.by_ref().filter(|l| l.starts_with("head ")).nth(3 + kill as usize).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(137 * kill));
        child.kill().unwrap();
        let last = lines.filter(|l| l.starts_with("head ")).last().unwrap_or(seen);
        child.wait().unwrap();
        let shown: u64 = last.split(' ').nth(1).unwrap().parse().unwrap();
        let ledger = Ledger::open(&path).unwrap();
        assert!(ledger.verify().unwrap().number.0 >= shown, "kill {kill}: {shown} was shown");
    }
}

mod histories {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Act {
        Say { who: usize, nonce_off: u64, what: u8, arg: u64 },
        Vote { who: usize, weights: Vec<u16> },
        Pass { blocks: u8 },
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0usize..4, 0u64..2, 0u8..6, 0u64..4)
                .prop_map(|(who, nonce_off, what, arg)| Act::Say { who, nonce_off, what, arg }),
            2 => (0usize..4, proptest::collection::vec(0u16..30_000, 0..5)).prop_map(|(who, weights)| Act::Vote { who, weights }),
            2 => (1u8..20).prop_map(|blocks| Act::Pass { blocks }),
        ]
    }

    async fn play(acts: Vec<Act>) {
        let ledger = ledger().await;
        let keys = ["validator-0", "validator-1", "a", "b"].map(key);
        for act in acts {
            let (who, off, call) = match act {
                Act::Pass { blocks } => {
                    advance(&ledger, ledger.head().number.0 + u64::from(blocks)).await;
                    continue;
                }
                Act::Vote { who, weights } => {
                    let weights = weights.iter().enumerate().map(|(uid, w)| (Uid(uid as u16), *w)).collect();
                    (who, 0, Call::SetWeights(weights))
                }
                Act::Say { who, nonce_off, what, arg } => {
                    let call = match what {
                        0 => Call::Register,
                        1 => publish(commit(arg, what)),
                        2 => publish(attest(arg, &[arg as u16])),
                        3 => publish(report(arg, arg as u8)),
                        4 => publish(Record::Bucket { round: Round(arg), bucket: None }),
                        _ => publish(checkpoint(arg, arg as u8)),
                    };
                    (who, nonce_off, call)
                }
            };
            let before = ledger.tip().state;
            let nonce = before.account(&keys[who].hotkey()).map_or(0, |(_, a)| a.nonce) + off;
            let t = signed(&ledger, &keys[who], nonce, call).await;
            let mut after = State::clone(&before);
            let place = Receipt { block: BlockNumber(ledger.head().number.0 + 1), index: 0 };
            if after.apply(ledger.genesis(), place, &t).is_err() {
                assert_eq!(after, *before, "a refusal changes nothing");
            }
            block(&ledger, &[t]).await;
        }
        ledger.verify().unwrap();
        let (epochs, _) = ledger.epochs(BlockNumber(0), BlockNumber(u64::MAX)).unwrap();
        let minted: u64 = epochs.iter().map(|e| e.minted.0).sum();
        let unpaid: u64 = epochs.iter().map(|e| e.owner.0 + e.burned.0).sum();
        let paid: u64 = ledger.tip().state.neurons().iter().map(|n| n.balance.0).sum();
        assert_eq!(minted, unpaid + paid);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn every_history_verifies_and_conserves_credits(acts in proptest::collection::vec(act(), 0..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(play(acts));
        }
    }
}
