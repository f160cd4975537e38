//! Power limits: set, refused, and put back whatever happens to the one who set them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use gpu::{CardId, Fault, GpuProbe, PowerError, PowerGuard, Refusal};

use crate::stand_in::{Machine, kill, short};

const FIRST: &str = "GPU-00000000-0000-0000-0000-000000000000";
const SECOND: &str = "GPU-00000000-0000-0000-0000-000000000001";

fn guard(machine: &Machine) -> PowerGuard {
    PowerGuard::open(machine.path("old limits.json"), Arc::new(machine.prober(short()))).unwrap()
}

async fn limits(machine: &Machine) -> Vec<Option<u32>> {
    machine.prober(short()).survey().await.cards.iter().map(|card| card.power.current_mw).collect()
}

#[tokio::test]
async fn a_limit_is_set_and_the_old_one_comes_back() {
    let machine = Machine::with_cards(2);
    let (first, second) = (CardId::new(FIRST), CardId::new(SECOND));
    let mut guard = guard(&machine);
    assert_eq!(guard.set(&first, 300_000).await.unwrap(), 300_000);
    assert_eq!(guard.set(&first, 280_000).await.unwrap(), 280_000);
    assert_eq!(guard.set(&second, 250_000).await.unwrap(), 250_000);
    assert_eq!(limits(&machine).await, [Some(280_000), Some(250_000)]);
    let restored = guard.restore().await.unwrap();
    assert!(restored.iter().all(|card| card.outcome.is_ok()), "{restored:?}");
    assert_eq!(limits(&machine).await, [Some(450_000), Some(350_000)], "those from before the first change");
    assert!(!guard.holds_any() && !machine.path("old limits.json").exists());
    assert!(guard.restore().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_typed_and_leaves_nothing_to_restore() {
    for (scenario, refusal) in
        [("power-not-permitted", Refusal::NotPermitted), ("power-not-supported", Refusal::NotSupported)]
    {
        let machine = Machine::with_cards(1).scenario(scenario);
        let mut guard = guard(&machine);
        let error = guard.set(&CardId::new(FIRST), 300_000).await.unwrap_err();
        assert!(matches!(&error, PowerError::Refused(found) if *found == refusal), "{error}");
        assert!(!guard.holds_any());
        assert!(error.problem().code.starts_with("gpu_power_not_"), "{}", error.problem());
    }
    let machine = Machine::with_cards(1);
    let absent = guard(&machine).set(&CardId::new(SECOND), 300_000).await.unwrap_err();
    assert!(
        matches!(&absent, PowerError::Refused(Refusal::NoSuchCard { uuid }) if uuid.as_str() == SECOND),
        "{absent}"
    );
    let beyond = guard(&machine).set(&CardId::new(FIRST), 700_000).await.unwrap_err();
    assert_eq!(beyond.problem().hint, "It takes 100 to 600 W.");
    let silent = Machine::with_cards(1).scenario("init-fails-4");
    let error = guard(&silent).set(&CardId::new(FIRST), 300_000).await.unwrap_err();
    let expected = Refusal::NoDriver { fault: Fault::NoPermission };
    assert!(matches!(&error, PowerError::Refused(found) if *found == expected), "{error}");
}

#[tokio::test]
async fn a_limit_whose_old_value_cannot_be_written_down_is_not_set() {
    let machine = Machine::with_cards(1);
    machine.write("old limits.json/in the way", "");
    let opened = PowerGuard::open(machine.path("old limits.json"), Arc::new(machine.prober(short())));
    assert!(matches!(opened, Err(PowerError::File { .. })), "a folder in its place");

    machine.write("file", "");
    let path = machine.path("file/old limits.json");
    let opened = PowerGuard::open(path, Arc::new(machine.prober(short())));
    if let Ok(mut guard) = opened {
        let error = guard.set(&CardId::new(FIRST), 300_000).await.unwrap_err();
        assert!(matches!(error, PowerError::File { .. }), "{error}");
    }
    assert_eq!(limits(&machine).await, [Some(450_000)]);
}

#[tokio::test]
async fn a_memory_that_does_not_read_is_an_error_and_not_forgotten() {
    for text in ["", "{", r#"{"format":2,"cards":[]}"#, &" ".repeat(70_000)] {
        let machine = Machine::with_cards(1);
        machine.write("old limits.json", text);
        let opened = PowerGuard::open(machine.path("old limits.json"), Arc::new(machine.prober(short())));
        assert!(matches!(opened, Err(PowerError::File { .. })), "{:?}", text.get(..30));
        assert_eq!(std::fs::read_to_string(machine.path("old limits.json")).unwrap(), text);
    }
}

#[tokio::test]
async fn a_card_that_is_away_keeps_its_old_limit_remembered() {
    let machine = Machine::with_cards(1);
    guard(&machine).set(&CardId::new(FIRST), 300_000).await.unwrap();
    machine.switch_on("lost");
    let away = guard(&machine).restore().await.unwrap();
    assert!(matches!(&away[..], [card] if card.outcome.is_err()), "{away:?}");
    machine.switch_off("lost");
    let back = guard(&machine).restore().await.unwrap();
    assert!(matches!(&back[..], [card] if matches!(card.outcome, Ok(450_000))), "{back:?}");
    assert_eq!(limits(&machine).await, [Some(450_000)]);
}

#[tokio::test]
async fn a_limit_that_somebody_else_has_changed_since_is_left_alone() {
    let machine = Machine::with_cards(1);
    let first = CardId::new(FIRST);
    guard(&machine).set(&first, 300_000).await.unwrap();
    // As a restart of the computer does, or a person with a tool of their own.
    machine.prober(short()).set_power_limit(&first, 400_000).await.unwrap();
    let mut guard = guard(&machine);
    let left = guard.restore().await.unwrap();
    assert!(matches!(&left[..], [card] if matches!(card.outcome, Ok(400_000))), "{left:?}");
    assert!(!guard.holds_any());

    // Theirs is then the old one.
    guard.set(&first, 250_000).await.unwrap();
    guard.restore().await.unwrap();
    assert_eq!(limits(&machine).await, [Some(400_000)]);
}

#[test]
fn the_memory_of_old_limits_is_these_bytes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let machine = Machine::with_cards(1);
    runtime.block_on(async { guard(&machine).set(&CardId::new(FIRST), 300_000).await }).unwrap();
    let golden = format!(r#"{{"format":1,"cards":[{{"uuid":"{FIRST}","previous_mw":450000,"set_mw":300000}}]}}"#);
    assert_eq!(std::fs::read_to_string(machine.path("old limits.json")).unwrap(), golden);
}

/// Names the folder of the machine whose limit the process called by the next test changes.
const HOLDER: &str = "COVEY_TEST_POWER_HOLDER";

#[test]
fn a_limit_is_restored_though_its_holder_was_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(folder) = std::env::var_os(HOLDER) {
        // The holder: sets a limit, says so, and hangs.
        let machine = Machine::at(folder.into());
        runtime.block_on(async { guard(&machine).set(&CardId::new(FIRST), 300_000).await }).unwrap();
        println!("the limit is set");
        loop {
            std::thread::park();
        }
    }
    let machine = Machine::with_cards(1);
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "power::a_limit_is_restored_though_its_holder_was_killed", "--nocapture"])
        .env(HOLDER, machine.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(holder.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.into_iter().any(|line| line.contains("the limit is set")));
    kill(holder.id());
    holder.wait().unwrap();
    runtime.block_on(async {
        assert_eq!(limits(&machine).await, [Some(300_000)], "nobody has put it back");
        let mut guard = guard(&machine);
        assert!(guard.holds_any());
        assert!(guard.restore().await.unwrap().iter().all(|card| card.outcome.is_ok()));
        assert_eq!(limits(&machine).await, [Some(450_000)]);
    });
}
