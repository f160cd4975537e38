//! States of the wizard and of the screens Wallet, Settings, Runs and Earnings.

use super::{Scenario, first_start, running, sharing, wizard};
use types::{ByteCount, Problem, ProblemAction, Rao};
use view_model::{
    AppSnapshot, Fit, JoinFacts, JoinState, JoinView, KeychainState, Role, RunCard, RunKind, Screen, Secret, Settings,
    ToWindow, Told, Verified, WalletRow, WizardStep, WizardView,
};

/// A well-known development address; nobody's.
pub const HOTKEY: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
/// Another one.
pub const PAYOUT: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
/// A link to a run that nobody founded, at addresses that are kept for documentation.
pub const LINK: &str = "covey://join/5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e?at=/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z&at=/dns4/seed.example.org/udp/4001/quic-v1/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
/// Words of a test vector; nobody's either.
const WORDS: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

/// The wizard at a step of the way to a rehearsal or to a run.
pub fn at(step: WizardStep) -> WizardView {
    let progress = match &step {
        WizardStep::Welcome => (0, 5),
        WizardStep::Computer => (1, 5),
        WizardStep::Choose => (2, 5),
        WizardStep::Join => (3, 9),
        WizardStep::Wallet => (4, 9),
        WizardStep::Create | WizardStep::Import | WizardStep::Payout => (5, 9),
        WizardStep::Words => (6, 9),
        WizardStep::Quiz { .. } => (7, 9),
        WizardStep::Courtesy => (8, 10),
        WizardStep::Summary { .. } => (9, 10),
    };
    let can_go_back = step != WizardStep::Welcome;
    WizardView { step, progress, can_go_back, can_go_on: true, busy: false, problem: None }
}

/// The wizard's summary before a shared run.
pub fn summary(rehearsal: bool) -> WizardStep {
    WizardStep::Summary { hotkey: (!rehearsal).then(|| HOTKEY.to_owned()), rehearsal }
}

fn step(name: &str, step: WizardStep) -> Scenario {
    let mut app = wizard(at(step));
    app.machine.roles = vec![Role::Train, Role::TrainSmall, Role::Rehearse];
    app.wallet.keychain = KeychainState::Ready;
    Scenario::new(&format!("wizard-{name}"), Screen::Home, app)
}

fn changed(mut scenario: Scenario, name: &str, change: impl FnOnce(&mut AppSnapshot)) -> Scenario {
    name.clone_into(&mut scenario.name);
    change(&mut scenario.model.snapshot);
    scenario
}

fn view(app: &mut AppSnapshot, change: impl FnOnce(&mut WizardView)) {
    if let Some(view) = &mut app.wizard {
        change(view);
    }
}

fn no_keychain() -> Problem {
    Problem::new(
        "keychain_locked",
        "The keychain is locked",
        "Unlock it with your session's password, or use a passphrase instead.",
    )
}

/// Twelve words, on their way to the screen.
pub fn words() -> ToWindow {
    ToWindow::Words { words: Some(WORDS.split(' ').map(|word| Secret::new(word.to_owned())).collect()) }
}

fn wizard_scenarios() -> Vec<Scenario> {
    let mut words_step = step("words", WizardStep::Words);
    let _ = words_step.model.take(words());
    let driver = Problem::new(
        "gpu_module_not_loaded",
        "The NVIDIA driver is installed, but its kernel module is not loaded",
        "It was probably updated while the computer ran. Restart the computer.",
    )
    .with_action(ProblemAction::Command("sudo modprobe nvidia".to_owned()));
    vec![
        step("welcome", WizardStep::Welcome),
        step("computer", WizardStep::Computer),
        changed(step("", WizardStep::Computer), "wizard-computer-probing", |app| {
            app.gpus = view_model::GpuView { probing: true, ..Default::default() };
            app.machine.roles.clear();
        }),
        changed(step("", WizardStep::Computer), "wizard-computer-no-card", |app| {
            app.gpus = view_model::GpuView::default();
            app.machine.roles = vec![Role::Rehearse];
            app.machine.on_battery = Some(true);
        }),
        changed(step("", WizardStep::Computer), "wizard-computer-driver", |app| {
            app.gpus = view_model::GpuView { problem: Some(driver), ..Default::default() };
            app.machine.roles = vec![Role::Rehearse];
        }),
        step("choose", WizardStep::Choose),
        step("join", WizardStep::Join),
        changed(step("", WizardStep::Join), "wizard-join-refused", |app| {
            view(app, |view| {
                view.problem = Some(Problem::new(
                    "run_signature",
                    "The run's signature does not hold",
                    "The file was changed after it was signed. Get it again from the run's makers.",
                ));
            });
        }),
        step("wallet", WizardStep::Wallet),
        step("create", WizardStep::Create),
        changed(step("", WizardStep::Create), "wizard-create-no-keychain", |app| {
            app.wallet.keychain = KeychainState::Unusable(no_keychain());
        }),
        changed(step("", WizardStep::Create), "wizard-create-busy", |app| view(app, |view| view.busy = true)),
        step("import", WizardStep::Import),
        step("payout", WizardStep::Payout),
        words_step,
        step("quiz", WizardStep::Quiz { numbers: vec![2, 7, 11] }),
        changed(step("", WizardStep::Quiz { numbers: vec![2, 7, 11] }), "wizard-quiz-wrong", |app| {
            view(app, |view| {
                view.problem =
                    Some(Problem::new("quiz_wrong", "Not all three words are right", "Look at your paper again."));
            });
        }),
        step("courtesy", WizardStep::Courtesy),
        step("summary", summary(false)),
        step("summary-rehearsal", summary(true)),
    ]
}

/// A wallet whose words were never asked back.
pub fn wallet(name: &str) -> WalletRow {
    WalletRow {
        name: name.to_owned(),
        hotkey: HOTKEY.to_owned(),
        payout: Some(PAYOUT.to_owned()),
        backed_up: false,
        has_words: true,
        keychain: true,
        unlocked: true,
    }
}

/// Two wallets, the first not backed up, the second locked.
pub fn with_wallets() -> AppSnapshot {
    let mut app = sharing();
    app.wallet.wallets = vec![
        wallet("home"),
        WalletRow { payout: None, backed_up: true, keychain: false, unlocked: false, ..wallet("rig-2") },
    ];
    app.wallet.folder = "/data/ada/.local/share/covey/wallets".to_owned();
    app.wallet.keychain = KeychainState::Ready;
    app
}

fn wallet_scenarios() -> Vec<Scenario> {
    let mut busy = with_wallets();
    busy.wallet.busy = Some(Told::new("setup-busy"));
    let mut problem = with_wallets();
    problem.wallet.wallets.truncate(1);
    problem.wallet.wallets[0].backed_up = true;
    problem.wallet.problem =
        Some(Problem::new("wrong_passphrase", "This passphrase does not open the wallet", "Type it again."));
    problem.wallet.keychain = KeychainState::Unusable(no_keychain());
    vec![
        Scenario::new("wallet-empty", Screen::Wallet, first_start()),
        Scenario::new("wallet-two", Screen::Wallet, with_wallets()),
        Scenario::new("wallet-busy", Screen::Wallet, busy),
        Scenario::new("wallet-problem", Screen::Wallet, problem),
    ]
}

/// Settings in which everything is switched on.
pub fn everything_on() -> Settings {
    let mut settings = Settings::default();
    let nights: String = (0..168).map(|h| if h % 24 >= 22 || h % 24 < 7 { '1' } else { '0' }).collect();
    settings.gpus.power_watts = Some(320);
    settings.gpus.temperature_c = Some(72);
    settings.gpus.fan_percent = Some(55);
    settings.gpus.vram_bytes = Some(ByteCount(18 << 30));
    settings.pause.apps = vec!["blender".to_owned(), "obs-studio".to_owned()];
    settings.pause.charge_percent = Some(80);
    settings.pause.idle_minutes = Some(15);
    settings.pause.schedule = Some(nights.clone());
    settings.network.upload = Some(ByteCount(2_000_000));
    settings.network.download = Some(ByteCount(12_000_000));
    settings.network.month = Some(ByteCount(200_000_000_000));
    settings.energy.currency = Some("EUR".to_owned());
    settings.energy.price = Some("0.32".to_owned());
    settings.energy.second = Some(("0.19".to_owned(), nights));
    settings.energy.pause_above = Some("0.40".to_owned());
    settings.behaviour.autostart = true;
    settings.behaviour.welcomed = true;
    settings
}

fn settings_scenarios() -> Vec<Scenario> {
    let mut all = sharing();
    all.settings = everything_on();
    vec![
        Scenario::new("settings-default", Screen::Settings, first_start()),
        Scenario::new("settings-all", Screen::Settings, all),
        Scenario::new("settings-no-card", Screen::Settings, super::without_card()),
    ]
}

/// A run that fits and burns, one that does not fit, one that nobody has looked at; and the rehearsal.
pub fn with_runs() -> AppSnapshot {
    let card = |id: &str, name: &str| RunCard {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: RunKind::Shared,
        model_params: Some(1_240_000_000),
        tokens_done: Some(18_400_000_000),
        peers: Some(37),
        round: Some(4_312),
        pays: Told::new("run-pays-nothing"),
        fit: Fit::Fits(Told::new("run-fits").with("need", "18.2 GiB").with("have", "24.0 GiB")),
        chosen: false,
        suggested: None,
        live: false,
        founder: Some(PAYOUT.to_owned()),
        link: None,
        source: Some("covey://join/5f3a…91".to_owned()),
    };
    let mut app = first_start();
    app.runs = vec![
        RunCard { kind: RunKind::Rehearsal, source: None, pays: Told::default(), ..card("rehearsal", "Rehearsal") },
        RunCard {
            chosen: true,
            suggested: Some(Told::new("rank-only-fit").with("have", "24.0 GiB")),
            link: Some(LINK.to_owned()),
            ..card("5f3a", "Templar testnet 223")
        },
        RunCard {
            model_params: Some(72_700_000_000),
            tokens_done: Some(1_100_000_000_000),
            peers: Some(64),
            pays: Told::new("run-pays-subnet").with("netuid", "3"),
            fit: Fit::DoesNotFit(Told::new("run-fits-not").with("need", "1.44 TiB").with("have", "24.0 GiB")),
            ..card("91ab", "Covenant 72B")
        },
        RunCard {
            model_params: None,
            tokens_done: None,
            peers: None,
            round: None,
            pays: Told::default(),
            fit: Fit::Unknown,
            source: Some("/data/ada/Downloads/friends.covey-run".to_owned()),
            ..card("77cd", "Friends of small models")
        },
    ];
    app
}

/// Facts of a run that fits and can be started.
pub fn facts() -> JoinFacts {
    JoinFacts {
        id: "5f3a8c1e".repeat(8),
        name: "Friends of small models".to_owned(),
        founder: PAYOUT.to_owned(),
        model_params: 150_000_000,
        round_secs: Some(1_200),
        inner_steps: 30,
        validators: 2,
        pays: Told::new("run-pays-ledger"),
        fit: Fit::Fits(Told::new("join-fits").with("need", "4.20 GiB")),
        disk: Some(ByteCount(9_400_000_000)),
        dataset: Some(ByteCount(1_240_000_000)),
        checkpoint: ByteCount(600_000_000),
        upload: Some(ByteCount(2_900_000)),
        admission: Told::new("join-admission-ledger"),
        startable: true,
    }
}

/// A run that is being looked at.
pub fn joining(state: JoinState) -> AppSnapshot {
    let mut app = first_start();
    app.wallet.wallets = vec![wallet("home")];
    app.join = Some(JoinView { source: LINK.to_owned(), state });
    app
}

fn join_scenarios() -> Vec<Scenario> {
    let link: Vec<&str> = LINK.split("at=").skip(1).map(|at| at.trim_end_matches('&')).collect();
    let given = JoinState::Given {
        run: Some("5f3a8c1e".repeat(8)),
        addresses: link.iter().map(|address| (*address).to_owned()).collect(),
    };
    let lone = JoinFacts { startable: false, dataset: None, disk: None, upload: None, ..facts() };
    let failed = Problem::new(
        "run_not_reached",
        "The run's other computers could not be asked: it took too long",
        "Look whether this computer is online, and ask for a newer link if it stays so.",
    );
    let mut alone = joining(JoinState::Found(Box::new(lone)));
    alone.wallet.wallets.clear();
    vec![
        Scenario::new("join-given", Screen::Runs, joining(given)),
        Scenario::new("join-looking", Screen::Runs, joining(JoinState::Looking)),
        Scenario::new("join-found", Screen::Runs, joining(JoinState::Found(Box::new(facts())))),
        Scenario::new("join-alone", Screen::Runs, alone),
        Scenario::new("join-failed", Screen::Runs, joining(JoinState::Failed(failed))),
        changed(step("", WizardStep::Join), "wizard-join-found", |app| {
            let state = JoinState::Found(Box::new(facts()));
            app.join = Some(JoinView { source: LINK.to_owned(), state });
        }),
    ]
}

fn run_scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("runs-empty", Screen::Runs, first_start()),
        Scenario::new("runs-four", Screen::Runs, with_runs()),
        Scenario::new("runs-rehearsing", Screen::Runs, running()),
    ]
}

/// Earnings of a shared run with everything known.
pub fn with_earnings() -> AppSnapshot {
    let mut app = sharing();
    let energy = &mut app.earnings.energy;
    energy.kwh_today = Some(4.218);
    energy.by_counter = Some(true);
    energy.joules_per_token = Some(0.0374);
    energy.price = Some("0.32 EUR".to_owned());
    energy.cost_today = Some("1.35 EUR".to_owned());
    energy.net_today = Some("0.0031 TAO − 1.35 EUR".to_owned());
    app.earnings.receipts.count = 412;
    app.earnings.receipts.newest = Some("412 · round 127 · 0.004217 · block 6,123,401 · 9f2c…e1".to_owned());
    app.earnings.receipts.verified = Some(Verified::Good { receipts: 412 });
    app.earnings.csv_saved = Some("/data/ada/Documents/covey-earnings-2026-11-25.csv".to_owned());
    app.earnings.pending_until = Some(Told::new("Final from block 6,123,760 on, in about an hour"));
    app
}

fn earnings_scenarios() -> Vec<Scenario> {
    let mut burns = first_start();
    burns.earnings.banner = Some(Told::new("This run burns 100 % at present: you would earn 0"));
    burns.earnings.total = Some(Rao(0));
    let mut tampered = running();
    tampered.earnings.receipts.count = 3;
    tampered.earnings.receipts.verified = Some(Verified::Bad { fault: "receipt 2, field reward".to_owned() });
    vec![
        Scenario::new("earnings-empty", Screen::Earnings, burns),
        Scenario::new("earnings-rehearsal", Screen::Earnings, tampered),
        Scenario::new("earnings-token", Screen::Earnings, with_earnings()),
    ]
}

/// All of them.
pub fn setup_scenarios() -> Vec<Scenario> {
    let mut all = wizard_scenarios();
    all.extend(wallet_scenarios());
    all.extend(settings_scenarios());
    all.extend(run_scenarios());
    all.extend(join_scenarios());
    all.extend(earnings_scenarios());
    all
}
