//! Lets `covey-peer` find libtorch: beside itself where it is installed, in the set-up's folder where it was built.
//!
//! In: `DEP_COVEY_ENGINE_LIB` from `engine`. Out: an rpath.

fn main() {
    println!("cargo:rerun-if-env-changed=DEP_COVEY_ENGINE_LIB");
    let Ok(lib) = std::env::var("DEP_COVEY_ENGINE_LIB") else { return };
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix") {
        // DT_RPATH rather than RUNPATH, so that it also covers what libtorch itself loads.
        println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,$ORIGIN/torch/lib:{lib}");
    }
}
