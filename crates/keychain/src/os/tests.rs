//! Time limits and late answers, with a store that waits for the test.

use super::*;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::AtomicUsize;

/// Each test names its own keychain; `OsKeychain` opens a store by a plain function, so the test's state is global.
struct Gate {
    calls: AtomicUsize,
    opened: AtomicUsize,
    open: Mutex<Receiver<()>>,
    release: SyncSender<()>,
    entered: SyncSender<()>,
    waits: Mutex<Receiver<()>>,
    items: Mutex<HashMap<String, String>>,
}

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let (release, open) = sync_channel(16);
    let (entered, waits) = sync_channel(16);
    Gate {
        calls: AtomicUsize::new(0),
        opened: AtomicUsize::new(0),
        open: Mutex::new(open),
        release,
        entered,
        waits: Mutex::new(waits),
        items: Mutex::default(),
    }
});

/// Every call waits until the test lets it go.
struct Slow;

impl Slow {
    fn wait(&self) {
        GATE.calls.fetch_add(1, Ordering::SeqCst);
        GATE.entered.send(()).unwrap();
        GATE.open.lock().unwrap().recv().unwrap();
    }
}

impl Store for Slow {
    fn get(&mut self, id: &KeyId) -> Result<Zeroizing<String>, KeychainError> {
        self.wait();
        let items = GATE.items.lock().unwrap();
        items.get(id.as_str()).cloned().map(Zeroizing::new).ok_or(KeychainError::Lost { id: id.to_string() })
    }

    fn set(&mut self, id: &KeyId, text: &str) -> Result<(), KeychainError> {
        self.wait();
        GATE.items.lock().unwrap().insert(id.to_string(), text.to_owned());
        Ok(())
    }

    fn delete(&mut self, id: &KeyId) -> Result<(), KeychainError> {
        GATE.items.lock().unwrap().remove(id.as_str());
        Ok(())
    }
}

fn open_slow() -> Box<dyn Store> {
    GATE.opened.fetch_add(1, Ordering::SeqCst);
    Box::new(Slow)
}

#[test]
fn a_hung_call_is_given_up_its_write_taken_back_and_no_thread_piles_up() {
    let limit = Duration::from_millis(50);
    let keychain = OsKeychain { limit, open: open_slow, worker: Mutex::new(None) };
    let (id, key) = (KeyId::fresh("t").unwrap(), WrappingKey::generate().unwrap());
    let slow = Err(KeychainError::Slow { limit_s: 0 });
    assert_eq!(keychain.set(&id, &key), slow);
    // Behind the hung call: a few wait in vain, the rest is refused at once; one thread does it all.
    for _ in 0..QUEUE + 3 {
        assert_eq!(keychain.set(&id, &key), slow);
    }
    assert_eq!((GATE.opened.load(Ordering::SeqCst), GATE.calls.load(Ordering::SeqCst)), (1, 1));
    // The hung write comes back after all. It is undone, and those given up meanwhile never start.
    let waits = GATE.waits.lock().unwrap();
    waits.recv().unwrap();
    GATE.release.send(()).unwrap();
    let patient = OsKeychain { limit: Duration::from_secs(60), ..keychain };
    std::thread::scope(|scope| {
        let read = scope.spawn(|| {
            loop {
                match patient.get(&id) {
                    // Until the worker has cleared its queue.
                    Err(KeychainError::Slow { .. }) => std::thread::yield_now(),
                    other => return other.map(drop),
                }
            }
        });
        waits.recv().unwrap();
        GATE.release.send(()).unwrap();
        assert_eq!(read.join().unwrap(), Err(KeychainError::Lost { id: id.to_string() }));
    });
    assert_eq!((GATE.opened.load(Ordering::SeqCst), GATE.calls.load(Ordering::SeqCst)), (1, 2));
}

#[test]
fn a_key_survives_as_text_and_anything_else_is_corrupt() {
    let id = KeyId::fresh("t").unwrap();
    let key = WrappingKey::from_bytes(&[7; 32]);
    let text = encode(&key);
    // Golden: what stands in keychains out there.
    assert_eq!(*text, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    assert_eq!(decode(&id, &text).unwrap().expose(), &[7; 32]);
    let flipped = text.replacen('B', "*", 1);
    for bad in ["", "short", &text[1..], &format!("{}=", *text), &flipped, &"A".repeat(44)] {
        assert!(matches!(decode(&id, bad), Err(KeychainError::Corrupt { .. })), "{bad:?}");
    }
}
