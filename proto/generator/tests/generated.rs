//! The generated messages and services are those of the `.proto` files. They are kept, so that no build needs a compiler of protocols;
//! `BASIN_WRITE_PROTO=1 cargo test --manifest-path proto/generator/Cargo.toml` makes them again after a change.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::fs;
use std::path::{Path, PathBuf};

use basin_proto_generator::{calls, descriptors, generate};

/// Holds a kept file against what is generated now, or keeps that.
fn is_kept(kept: &Path, generated: &str) {
    if std::env::var_os("BASIN_WRITE_PROTO").is_some() {
        fs::write(kept, generated).unwrap();
        return;
    }
    let text = fs::read_to_string(kept).unwrap_or_default();
    assert!(
        text == generated,
        "{} isn't what the .proto says: BASIN_WRITE_PROTO=1 cargo test --manifest-path proto/generator/Cargo.toml",
        kept.display()
    );
}

/// Holds a file in `kept` against the package that a file in `folder` says.
fn is_package_of(folder: &Path, file: &str, package: &str, kept: &Path) {
    let made = tempfile::tempdir().unwrap();
    generate(descriptors(folder, file).unwrap(), made.path()).unwrap();
    is_kept(kept, &fs::read_to_string(made.path().join(format!("{package}.rs"))).unwrap());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn the_generated_messages_are_those_of_the_proto_files() {
    let kept = root().join("src/generated");
    is_kept(&kept.join("calls.rs"), &calls(&descriptors(&root(), "basin.proto").unwrap()));
    is_package_of(&root(), "basin.proto", "basin.v1", &kept.join("basin.v1.rs"));
    is_package_of(&root(), "executor.proto", "basin.executor.v1", &kept.join("basin.executor.v1.rs"));
}

#[test]
fn the_messages_of_the_version_before_are_those_of_its_proto_file() {
    let folder = root().join("../tests/tests/protocol");
    is_package_of(&folder, "before.proto", "basin.v1", &folder.join("before.rs"));
}
