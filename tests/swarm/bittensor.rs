//! The same swarm on Bittensor: real peers and a validator against a node that speaks the main network's formats.

use std::path::Path;

use serde_json::Value;

use crate::program::{covey_peer, output, rehearse_in};

/// A round of 20 blocks takes six seconds; a nano model computes for a fraction of that.
const FAST: [&str; 4] = ["--chain", "subtensor", "--block-ms", "300"];

fn json(cache: &Path, args: &[&str]) -> Value {
    let out = output(covey_peer(cache).args(args));
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn a_run_on_bittensor_pays_to_the_rao_across_a_kill_a_fork_and_an_outage() {
    let cache = tempfile::tempdir().unwrap();
    let rounds = ["--peers", "2", "--rounds", "7", "--kill-at", "3", "--kill", "peer-1"];
    let disturbed = ["--disturb", "reorg@1", "--disturb", "outage@4", "--disturb", "upgrade@5"];
    let r = rehearse_in(cache.path(), &[&FAST[..], &rounds, &disturbed].concat(), |_| {});
    r.assert_sound();
    assert_eq!(r.summary["books_match"], true, "a book shows something else than the chain: {}", r.summary);
    assert_eq!(r.summary["restarts"], 1);
    assert!(r.credits("peer-2") > 0, "nobody was paid: {}", r.summary);

    // The node is gone; what the peer wrote down stands.
    let run = cache.path().join("run");
    let run = run.to_str().unwrap();
    let peer = ["--run", run, "--name", "peer-2", "--json", "--offline"];
    let page = json(cache.path(), &[&["earnings"], &peer[..]].concat());
    assert_eq!(page["total"]["confirmed"]["value"].as_u64(), Some(r.credits("peer-2")), "{page}");
    assert_eq!(page["network"]["has_value"], false, "{page}");
    let csv =
        output(covey_peer(cache.path()).args(["earnings", "--run", run, "--name", "peer-2", "--offline", "--csv"]));
    assert!(String::from_utf8_lossy(&csv.stdout).lines().count() > 1, "{}", String::from_utf8_lossy(&csv.stdout));

    let receipts = json(cache.path(), &[&["receipts"], &peer[..]].concat());
    let rounds = receipts.as_array().unwrap();
    assert!(rounds.len() >= 4, "{receipts}");
    assert!(rounds.iter().any(|round| !round["rewards"].as_array().unwrap().is_empty()), "{receipts}");
    let verified = json(cache.path(), &[&["receipts", "verify"], &peer[..]].concat());
    assert_eq!(verified["wrong"], Value::Null, "{verified}");

    // One byte of one number.
    let log = Path::new(run).join("peers/peer-2/receipts.jsonl");
    let text = std::fs::read_to_string(&log).unwrap().replacen("\"tokens\":", "\"tokens\":1", 1);
    std::fs::write(&log, text).unwrap();
    let out = output(covey_peer(cache.path()).args(["receipts", "verify"]).args(peer));
    assert_eq!(out.status.code(), Some(1));
    let verified: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(verified["wrong"]["record"], 1, "{verified}");
}

#[test]
fn receipts_are_confirmed_by_the_ledger_while_it_runs() {
    let run = crate::headless::Run::found();
    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let peer = run.start("train", "peer-1");
    peer.wait_for("its first pay", |e| matches!(e, ipc::Event::ScoreUpdated { balance, .. } if balance.0 > 0));
    peer.wait_for("one more outer step", |e| matches!(e, ipc::Event::OuterStepApplied { .. }));
    assert_eq!(peer.stop(), Some(0));
    let folder = run.run();
    let whose = ["--run", folder.to_str().unwrap(), "--name", "peer-1", "--json"];
    let verified = json(run.cache(), &[&["receipts", "verify"], &whose[..]].concat());
    assert_eq!(verified["wrong"], Value::Null, "{verified}");
    assert!(verified["confirmed"].as_u64() > Some(3), "the ledger confirms commitments and verdicts: {verified}");
    let page = json(run.cache(), &[&["earnings"], &whose[..]].concat());
    assert!(page["total"]["confirmed"]["value"].as_u64() > Some(0), "{page}");
    let status = json(run.cache(), &["chain", "status", "--run", folder.to_str().unwrap(), "--json"]);
    assert_eq!(status["registered"], 2, "{status}");
}
