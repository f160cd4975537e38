//! Whole evaluations of a small exported model, by the command line's words.

use clap::Parser as _;
use dataset::Tokenizer;
use dataset::build::BuildOptions;
use engine::{
    DeviceChoice, Engine as _, EngineOptions, ExportDtype, ExportTokenizer, TokenBatch, TorchEngine, export_hf,
};
use tempfile::TempDir;
use types::manifest::{ModelParams, TokenizerKind};
use types::{Round, SignPayload, SignedManifest, Signer as _};
use wallet::LocalSigner;

use super::*;
use crate::checkpoint::{InnerProgress, State};
use crate::command::{Cli, RoleCommand};
use crate::places::{Places, RunFolder};

const TEXT: &str = "The kettle heats water, the bees make honey, and the clock shows the time. ";

fn args(words: &[&str]) -> Result<EvalArgs, clap::Error> {
    let all = ["covey-peer", "eval", "--device", "cpu", "--threads", "1"].iter().chain(words);
    match Cli::try_parse_from(all)?.role {
        RoleCommand::Eval(args) => Ok(*args),
        _ => unreachable!(),
    }
}

/// A model of the smallest preset after some steps on a text, as a folder.
fn folder() -> (TempDir, PathBuf, TorchEngine) {
    let model = ModelParams::preset("nano").unwrap();
    let inner = crate::rehearse::inner_params(1, 1, 1);
    let options = EngineOptions { device: DeviceChoice::Cpu, threads: Some(1), ..EngineOptions::new(32) };
    let mut engine = TorchEngine::new(&model, &inner, options, 3).unwrap();
    let tokens: Vec<u32> = TEXT.bytes().cycle().take(128).map(u32::from).collect();
    for _ in 0..10 {
        engine.inner_step(&TokenBatch { tokens: tokens.clone(), sequences: 4, length: 32 }, 3e-3).unwrap();
    }
    let mut theta = vec![0.0; engine.parameter_count()];
    engine.read_theta(&mut theta).unwrap();
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("nano");
    export_hf(&dir, &model, &theta, &ExportTokenizer::Bytes, ExportDtype::F32).unwrap();
    (place, dir, engine)
}

#[test]
fn a_folder_is_evaluated_as_its_engine_would() {
    let (place, dir, mut engine) = folder();
    let text = place.path().join("text.txt");
    std::fs::write(&text, &TEXT[..31]).unwrap();
    let words = ["--hf", dir.to_str().unwrap(), "--text", text.to_str().unwrap(), "--sequence", "32"];
    let found = evaluate(&args(&words).unwrap()).unwrap();
    let mut tokens = vec![0];
    tokens.extend(TEXT[..31].bytes().map(u32::from));
    let loss = engine.eval_loss(&TokenBatch { tokens, sequences: 1, length: 32 }).unwrap();
    let perplexity = found.perplexity.as_ref().unwrap();
    assert!((perplexity.loss - loss).abs() < 1e-6, "{} and {loss}", perplexity.loss);
    assert!((perplexity.perplexity.ln() - loss).abs() < 1e-6);
    assert!((perplexity.bits_per_byte.unwrap() - loss / std::f64::consts::LN_2).abs() < 1e-6);
    assert_eq!((perplexity.tokens, perplexity.rows, perplexity.standard_error), (31, 1, None));
    let asked = found.choices.as_ref().unwrap();
    assert_eq!((asked.set.as_str(), asked.score.items, asked.score.chance), ("everyday", 32, 0.25));
    assert!((0.0..=1.0).contains(&asked.score.accuracy) && asked.score.standard_error.is_some());
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["choices"]["accuracy"], asked.score.accuracy);
    assert_eq!(json["perplexity"]["loss"], perplexity.loss);
}

#[test]
fn what_it_learned_is_what_it_chooses() {
    let (place, dir, _) = folder();
    let set = place.path().join("set.jsonl");
    let line = r#"{"ctx":"The kettle","choices":["heats water","~#@]|{ }[^"],"answer":0}"#;
    std::fs::write(&set, line).unwrap();
    let words = ["--hf", dir.to_str().unwrap(), "--choices", set.to_str().unwrap(), "--sequence", "64"];
    let found = evaluate(&args(&words).unwrap()).unwrap();
    assert_eq!(found.choices.unwrap().score.accuracy, 1.0);
    assert_eq!(found.perplexity, None, "a folder brings no text of its own");
}

/// A run folder with a small data set, and in it the saved state of a validator that stands at round 7.
async fn run_folder(place: &Path) -> (RunFolder, Vec<f32>) {
    let set = place.join("dataset");
    let mut options = BuildOptions::new(Vec::new(), set.clone(), Tokenizer::bytes());
    (options.sequence_tokens, options.held_out_sequences) = (32, 5);
    let report = dataset::build::build_stories(&options, 1, 20_000, &mut |_| {}).unwrap();
    let words = ["covey-peer", "found", "small", "--stories", "--model", "nano", "--sequence", "32"];
    let RoleCommand::Found(found) = Cli::try_parse_from(words).unwrap().role else { unreachable!() };
    let terms = crate::found::Terms::check(&found, crate::doctor::machine()).unwrap();
    let key = LocalSigner::from_seed(&[7; 32]);
    let manifest = terms.manifest(report.hash, TokenizerKind::Bytes, key.hotkey(), &[key.hotkey()]).unwrap();
    let signature = key.sign(&SignPayload::Manifest { run: manifest.id() }).await.unwrap();
    let theta = engine::initial_theta(&manifest.model, 9);
    let signed = SignedManifest { manifest, founder: key.hotkey(), signature };
    let places = Places { ledger: None, nodes: Vec::new(), share: place.join("share"), dataset: set, network: None };
    let run = RunFolder::create(&place.join("run"), signed, places).unwrap();
    let zeros = || vec![0.0; theta.len()];
    let state = State {
        run: run.id(),
        round: Round(7),
        inner: InnerProgress::default(),
        optimizer_steps: 0,
        anchor: theta.clone(),
        // What a peer has trained since, which is nobody's but its own.
        local: zeros(),
        error_feedback: zeros(),
        first_moment: zeros(),
        second_moment: zeros(),
        sealed: None,
    };
    crate::checkpoint::StateFolder::open(&run.state_of("validator-1")).unwrap().save(&state).unwrap();
    (run, theta)
}

#[tokio::test]
async fn a_runs_state_and_its_checkpoint_are_the_same_model() {
    let place = tempfile::tempdir().unwrap();
    let (run, theta) = run_folder(place.path()).await;
    // A save that is under way must not be swept away by whoever looks on.
    let half = run.state_of("validator-1").join("state.tmp");
    std::fs::write(&half, b"half").unwrap();
    let dir = run.dir.to_str().unwrap();
    let state = evaluate(&args(&["--run", dir, "--rows", "4"]).unwrap()).unwrap();
    assert!(half.exists());
    assert_eq!((state.round, state.theta), (Some(7), sparseloco::theta_hash(&theta)));
    let perplexity = state.perplexity.as_ref().unwrap();
    assert_eq!((perplexity.rows, perplexity.tokens, perplexity.bits_per_byte), (4, 4 * 31, None));
    assert!((perplexity.loss - 256f64.ln()).abs() < 0.1, "nothing learned yet: {}", perplexity.loss);
    assert!(perplexity.standard_error.unwrap() > 0.0);
    let file = place.path().join("theta");
    std::fs::write(&file, bytemuck::cast_slice::<f32, u8>(&theta)).unwrap();
    let words = ["--run", dir, "--checkpoint", file.to_str().unwrap(), "--rows", "4"];
    let checkpoint = evaluate(&args(&words).unwrap()).unwrap();
    assert_eq!((&checkpoint.perplexity, checkpoint.theta), (&state.perplexity, state.theta));
    assert_eq!(checkpoint.choices, state.choices);
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        evaluate(&args(&words).unwrap()).unwrap_err().to_string()
    };
    assert!(refused(&[0; 40]).contains("40 bytes"));
    let mut sick = theta.clone();
    sick[3] = f32::INFINITY;
    assert!(refused(bytemuck::cast_slice(&sick)).contains("not finite"));
    assert!(evaluate(&args(&["--run", dir, "--name", "peer"]).unwrap()).unwrap_err().to_string().contains("`peer`"));
}

#[test]
fn what_cannot_be_evaluated_is_refused_before_the_weights_are_read() {
    let (place, dir, _) = folder();
    let dir = dir.to_str().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, [0xFF, 0xFE]).unwrap();
    let file = file.to_str().unwrap();
    for words in [
        ["--hf", dir, "--text", file],
        ["--hf", dir, "--choices", file],
        ["--hf", dir, "--sequence", "1"],
        ["--hf", dir, "--rows", "0"],
        ["--hf", file, "--rows", "1"],
        ["--run", dir, "--checkpoint", file],
    ] {
        assert!(evaluate(&args(&words).unwrap()).is_err(), "{words:?}");
    }
    for words in [&["--rows", "1"][..], &["--checkpoint", "x"], &["--hf", "x", "--run", "y"]] {
        assert!(args(words).is_err(), "{words:?}");
    }
}

#[test]
fn an_import_says_what_it_found_and_never_overwrites() {
    let (place, dir, engine) = folder();
    let mut theta = vec![0.0; engine.parameter_count()];
    engine.read_theta(&mut theta).unwrap();
    let out = place.path().join("theta");
    let imported = crate::import_cli::import(&dir, Some(&out)).unwrap();
    assert_eq!((imported.theta, imported.tokenizer_vocab), (sparseloco::theta_hash(&theta), Some(256)));
    assert_eq!(imported.theta, Hash32::of(&std::fs::read(&out).unwrap()), "what a run names is the file's hash");
    assert!(crate::import_cli::import(&dir, Some(&out)).is_err());
}
