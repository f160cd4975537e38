//! The twelve attacks of a server that has everything but the key. Each ends with the old pair in place and what was
//! trusted before unchanged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::release::{MONTH, NOW, archive, described, in_place, installed, key, keys, program, release, tar_gz};
use crate::server::{Reply, Server};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use update::belief::{BeliefError, Judge};
use update::fetch::{Fetch, FetchError, From, Line};
use update::keys::{KeyError, ReleaseKeys};
use update::manifest::{Channel, ManifestError, Release, UpdateManifest, platform};
use update::place::Source;
use update::signed::{Purpose, SignedError, seal};
use update::stage::{Home, StageError};
use update::trust::{TrustError, TrustFile};

/// A user's machine with version 1.0.0, and a server whose files the attacker sets.
struct Scene {
    dir: TempDir,
    home: Home,
    server: Server,
    files: Arc<Mutex<Files>>,
}

#[derive(Default)]
struct Files {
    manifest: Vec<u8>,
    archive: Vec<u8>,
    endless: bool,
}

#[derive(Debug)]
enum Outcome {
    Swapped,
    NothingNewer,
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Belief(#[from] BeliefError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("covey")).unwrap();
        let home = installed(&dir.path().join("covey"), "1.0.0");
        let files: Arc<Mutex<Files>> = Arc::default();
        let served = Arc::clone(&files);
        let server = Server::start(move |asked| {
            let files = served.lock().unwrap();
            match asked.path.as_str() {
                _ if files.endless => Reply::Endless,
                "updates.json" => Reply::File(Arc::new(files.manifest.clone())),
                "covey.tar.gz" => Reply::File(Arc::new(files.archive.clone())),
                _ => Reply::Status(404),
            }
        });
        Self { dir, home, server, files }
    }

    fn release(&self, version: &str) -> Release {
        release(version, &archive(version), &self.server.url("covey.tar.gz"))
    }

    /// The server offers this from now on.
    fn offers(&self, manifest: Vec<u8>, archive: Vec<u8>) {
        *self.files.lock().unwrap() = Files { manifest, archive, endless: false };
    }

    fn trust(&self) -> TrustFile {
        TrustFile::at(self.dir.path().join("trust.json"))
    }

    /// Everything that an app does to update itself.
    async fn update(&self, now: u64) -> Result<Outcome, Refusal> {
        self.update_as(&keys(), "1.0.0", now).await
    }

    async fn update_as(&self, keys: &ReleaseKeys, installed: &str, now: u64) -> Result<Outcome, Refusal> {
        let line = Line::with_waits(Duration::from_secs(5), Duration::from_millis(10))?;
        let trust = self.trust();
        let judge = Judge { purpose: Purpose::Updates, keys, trust: &trust };
        let sources = [Source::parse(&self.server.url("updates.json")).unwrap()];
        let manifest = judge.versions(&line, &sources, now).await?;
        let newer = manifest.newer(Channel::Stable, &platform(), installed, 0).unwrap();
        let Some(release) = newer else { return Ok(Outcome::NothingNewer) };
        let sources: Vec<_> = release.archive.urls.iter().cloned().map(From::Web).collect();
        let fetch = Fetch {
            line: &line,
            sources: &sources,
            progress: &|_| {},
            traffic: &|_| {},
            stop: &CancellationToken::new(),
            quota: None,
        };
        fetch.complete(&release.archive.blob(), &self.home.archive(release)).await?;
        self.home.stage(release)?;
        self.home.swap(installed, &mut |_| {}).unwrap();
        Ok(Outcome::Swapped)
    }

    /// What must hold after every attack.
    fn is_untouched(&self, trusted: Option<u64>) {
        assert_eq!(in_place(&self.home), ["1.0.0", "1.0.0"]);
        assert_eq!(self.trust().read().unwrap().map(|seen| seen.sequence), trusted);
        assert_eq!(self.home.staged().unwrap(), None);
    }

    /// An honest description, number 10, was seen; it offers nothing newer.
    async fn has_seen_ten(&self) {
        self.offers(described(10, NOW, &self.release("1.0.0"), &key(7)), archive("1.0.0"));
        assert!(matches!(self.update(NOW).await, Ok(Outcome::NothingNewer)));
    }
}

#[tokio::test]
async fn an_honest_server_updates_both_programs() {
    let scene = Scene::new();
    scene.has_seen_ten().await;
    scene.offers(described(11, NOW, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    let outcome = scene.update(NOW).await;
    assert!(matches!(outcome, Ok(Outcome::Swapped)), "{outcome:?}");
    assert_eq!(in_place(&scene.home), ["2.0.0", "2.0.0"]);
}

#[tokio::test]
async fn attack_1_rollback_to_an_older_description_is_refused() {
    let scene = Scene::new();
    scene.has_seen_ten().await;
    scene.offers(described(9, NOW - 60, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Trust(TrustError::Older { got: 9, seen: 10 }))));
    scene.is_untouched(Some(10));
}

#[tokio::test]
async fn attack_2_freeze_is_noticed_when_the_description_runs_out_even_if_the_clock_is_set_back() {
    let scene = Scene::new();
    scene.has_seen_ten().await;
    assert!(matches!(scene.update(NOW + MONTH - 1).await, Ok(Outcome::NothingNewer)));
    let refusal = scene.update(NOW + MONTH).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Trust(TrustError::Expired { .. }))));
    // A newer one was seen, so an old one stays dead whatever the clock says.
    scene.offers(described(11, NOW + 2 * MONTH, &scene.release("1.0.0"), &key(7)), archive("1.0.0"));
    scene.update(NOW + 2 * MONTH).await.unwrap();
    scene.offers(described(12, NOW + MONTH / 2, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    assert!(scene.update(NOW + MONTH / 2).await.is_err());
    scene.is_untouched(Some(11));
}

#[tokio::test]
async fn attack_3_fast_forward_locks_nobody_out() {
    let scene = Scene::new();
    scene.has_seen_ten().await;
    scene.offers(described(u64::MAX, NOW, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Trust(TrustError::Ahead(u64::MAX)))));
    scene.offers(described(11, NOW + 2 * MONTH, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Trust(TrustError::Future { .. }))));
    scene.is_untouched(Some(10));
}

#[tokio::test]
async fn attack_4_a_mix_of_two_releases_is_refused() {
    let scene = Scene::new();
    // The app of the new version with the peer of the old one, under the new one's name.
    let mixed =
        tar_gz(&[("covey".into(), program("covey", "2.0.0")), ("covey-peer".into(), program("covey-peer", "1.0.0"))]);
    scene.offers(described(11, NOW, &scene.release("2.0.0"), &key(7)), mixed.clone());
    assert!(matches!(scene.update(NOW).await.unwrap_err(), Refusal::Fetch(_)));
    scene.is_untouched(Some(11));
    // Even a description that matches the archive, but not what is in it, stages nothing.
    let lie = Release {
        archive: release("2.0.0", &mixed, &scene.server.url("covey.tar.gz")).archive,
        ..scene.release("2.0.0")
    };
    scene.offers(described(12, NOW, &lie, &key(7)), mixed);
    assert!(
        matches!(scene.update(NOW).await.unwrap_err(), Refusal::Stage(StageError::Program(name)) if name == "covey-peer")
    );
    scene.is_untouched(Some(12));
}

#[tokio::test]
async fn attack_5_another_platforms_release_is_not_taken() {
    let scene = Scene::new();
    let other = Release { platform: "plan9-mips".into(), ..scene.release("2.0.0") };
    scene.offers(described(11, NOW, &other, &key(7)), archive("2.0.0"));
    assert!(matches!(scene.update(NOW).await, Ok(Outcome::NothingNewer)));
    // Another platform's archive under this one's name.
    let foreign = tar_gz(&[("covey".into(), b"MZ".to_vec()), ("covey-peer".into(), b"MZ".to_vec())]);
    scene.offers(described(12, NOW, &scene.release("2.0.0"), &key(7)), foreign);
    assert!(matches!(scene.update(NOW).await.unwrap_err(), Refusal::Fetch(_)));
    scene.is_untouched(Some(12));
}

#[tokio::test]
async fn attack_6_endless_data_ends() {
    let scene = Scene::new();
    scene.files.lock().unwrap().endless = true;
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Fetch(FetchError::TooLong(_)))));
    scene.is_untouched(None);
    // As an archive: no byte beyond the signed length is kept.
    scene.offers(described(11, NOW, &scene.release("2.0.0"), &key(7)), vec![0; 50_000_000]);
    assert!(matches!(scene.update(NOW).await.unwrap_err(), Refusal::Fetch(FetchError::WrongSize { .. })));
    scene.is_untouched(Some(11));
}

#[tokio::test]
async fn attack_7_another_key_is_refused() {
    let scene = Scene::new();
    scene.has_seen_ten().await;
    scene.offers(described(11, NOW, &scene.release("2.0.0"), &key(8)), archive("2.0.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Signed(SignedError::Signature))));
    scene.is_untouched(Some(10));
}

#[tokio::test]
async fn attack_8_without_keys_nothing_is_believed() {
    assert_eq!(ReleaseKeys::parse(""), Err(KeyError::NoKeys));
    // A build from source has none, and a description without signatures finds no key that made it.
    let scene = Scene::new();
    let text = serde_json::to_string(&UpdateManifest {
        head: update::trust::Head { format: 1, sequence: 11, issued: NOW, expires: NOW + MONTH },
        releases: vec![scene.release("2.0.0")],
    });
    scene.offers(seal(&text.unwrap(), Purpose::Updates, &[]).unwrap(), archive("2.0.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Signed(SignedError::Signature))));
    scene.is_untouched(None);
}

#[tokio::test]
async fn attack_9_truncated_is_refused() {
    let scene = Scene::new();
    let (manifest, whole) = (described(11, NOW, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    scene.offers(manifest[..manifest.len() - 1].to_vec(), whole.clone());
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Signed(SignedError::Form(_)))));
    scene.is_untouched(None);
    scene.offers(manifest, whole[..whole.len() - 1].to_vec());
    assert!(matches!(scene.update(NOW).await.unwrap_err(), Refusal::Fetch(FetchError::WrongSize { .. })));
    scene.is_untouched(Some(11));
}

#[tokio::test]
async fn attack_10_an_old_release_under_a_new_number_is_refused() {
    let scene = Scene::new();
    // The unsigned way: the text is changed after it was signed.
    let old = described(11, NOW, &scene.release("0.9.0"), &key(7));
    let renamed = String::from_utf8(old).unwrap().replace("0.9.0", "9.0.0");
    scene.offers(renamed.into_bytes(), archive("0.9.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Signed(SignedError::Signature))));
    // The signed way: a lower version, and versions that could be read as higher.
    for version in ["0.9.0", "1.0.0-rc.9", "1.0.0"] {
        scene.offers(described(12, NOW, &scene.release("0.9.0"), &key(7)), archive("0.9.0"));
        assert!(matches!(scene.update(NOW).await, Ok(Outcome::NothingNewer)), "{version}");
    }
    for version in ["v9.0.0", "9.0", "1.0.0+9", "9.0.0 "] {
        let release = Release { version: version.into(), ..scene.release("0.9.0") };
        scene.offers(described(13, NOW, &release, &key(7)), archive("0.9.0"));
        let refusal = scene.update(NOW).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Belief(BeliefError::Manifest(ManifestError::Version(_)))), "{version}");
    }
    scene.is_untouched(Some(12));
}

#[tokio::test]
async fn attack_11_expired_is_refused() {
    let scene = Scene::new();
    scene.offers(described(11, NOW, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    let refusal = scene.update(NOW + MONTH).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Trust(TrustError::Expired { ago_secs: 0 }))));
    scene.is_untouched(None);
}

#[tokio::test]
async fn attack_12_a_replayed_description_is_refused() {
    let scene = Scene::new();
    scene.has_seen_ten().await;
    // Another text under the number that was seen: one of two that were made for different people.
    scene.offers(described(10, NOW, &scene.release("2.0.0"), &key(7)), archive("2.0.0"));
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Trust(TrustError::Two(10)))));
    // A description that was signed for packs.
    let text =
        serde_json::json!({ "format": 1, "sequence": 11, "issued": NOW, "expires": NOW + MONTH, "releases": [] });
    scene.offers(seal(&text.to_string(), Purpose::Packs, &[&key(7)]).unwrap(), Vec::new());
    let refusal = scene.update(NOW).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Belief(BeliefError::Signed(SignedError::Signature))));
    scene.is_untouched(Some(10));
}

#[tokio::test]
async fn the_newest_of_several_mirrors_is_taken_and_a_lying_one_holds_nothing_back() {
    let scene = Scene::new();
    let mirror = |sequence, version: &str| described(sequence, NOW, &scene.release(version), &key(7));
    let (old, new) = (mirror(10, "1.0.0"), mirror(11, "2.0.0"));
    let forged = described(99, NOW, &scene.release("3.0.0"), &key(8));
    let mirrors = Server::start(move |asked| match asked.path.as_str() {
        "forged" => Reply::File(Arc::new(forged.clone())),
        "old" => Reply::File(Arc::new(old.clone())),
        "new" => Reply::File(Arc::new(new.clone())),
        _ => Reply::Status(500),
    });
    let sources = ["forged", "down", "old", "new"].map(|name| Source::parse(&mirrors.url(name)).unwrap());
    let (line, trust, keys) = (Line::new().unwrap(), scene.trust(), keys());
    let judge = Judge { purpose: Purpose::Updates, keys: &keys, trust: &trust };
    assert_eq!(judge.versions(&line, &sources, NOW).await.unwrap().head.sequence, 11);
    assert_eq!(trust.read().unwrap().unwrap().sequence, 11);
    // If only bad ones are left, the lie is what is told, not the line that is down.
    let error = judge.versions(&line, &sources[..2], NOW).await.unwrap_err();
    assert!(error.is_suspicious(), "{error}");
}
