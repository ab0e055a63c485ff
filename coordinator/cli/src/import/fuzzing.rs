//! The readers of other programs' files, without files.

use super::imported_sweep::ImportedSweep;
use super::naming::Naming;
use super::note::ImportError;
use super::{hydra, wandb, yaml};

/// The sweep file of a configuration of Weights & Biases.
///
/// # Errors
/// In words why there is none.
pub fn of_wandb(text: &str) -> Result<String, String> {
    let root = yaml::parse(text).map_err(|error| error.to_string())?;
    written(wandb::read(&root, &naming()?))
}

/// The sweep file of a configuration of Hydra, if there is one, with these overrides.
///
/// # Errors
/// In words why there is none.
pub fn of_hydra(text: Option<&str>, overrides: &[String]) -> Result<String, String> {
    let root = text.map(yaml::parse).transpose().map_err(|error| error.to_string())?;
    written(hydra::read(root.as_ref(), overrides, &naming()?))
}

fn naming() -> Result<Naming, String> {
    Naming::of_file("config.yaml", None).map_err(|error| error.to_string())
}

fn written(sweep: Result<ImportedSweep, ImportError>) -> Result<String, String> {
    sweep.map(|sweep| sweep.to_toml("sweep.toml")).map_err(|error| error.to_string())
}
