//! libFuzzer's side: one program for all targets, so that there is one link.
//!
//! In: `COVEY_FUZZ_LIST` asks for the targets' names; `COVEY_FUZZ_TARGET` names one, `COVEY_FUZZ_SEEDS` the folder to put its seeds into; the rest is libFuzzer's own
//! command line. Out: a file with the input that broke a promise. `cargo xtask fuzz` starts it.
#![no_main]

use std::sync::OnceLock;

use fuzz::Target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        if let Err(why) = begin() {
            eprintln!("fuzz: {why}");
            std::process::exit(2);
        }
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.check)(data);
        }
    }
);

fn begin() -> Result<(), String> {
    if std::env::var_os("COVEY_FUZZ_LIST").is_some() {
        fuzz::TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.max_bytes));
        std::process::exit(0);
    }
    let name = std::env::var("COVEY_FUZZ_TARGET").map_err(|e| format!("COVEY_FUZZ_TARGET: {e}"))?;
    let target = fuzz::TARGETS.iter().find(|target| target.name == name).ok_or(format!("there is no target {name}"))?;
    if let Some(folder) = std::env::var_os("COVEY_FUZZ_SEEDS") {
        for (at, seed) in (target.seeds)().into_iter().enumerate() {
            std::fs::write(std::path::Path::new(&folder).join(format!("seed-{at:02}")), seed)
                .map_err(|e| e.to_string())?;
        }
    }
    TARGET.set(target).map_err(|_| "begun twice".to_owned())
}
