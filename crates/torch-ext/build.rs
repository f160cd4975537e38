//! Compiles the C++ shim and tells dependants where libtorch lies.
//!
//! In: `DEP_TCH_LIBTORCH_LIB` (from torch-sys) or, where torch-sys is silent (Windows), `LIBTORCH`. Out: the static
//! library `torch_ext`, and the key `lib` (read by dependants as `DEP_TORCH_EXT_LIB`): libtorch's library folder with
//! links resolved, so that an rpath built from it still holds when the link in the checkout moves. It downloads nothing.

use std::env;
use std::path::{Path, PathBuf};

type BuildResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> BuildResult<()> {
    println!("cargo:rerun-if-changed=csrc");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let given = library_folder()?;
    let lib = given.canonicalize().map_err(|e| format!("libtorch is not at {}: {e}", given.display()))?;
    // The path may go through a link that set-up points elsewhere; the version file changes with it.
    let version = given.join("../build-version");
    if version.exists() {
        println!("cargo:rerun-if-changed={}", version.display());
    }
    let root = lib.parent().ok_or("libtorch's library folder has no parent")?;
    compile(root);
    println!("cargo:lib={}", lib.display());
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix") {
        // For this crate's own test programs; programs that depend on it repeat the line in their build.rs.
        println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{}", lib.display());
    }
    Ok(())
}

fn library_folder() -> BuildResult<PathBuf> {
    match (env::var_os("DEP_TCH_LIBTORCH_LIB"), env::var_os("LIBTORCH")) {
        (Some(lib), _) => Ok(PathBuf::from(lib)),
        (None, Some(root)) => Ok(Path::new(&root).join("lib")),
        (None, None) => Err("libtorch is not set up: run `cargo xtask setup`".into()),
    }
}

fn compile(root: &Path) {
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .warnings(false)
        .include(root.join("include"))
        .include(root.join("include/torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .file("csrc/ext.cpp")
        .compile("torch_ext");
}
