//! The bill of materials: every crate that is built into the programs, as CycloneDX 1.6 in JSON.
//!
//! In: `cargo metadata` with dependencies resolved, and `Cargo.lock` for checksums. Out: what the shipped programs
//! reach by normal and build dependencies, sorted; no tests, no tools. The serial number is a hash of the rest.
//! Source: cyclonedx.org/docs/1.6/json.

use crate::{PackError, Release, clock};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The packages of ours whose programs people get.
pub const ROOTS: [&str; 4] = ["covey", "pack", "peer", "signer"];

/// A crate that is built in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence as SPDX, where it says one.
    pub licence: Option<String>,
    /// Its `Cargo.toml`, beside which its licences' texts lie.
    pub manifest: String,
    /// Whether it comes from a registry rather than from this repository.
    pub foreign: bool,
    /// The crates that it names.
    pub depends_on: BTreeSet<String>,
}

impl Component {
    /// `pkg:cargo/serde@1.0.0`
    #[must_use]
    pub fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// What the programs of these packages of ours are made of.
///
/// # Errors
/// [`PackError::Metadata`].
pub fn components(metadata: &Value, roots: &[&str]) -> Result<Vec<Component>, PackError> {
    let list = |value: &'_ Value, key: &'static str| value[key].as_array().cloned().ok_or(PackError::Metadata(key));
    let packages = list(metadata, "packages")?;
    let nodes = list(&metadata["resolve"], "nodes")?;
    let text =
        |value: &Value, key: &'static str| value[key].as_str().map(str::to_owned).ok_or(PackError::Metadata(key));
    let mut by_id = BTreeMap::new();
    for package in &packages {
        by_id.insert(text(package, "id")?, package);
    }
    let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in &nodes {
        let mut named = Vec::new();
        for dependency in list(node, "deps")? {
            if list(&dependency, "dep_kinds")?.iter().any(|kind| kind["kind"] != "dev") {
                named.push(text(&dependency, "pkg")?);
            }
        }
        edges.insert(text(node, "id")?, named);
    }
    let ours = |package: &&&Value| package["source"].is_null() && roots.iter().any(|root| package["name"] == **root);
    let mut open: Vec<String> = by_id.iter().filter(|(_, package)| ours(package)).map(|(id, _)| id.clone()).collect();
    if open.len() != roots.len() {
        return Err(PackError::Metadata("one of the programs' packages"));
    }
    let mut reached: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(at) = open.pop() {
        for next in edges.get(&at).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    let name_of = |id: &String| -> Result<String, PackError> {
        let package = by_id.get(id).ok_or(PackError::Metadata("a package that is named"))?;
        Ok(format!("pkg:cargo/{}@{}", text(package, "name")?, text(package, "version")?))
    };
    let mut found = Vec::new();
    for id in &reached {
        let package = by_id.get(id).ok_or(PackError::Metadata("a package that is named"))?;
        found.push(Component {
            name: text(package, "name")?,
            version: text(package, "version")?,
            licence: package["license"].as_str().map(str::to_owned),
            manifest: text(package, "manifest_path")?,
            foreign: !package["source"].is_null(),
            depends_on: edges.get(id).into_iter().flatten().map(name_of).collect::<Result<_, _>>()?,
        });
    }
    found.sort();
    Ok(found)
}

/// Checksums of the lock file, by name and version.
#[must_use]
pub fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for block in lock.split("[[package]]") {
        let field = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.map(|rest| rest.trim_end_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (field("name"), field("version"), field("checksum")) {
            found.insert((name, version), sum);
        }
    }
    found
}

/// The document, with a line's end.
///
/// # Errors
/// [`PackError::Metadata`].
pub fn document(components: &[Component], lock: &str, release: &Release) -> Result<String, PackError> {
    let sums = checksums(lock);
    let entries: Vec<Value> = components
        .iter()
        .map(|component| {
            let mut entry = json!({
                "type": "library", "bom-ref": component.purl(), "name": component.name, "version": component.version,
                "purl": component.purl(),
            });
            if let Some(licence) = &component.licence {
                // Old crates write a slash where SPDX has OR.
                entry["licenses"] = json!([{ "expression": licence.replace('/', " OR ").replace("  ", " ") }]);
            }
            if let Some(sum) = sums.get(&(component.name.clone(), component.version.clone())) {
                entry["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
            }
            entry
        })
        .collect();
    let depends: Vec<Value> = components
        .iter()
        .map(|component| json!({ "ref": component.purl(), "dependsOn": component.depends_on }))
        .collect();
    let mut document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": clock::iso(release.time),
            "component": { "type": "application", "bom-ref": "covey", "name": "covey", "version": release.version },
        },
        "components": entries, "dependencies": depends,
    });
    let hash = hex::encode(Sha256::digest(document.to_string()));
    // A UUID of version 8, whose bits may be anybody's own.
    let uuid = format!("{}-{}-8{}-a{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32]);
    document["serialNumber"] = json!(format!("urn:uuid:{uuid}"));
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(|_| PackError::Metadata("plain text"))
}
