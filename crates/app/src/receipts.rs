//! Checks the receipts of a peer's folder.
//!
//! In: a run folder and the peer's name. Out: whether every line names the one before it and every figure fits. What only the
//! chain knows is `covey-peer receipts verify`'s to ask.

use earnings::receipts::verify;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use view_model::Verified;

/// Name of the receipts in a peer's folder.
const RECEIPTS_FILE: &str = "receipts.jsonl";

/// Checks them.
pub(crate) fn check(run_folder: &Path, peer: &str) -> Verified {
    let path = run_folder.join("peers").join(peer).join(RECEIPTS_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        // Nothing was trained yet: nothing is wrong either.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Verified::Good { receipts: 0 },
        Err(error) => return Verified::Bad { fault: error.to_string() },
    };
    match verify(BufReader::new(file), &(), None) {
        Ok(found) if found.holds() => Verified::Good { receipts: found.head.records },
        Ok(found) => {
            let fault = earnings::receipts::VerificationText(&found).to_string();
            Verified::Bad { fault: fault.chars().take(500).collect() }
        }
        Err(error) => Verified::Bad { fault: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_receipts_are_no_fault_and_nonsense_is_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(check(dir.path(), "peer"), Verified::Good { receipts: 0 });
        let folder = dir.path().join("peers").join("peer");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(RECEIPTS_FILE), "{\"sequence\":1}\n").unwrap();
        assert!(matches!(check(dir.path(), "peer"), Verified::Bad { .. }));
    }
}
