//! Sweeps of other programs: what becomes of one is a sweep file that can be read.

use basin_cli::fuzzing::{of_hydra, of_wandb};
use basin_domain::sweep::{Source, SweepFile};

use super::sweep::are_located;

/// A configuration of Weights & Biases.
pub(super) fn read_wandb(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    is_sweep(of_wandb(text))
}

/// A configuration of Hydra, and, behind zero bytes, overrides.
pub(super) fn read_hydra(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let mut parts = text.split('\0');
    let file = parts.next().filter(|text| !text.is_empty());
    let overrides: Vec<String> = parts.map(str::to_owned).collect();
    is_sweep(of_hydra(file, &overrides))
}

fn is_sweep(made: Result<String, String>) -> bool {
    match made {
        Ok(text) => {
            let file = "sweep.toml".to_owned();
            let source = Source { file, text, profile: None, overrides: Vec::new(), kinds: Vec::new() };
            match SweepFile::parse(&source) {
                Ok(file) => assert!(file.task_count() > 0),
                // Whoever imports is told; two parameters may be in each other's way.
                Err(errors) => are_located(&errors),
            }
            true
        }
        Err(why) => {
            assert!(!why.is_empty());
            false
        }
    }
}
