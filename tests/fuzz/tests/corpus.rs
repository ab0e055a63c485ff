//! Every input that a fuzzer has found, and every one that once found a defect, is read again, on any machine.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use basin_fuzz::{TARGETS, Target, corpus};

/// The longest that an input is read; machines that run tests may be slow.
const LONGEST: Duration = Duration::from_secs(60);
/// The most bytes of all inputs: they are part of the repository.
const MOST_BYTES: u64 = 600 << 10;

/// The inputs of a target, by name.
fn inputs(target: &Target) -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus(target)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_input_of_the_corpus_is_read_or_refused_in_time() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let (tell, told) = mpsc::channel();
        let paths = inputs(target);
        let (all, read) = (paths.clone(), target.read);
        std::thread::spawn(move || {
            for path in all {
                let input = fs::read(&path).unwrap();
                let done = std::panic::catch_unwind(|| read(&input));
                if tell.send(done.is_ok()).is_err() {
                    break;
                }
            }
        });
        for path in paths {
            match told.recv_timeout(LONGEST) {
                Ok(true) => {}
                Ok(false) => failed.push(format!("{} panics", path.display())),
                Err(_) => {
                    failed.push(format!("{} takes longer than {} s", path.display(), LONGEST.as_secs()));
                    break;
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_corpora_are_small_and_every_folder_is_a_targets() {
    let root = corpus(&TARGETS[0]).parent().unwrap().to_owned();
    let mut bytes = 0;
    for entry in fs::read_dir(root).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = basin_fuzz::target(&name).unwrap_or_else(|| panic!("{name} is no target"));
        bytes += inputs(target).iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
}
