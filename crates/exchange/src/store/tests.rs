//! The store across crashes, rot, quota and a second owner.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

const LIMITS: StoreLimits = StoreLimits { max_bytes: 1000, max_blob_bytes: 600 };

fn open(dir: &TempDir) -> BlobStore {
    BlobStore::open(dir.path().join("blobs"), LIMITS).unwrap()
}

fn files(store: &BlobStore) -> usize {
    fs::read_dir(store.dir()).unwrap().count()
}

#[test]
fn a_blob_survives_reopening() {
    let dir = TempDir::new().unwrap();
    let id = {
        let store = open(&dir);
        let id = store.put(b"payload").unwrap();
        assert_eq!(id, BlobId::of(b"payload"));
        assert_eq!(store.put(b"payload").unwrap(), id, "twice is once");
        assert_eq!(store.used_bytes(), 7);
        id
    };
    let store = open(&dir);
    assert!(store.contains(&id.root));
    assert_eq!(store.get(&id.root).unwrap(), b"payload");
    assert_eq!((store.roots(), store.used_bytes()), (vec![id.root], 7));
    assert!(matches!(store.get(&Hash32::of(b"other")), Err(StoreError::NotFound(_))));
    let empty = store.put(b"").unwrap();
    assert_eq!(store.get(&empty.root).unwrap(), b"");
}

#[test]
fn what_a_killed_process_left_half_written_is_swept() {
    let dir = TempDir::new().unwrap();
    let id = open(&dir).put(b"whole").unwrap();
    // A kill between write and rename leaves exactly this.
    let blobs = dir.path().join("blobs");
    fs::write(blobs.join(format!("{TEMP_PREFIX}123-0")), b"half a pay").unwrap();
    fs::write(blobs.join("notes.txt"), b"somebody else's").unwrap();
    let store = open(&dir);
    assert_eq!((store.roots(), store.used_bytes()), (vec![id.root], 5));
    assert_eq!(files(&store), 3, "the blob, the lock and the other's file");
}

#[test]
fn torn_and_rotten_files_are_reported_and_healed_by_putting_again() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let id = store.put(b"some payload").unwrap();
    let path = store.path(&id.root);
    for damage in [&b"some pay"[..], b"some pbyload", b"some payload and more", b""] {
        fs::write(&path, damage).unwrap();
        assert!(matches!(store.get(&id.root), Err(StoreError::Rotten { .. })), "{damage:?}");
        store.put(b"some payload").unwrap();
        assert_eq!(store.get(&id.root).unwrap(), b"some payload");
        assert_eq!(store.used_bytes(), 12);
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(store.get(&id.root), Err(StoreError::NotFound(_))));
    assert_eq!(store.used_bytes(), 0);
}

#[test]
fn a_file_torn_while_the_store_was_closed_is_found_by_its_hash() {
    let dir = TempDir::new().unwrap();
    let id = open(&dir).put(b"some payload").unwrap();
    fs::write(dir.path().join("blobs").join(file_name(&id.root)), b"some pay").unwrap();
    assert!(matches!(open(&dir).get(&id.root), Err(StoreError::Rotten { .. })));
}

#[test]
fn quota_and_blob_limit_refuse_before_anything_is_written() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    assert!(matches!(store.put(&[1; 601]), Err(StoreError::TooLarge { bytes: 601, max: 600 })));
    let first = store.put(&[1; 600]).unwrap();
    let refused = store.put(&[2; 401]);
    assert!(matches!(refused, Err(StoreError::Quota { needed: 401, used: 600, max: 1000 })), "{refused:?}");
    assert_eq!(files(&store), 2, "one blob and the lock");
    store.put(&[1; 600]).unwrap();
    store.put(&[2; 400]).unwrap();
    assert!(store.remove(&first.root).unwrap());
    assert!(!store.remove(&first.root).unwrap());
    store.put(&[3; 600]).unwrap();
    assert_eq!(store.used_bytes(), 1000);
}

#[test]
fn retain_keeps_what_is_asked_for() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let ids: Vec<BlobId> = (0..5u8).map(|i| store.put(&[i; 10]).unwrap()).collect();
    assert_eq!(store.retain(|root| *root == ids[1].root || *root == ids[4].root).unwrap(), 3);
    assert_eq!(store.used_bytes(), 20);
    assert!(store.contains(&ids[1].root) && store.contains(&ids[4].root) && !store.contains(&ids[0].root));
}

#[test]
fn a_second_owner_is_turned_away_until_the_first_is_gone() {
    let dir = TempDir::new().unwrap();
    let first = open(&dir);
    assert!(matches!(BlobStore::open(dir.path().join("blobs"), LIMITS), Err(StoreError::InUse(_))));
    drop(first);
    open(&dir);
}

#[test]
fn writers_of_the_same_blob_at_once_count_it_once() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Four reservations of 200 fit; the ones that lose the race give theirs back.
                store.put(&[9; 200]).unwrap();
            });
        }
    });
    assert_eq!((store.used_bytes(), files(&store)), (200, 2));
}

/// Where the child of the next test puts its blobs; without it that test does nothing.
const CHILD_DIR: &str = "COVEY_TEST_STORE_DIR";

#[test]
fn child_puts_blobs_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let store = BlobStore::open(dir, StoreLimits { max_bytes: 1 << 40, max_blob_bytes: 1 << 20 }).unwrap();
    for i in 0u64.. {
        store.put(&i.to_le_bytes().repeat(1 + (i as usize * 997) % 20_000)).unwrap();
        if i > 2 {
            store
                .remove(&BlobId::of(&(i - 2).to_le_bytes().repeat(1 + ((i - 2) as usize * 997) % 20_000)).root)
                .unwrap();
        }
    }
}

#[test]
fn a_store_killed_at_any_moment_holds_only_whole_blobs() {
    let dir = TempDir::new().unwrap();
    let blobs = dir.path().join("blobs");
    for kill in 0..12u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::child_puts_blobs_until_it_is_killed"])
            .env(CHILD_DIR, &blobs)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while fs::read_dir(&blobs).map_or(0, Iterator::count) < 3 && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Moments spread over the child's write, sync, rename and remove.
        std::thread::sleep(Duration::from_micros(700 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        let temps = |dir: &Path| {
            let entries = fs::read_dir(dir).unwrap();
            entries.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with(TEMP_PREFIX)).count()
        };
        let store = BlobStore::open(&blobs, StoreLimits { max_bytes: 1 << 40, max_blob_bytes: 1 << 20 }).unwrap();
        assert_eq!(temps(&blobs), 0);
        assert!(!store.roots().is_empty(), "the child did nothing before it was killed");
        for root in store.roots() {
            store.get(&root).unwrap();
        }
        store.retain(|_| false).unwrap();
        assert_eq!(store.used_bytes(), 0);
    }
}
