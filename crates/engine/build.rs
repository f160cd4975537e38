//! Lets this crate's programs find libtorch, and passes its place on.
//!
//! In: `DEP_TORCH_EXT_LIB`. Out: an rpath for tests and examples, and the key `lib`, which programs that depend on
//! `engine` read as `DEP_COVEY_ENGINE_LIB` for their own rpath.

fn main() {
    println!("cargo:rerun-if-env-changed=DEP_TORCH_EXT_LIB");
    let Ok(lib) = std::env::var("DEP_TORCH_EXT_LIB") else { return };
    println!("cargo:lib={lib}");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix") {
        // DT_RPATH rather than RUNPATH, so that it also covers what libtorch itself loads.
        println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{lib}");
    }
}
