//! The whole app without a shell: real processes, started, crashed, hung, flooded, and gone in the end.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

use app::{Config, CtlReply, CtlRequest, FromShell, Times, ToShell, run};
use keychain::{KeyId, Keychain, KeychainError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use view_model::{Activity, AppSnapshot, CrashCause, Fit, Intent, JoinState, PauseFor, Series, StopWhen, ToWindow};

/// Longest wait for something to happen, so that a test that cannot pass ends.
const PATIENCE: Duration = Duration::from_secs(60);

struct NoKeychain;

impl Keychain for NoKeychain {
    fn get(&self, _: &KeyId) -> Result<wallet::WrappingKey, KeychainError> {
        Err(absent())
    }

    fn set(&self, _: &KeyId, _: &wallet::WrappingKey) -> Result<(), KeychainError> {
        Err(absent())
    }

    fn delete(&self, _: &KeyId) -> Result<(), KeychainError> {
        Err(absent())
    }
}

fn absent() -> KeychainError {
    KeychainError::Absent { why: "a test".to_owned() }
}

/// A folder with a peer that behaves as told.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(behaviour: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Self { dir };
        std::fs::copy(env!("CARGO_BIN_EXE_fake-peer"), place.program()).unwrap();
        place.behave(behaviour);
        place
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join(format!("covey-peer{}", std::env::consts::EXE_SUFFIX))
    }

    fn behave(&self, behaviour: &str) {
        std::fs::write(self.dir.path().join("behaviour"), behaviour).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Ids of every peer that was started here.
    fn pids(&self) -> Vec<u32> {
        let names = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.to_str()?.strip_prefix("pid-")?.parse().ok()).collect()
    }

    /// What the peer's program was asked about runs.
    fn asked(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap());
        let asked = files.filter(|file| file.file_name().to_string_lossy().starts_with("runs-"));
        asked.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect()
    }

    fn config(&self) -> Config {
        let ms = Duration::from_millis;
        let times = Times {
            frame: ms(20),
            hello: ms(10_000),
            quiet: ms(400),
            hang: ms(400),
            answer: ms(2_000),
            effect: ms(2_000),
            stop: ms(1_500),
            stop_round: ms(3_000),
            again: ms(50),
            well: ms(60_000),
            sense: false,
        };
        Config {
            peer_program: self.program(),
            probe_program: self.program(),
            data_dir: self.data(),
            wallet_dir: self.dir.path().join("wallets"),
            version: "1.0.0".to_owned(),
            system_language: "en".to_owned(),
            keychain: Arc::new(NoKeychain),
            times,
            release: app::Release::none(),
        }
    }

    fn start(&self) -> Shell {
        let (inbox, from_shell) = mpsc::channel(16);
        let (out, words) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let task = tokio::spawn(run(self.config(), from_shell, out, cancel.clone()));
        Shell { inbox, words, cancel, task, seen: Seen::default() }
    }
}

/// What the shell was told.
#[derive(Default)]
struct Seen {
    snapshot: Option<Box<AppSnapshot>>,
    points: usize,
    words: Vec<String>,
    quit: bool,
}

struct Shell {
    inbox: mpsc::Sender<FromShell>,
    words: mpsc::Receiver<ToShell>,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), app::AppError>>,
    seen: Seen,
}

impl Shell {
    async fn tell(&self, word: FromShell) {
        self.inbox.send(word).await.unwrap();
    }

    async fn press(&self, intent: Intent) {
        self.tell(FromShell::Intent(intent)).await;
    }

    async fn ctl(&mut self, request: CtlRequest) -> CtlReply {
        let (reply, answer) = oneshot::channel();
        self.tell(FromShell::Ctl { request, reply }).await;
        answer.await.unwrap()
    }

    fn hear(&mut self, word: ToShell) {
        match word {
            ToShell::Window(ToWindow::Snapshot(snapshot)) => self.seen.snapshot = Some(snapshot),
            ToShell::Window(ToWindow::Points { series: Series::Loss, from, points }) => {
                self.seen.points = usize::try_from(from).unwrap() + points.len();
            }
            ToShell::Tray(tray) => self.seen.words.push(tray.sentence),
            ToShell::Quit => self.seen.quit = true,
            _ => {}
        }
    }

    /// Listens until the snapshot is as wanted.
    async fn until(&mut self, what: &str, wanted: impl Fn(&AppSnapshot) -> bool) -> AppSnapshot {
        let found = tokio::time::timeout(PATIENCE, async {
            while !self.seen.snapshot.as_deref().is_some_and(&wanted) {
                let word = self.words.recv().await.expect("the app speaks on");
                self.hear(word);
            }
        });
        if found.await.is_err() {
            panic!(
                "never {what}; last {:?}",
                self.seen.snapshot.as_ref().map(|seen| (&seen.run.activity, &seen.recovery))
            );
        }
        self.seen.snapshot.as_deref().unwrap().clone()
    }

    async fn until_active(&mut self, activity: Activity) -> AppSnapshot {
        self.until(&format!("{activity:?}"), |seen| seen.run.activity == activity).await
    }

    /// Listens to the end.
    async fn end(mut self) -> Seen {
        let ended = tokio::time::timeout(PATIENCE, async {
            while let Some(word) = self.words.recv().await {
                self.hear(word);
            }
        });
        ended.await.expect("it ends");
        self.task.await.unwrap().unwrap();
        self.seen
    }
}

/// Whether a process is there. Elsewhere than on Linux nobody is asked.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie holds nothing any more; it is its parent's to reap.
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn started(place: &Place) -> Shell {
    let mut shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    shell.until("a snapshot", |_| true).await;
    shell.press(Intent::Start).await;
    shell
}

#[tokio::test]
async fn start_pause_resume_stop_and_quit_do_what_they_say_and_leave_no_process() {
    let place = Place::new("work");
    let mut shell = started(&place).await;
    shell.until_active(Activity::Running).await;
    shell.press(Intent::Pause { for_how_long: PauseFor::UntilResumed }).await;
    shell.until("paused", |seen| matches!(seen.run.activity, Activity::Paused { .. }) && !seen.pauses.is_empty()).await;
    shell.press(Intent::Resume).await;
    shell.until_active(Activity::Running).await;
    shell.until("pay", |seen| seen.earnings.total.is_some_and(|total| total.0 > 0)).await;
    shell.press(Intent::Stop { when: StopWhen::EndOfRound }).await;
    shell.until_active(Activity::Idle).await;
    assert!(place.pids().iter().all(|pid| !lives(*pid)));
    shell.press(Intent::Start).await;
    shell.until_active(Activity::Running).await;
    assert!(shell.seen.points > 0, "the window has points");
    shell.press(Intent::Quit).await;
    assert!(shell.end().await.quit);
    assert_eq!(place.pids().len(), 2);
    assert!(place.pids().iter().all(|pid| !lives(*pid)));
}

#[tokio::test]
async fn a_crash_is_told_and_mended() {
    let place = Place::new("crash-once");
    let mut shell = started(&place).await;
    shell.until_active(Activity::Running).await;
    shell.until("accepted", |seen| seen.rounds.iter().any(|tile| tile.verdict.is_some())).await;
    assert_eq!(place.pids().len(), 2);
    shell.press(Intent::PreviewReport).await;
    let seen = shell.until("a report", |seen| seen.help.report.is_some()).await;
    let state = &seen.help.report.unwrap().files[2].text;
    assert!(state.contains("panic"), "{state}");
    shell.press(Intent::Quit).await;
    shell.end().await;
}

#[tokio::test]
async fn every_end_has_its_name_in_the_window() {
    let mut table = vec![
        ("disk", CrashCause::DiskFull),
        ("vram", CrashCause::OutOfVram),
        ("fatal", CrashCause::Problem),
        ("loader", CrashCause::WrongLibtorch),
        ("old", CrashCause::WrongVersion),
        ("hang", CrashCause::Hung),
        ("garbage", CrashCause::Unknown),
    ];
    if cfg!(unix) {
        table.push(("oom", CrashCause::OutOfMemory));
    }
    for (behaviour, cause) in table {
        let place = Place::new(behaviour);
        let mut shell = started(&place).await;
        let what = format!("{behaviour} as {cause:?}");
        shell.until(&what, |seen| seen.recovery.as_ref().is_some_and(|recovery| recovery.cause == cause)).await;
        shell.press(Intent::Stop { when: StopWhen::Now }).await;
        shell.until_active(Activity::Idle).await;
        place.behave("work");
        shell.press(Intent::Start).await;
        shell.until_active(Activity::Running).await;
        shell.press(Intent::Quit).await;
        shell.end().await;
        assert!(place.pids().iter().all(|pid| !lives(*pid)), "{behaviour}");
    }
}

#[tokio::test]
async fn a_program_that_is_missing_is_told_and_works_once_it_is_there() {
    let place = Place::new("work");
    std::fs::rename(place.program(), place.dir.path().join("away")).unwrap();
    let mut shell = started(&place).await;
    let missing = |seen: &AppSnapshot| {
        seen.recovery.as_ref().is_some_and(|r| r.cause == CrashCause::NotInstalled && r.again_in_secs.is_none())
    };
    shell.until("missing", missing).await;
    std::fs::rename(place.dir.path().join("away"), place.program()).unwrap();
    shell.press(Intent::Start).await;
    shell.until_active(Activity::Running).await;
    shell.press(Intent::Quit).await;
    shell.end().await;
}

#[tokio::test]
async fn one_that_does_not_listen_is_ended_and_its_children_too() {
    for behaviour in ["deaf", "child"] {
        let place = Place::new(behaviour);
        let mut shell = started(&place).await;
        shell.until_active(Activity::Running).await;
        shell.press(Intent::Quit).await;
        shell.end().await;
        assert!(place.pids().iter().all(|pid| !lives(*pid)), "{behaviour}");
        if let Ok(pid) = std::fs::read_to_string(place.dir.path().join("grandchild")) {
            assert!(!lives(pid.parse().unwrap()));
        }
    }
}

#[tokio::test]
async fn a_restart_comes_back_as_it_was() {
    let place = Place::new("work");
    let mut shell = started(&place).await;
    shell.until("pay", |seen| seen.earnings.total.is_some_and(|total| total.0 > 0)).await;
    // The shell is gone without a word: as good as a quit.
    shell.cancel.cancel();
    shell.end().await;
    let mut shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    let seen = shell.until_active(Activity::Running).await;
    assert!(seen.earnings.total.is_some_and(|total| total.0 > 0), "what was earned is there");
    shell.press(Intent::Stop { when: StopWhen::Now }).await;
    shell.until_active(Activity::Idle).await;
    shell.press(Intent::Quit).await;
    shell.end().await;
    let before = place.pids().len();
    let mut shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    shell.until_active(Activity::Idle).await;
    shell.press(Intent::Quit).await;
    shell.end().await;
    assert_eq!(place.pids().len(), before, "what was stopped stays stopped");
}

#[tokio::test]
async fn a_finished_run_stays_finished() {
    let place = Place::new("finish");
    let mut shell = started(&place).await;
    let seen = shell.until_active(Activity::Finished).await;
    assert_eq!((seen.rounds.len(), seen.recovery), (2, None));
    shell.press(Intent::Quit).await;
    shell.end().await;
}

#[tokio::test]
async fn a_settings_file_that_does_not_read_is_told_in_the_window() {
    let place = Place::new("work");
    std::fs::create_dir_all(place.data()).unwrap();
    std::fs::write(place.data().join("settings.json"), "{ not json").unwrap();
    let mut shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    let told = |seen: &AppSnapshot| seen.run.problems.iter().any(|row| row.problem.code == "settings_bad");
    shell.until("told", told).await;
    assert!(place.data().join("settings.json.bad").exists());
    shell.press(Intent::Quit).await;
    shell.end().await;
}

#[tokio::test]
async fn the_headless_twin_says_and_does_the_same() {
    let place = Place::new("work");
    let mut shell = place.start();
    let status = |reply: CtlReply| match reply {
        CtlReply::Status { sentence, activity, .. } => (sentence, activity),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(shell.ctl(CtlRequest::Status).await).0, "Not running");
    assert_eq!(status(shell.ctl(CtlRequest::Start).await).1, Activity::Starting);
    shell.tell(FromShell::WindowOpened).await;
    shell.until_active(Activity::Running).await;
    let CtlReply::Snapshot { snapshot } = shell.ctl(CtlRequest::Snapshot).await else { panic!("a snapshot") };
    assert_eq!(snapshot.run.activity, Activity::Running);
    let CtlReply::Settings { mut settings } = shell.ctl(CtlRequest::Settings).await else { panic!("settings") };
    settings.look.text_percent = 150;
    shell.ctl(CtlRequest::Set { settings }).await;
    shell.until("new settings", |seen| seen.settings.look.text_percent == 150).await;
    let secret = Intent::Wallet(view_model::WalletIntent::ProbeKeychain);
    let refused = shell.ctl(CtlRequest::Do { intent: Box::new(secret) }).await;
    assert!(matches!(refused, CtlReply::Refused { .. }));
    shell.ctl(CtlRequest::Quit).await;
    assert!(shell.end().await.quit);
    let kept = std::fs::read_to_string(place.data().join("settings.json")).unwrap();
    assert!(kept.contains("\"text_percent\": 150"));
}

#[tokio::test]
async fn a_shell_that_reads_nothing_holds_nothing_up() {
    let place = Place::new("work");
    let shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    shell.press(Intent::Start).await;
    let begun = tokio::time::timeout(PATIENCE, async {
        while place.pids().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    begun.await.expect("the peer is started");
    shell.press(Intent::Quit).await;
    shell.end().await;
    assert!(place.pids().iter().all(|pid| !lives(*pid)));
}

/// The link of the run that the fake peer brings.
fn link() -> String {
    let run: serde_json::Value = serde_json::from_slice(include_bytes!("../fixtures/run.json")).unwrap();
    let signed = types::SignedManifest::from_bytes(&serde_json::to_vec(&run).unwrap()).unwrap();
    let at = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    types::JoinLink::new(signed.manifest.id(), vec![at.to_owned()]).unwrap().to_string()
}

fn join_of(seen: &AppSnapshot) -> Option<&JoinState> {
    seen.join.as_ref().map(|join| &join.state)
}

#[tokio::test]
async fn a_link_from_outside_waits_for_a_press_is_looked_at_and_joined_and_invites_others() {
    let place = Place::new("work");
    let mut shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    shell.ctl(CtlRequest::Open { source: link() }).await;
    shell.until("given", |seen| matches!(join_of(seen), Some(JoinState::Given { .. }))).await;
    assert!(place.asked().is_empty(), "nobody is asked before a press");
    shell.press(Intent::LookAtGiven).await;
    let seen = shell.until("found", |seen| matches!(join_of(seen), Some(JoinState::Found(_)))).await;
    let Some(JoinState::Found(facts)) = join_of(&seen) else { panic!("found") };
    assert_eq!((facts.name.as_str(), facts.startable), ("rehearsal", true));
    assert_eq!(facts.dataset, Some(types::ByteCount(40_000_000)));
    assert_eq!(facts.upload, Some(types::ByteCount(330_000)));
    assert_eq!(facts.admission, view_model::Told::new("join-admission-ledger"));
    assert!(matches!(facts.fit, Fit::Fits(_)) && facts.founder.starts_with('5'));
    assert!(
        place.asked().iter().any(|args| args.starts_with("add covey://join/") && args.ends_with("--vram 0 --json"))
    );
    shell.press(Intent::JoinRun { start: false }).await;
    let joined =
        |seen: &AppSnapshot| seen.join.is_none() && seen.runs.iter().any(|run| run.chosen && run.link.is_some());
    let seen = shell.until("joined", joined).await;
    let run = seen.runs.iter().find(|run| run.chosen).unwrap();
    assert_eq!((run.link.as_deref(), run.source.as_deref()), (Some(link().as_str()), Some(link().as_str())));
    shell.press(Intent::Quit).await;
    shell.end().await;
}

#[tokio::test]
async fn a_link_that_leads_nowhere_or_lies_is_told_and_leaves_nothing() {
    for (behaviour, code) in [("refuses", "run_unknown"), ("lies", "run_other")] {
        let place = Place::new("work");
        std::fs::write(place.dir.path().join("runs"), behaviour).unwrap();
        let mut shell = place.start();
        shell.tell(FromShell::WindowOpened).await;
        shell.press(Intent::AddRun { source: link() }).await;
        let failed =
            |seen: &AppSnapshot| matches!(join_of(seen), Some(JoinState::Failed(problem)) if problem.code == code);
        let seen = shell.until(code, failed).await;
        assert_eq!(seen.runs.len(), 1, "the rehearsal only");
        shell.press(Intent::Quit).await;
        shell.end().await;
    }
}

#[tokio::test]
async fn quitting_does_not_wait_for_a_run_that_is_looked_at() {
    let place = Place::new("work");
    std::fs::write(place.dir.path().join("runs"), "hangs").unwrap();
    let shell = place.start();
    shell.tell(FromShell::WindowOpened).await;
    shell.press(Intent::AddRun { source: link() }).await;
    let asked = tokio::time::timeout(PATIENCE, async {
        while place.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    asked.await.expect("the peer is asked");
    shell.press(Intent::Quit).await;
    assert!(shell.end().await.quit);
    let names = std::fs::read_dir(place.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let pids: Vec<u32> = names.filter_map(|name| name.to_str()?.strip_prefix("runs-")?.parse().ok()).collect();
    assert!(pids.iter().all(|pid| !lives(*pid)));
}

/// A path that cannot be a folder is the one thing the app gives up for.
#[tokio::test]
async fn a_data_folder_that_cannot_be_is_an_error() {
    let place = Place::new("work");
    let file = place.dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let (_inbox, from_shell) = mpsc::channel(1);
    let (out, _words) = mpsc::channel(1);
    let config = Config { data_dir: Path::new(&file).join("below"), ..place.config() };
    let result = run(config, from_shell, out, CancellationToken::new()).await;
    assert!(matches!(result, Err(app::AppError::Folder { .. })));
}
