//! A wallet's secret is planted, a peer trains with it, and signer and peer are killed: the secret is found in no argument,
//! environment, file, and not in the memory of the process that trains. Reads `/proc`, so it runs on Linux.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use ipc::Event;

use crate::headless::{Run, Running};
use crate::needles::{find_in_memory, find_needles, of_bytes, of_text, of_words};
use crate::program::{covey_peer, output};

/// A published test phrase and its seed, as `subkey inspect --scheme sr25519` gives it.
const WORDS: &str = "caution juice atom organ advance problem want pledge someone senior holiday very";
const SEED: &str = "c8fa03532fb22ee1f7f6908b9c02b4e72483f0dbd66e4cd456b8f34c6230b849";
const PASSPHRASE: &str = "canary passphrase 4711";

fn secret(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// The only process that a peer starts is its signer.
fn signer_of(peer: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{peer}/task/{peer}/children")).unwrap();
    let threads = std::fs::read_dir(format!("/proc/{peer}/task")).unwrap().flatten();
    let all = threads.filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok()).collect::<String>();
    let first = children.split_whitespace().chain(all.split_whitespace()).next().expect("the peer has a signer");
    first.parse().unwrap()
}

#[test]
fn a_peer_that_trains_with_a_wallet_never_holds_its_secret() {
    let run = Run::found();
    let secrets = tempfile::tempdir().unwrap();
    let words = secret(secrets.path(), "words", WORDS);
    let passphrase = secret(secrets.path(), "passphrase", PASSPHRASE);
    let wallets = run.cache().join("wallets");
    let mut import = covey_peer(run.cache());
    import.args(["wallet", "import", "--yes", "--lock", "passphrase", "--dir"]).arg(&wallets);
    let made = output(import.arg("--secret-file").arg(&words).arg("--passphrase-file").arg(&passphrase));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(run.cache().join("import.log"), [made.stdout, made.stderr].concat()).unwrap();

    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let train = || {
        let mut command: Command = covey_peer(run.cache());
        command.args(["train", "--name", "peer-2", "--threads", "1", "--json", "--run"]).arg(run.run());
        command.arg("--vault").arg(wallets.join("default.vault")).arg("--passphrase-file").arg(&passphrase);
        Running::start(command.env("COVEY_LOG", "trace"), None)
    };
    let mut needles = of_words(WORDS);
    needles.extend(of_bytes("seed", &hex::decode(SEED).unwrap()));
    needles.push(of_text("passphrase", PASSPHRASE));
    for kill_signer in [true, false] {
        let peer = train();
        peer.wait_for("an outer step", |e| matches!(e, Event::OuterStepApplied { .. }));
        peer.wait_for("a signed commitment", |e| matches!(e, Event::Submitted { .. }));
        let (pid, signer) = (peer.pid(), signer_of(peer.pid()));
        let folders = [run.cache()];
        let found = find_needles(&needles, &[("the peer", pid), ("the signer", signer)], &folders);
        assert!(found.is_empty(), "{found:?}");
        let (found, bytes) = find_in_memory(&needles, "the peer", pid);
        assert!(found.is_empty(), "{found:?}");
        assert!(bytes > 10 << 20, "only {bytes} bytes of the peer's memory were read");
        // SAFETY: both processes are ours and run; an abort would dump core if that were not switched off.
        unsafe { libc::kill(if kill_signer { signer } else { pid }.cast_signed(), libc::SIGABRT) };
        drop(peer);
        let found = find_needles(&needles, &[], &folders);
        assert!(found.is_empty(), "after the crash: {found:?}");
    }
}
