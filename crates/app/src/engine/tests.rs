//! The worker against a trainer that does not start and a folder of archives: an offline installation.

use super::*;
use crate::release::Release;
use ed25519_dalek::SigningKey;
use pack::{Needs, describe};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;
use update::keys::ReleaseKeys;
use update::signed::seal;
use update::trust::Head;

/// A machine whose trainer lacks libtorch, and a folder with its archive and a signed description.
fn scene() -> (TempDir, EngineWorker) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("peer"), "#!/bin/sh\necho 'libtorch_cpu.so: cannot open shared object file' >&2\nexit 127\n")
        .unwrap();
    std::fs::set_permissions(path("peer"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path("torch.whl")).unwrap());
    zip.start_file("torch/lib/libtorch_cpu.so", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&[7; 5000]).unwrap();
    zip.finish().unwrap();
    let archive = describe(&path("torch.whl"), Vec::new(), &["torch/lib/".to_owned()]).unwrap();
    let platform = update::manifest::platform();
    let pack =
        Pack { kind: Kind::Cpu, platform, torch: TORCH.into(), needs: Needs::default(), archives: vec![archive] };
    let issued = crate::driver::now_ms() / 1000;
    let head = Head { format: 1, sequence: 1, issued, expires: issued + 1000 };
    let text = serde_json::to_string(&PackManifest { head, packs: vec![pack] }).unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    std::fs::write(path(PACKS), seal(&text, Purpose::Packs, &[&key]).unwrap()).unwrap();
    let hex: String = key.verifying_key().to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let keys = ReleaseKeys::parse(&hex);
    let worker = EngineWorker {
        release: Release { keys, ..Release::none() },
        peer_program: path("peer"),
        data_dir: path("data"),
        machine: Machine::default(),
        local: None,
    };
    (dir, worker)
}

fn missing(event: EngineEvent) -> Result<EngineOffer, Problem> {
    match event {
        EngineEvent::Missing { offer, starts: false } => offer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_engine_comes_from_a_local_folder_and_the_trainer_is_not_asked_again() {
    let (dir, worker) = scene();
    assert_eq!(missing(worker.look().await).unwrap_err().code, "engine_not_fetched");
    let worker = EngineWorker { local: Some(dir.path().to_owned()), ..worker };
    assert_eq!(missing(worker.look().await).unwrap().disk, ByteCount(5000));
    let (events, mut said) = mpsc::channel(16);
    let stop = CancellationToken::new();
    assert_eq!(worker.fetch(&events, &stop).await, EngineEvent::Ended(Ok(())));
    assert!(said.try_recv().is_ok());
    assert_eq!(worker.look().await, EngineEvent::Ready);
    assert!(worker.data_dir.join("packs").join(format!("cpu-{TORCH}/torch/lib/libtorch_cpu.so")).is_file());
}

#[tokio::test]
async fn a_build_without_keys_takes_no_engine_and_says_what_to_do() {
    let (dir, worker) = scene();
    let worker = EngineWorker { release: Release::none(), local: Some(dir.path().to_owned()), ..worker };
    assert_eq!(missing(worker.look().await).unwrap_err().code, "engine_no_key");
}

#[tokio::test]
async fn a_trainer_that_starts_or_is_not_there_at_all_lacks_no_engine() {
    let (dir, worker) = scene();
    let gone = EngineWorker { peer_program: dir.path().join("none"), ..worker.clone() };
    assert_eq!(gone.look().await, EngineEvent::Ready);
    std::fs::write(dir.path().join("starts"), "#!/bin/sh\necho covey-peer 1.0.0\n").unwrap();
    std::fs::set_permissions(dir.path().join("starts"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let starts = EngineWorker { peer_program: dir.path().join("starts"), ..worker };
    assert_eq!(starts.look().await, EngineEvent::Ready);
}
