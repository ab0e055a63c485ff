//! The readers of what comes from outside, each as a function of bytes: what a fuzzer runs, and what a test runs again on every input
//! of the corpus.
//!
//! A [`Target`] reads bytes as Basin does, through the code that ships. It may refuse them; it may not panic, hang, or take memory
//! without bound, and what it reads must come back the same when it is written and read again. [`TARGETS`] lists them all; where to
//! start reading is any file of `targets`. Their inputs are in `corpus/TARGET/`, words of their languages in `dictionaries/TARGET`;
//! `.ci/fuzz` runs them, `tests/corpus.rs` replays them, `tests/seeds.rs` makes the first inputs. Why it is so: `docs/decisions/0056-fuzzing.md`.

mod parts;
mod stored;
mod targets;

use std::path::PathBuf;

pub use parts::{joined, parts};
pub use stored::{ATTEMPT, specs, sweep, task};
pub use targets::TARGETS;

/// A reader of something that comes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Reads an input; whether that could be read.
    ///
    /// # Panics
    /// If a property doesn't hold: that is a defect of the reader.
    pub read: fn(&[u8]) -> bool,
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The folder of a target's inputs.
pub fn corpus(target: &Target) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "corpus", target.name].iter().collect()
}
