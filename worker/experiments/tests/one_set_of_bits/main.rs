//! One set of bits: every operation and every kind gives the same bytes on every code path, and they are those of a committed list.
//!
//! The list, `bits.txt`, has a line for each operation and each run. Whoever means to change bytes raises the versions of the kinds
//! that the change reaches and writes the list anew: `BASIN_WRITE_BITS=1 cargo test --release -p basin-experiments --test one_set_of_bits`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#[path = "../common/mod.rs"]
mod common;
mod digests;
mod operations;
mod runs;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use basin_experiments::code_path;
use common::{on_each_path, tiny_images};
use digests::Digests;
use operations::{convolutions, dense_layers, gathered_images, losses, networks, optimisers};
use runs::runs;

#[test]
fn every_operation_and_every_run_has_the_bits_of_the_list_on_every_code_path() {
    let images = tiny_images(40, 30);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bits.txt");
    let mut list = std::fs::read_to_string(&file).unwrap_or_default();
    let mut first = std::env::var_os("BASIN_WRITE_BITS").is_some();
    let mut differences = String::new();
    on_each_path(|| {
        let mut digests = Digests::default();
        convolutions::<f32>(&mut digests);
        convolutions::<f64>(&mut digests);
        dense_layers::<f32>(&mut digests);
        dense_layers::<f64>(&mut digests);
        losses::<f32>(&mut digests);
        losses::<f64>(&mut digests);
        gathered_images(&mut digests);
        optimisers(&mut digests);
        networks(&mut digests);
        runs(&mut digests, &images);
        if std::mem::take(&mut first) {
            list = digests.text();
            std::fs::write(&file, &list).unwrap();
        }
        let committed: BTreeMap<&str, &str> = list
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(digest, name)| (name, digest))
            .collect();
        let names: Vec<&str> = digests.0.keys().map(String::as_str).collect();
        assert_eq!(names, committed.keys().copied().collect::<Vec<_>>(), "the list has other names");
        for (name, digest) in &digests.0 {
            if committed[name.as_str()] != digest {
                writeln!(differences, "on {}: {name}", code_path()).unwrap();
            }
        }
    });
    assert!(differences.is_empty(), "these have other bits than the list:\n{differences}");
}
