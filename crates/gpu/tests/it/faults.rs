//! Each failing layer, simulated, and healthy machines of every size.

use std::fs;
use std::time::Duration;

use gpu::{
    Card, CardId, ComputeCapability, CudaVersion, Fault, GpuProbe, PowerLimits, ProbeEnd, ProbeTimes, Survey, Verdict,
};
use types::ByteCount;

use crate::stand_in::{Machine, PATIENCE, short, until};

async fn look(machine: &Machine) -> Survey {
    machine.prober(short()).survey().await
}

async fn fault(machine: &Machine) -> Fault {
    let survey = look(machine).await;
    assert_eq!(survey.healthy().count(), 0, "no card counts as healthy on a machine that cannot train");
    survey.fault().expect("a fault").clone()
}

#[tokio::test]
async fn two_healthy_cards_are_listed_with_all_their_facts() {
    let survey = look(&Machine::with_cards(2)).await;
    assert_eq!(survey.verdict, Verdict::Ready);
    assert_eq!(survey.driver.as_deref(), Some("580.95.05"));
    assert_eq!(survey.cuda_driver, Some(CudaVersion { major: 13, minor: 0 }));
    assert_eq!((survey.cards_on_bus, survey.wsl), (Some(2), false), "sound devices are no cards");
    let [first, second] = &survey.cards[..] else { panic!("{:?}", survey.cards) };
    let expected = Card {
        name: Some("NVIDIA GeForce RTX 4090".into()),
        pci_bus_id: Some("00000000:01:00.0".into()),
        vram_total: Some(ByteCount(24_564 << 20)),
        compute_capability: Some(ComputeCapability { major: 8, minor: 9 }),
        power: PowerLimits {
            min_mw: Some(100_000),
            max_mw: Some(600_000),
            default_mw: Some(450_000),
            current_mw: Some(450_000),
        },
        pcie_max: gpu::PcieLink { generation: Some(4), width: Some(16) },
        ..Card::unknown(CardId::new("GPU-00000000-0000-0000-0000-000000000000"), 0)
    };
    assert_eq!(*first, expected);
    assert_eq!((second.label().as_str(), second.index), ("NVIDIA GeForce RTX 3090", 1));
}

#[tokio::test]
async fn machines_with_no_one_and_eight_cards_are_told_apart() {
    for cards in [1, 8] {
        let survey = look(&Machine::with_cards(cards)).await;
        assert_eq!(survey.verdict, Verdict::Ready);
        assert_eq!(survey.healthy().count(), cards as usize);
        let uuids: std::collections::BTreeSet<_> = survey.cards.iter().map(|card| &card.uuid).collect();
        assert_eq!(uuids.len(), cards as usize, "each is known by its own id");
    }
    assert_eq!(fault(&Machine::with_cards(0)).await, Fault::NoCard);
}

#[tokio::test]
async fn cards_that_change_places_keep_their_identity() {
    let machine = Machine::with_cards(2);
    let before = look(&machine).await;
    machine.switch_on("reordered");
    let after = look(&machine).await;
    assert_eq!(after.cards[0].uuid, before.cards[1].uuid);
    for card in &before.cards {
        let same = after.card(&card.uuid).expect("still there");
        assert_eq!((&same.name, &same.pci_bus_id), (&card.name, &card.pci_bus_id));
        assert_ne!(same.index, card.index);
    }
}

#[tokio::test]
async fn a_driver_that_tells_nothing_of_a_card_leaves_every_field_empty() {
    let survey = look(&Machine::with_cards(1).built_with("WITHOUT_FACTS")).await;
    assert_eq!((survey.driver, survey.cuda_driver), (None, None));
    assert_eq!(survey.cards, [Card::unknown(CardId::new("index:0"), 0)]);
    assert_eq!(survey.verdict, Verdict::Ready, "what is not told is not held against the card");
}

#[tokio::test]
async fn an_absent_library_is_an_absent_driver_or_an_absent_card() {
    let absent = Machine::with_cards(1).library("nowhere/libnvidia-ml.so.1");
    assert_eq!(fault(&absent).await, Fault::NoDriver { card_on_bus: Some(true) });
    absent.remove("root/sys/bus/pci");
    assert_eq!(fault(&absent).await, Fault::NoDriver { card_on_bus: None }, "a container that hides the bus");
    assert_eq!(fault(&Machine::with_cards(0).library("nowhere/libnvidia-ml.so.1")).await, Fault::NoCard);
}

#[tokio::test]
async fn a_library_that_is_none_is_not_an_absent_driver() {
    let machine = Machine::with_cards(1);
    machine.write("broken.so", "this is no library");
    let broken = machine.path("broken.so");
    assert!(matches!(fault(&machine.library(broken)).await, Fault::Unknown { .. }));
    let bare = Machine::with_cards(1).built_with("WITHOUT_INIT");
    assert!(matches!(fault(&bare).await, Fault::Unknown { .. }), "a library without its first function");
}

#[tokio::test]
async fn a_driver_that_is_not_loaded_is_told_with_its_rival() {
    let machine = Machine::with_cards(1).scenario("init-fails-9");
    machine.remove("root/sys/module/nvidia");
    assert_eq!(fault(&machine).await, Fault::ModuleNotLoaded { nouveau: false });
    machine.write("root/sys/module/nouveau/version", "1");
    assert_eq!(fault(&machine).await, Fault::ModuleNotLoaded { nouveau: true });
    let loaded = Machine::with_cards(2).scenario("init-fails-9");
    assert_eq!(fault(&loaded).await, Fault::CardNotSeen { on_bus: 2 }, "the module runs and drives no card");
}

#[tokio::test]
async fn an_updated_driver_waits_for_a_restart_and_names_both_versions() {
    let machine = Machine::with_cards(1).scenario("init-fails-18");
    machine.write("root/sys/module/nvidia/version", "570.133.07\n");
    let (real, link) = (machine.path("libnvidia-ml.so.580.95.05"), machine.path("libnvidia-ml.so.1"));
    fs::copy(crate::stand_in::stand_in(&[]), &real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let found = fault(&machine.library(link)).await;
    let expected = Fault::VersionMismatch { library: Some("580.95.05".into()), kernel: Some("570.133.07".into()) };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_user_without_permission_is_told_so() {
    assert_eq!(fault(&Machine::with_cards(1).scenario("init-fails-4")).await, Fault::NoPermission);
}

#[tokio::test]
async fn an_old_driver_is_named_with_its_version() {
    let survey = look(&Machine::with_cards(2).scenario("old-driver")).await;
    let expected =
        Fault::DriverTooOld { installed: Some("560.35.03".into()), cuda: Some(CudaVersion { major: 12, minor: 6 }) };
    assert_eq!(survey.fault(), Some(&expected));
    assert!(survey.cards.iter().all(|card| card.fault.as_ref() == Some(&expected)), "it holds for every card");
}

#[tokio::test]
async fn a_card_that_cannot_train_is_listed_with_its_reason() {
    let old = Fault::ComputeCapabilityTooLow {
        card: "NVIDIA GeForce GTX 1080 Ti".into(),
        found: ComputeCapability { major: 6, minor: 1 },
    };
    assert_eq!(fault(&Machine::with_cards(1).scenario("old-card")).await, old);
    let small = Fault::TooLittleVram { card: "NVIDIA GeForce MX450".into(), found: ByteCount(2 << 30) };
    assert_eq!(fault(&Machine::with_cards(1).scenario("small-card")).await, small);
    let mig = Fault::MigEnabled { card: "NVIDIA GeForce RTX 4090".into() };
    assert_eq!(fault(&Machine::with_cards(1).scenario("mig")).await, mig);
    let unplugged = Fault::PowerCable { card: "Card 0".into() };
    assert_eq!(fault(&Machine::with_cards(1).scenario("no-power-cable")).await, unplugged);
}

#[tokio::test]
async fn a_healthy_card_counts_beside_a_faulty_one() {
    for (scenario, sick) in [("lost", 0), ("no-handle-lost", 0), ("one-old-card", 1)] {
        let survey = look(&Machine::with_cards(2).scenario(scenario)).await;
        assert_eq!(survey.verdict, Verdict::Ready, "{scenario}");
        assert_eq!(survey.cards.len(), 2, "{scenario}");
        assert_eq!(survey.healthy().map(|card| card.index).collect::<Vec<_>>(), [1 - sick], "{scenario}");
        let fault = survey.cards[sick as usize].fault.as_ref().unwrap();
        assert_eq!(matches!(fault, Fault::CardLost { .. }), scenario != "one-old-card", "{scenario}: {fault:?}");
    }
    let lost = Machine::with_cards(1).scenario("lost");
    assert_eq!(fault(&lost).await, Fault::CardLost { card: "Card 0".into() });
}

#[tokio::test]
async fn a_driver_that_sees_no_card_on_the_bus_is_told_apart_from_no_card() {
    let machine = Machine::with_cards(0);
    machine.plug_card(3);
    assert_eq!(fault(&machine).await, Fault::CardNotSeen { on_bus: 1 });
}

#[tokio::test]
async fn cuda_that_does_not_start_is_told_with_its_number() {
    assert_eq!(fault(&Machine::with_cards(1).scenario("cuda-fails-100")).await, Fault::CudaFailed { code: 100 });
    assert_eq!(fault(&Machine::with_cards(1).scenario("cuda-fails-803")).await, Fault::CudaFailed { code: 803 });
    let slept = fault(&Machine::with_cards(1).scenario("cuda-fails-999")).await;
    assert_eq!(slept, Fault::GoneAfterResume { cuda_error: Some(999) });
    assert_eq!(fault(&Machine::with_cards(1).cuda("nowhere/libcuda.so.1")).await, Fault::NoCudaLibrary);
}

#[tokio::test]
async fn linux_inside_windows_is_recognised() {
    let machine = Machine::with_cards(0).library("nowhere/libnvidia-ml.so.1");
    machine.write("root/proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n");
    assert_eq!(fault(&machine).await, Fault::Wsl);
    assert!(look(&machine).await.wsl);
}

#[tokio::test]
async fn a_driver_that_hangs_is_answered_in_time_and_its_child_is_gone() {
    let machine = Machine::with_cards(1).scenario("hang-in-init");
    let times = ProbeTimes { answer: Duration::from_secs(2), ..short() };
    let prober = machine.prober(times);
    let answered = tokio::time::timeout(PATIENCE, prober.survey()).await.expect("an answer");
    assert_eq!(answered.fault(), Some(&Fault::ProbeTimedOut { after_ms: 2000 }));
    assert_eq!(machine.kept("starts"), Some(1), "the child got as far as the driver");
    assert!(machine.probes("survey").is_empty(), "its child is gone");
}

#[tokio::test]
async fn a_question_nobody_waits_for_any_more_leaves_no_child() {
    let machine = Machine::with_cards(1).scenario("hang-in-init");
    let prober = machine.prober(short());
    let question = tokio::time::timeout(Duration::from_millis(300), prober.survey());
    assert!(question.await.is_err());
    until("its child is gone", || machine.probes("survey").is_empty()).await;
}

#[tokio::test]
async fn a_driver_that_aborts_takes_only_its_child_along() {
    let aborts = Machine::with_cards(1).scenario("abort-in-init");
    assert_eq!(fault(&aborts).await, Fault::ProbeCrashed { end: ProbeEnd::Signal { number: 6 } });
}

#[tokio::test]
async fn a_probe_that_is_no_probe_is_a_fault_and_no_error_of_the_app() {
    let run = |program: &'static str, args: &'static [&'static str]| async move {
        let args = args.iter().map(Into::into);
        let survey = gpu::Prober::new(program, args).with_times(short()).survey().await;
        survey.fault().cloned()
    };
    let crashed = |end| Some(Fault::ProbeCrashed { end });
    assert_eq!(run("nowhere/covey", &[]).await, crashed(ProbeEnd::NotStarted));
    assert_eq!(run("true", &[]).await, crashed(ProbeEnd::Garbage), "it said nothing");
    assert_eq!(run("false", &[]).await, crashed(ProbeEnd::Exit { code: 1 }));
    assert_eq!(run("sh", &["-c", "head -c 300000 /dev/zero; echo; echo no"]).await, crashed(ProbeEnd::Garbage));
    assert_eq!(run("sh", &["-c", "yes garbage"]).await, crashed(ProbeEnd::Garbage), "garbage without end");
    let late = run("sh", &["-c", r#"echo NVRM: hello; echo '{"line":"failed","fault":{"fault":"wsl"}}'; sleep 60"#]);
    assert_eq!(late.await, Some(Fault::Wsl), "an answer is taken without waiting for the end");
}

#[tokio::test]
async fn what_the_driver_prints_itself_is_passed_over() {
    let survey = look(&Machine::with_cards(1).scenario("prints-on-stdout")).await;
    assert_eq!(survey.verdict, Verdict::Ready);
}

#[tokio::test]
async fn a_name_as_long_as_the_driver_allows_is_kept_within_bounds() {
    let survey = look(&Machine::with_cards(8).scenario("long-name")).await;
    let name = survey.cards[0].name.as_ref().unwrap();
    assert!((60..=96).contains(&name.len()), "{} characters", name.len());
}

#[tokio::test]
async fn ten_simulated_failures_name_ten_failing_layers() {
    let plain = |scenario: &str| Machine::with_cards(1).scenario(scenario);
    let unloaded = plain("init-fails-9");
    unloaded.remove("root/sys/module/nvidia");
    let wsl = Machine::with_cards(0).library("nowhere/libnvidia-ml.so.1");
    wsl.write("root/proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2");
    let failures = [
        (Machine::with_cards(0), "gpu_no_card"),
        (plain("").library("nowhere/libnvidia-ml.so.1"), "gpu_no_driver"),
        (unloaded, "gpu_module_not_loaded"),
        (plain("init-fails-18"), "gpu_driver_version_mismatch"),
        (plain("cuda-fails-100"), "gpu_cuda_failed"),
        (plain("cuda-fails-999"), "gpu_gone_after_resume"),
        (plain("old-driver"), "gpu_driver_too_old"),
        (plain("old-card"), "gpu_card_too_old"),
        (plain("small-card"), "gpu_too_little_vram"),
        (plain("mig"), "gpu_mig_enabled"),
        (wsl, "gpu_wsl"),
        (plain("lost"), "gpu_card_lost"),
        (plain("init-fails-4"), "gpu_no_permission"),
        (plain("").cuda("nowhere/libcuda.so.1"), "gpu_no_cuda_library"),
    ];
    for (machine, code) in &failures {
        assert_eq!(look(machine).await.problem().map(|problem| problem.code).as_deref(), Some(*code));
    }
}

#[tokio::test]
async fn the_process_that_asks_never_loads_the_library() {
    let machine = Machine::with_cards(1);
    assert_eq!(look(&machine).await.verdict, Verdict::Ready);
    let loaded = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(loaded.contains("libc"), "the list of loaded libraries reads");
    assert!(!loaded.contains("nvml_stub") && !loaded.contains("nvidia"), "{loaded}");
}
