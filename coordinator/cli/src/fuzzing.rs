//! Readers of what people write, as functions of text: `tests/fuzz` calls them.

pub use crate::configuration::check as settings;
pub use crate::env_file::check as variables;
pub use crate::import::fuzzing::{of_hydra, of_wandb};
