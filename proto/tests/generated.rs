//! The generated messages and services in `src/generated` are those of the `.proto` files. They are kept, so that no build needs a compiler of
//! protocols; `BASIN_WRITE_PROTO=1 cargo test --release --workspace --test generated` makes them again after a change.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::fs;
use std::path::{Path, PathBuf};

use protox::prost_reflect::prost_types::FileDescriptorSet;

/// The file under `folder`'s `.proto` as descriptors.
fn descriptors(folder: &Path, file: &str) -> FileDescriptorSet {
    protox::compile([file], [folder]).unwrap()
}

/// All calls of all services, as a Rust expression.
fn calls(descriptors: &FileDescriptorSet) -> String {
    let mut calls = String::from("&[\n");
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                calls.push_str(&format!(
                    "    \"/{}.{}/{}\",\n",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    calls + "]\n"
}

/// Holds a kept file against what is generated now, or keeps that.
fn is_kept(kept: &Path, generated: &str) {
    if std::env::var_os("BASIN_WRITE_PROTO").is_some() {
        fs::write(kept, generated).unwrap();
        return;
    }
    let text = fs::read_to_string(kept).unwrap_or_default();
    assert!(
        text == generated,
        "{} isn't what the .proto says: BASIN_WRITE_PROTO=1 cargo test --release --workspace --test generated",
        kept.display()
    );
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_generated_messages_are_those_of_the_proto_files() {
    let kept = root().join("src/generated");
    let made = tempfile::tempdir().unwrap();
    let basin = descriptors(&root(), "basin.proto");
    is_kept(&kept.join("calls.rs"), &calls(&basin));
    let generator = || tonic_prost_build::configure().out_dir(made.path());
    // The executor's messages name some of the coordinator's, which are generated after them, once.
    let executor = descriptors(&root(), "executor.proto");
    generator().extern_path(".basin.v1", "crate::v1").compile_fds(executor).unwrap();
    generator().compile_fds(basin).unwrap();
    for file in ["basin.v1.rs", "basin.executor.v1.rs"] {
        is_kept(&kept.join(file), &fs::read_to_string(made.path().join(file)).unwrap());
    }
}

#[test]
fn the_messages_of_the_version_before_are_those_of_its_proto_file() {
    let folder = root().join("../tests/tests/protocol");
    let made = tempfile::tempdir().unwrap();
    let before = descriptors(&folder, "before.proto");
    tonic_prost_build::configure().out_dir(made.path()).compile_fds(before).unwrap();
    is_kept(&folder.join("before.rs"), &fs::read_to_string(made.path().join("basin.v1.rs")).unwrap());
}
