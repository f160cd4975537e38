//! Whether one's own bucket is usable, said in types; and that clearing up touches nothing else.

use bucket::{BucketCheck, BucketError, BucketPlace, BucketSection, OwnBucket, SectionError, Shelf, WriteKey};
use tempfile::TempDir;
use types::{Hash32, Round, RunId};

use crate::server::{Answer, Fault, RUN, SECRET, Server, blob, bytes, manifest, quiet, shelf, soon};

fn notes() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn check(place: BucketPlace, id: &str, secret: &str) -> Result<BucketCheck, BucketError> {
    let notes = notes();
    let key = WriteKey::new(id, secret).unwrap();
    OwnBucket::open(place, &key, notes.path().to_owned(), None).unwrap().check().await
}

#[tokio::test]
async fn a_usable_bucket_passes_and_keeps_nothing_of_the_check() {
    let server = Server::start().await;
    let checked = check(server.place(), "WRITE", SECRET).await.unwrap();
    assert!(checked.create_only);
    assert!(checked.skew_seconds.unwrap().abs() < 60);
    assert_eq!(server.objects(), Vec::<String>::new());
}

#[tokio::test]
async fn each_unusable_bucket_is_told_apart() {
    let server = Server::start().await;
    let wrong_secret = check(server.place(), "WRITE", "another").await.unwrap_err();
    assert!(matches!(wrong_secret, BucketError::WrongKey { .. }), "{wrong_secret:?}");
    let unknown = check(server.place(), "NOBODY", SECRET).await.unwrap_err();
    assert!(matches!(unknown, BucketError::WrongKey { .. }), "{unknown:?}");
    let read_only = check(server.place(), "READ", SECRET).await.unwrap_err();
    assert!(matches!(read_only, BucketError::ReadOnlyKey), "{read_only:?}");
    let expired = check(server.place(), "OLD", SECRET).await.unwrap_err();
    assert!(matches!(expired, BucketError::ExpiredKey), "{expired:?}");
    let nowhere = check(server.place_named("other"), "WRITE", SECRET).await.unwrap_err();
    assert!(matches!(nowhere, BucketError::NoSuchBucket), "{nowhere:?}");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = BucketPlace::at(&format!("http://127.0.0.1:{port}"), "runs", "auto", true).unwrap();
    let unreachable = check(place, "WRITE", SECRET).await.unwrap_err();
    assert!(matches!(unreachable, BucketError::Unreachable(_)), "{unreachable:?}");
    for error in [wrong_secret, unknown, read_only, expired, nowhere, unreachable] {
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named_with_the_difference() {
    let server = Server::start().await;
    server.on(|_| {
        let mut answer = Answer::error(403, "RequestTimeTooSkewed");
        let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
        let ahead = jiff::Timestamp::try_from(ahead).unwrap();
        answer
            .headers
            .push(("date", jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&ahead).unwrap()));
        Some(Fault::Instead(answer))
    });
    let error = check(server.place(), "WRITE", SECRET).await.unwrap_err();
    assert!(matches!(error, BucketError::ClockSkew { seconds } if (3590..=3610).contains(&seconds)), "{error:?}");
}

#[tokio::test]
async fn a_server_without_conditions_is_usable_and_said_to_be_so() {
    let server = Server::start().await;
    // It takes everything and does not know `If-None-Match`: the condition alone is refused.
    let mut first = true;
    server.on(move |seen| {
        let refuse = seen.method == "PUT" && std::mem::replace(&mut first, false);
        refuse.then(|| Fault::Instead(Answer::error(501, "NotImplemented")))
    });
    assert!(check(server.place(), "WRITE", SECRET).await.is_ok());
}

#[tokio::test]
async fn old_rounds_of_this_run_go_and_everything_else_stays() {
    let server = Server::start().await;
    let notes = notes();
    let own = server.own(&notes);
    let small = blob(100);
    let manifest = manifest(&small);
    let other = RunId(Hash32([1; 32]));
    let shelves = [
        shelf(3),
        shelf(9),
        Shelf::Checkpoint { run: RUN, round: Round(3) },
        Shelf::Checkpoint { run: RUN, round: Round(1) },
        Shelf::Checkpoint { run: other, round: Round(1) },
    ];
    for shelf in &shelves {
        own.publish(shelf, &manifest, &bytes(&small), soon(), &quiet).await.unwrap();
    }
    std::fs::write(server.files.join("photo.jpg"), b"mine").unwrap();
    assert_eq!(own.retain(&RUN, Round(9), Round(2), soon()).await.unwrap(), 2);
    let name = |at: usize| shelves[at].name(&manifest.id().root);
    let mut want = vec![name(1), name(2), name(4), "photo.jpg".to_owned()];
    want.sort_unstable();
    assert_eq!(server.objects(), want);
}

#[tokio::test]
async fn a_file_names_the_bucket_and_the_file_of_its_key() {
    let server = Server::start().await;
    let dir = notes();
    let (file, key) = (dir.path().join("bucket.json"), dir.path().join("bucket.key"));
    let section = BucketSection { place: server.place(), key_file: key.clone() };
    std::fs::write(&file, serde_json::to_vec(&section).unwrap()).unwrap();
    std::fs::write(&key, format!("WRITE\n{SECRET}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = OwnBucket::open_from(&section, dir.path().join("uploads"), None);
        assert!(matches!(open, Err(SectionError::Key(_))));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(BucketSection::read(&file).unwrap(), section);
    let own = OwnBucket::open_from(&section, dir.path().join("uploads"), None).unwrap();
    assert!(own.check().await.unwrap().create_only);
    std::fs::write(&file, b"{}").unwrap();
    assert!(matches!(BucketSection::read(&file), Err(SectionError::File { .. })));
}
