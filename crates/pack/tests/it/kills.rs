//! A process that fetches a pack is killed again and again: nothing is fetched twice beyond one chunk each, nothing half
//! written is taken for whole. `COVEY_PACK_KILLS` sets how often (a campaign takes 20; the suite takes 4).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::makers::{TORCH, is_whole, key, pack_of, signed, wheel};
use crate::server::{Reply, Server};
use pack::{Kind, Pack, Shelf};
use tempfile::TempDir;

const CHUNK: u64 = 4 << 20;
/// What the server gives at once.
const PIECE: u64 = 16 << 10;
/// For something that takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server that gives so many bytes and then falls silent, and what a user has.
struct Scene {
    dir: TempDir,
    server: Server,
    allowed: Arc<AtomicU64>,
    pack: Pack,
    shelf: Shelf,
    description: PathBuf,
    kills: u64,
}

impl Scene {
    fn new() -> Self {
        let kills = std::env::var("COVEY_PACK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
        let dir = tempfile::tempdir().unwrap();
        let wheel = wheel(dir.path());
        let bytes = Arc::new(std::fs::read(&wheel).unwrap());
        let allowed = Arc::new(AtomicU64::new(0));
        let gate = Arc::clone(&allowed);
        let server = Server::start(move |_| Reply::Gated(Arc::clone(&bytes), Arc::clone(&gate)));
        let pack = pack_of(&wheel, &[server.url("wheel")]);
        let description = dir.path().join("packs.json");
        std::fs::write(&description, signed(&pack)).unwrap();
        let shelf = Shelf::at(dir.path().join("packs"));
        Self { dir, server, allowed, pack, shelf, description, kills }
    }

    fn fetch(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_covey-release"));
        command.arg("fetch").args(["--torch", TORCH]).arg("--description").arg(&self.description);
        command.arg("--into").arg(self.shelf.folder());
        command.arg("--keys").arg(hex::encode(key().verifying_key().to_bytes()));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Lets a child fetch so many bytes, and returns it when the server has sent them.
    fn fetch_some(&self, bytes: u64) -> Child {
        self.allowed.store(bytes, Ordering::SeqCst);
        let mut child = self.fetch();
        wait(|| self.allowed.load(Ordering::SeqCst) < PIECE || child.try_wait().unwrap().is_some());
        child
    }

    /// Waits until every whole chunk of what was sent is on the disk.
    fn on_the_disk(&self) {
        let (asked, sent) = self.server.seen().pop().unwrap();
        let at = asked.range.unwrap().0 + sent;
        let members: Vec<_> = self.pack.members().map(|(_, member)| member).collect();
        let index = members.iter().rposition(|member| member.at < at).unwrap();
        let chunks = (at - members[index].at) / CHUNK * CHUNK;
        let packed = self.shelf.folder().join("cpu-2.13.0.part/.packed").join(index.to_string());
        let unpacked = self.shelf.folder().join("cpu-2.13.0.part").join(&members[index].to);
        wait(|| length(&packed) >= chunks || unpacked.is_file());
    }

    fn ends_whole(&self) {
        self.allowed.store(u64::MAX, Ordering::SeqCst);
        let output = self.fetch().wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        is_whole(&self.shelf.whole(Kind::Cpu, TORCH).unwrap());
        assert!(self.dir.path().is_dir());
    }
}

fn wait(mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < DEADLINE, "nothing happens any more");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn each_kill_costs_one_chunk_at_most() {
    let scene = Scene::new();
    let step = scene.pack.packed_bytes() / (scene.kills + 1);
    for _ in 0..scene.kills {
        let child = scene.fetch_some(step);
        scene.on_the_disk();
        assert!(!scene.shelf.has_engine(TORCH));
        kill(child);
    }
    scene.ends_whole();
    let (all, kills) = (scene.pack.packed_bytes(), scene.kills);
    let twice = scene.server.sent() - all;
    println!("{kills} kills: {twice} of {all} bytes were sent twice, {} a kill", twice / kills);
    assert!(twice <= kills * CHUNK, "{twice}");
}

#[test]
fn a_kill_in_the_middle_of_whatever_leaves_nothing_that_is_taken_for_whole() {
    let scene = Scene::new();
    for number in 1..=scene.kills {
        // From the first bytes to far beyond the last: while it hashes, writes, unpacks or moves.
        kill(scene.fetch_some(scene.pack.packed_bytes() * number / scene.kills + CHUNK * (number % 2)));
        if let Some(pack) = scene.shelf.whole(Kind::Cpu, TORCH) {
            is_whole(&pack);
        }
    }
    scene.ends_whole();
}
