//! The first inputs of targets whose form nobody writes by hand: made by the code that writes them, so that they are read.
//!
//! `BASIN_WRITE_SEEDS=1 cargo test --release -p basin-fuzz --test seeds` writes them to the corpus.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod made;

use std::fs;

use basin_fuzz::{TARGETS, corpus, target};

/// What no input of some kilobytes can be: an archive of 60,000 images.
const NEVER_READ: [&str; 1] = ["cifar"];

#[test]
fn what_basin_writes_is_read() {
    let is_written = std::env::var_os("BASIN_WRITE_SEEDS").is_some();
    for (name, seed, input) in made::seeds() {
        let target = target(name).unwrap_or_else(|| panic!("{name} is no target"));
        assert!((target.read)(&input) || NEVER_READ.contains(&name), "{name}, {seed}: it is refused");
        if is_written {
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(corpus(target).join(format!("seed-{seed}")), &input).unwrap();
        }
    }
}

#[test]
fn every_corpus_has_an_input_that_is_read() {
    for target in TARGETS.iter().filter(|target| !NEVER_READ.contains(&target.name)) {
        let entries = fs::read_dir(corpus(target)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        let mut inputs = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        assert!(inputs.any(|input| (target.read)(&input)), "{}: all inputs are refused", target.name);
    }
}
