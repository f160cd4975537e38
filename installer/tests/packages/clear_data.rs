//! What is deleted with a user's consent, and what never is.

use crate::stage::{picture, root};
use std::path::Path;
use std::process::Command;

fn clear(home: &Path) -> String {
    let output = Command::new("sh")
        .arg(root().join("installer/linux/clear-data.sh"))
        .env_clear()
        .envs([("HOME", home.as_os_str()), ("PATH", "/usr/bin:/bin".as_ref())])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn put(home: &Path, path: &str) {
    let path = home.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "x").unwrap();
}

#[test]
fn wallets_and_keys_outlive_the_deletion_of_all_else() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let kept = [
        ".local/share/covey/wallets/mine.vault",
        ".local/share/covey/wallets/notes with spaces.txt",
        ".local/share/covey/runs/ab/keys/peer.key",
        ".local/share/covey/old.capsule",
        ".local/share/other/file",
    ];
    let gone = [
        ".local/share/covey/settings.json",
        ".local/share/covey/runs/ab/run.json",
        ".local/share/covey/runs/ab/-rf",
        ".local/share/covey/logs/covey.log",
        ".local/share/covey/rehearsals/1/keys/peer-1.key",
        ".cache/covey/rehearsal/x",
        ".config/autostart/Covey.desktop",
    ];
    for path in kept.iter().chain(&gone) {
        put(home, path);
    }
    // A link out of the folder is deleted; what it leads to is not.
    std::os::unix::fs::symlink(home.join(".local/share/other"), home.join(".local/share/covey/runs/out")).unwrap();
    assert!(clear(home).contains("Wallets and keys stay"));
    let after = picture(home);
    for path in kept {
        assert!(after.contains_key(path), "{path} is gone");
    }
    let files: Vec<&String> = after.iter().filter(|(_, bytes)| *bytes != b"a folder").map(|(path, _)| path).collect();
    assert_eq!(files.len(), kept.len(), "{files:?}");
    assert!(!after.contains_key(".local/share/covey/logs"), "empty folders go");
}

#[test]
fn nothing_is_left_where_there_was_no_key() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), ".local/share/covey/settings.json");
    put(home.path(), ".local/share/covey/rehearsals/1/keys/peer-1.key");
    assert_eq!(clear(home.path()), "");
    assert!(!home.path().join(".local/share/covey").exists());
    assert_eq!(clear(home.path()), "", "a second time there is nothing to do");
}
