//! Publishing: once, whole, in spite of kills and refusals, and within its deadline and its limit.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bucket::{BucketError, Content, OwnBucket, Pace};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::server::{Answer, Fault, Server, blob, bytes, manifest, quiet, shelf, soon, write_key};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_blob_is_made_once_and_never_overwritten() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let own = server.own(&notes);
    let small = blob(3 * MIB + 5);
    let manifest = manifest(&small);
    let made = own.publish(&shelf(1), &manifest, &bytes(&small), soon(), &quiet).await.unwrap();
    assert_eq!((made.name.as_str(), made.sent), (shelf(1).name(&manifest.id().root).as_str(), small.len() as u64));
    assert_eq!(std::fs::read(server.files.join(&made.name)).unwrap(), small);
    let beside = std::fs::read(server.files.join(shelf(1).manifest_name(&manifest.id().root))).unwrap();
    assert_eq!(beside, manifest.to_bytes());
    // Somebody else's bytes of the same length stay: what is there is not replaced.
    let foreign = vec![9; small.len()];
    std::fs::write(server.files.join(&made.name), &foreign).unwrap();
    let again = own.publish(&shelf(1), &manifest, &bytes(&small), soon(), &quiet).await.unwrap();
    assert_eq!(again.sent, 0);
    assert_eq!(std::fs::read(server.files.join(&made.name)).unwrap(), foreign);
    // Of another length, it is said.
    std::fs::write(server.files.join(&made.name), b"short").unwrap();
    let error = own.publish(&shelf(1), &manifest, &bytes(&small), soon(), &quiet).await.unwrap_err();
    assert!(matches!(error, BucketError::WrongSize { got: 5, .. }), "{error:?}");
}

#[tokio::test]
async fn a_long_blob_goes_up_in_parts_from_a_file_and_from_memory() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let own = server.own(&notes);
    let long = blob(20 * MIB + 77);
    let manifest = manifest(&long);
    let file = notes.path().join("blob");
    std::fs::write(&file, &long).unwrap();
    let told = Mutex::new(Vec::new());
    let progress = |bytes| told.lock().unwrap().push(bytes);
    let made = own.publish(&shelf(1), &manifest, &Content::File(file), soon(), &progress).await.unwrap();
    assert_eq!(made.sent, long.len() as u64);
    assert!(std::fs::read(server.files.join(&made.name)).unwrap() == long);
    let mut parts = server.parts();
    parts.sort_unstable();
    assert_eq!(parts, ["1", "2", "3"]);
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted() && told.last() == Some(&(long.len() as u64)), "{told:?}");
    let made = own.publish(&shelf(2), &manifest, &bytes(&long), soon(), &quiet).await.unwrap();
    assert!(std::fs::read(server.files.join(&made.name)).unwrap() == long);
    let again = own.publish(&shelf(2), &manifest, &bytes(&long), soon(), &quiet).await.unwrap();
    assert_eq!((again.sent, server.parts().len()), (0, 6));
}

/// Publishes until a part is noted, and is killed there. The parts that the server was sent.
async fn killed(server: &Server, notes: &tempfile::TempDir, long: &[u8]) -> usize {
    // Only the first part gets through; the others hang until the kill.
    server.on(|seen| {
        let later = seen.method == "PUT" && seen.query.contains("partNumber=") && !seen.query.contains("partNumber=1&");
        later.then(|| Fault::Instead(Answer::error(503, "SlowDown")))
    });
    let one = Arc::new(Notify::new());
    let noted = Arc::clone(&one);
    let progress = move |bytes| {
        if bytes > 0 {
            noted.notify_one();
        }
    };
    let own = server.own(notes);
    let (manifest, content) = (manifest(long), bytes(long));
    let shelf = shelf(1);
    tokio::select! {
        done = own.publish(&shelf, &manifest, &content, soon(), &progress) => panic!("not killed: {done:?}"),
        () = one.notified() => {}
    }
    server.on(|_| None);
    server.parts().len()
}

#[tokio::test]
async fn an_upload_that_was_killed_goes_on_with_what_is_missing() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let long = blob(20 * MIB);
    let before = killed(&server, &notes, &long).await;
    let own = server.own(&notes);
    let made = own.publish(&shelf(1), &manifest(&long), &bytes(&long), soon(), &quiet).await.unwrap();
    assert_eq!(made.sent, 12 * MIB as u64);
    let mut parts = server.parts()[before..].to_vec();
    parts.sort_unstable();
    assert_eq!(parts, ["2", "3"]);
    assert!(std::fs::read(server.files.join(&made.name)).unwrap() == long);
    assert_eq!(std::fs::read_dir(notes.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_upload_that_the_server_has_forgotten_begins_anew() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let long = blob(20 * MIB);
    killed(&server, &notes, &long).await;
    let old =
        std::fs::read_to_string(std::fs::read_dir(notes.path()).unwrap().next().unwrap().unwrap().path()).unwrap();
    let id: serde_json::Value = serde_json::from_str(&old).unwrap();
    let id = format!("uploadId={}", id["id"].as_str().unwrap());
    server.on(move |seen| {
        let gone = seen.query.contains(&id);
        gone.then(|| Fault::Instead(Answer::error(404, "NoSuchUpload")))
    });
    let own = server.own(&notes);
    let made = own.publish(&shelf(1), &manifest(&long), &bytes(&long), soon(), &quiet).await.unwrap();
    assert_eq!(made.sent, long.len() as u64);
    assert!(std::fs::read(server.files.join(&made.name)).unwrap() == long);
}

#[tokio::test]
async fn an_old_upload_is_given_up_with_its_round() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    killed(&server, &notes, &blob(20 * MIB)).await;
    let own = server.own(&notes);
    let deadline = soon();
    let run = &crate::server::RUN;
    own.retain(run, types::Round(1), types::Round(0), deadline).await.unwrap();
    assert_eq!(std::fs::read_dir(notes.path()).unwrap().count(), 1);
    own.retain(run, types::Round(2), types::Round(0), deadline).await.unwrap();
    assert_eq!(std::fs::read_dir(notes.path()).unwrap().count(), 0);
    assert!(server.seen().iter().any(|seen| seen.method == "DELETE" && seen.query.contains("uploadId=")));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_lost_answer_does_no_harm() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let own = server.own(&notes);
    let small = blob(1000);
    let mut refusals = 2;
    server.on(move |seen| {
        let refuse = seen.method == "PUT" && refusals > 0;
        refusals -= i32::from(refuse);
        refuse.then(|| Fault::Instead(Answer::error(503, "SlowDown")))
    });
    own.publish(&shelf(1), &manifest(&small), &bytes(&small), soon(), &quiet).await.unwrap();
    assert_eq!(server.seen().iter().filter(|seen| seen.method == "PUT").count(), 3);
    // The parts were put together, and the answer got lost.
    let long = blob(9 * MIB);
    let mut lost = false;
    server.on(move |seen| {
        let lose = seen.method == "POST" && seen.query.contains("uploadId=") && !std::mem::replace(&mut lost, true);
        lose.then(|| Fault::After(Answer::error(500, "InternalError")))
    });
    let made = own.publish(&shelf(2), &manifest(&long), &bytes(&long), soon(), &quiet).await.unwrap();
    assert!(std::fs::read(server.files.join(&made.name)).unwrap() == long);
}

#[tokio::test]
async fn the_deadline_ends_it_with_the_last_reason() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    server.on(|_| Some(Fault::Instead(Answer::error(503, "SlowDown"))));
    let small = blob(1000);
    let deadline = Instant::now() + Duration::from_millis(1200);
    let error = server.own(&notes).publish(&shelf(1), &manifest(&small), &bytes(&small), deadline, &quiet).await;
    assert!(matches!(error, Err(BucketError::Deadline { last }) if last.contains("SlowDown")));
}

#[tokio::test]
async fn a_file_that_has_rotted_is_not_published() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let own = server.own(&notes);
    let mut long = blob(9 * MIB);
    let manifest = manifest(&long);
    long[8 * MIB + 3] ^= 1;
    let file = notes.path().join("blob");
    std::fs::write(&file, &long).unwrap();
    let error = own.publish(&shelf(1), &manifest, &Content::File(file.clone()), soon(), &quiet).await.unwrap_err();
    assert!(matches!(error, BucketError::Rotten(_)), "{error:?}");
    std::fs::write(&file, &long[1..]).unwrap();
    let error = own.publish(&shelf(1), &manifest, &Content::File(file), soon(), &quiet).await.unwrap_err();
    assert!(matches!(error, BucketError::Rotten(_)), "{error:?}");
    let error = own.publish(&shelf(1), &manifest, &bytes(&long[1..]), soon(), &quiet).await.unwrap_err();
    assert!(matches!(error, BucketError::Rotten(_)), "{error:?}");
    assert!(!server.objects().contains(&shelf(1).name(&manifest.id().root)));
}

#[tokio::test]
async fn a_read_key_publishes_nothing() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let key = bucket::WriteKey::new("READ", crate::server::SECRET).unwrap();
    let own = OwnBucket::open(server.place(), &key, notes.path().to_owned(), None).unwrap();
    for length in [1000, 9 * MIB] {
        let blob = blob(length);
        let error = own.publish(&shelf(1), &manifest(&blob), &bytes(&blob), soon(), &quiet).await.unwrap_err();
        assert!(matches!(error, BucketError::NotPermitted { status: 403, .. }), "{error:?}");
    }
    assert_eq!(server.objects(), Vec::<String>::new());
}

/// An upload limit that counts.
#[derive(Default)]
struct Counting {
    bytes: AtomicU64,
    largest: AtomicUsize,
}

#[async_trait::async_trait]
impl Pace for Counting {
    async fn take(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
        self.largest.fetch_max(bytes, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn everything_that_goes_up_asks_the_limit_in_small_pieces() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let pace = Arc::new(Counting::default());
    let limit: Arc<dyn Pace> = Arc::<Counting>::clone(&pace);
    let own = OwnBucket::open(server.place(), &write_key(), notes.path().to_owned(), Some(limit)).unwrap();
    let long = blob(9 * MIB);
    own.publish(&shelf(1), &manifest(&long), &bytes(&long), soon(), &quiet).await.unwrap();
    let asked = pace.bytes.load(Ordering::SeqCst);
    // The blob and its manifest, and the list of two parts.
    let least = (long.len() + manifest(&long).to_bytes().len()) as u64;
    assert!((least..least + 1000).contains(&asked), "{asked}");
    assert_eq!(pace.largest.load(Ordering::SeqCst), bucket::limits::PIECE_BYTES);
}
