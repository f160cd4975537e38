//! A peer without the rehearsal around it: key file, signer process of its own, pause, stop, go on.

use crate::program::{covey_peer, output};

#[test]
fn doctor_and_bench_say_what_this_machine_does() {
    let cache = tempfile::tempdir().unwrap();
    let doctor = output(covey_peer(cache.path()).args(["doctor", "--json"]));
    let text = String::from_utf8_lossy(&doctor.stdout);
    let names: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["processor", "memory", "gpu", "text", "models", "sockets"]);
    let bench = output(covey_peer(cache.path()).args(["bench", "--model", "nano", "--steps", "2"]));
    let text = String::from_utf8_lossy(&bench.stdout);
    assert!(bench.status.success(), "{}", String::from_utf8_lossy(&bench.stderr));
    assert!(text.contains("tokens/s") && text.contains("bytes per parameter"), "{text}");
    let plan = output(covey_peer(cache.path()).args(["bench", "--model", "covenant-72b", "--plan-only"]));
    assert!(String::from_utf8_lossy(&plan.stdout).contains("70599843840 parameters"));
}
