//! The dependency table of ARCHITECTURE.md, enforced: who may name whom, and what must never be reached.
//!
//! Three views: the workspace's own edges and the third-party crates reached from them (both from `cargo metadata`),
//! and the words of the standard library that a pure crate must not use (from its sources).

use crate::checkout;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// One row of the table.
struct Row {
    name: &'static str,
    /// Crates of ours that it may name outside its tests.
    may_name: &'static [&'static str],
    /// Third-party crates that it must not reach, however far down.
    never_reach: &'static [&'static str],
    /// Paths of the standard library that its sources must not name outside tests.
    never_use: &'static [&'static str],
}

const TORCH: &str = "tch";
const PURE: &[&str] = &["std::fs", "std::net", "std::process::Command", "std::time::SystemTime", "Instant::now"];
const NO_NETWORK: &[&str] = &["std::net"];

const TABLE: &[Row] = &[
    Row { name: "types", may_name: &[], never_reach: &["tokio", TORCH, "libp2p", "memmap2"], never_use: PURE },
    Row { name: "sparseloco", may_name: &["types"], never_reach: &["tokio", TORCH, "libp2p"], never_use: PURE },
    Row {
        name: "gauntlet",
        may_name: &["types", "sparseloco"],
        never_reach: &["tokio", TORCH, "libp2p"],
        never_use: PURE,
    },
    Row { name: "torch-ext", may_name: &[], never_reach: &["tokio", "libp2p"], never_use: NO_NETWORK },
    Row { name: "engine", may_name: &["types", "torch-ext"], never_reach: &["tokio", "libp2p"], never_use: NO_NETWORK },
    Row {
        name: "dataset",
        may_name: &["types"],
        never_reach: &["tokio", TORCH, "libp2p", "reqwest"],
        never_use: NO_NETWORK,
    },
    Row { name: "chain", may_name: &["types"], never_reach: &[TORCH, "libp2p", "egui"], never_use: &[] },
    Row {
        name: "wallet",
        may_name: &["types"],
        never_reach: &["tokio", "tauri", "libp2p", "reqwest"],
        never_use: NO_NETWORK,
    },
    Row {
        name: "keychain",
        may_name: &["types", "wallet"],
        never_reach: &[TORCH, "tauri", "libp2p", "reqwest", "egui"],
        never_use: NO_NETWORK,
    },
    Row {
        name: "signer",
        may_name: &["types", "wallet", "keychain", "ipc"],
        never_reach: &[TORCH, "tauri", "libp2p", "reqwest", "egui", "subxt"],
        never_use: NO_NETWORK,
    },
    Row {
        name: "subtensor",
        may_name: &["types", "chain"],
        never_reach: &[TORCH, "tauri", "libp2p", "egui"],
        never_use: &[],
    },
    Row {
        name: "subtensor-node",
        may_name: &["types", "chain"],
        never_reach: &[TORCH, "tauri", "libp2p", "egui"],
        never_use: &[],
    },
    Row {
        name: "earnings",
        may_name: &["types", "chain"],
        never_reach: &[TORCH, "tauri", "libp2p", "egui", "reqwest"],
        never_use: NO_NETWORK,
    },
    Row { name: "exchange", may_name: &["types"], never_reach: &[TORCH, "egui", "libp2p"], never_use: NO_NETWORK },
    Row {
        name: "swarm",
        may_name: &["types", "exchange"],
        never_reach: &[TORCH, "tauri", "egui", "subxt"],
        never_use: &[],
    },
    Row {
        name: "bucket",
        may_name: &["types", "exchange"],
        never_reach: &[TORCH, "tauri", "egui", "libp2p", "subxt"],
        never_use: &[],
    },
    Row { name: "update", may_name: &[], never_reach: &[TORCH, "tauri", "egui", "libp2p", "subxt"], never_use: &[] },
    Row {
        name: "pack",
        may_name: &["update"],
        never_reach: &[TORCH, "tauri", "egui", "libp2p", "subxt"],
        never_use: &[],
    },
    Row {
        name: "netlab",
        may_name: &["types", "ipc", "exchange", "swarm", "wallet"],
        never_reach: &[TORCH, "torch-sys", "tauri", "egui"],
        never_use: &[],
    },
    Row {
        name: "ipc",
        may_name: &["types"],
        never_reach: &["tokio", "tauri", "egui", TORCH, "libp2p"],
        never_use: PURE,
    },
    Row { name: "locale", may_name: &[], never_reach: &["tokio", "tauri", TORCH], never_use: PURE },
    Row {
        name: "view-model",
        may_name: &["types", "locale"],
        never_reach: &["tokio", "tauri", TORCH],
        never_use: PURE,
    },
    Row {
        name: "gpu",
        may_name: &["types"],
        never_reach: &[TORCH, "tauri", "libp2p", "egui", "reqwest"],
        never_use: NO_NETWORK,
    },
    Row {
        name: "sensors",
        may_name: &["types"],
        never_reach: &[TORCH, "tauri", "libp2p", "egui", "reqwest"],
        never_use: NO_NETWORK,
    },
    Row {
        name: "courtesy",
        may_name: &["types", "view-model"],
        never_reach: &["tokio", TORCH, "tauri", "libp2p", "egui"],
        never_use: PURE,
    },
    Row {
        name: "custody",
        may_name: &["types", "wallet", "keychain", "signer", "view-model"],
        never_reach: &[TORCH, "tauri", "libp2p", "egui", "reqwest", "subxt"],
        never_use: NO_NETWORK,
    },
    Row {
        name: "app",
        may_name: &[
            "types",
            "ipc",
            "view-model",
            "locale",
            "wallet",
            "keychain",
            "chain",
            "earnings",
            "gpu",
            "sensors",
            "courtesy",
            "custody",
            "pack",
            "update",
        ],
        never_reach: &[TORCH, "torch-sys", "libp2p", "tauri", "egui"],
        never_use: &[],
    },
    Row {
        name: "peer",
        may_name: &[
            "types",
            "sparseloco",
            "gauntlet",
            "engine",
            "dataset",
            "chain",
            "wallet",
            "signer",
            "subtensor",
            "earnings",
            "exchange",
            "swarm",
            "bucket",
            "ipc",
            "view-model",
        ],
        never_reach: &["tauri", "egui", "eframe", "wgpu", "keyring"],
        never_use: &[],
    },
    Row {
        name: "ui",
        may_name: &["types", "view-model", "locale"],
        never_reach: &["tokio", "tauri", TORCH, "libp2p"],
        never_use: PURE,
    },
    Row {
        name: "covey",
        may_name: &[
            "types",
            "ipc",
            "view-model",
            "locale",
            "ui",
            "app",
            "keychain",
            "gpu",
            "sensors",
            "pack",
            "update",
        ],
        never_reach: &[TORCH, "torch-sys", "libp2p"],
        never_use: &[],
    },
    Row { name: "packager", may_name: &[], never_reach: &["tokio", "tauri", TORCH, "egui"], never_use: &[] },
    Row { name: "xtask", may_name: &[], never_reach: &["tokio", "clap", "syn"], never_use: &[] },
    Row {
        name: "fuzz",
        may_name: &[
            "types",
            "wallet",
            "chain",
            "subtensor",
            "subtensor-node",
            "sparseloco",
            "dataset",
            "exchange",
            "ipc",
            "earnings",
        ],
        never_reach: &[TORCH, "torch-sys", "tauri", "egui"],
        never_use: &[],
    },
    Row { name: "integration", may_name: &[], never_reach: &[TORCH, "libp2p"], never_use: &[] },
];

/// What needs libtorch, so that everything else builds where there is none.
const NEEDS_LIBTORCH: [&str; 3] = ["torch-ext", "engine", "peer"];

/// `cargo metadata`, as far as this machine's platform goes; never asks the network.
fn metadata(args: &[&str]) -> Value {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(args)
        .current_dir(checkout::root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` is missing in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("`{key}` is missing"))
}

/// Crates of ours → crates of ours that they name outside tests.
fn own_edges() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let packages = list(&metadata, "packages");
    let ours: BTreeSet<&str> = packages.iter().map(|package| text(package, "name")).collect();
    let edges = packages.iter().map(|package| {
        let named = list(package, "dependencies").iter().filter(|dependency| dependency["kind"] != "dev");
        let named = named.map(|dependency| text(dependency, "name")).filter(|name| ours.contains(name));
        (text(package, "name").to_owned(), named.map(str::to_owned).collect())
    });
    edges.collect()
}

/// Every crate → every crate that a build of it needs (dev-dependencies left out).
fn all_edges() -> BTreeMap<String, BTreeSet<String>> {
    let host = Command::new("rustc").arg("-vV").output().expect("rustc can be started");
    let host = String::from_utf8_lossy(&host.stdout).into_owned();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let metadata = metadata(&["--filter-platform", host]);
    let name_of: BTreeMap<&str, &str> =
        list(&metadata, "packages").iter().map(|package| (text(package, "id"), text(package, "name"))).collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"], "nodes") {
        let from = edges.entry(name_of[text(node, "id")].to_owned()).or_default();
        for dependency in list(node, "deps") {
            if list(dependency, "dep_kinds").iter().any(|kind| kind["kind"] != "dev") {
                from.insert(name_of[text(dependency, "pkg")].to_owned());
            }
        }
    }
    edges
}

/// Everything below `from`, each with the crate that named it first.
fn reached<'a>(edges: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeMap<&'a str, &'a str> {
    let mut named_by = BTreeMap::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for next in edges.get(at).into_iter().flatten() {
            if !named_by.contains_key(next.as_str()) {
                named_by.insert(next.as_str(), at);
                open.push(next);
            }
        }
    }
    named_by
}

#[test]
fn every_crate_stands_in_the_table_and_names_only_what_it_may() {
    let edges = own_edges();
    let rows: BTreeSet<&str> = TABLE.iter().map(|row| row.name).collect();
    let crates: BTreeSet<&str> = edges.keys().map(String::as_str).collect();
    assert_eq!(crates, rows, "workspace members and the table differ: decide what the new crate may name");
    for row in TABLE {
        let allowed: BTreeSet<String> = row.may_name.iter().map(ToString::to_string).collect();
        let too_many: Vec<_> = edges[row.name].difference(&allowed).collect();
        assert!(too_many.is_empty(), "`{}` must not name {too_many:?}", row.name);
    }
}

#[test]
fn no_crate_reaches_what_it_must_never_know() {
    let edges = all_edges();
    for row in TABLE {
        let reached = reached(&edges, row.name);
        for banned in row.never_reach {
            if let Some(by) = reached.get(banned) {
                panic!("`{}` reaches `{banned}` (named by `{by}`)", row.name);
            }
        }
    }
}

#[test]
fn the_reach_test_sees_what_is_there() {
    let edges = all_edges();
    assert!(reached(&edges, "peer").contains_key(TORCH), "peer trains with tch: the graph was not read");
    assert!(reached(&edges, "peer").contains_key("torch-sys"), "two steps down");
    assert!(!reached(&edges, "types").contains_key("proptest"), "dev-dependencies do not count");
}

#[test]
fn the_app_never_links_the_codec_or_the_trainer() {
    let edges = all_edges();
    let reached = reached(&edges, "covey");
    for banned in ["sparseloco", "engine", "torch-ext", "peer", "gauntlet"] {
        assert!(!reached.contains_key(banned), "the app reaches `{banned}`: it must stay small and start at once");
    }
}

#[test]
fn set_up_compiles_on_a_bare_machine_in_seconds() {
    let edges = all_edges();
    let count = reached(&edges, "xtask").len();
    assert!(count <= 12, "xtask needs {count} crates; it is the first thing that a bare machine compiles");
}

#[test]
fn default_members_build_without_libtorch() {
    let metadata = metadata(&["--no-deps"]);
    let defaults: Vec<&str> = list(&metadata, "workspace_default_members").iter().filter_map(Value::as_str).collect();
    let packages = list(&metadata, "packages");
    let names: BTreeSet<&str> = packages
        .iter()
        .filter(|package| defaults.contains(&text(package, "id")))
        .map(|package| text(package, "name"))
        .collect();
    let edges = all_edges();
    for name in &names {
        assert!(!NEEDS_LIBTORCH.contains(name), "`{name}` needs libtorch and must not be a default member");
        assert!(!reached(&edges, name).contains_key("torch-sys"), "`{name}` reaches torch-sys");
    }
    // The two that only test are built by the tests.
    let only_tests = ["integration", "fuzz"];
    for row in TABLE.iter().filter(|row| !NEEDS_LIBTORCH.contains(&row.name) && !only_tests.contains(&row.name)) {
        assert!(names.contains(row.name), "`{}` builds without libtorch and should be a default member", row.name);
    }
}

#[test]
fn pure_crates_touch_no_files_sockets_processes_or_clocks() {
    for row in TABLE.iter().filter(|row| !row.never_use.is_empty()) {
        let folder = if row.name == "ui" { "ui/src/".to_owned() } else { format!("crates/{}/src/", row.name) };
        let sources: Vec<String> =
            checkout::files().into_iter().filter(|file| file.starts_with(&folder) && file.ends_with(".rs")).collect();
        assert!(!sources.is_empty(), "{folder} holds no sources");
        for file in sources.iter().filter(|file| !file.ends_with("tests.rs") && !file.contains("/tests/")) {
            let text = checkout::text(file).expect("sources are UTF-8");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or("");
                for banned in row.never_use {
                    assert!(!line.contains(banned), "{file}:{}: `{}` must not use {banned}", number + 1, row.name);
                }
            }
        }
    }
}

#[test]
fn nothing_is_published_and_every_crate_obeys_the_workspace_lints() {
    let metadata = metadata(&["--no-deps"]);
    for package in list(&metadata, "packages") {
        let name = text(package, "name");
        assert_eq!(package["publish"].as_array().map(Vec::len), Some(0), "`{name}` lacks `publish = false`");
        let manifest = std::fs::read_to_string(text(package, "manifest_path")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "`{name}` leaves the workspace's lints");
    }
}
