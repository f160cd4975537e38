//! Reading others' buckets: with a folder beside them, and with everything that can be wrong with what lies there.

use std::sync::Arc;

use bucket::{BucketError, PublicBucket, ReadKey};
use exchange::{
    BlobId, BlobStore, CHUNK_BYTES, ChunkSource, FetchError, FetchLimits, Fetcher, FolderSource, Have, SourceError,
    SourceFailure, StoreLimits,
};
use tokio_util::sync::CancellationToken;
use types::BucketCommitment;

use crate::server::{SECRET, Server, blob, bytes, manifest, quiet, shelf, soon};

const STORE: StoreLimits = StoreLimits { max_bytes: 1 << 30, max_blob_bytes: 1 << 30 };

async fn fetch(sources: Vec<Arc<dyn ChunkSource>>, id: BlobId) -> Result<Vec<u8>, FetchError> {
    let mut limits = FetchLimits::up_to(1 << 30);
    limits.rest_after_failure = std::time::Duration::ZERO;
    Fetcher::new(sources, limits).fetch(id, soon(), &CancellationToken::new()).await
}

/// A server that has this blob.
async fn with(blob: &[u8]) -> Server {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    server.own(&notes).publish(&shelf(1), &manifest(blob), &bytes(blob), soon(), &quiet).await.unwrap();
    server
}

/// The last failure of the only source.
fn failure(result: Result<Vec<u8>, FetchError>) -> SourceFailure {
    let Err(FetchError::Unavailable { sources, .. }) = result else { panic!("{:?}", result.map(|b| b.len())) };
    sources.into_iter().next().unwrap().failure.unwrap()
}

#[tokio::test]
async fn blobs_of_every_length_come_back() {
    let server = Server::start().await;
    let notes = tempfile::tempdir().unwrap();
    let own = server.own(&notes);
    for length in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 9 * CHUNK_BYTES + 5] {
        let blob = blob(length);
        own.publish(&shelf(1), &manifest(&blob), &bytes(&blob), soon(), &quiet).await.unwrap();
        let got = fetch(vec![Arc::new(server.public().source(shelf(1)))], BlobId::of(&blob)).await.unwrap();
        assert!(got == blob, "{length}");
    }
}

#[tokio::test]
async fn a_folder_and_a_bucket_together_give_what_neither_has_alone() {
    let in_bucket = blob(3 * CHUNK_BYTES);
    let server = with(&in_bucket).await;
    let in_folder = blob(2 * CHUNK_BYTES + 1);
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path(), STORE).unwrap();
    store.put(&in_folder).unwrap();
    let sources = || -> Vec<Arc<dyn ChunkSource>> {
        vec![Arc::new(server.public().source(shelf(1))), Arc::new(FolderSource::new(dir.path()))]
    };
    assert!(fetch(sources(), BlobId::of(&in_bucket)).await.unwrap() == in_bucket);
    assert!(fetch(sources(), BlobId::of(&in_folder)).await.unwrap() == in_folder);
    // The bucket was asked for no chunk of what the folder has.
    let name = shelf(1).name(&BlobId::of(&in_folder).root);
    let asked = |seen: &crate::server::Seen| seen.method == "GET" && seen.path.ends_with(&name);
    assert!(!server.seen().iter().any(asked));
}

#[tokio::test]
async fn an_object_that_was_overwritten_fails_its_hash_and_another_source_helps() {
    let good = blob(3 * CHUNK_BYTES);
    let id = BlobId::of(&good);
    let server = with(&good).await;
    let mut other = good.clone();
    other[CHUNK_BYTES + 9] ^= 0x40;
    std::fs::write(server.files.join(shelf(1).name(&id.root)), &other).unwrap();
    let source = || -> Arc<dyn ChunkSource> { Arc::new(server.public().source(shelf(1))) };
    let failure = failure(fetch(vec![source()], id).await);
    assert!(matches!(failure, SourceFailure::BadChunk { index: 1, .. }), "{failure:?}");
    let dir = tempfile::tempdir().unwrap();
    BlobStore::open(dir.path(), STORE).unwrap().put(&good).unwrap();
    let got = fetch(vec![source(), Arc::new(FolderSource::new(dir.path()))], id).await.unwrap();
    assert!(got == good);
}

#[tokio::test]
async fn an_object_of_another_size_is_something_else() {
    let good = blob(3 * CHUNK_BYTES);
    let id = BlobId::of(&good);
    let server = with(&good).await;
    let path = server.files.join(shelf(1).name(&id.root));
    let source = server.public().source(shelf(1));
    for length in [0, 5, 3 * CHUNK_BYTES - 1, 3 * CHUNK_BYTES + 1] {
        std::fs::write(&path, blob(length)).unwrap();
        let chunk = source.chunk(&id, 2).await.unwrap_err();
        assert!(matches!(chunk, SourceError::Rotten(_)), "{length}: {chunk:?}");
        assert!(matches!(source.have(&id).await, Err(SourceError::Rotten(_))), "{length}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_there() {
    let server = Server::start().await;
    let source = server.public().source(shelf(1));
    for length in [10, 3 * CHUNK_BYTES] {
        let id = BlobId::of(&blob(length));
        assert_eq!(source.have(&id).await.unwrap(), Have::Nothing);
        assert!(matches!(source.chunk(&id, 0).await, Err(SourceError::NotFound)));
        let failure = failure(fetch(vec![Arc::new(source.clone())], id).await);
        assert!(matches!(failure, SourceFailure::NotFound), "{failure:?}");
    }
}

#[tokio::test]
async fn a_manifest_of_something_else_is_not_believed() {
    let good = blob(3 * CHUNK_BYTES);
    let id = BlobId::of(&good);
    let server = with(&good).await;
    let path = server.files.join(shelf(1).manifest_name(&id.root));
    std::fs::write(&path, manifest(&vec![1; good.len()]).to_bytes()).unwrap();
    let source = || -> Arc<dyn ChunkSource> { Arc::new(server.public().source(shelf(1))) };
    let wrong = failure(fetch(vec![source()], id).await);
    assert!(matches!(wrong, SourceFailure::WrongManifest), "{wrong:?}");
    let mut forged = manifest(&good).to_bytes();
    forged[100] ^= 1;
    std::fs::write(&path, &forged).unwrap();
    assert!(matches!(source().manifest(&id).await, Err(SourceError::Rotten(_))));
    forged.pop();
    std::fs::write(&path, &forged).unwrap();
    assert!(matches!(source().manifest(&id).await, Err(SourceError::Rotten(_))));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(source().manifest(&id).await, Ok(None)));
}

#[tokio::test]
async fn a_key_that_only_reads_is_fine_and_one_that_writes_is_refused() {
    let server = Server::start().await;
    server.public().verify_read_only().await.unwrap();
    let key = |id: &str, secret: &str| PublicBucket::new(server.place(), &ReadKey::new(id, secret).unwrap()).unwrap();
    let writes = key("WRITE", SECRET).verify_read_only().await.unwrap_err();
    assert!(matches!(writes, BucketError::WritableKey), "{writes:?}");
    let wrong = key("READ", "another").verify_read_only().await.unwrap_err();
    assert!(matches!(wrong, BucketError::WrongKey { .. }), "{wrong:?}");
    let expired = key("OLD", SECRET).verify_read_only().await.unwrap_err();
    assert!(matches!(expired, BucketError::ExpiredKey), "{expired:?}");
    let read = ReadKey::new("READ", SECRET).unwrap();
    let nowhere = PublicBucket::new(server.place_named("other"), &read).unwrap().verify_read_only().await.unwrap_err();
    assert!(matches!(nowhere, BucketError::NoSuchBucket), "{nowhere:?}");
    assert_eq!(server.objects(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_ignores_conditions_does_not_hide_a_key_that_writes() {
    let server = Server::start().await;
    // It makes the object whatever the condition says.
    server.on(|seen| {
        let done =
            crate::server::Answer { status: 200, headers: vec![("etag", "\"x\"".to_owned())], body: String::new() };
        (seen.method == "PUT").then_some(crate::server::Fault::Instead(done))
    });
    let key = ReadKey::new("WRITE", SECRET).unwrap();
    let writes = PublicBucket::new(server.place(), &key).unwrap().verify_read_only().await.unwrap_err();
    assert!(matches!(writes, BucketError::WritableKey), "{writes:?}");
    assert!(server.seen().iter().any(|seen| seen.method == "DELETE"));
}

#[tokio::test]
async fn a_commitment_leads_to_cloudflare_and_nowhere_else() {
    let commitment = |account: &str| BucketCommitment::new(account, &"b".repeat(32), &"c".repeat(64)).unwrap();
    let place = PublicBucket::place_of(&commitment(&"a".repeat(32))).unwrap();
    assert_eq!(place.host(), format!("{}.r2.cloudflarestorage.com", "a".repeat(32)));
    assert_eq!((place.bucket(), place.region()), ("a".repeat(32).as_str(), "auto"));
    assert!(PublicBucket::place_of(&commitment(&"A".repeat(32))).is_err());
}
