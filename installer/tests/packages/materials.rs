//! The bill of materials of this very workspace, and the small one of the stand-ins.

use crate::stage;
use packager::{licences, sbom};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

fn this_workspace() -> Value {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(stage::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_bill_names_every_crate_that_is_built_in_and_no_test_of_ours() {
    let components = sbom::components(&this_workspace(), &sbom::ROOTS).unwrap();
    let names: BTreeSet<&str> = components.iter().map(|component| component.name.as_str()).collect();
    for built_in in
        ["tch", "egui", "libp2p", "schnorrkel", "covey", "covey-peer"].iter().filter(|name| **name != "covey-peer")
    {
        assert!(names.contains(built_in), "{built_in} is built in");
    }
    for not in ["proptest", "criterion", "egui_kittest", "rpm", "integration", "packager", "xtask"] {
        assert!(!names.contains(not), "{not} is in no program that people get");
    }
    let nameless: Vec<&str> =
        components.iter().filter(|one| one.foreign && one.licence.is_none()).map(|one| one.name.as_str()).collect();
    assert!(nameless.is_empty(), "{nameless:?} name no licence");
    let lock = std::fs::read_to_string(stage::root().join("Cargo.lock")).unwrap();
    let sums = sbom::checksums(&lock);
    for one in components.iter().filter(|one| one.foreign) {
        assert!(sums.contains_key(&(one.name.clone(), one.version.clone())), "{} has no checksum", one.purl());
    }
    let text = licences::text(&components).unwrap();
    assert!(text.contains("egui") && text.contains("Permission is hereby granted"));
}

#[test]
fn the_document_is_cyclonedx_whose_references_lead_somewhere() {
    let dir = tempfile::tempdir().unwrap();
    let components = sbom::components(&stage::metadata(dir.path()), &sbom::ROOTS).unwrap();
    let lock = "[[package]]\nname = \"small\"\nversion = \"1.0.0\"\nchecksum = \"ab12\"\n";
    let text = sbom::document(&components, lock, &stage::release()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&document["bomFormat"], &document["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    assert_eq!(document["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    let serial = document["serialNumber"].as_str().unwrap();
    let lengths: Vec<usize> = serial.trim_start_matches("urn:uuid:").split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{serial}");
    let entries = document["components"].as_array().unwrap();
    let refs: BTreeSet<&str> = entries.iter().map(|entry| entry["bom-ref"].as_str().unwrap()).collect();
    let small = entries.iter().find(|entry| entry["name"] == "small").unwrap();
    assert_eq!((&small["hashes"][0]["content"], &small["purl"]), (&"ab12".into(), &"pkg:cargo/small@1.0.0".into()));
    for dependency in document["dependencies"].as_array().unwrap() {
        for to in dependency["dependsOn"].as_array().unwrap() {
            assert!(refs.contains(to.as_str().unwrap()), "{to} is no component");
        }
    }
}

#[test]
fn metadata_without_one_of_the_programs_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut metadata = stage::metadata(dir.path());
    metadata["packages"].as_array_mut().unwrap().remove(1);
    assert!(sbom::components(&metadata, &sbom::ROOTS).is_err());
    assert!(sbom::components(&Value::Null, &sbom::ROOTS).is_err());
}
