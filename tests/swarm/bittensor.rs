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

/// A well-known development key, for a coldkey that nobody needs here.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

/// A node beside the program under test; it ends with its standard input.
struct Node {
    child: std::process::Child,
    url: String,
    genesis: String,
}

impl Node {
    fn start(config: &Path) -> Self {
        use std::io::BufRead as _;
        let program = Path::new(env!("CARGO_BIN_EXE_covey-peer"))
            .with_file_name(format!("subtensor-node{}", std::env::consts::EXE_SUFFIX));
        let mut command = std::process::Command::new(program);
        command.arg("--config").arg(config).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("`cargo build -p subtensor-node` makes the node that this test needs");
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| ready[key].as_str().unwrap().trim_start_matches("0x").to_owned();
        Self { child, url: text("url"), genesis: text("genesis") }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn the_command_line_shows_a_subnet_commits_a_bucket_and_pays_nothing_by_itself() {
    let cache = tempfile::tempdir().unwrap();
    let key = cache.path().join("hotkey.json");
    let made = output(covey_peer(cache.path()).arg("key").arg(&key));
    let hotkey = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let seat = serde_json::json!({ "hotkey": hotkey, "coldkey": ALICE });
    let secret = wallet::WalletSecret::from_seed(&[7; 32]);
    let purse = serde_json::json!({ "account": secret.hotkey(), "free": 10_000_000_000u64 });
    let genesis = serde_json::json!({ "netuid": 3, "seats": [seat], "endowments": [purse] });
    // Opening a coldkey takes seconds, and the transaction lives eight blocks.
    let config = serde_json::json!({ "block_ms": 2000, "genesis": genesis });
    let path = cache.path().join("node.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let node = Node::start(&path);
    let which = ["--node", &node.url, "--netuid", "3", "--genesis", &node.genesis];

    let status = json(cache.path(), &[&["chain", "status"], &which[..], &["--hotkey", &hotkey, "--json"]].concat());
    assert_eq!((&status["uid"], &status["owner"]), (&0.into(), &ALICE.into()), "{status}");
    let bucket = cache.path().join("bucket");
    std::fs::write(&bucket, ["a".repeat(32), "b".repeat(32), "c".repeat(64)].join("\n")).unwrap();
    let commit = || {
        let mut command = covey_peer(cache.path());
        output(command.args(["chain", "commit"]).args(which).arg("--bucket").arg(&bucket).arg("--key").arg(&key))
    };
    assert!(commit().status.success());
    let again = commit();
    assert!(String::from_utf8_lossy(&again.stdout).contains("already"), "{}", String::from_utf8_lossy(&again.stderr));

    // Another chain than the one asked for, and a registration without a coldkey: one sentence, nothing done.
    let refused = |args: &[&str]| {
        let out = output(covey_peer(cache.path()).args(args));
        assert!(!out.status.success(), "{args:?}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let other = refused(&["chain", "status", "--node", &node.url, "--netuid", "3"]);
    assert!(other.contains("expected the chain of 2f0555cc"), "{other}");
    let stranger = ["--hotkey", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty", "--coldkey", ALICE];
    let register = refused(&[&["chain", "register"], &which[..], &stranger, &["--max-price", "0.6"]].concat());
    assert!(register.contains("costs 0.5 TAO") && register.contains("btcli"), "{register}");

    // A coldkey on this computer pays, but only as much as was said, and without a limit in the transaction only if asked.
    let (file, passphrase) = (cache.path().join("coldkey"), "Correct-Horse-9!");
    let locked = wallet::ColdkeyFile::create(&file, &secret, &wallet::Passphrase::new(passphrase.to_owned()).unwrap());
    let coldkey = locked.unwrap().address().to_string();
    let words = cache.path().join("passphrase");
    std::fs::write(&words, passphrase).unwrap();
    std::fs::set_permissions(&words, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let pay = ["--coldkey", &coldkey, "--coldkey-file", file.to_str().unwrap()];
    let pay =
        [&["chain", "register"], &which[..], &stranger[..2], &pay, &["--passphrase-file", words.to_str().unwrap()]];
    let pay = pay.concat();
    let dear = refused(&[&pay[..], &["--max-price", "0.4"]].concat());
    assert!(dear.contains("more than your limit of 0.4"), "{dear}");
    let unlimited = refused(&[&pay[..], &["--max-price", "0.6"]].concat());
    assert!(unlimited.contains("--without-limit"), "{unlimited}");
    let there = json(cache.path(), &[&pay[..], &["--max-price", "0.6", "--without-limit", "--json"]].concat());
    assert_eq!(there["uid"], 1, "{there}");
}
