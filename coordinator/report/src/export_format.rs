//! The forms in which other programs read results.

use serde::{Deserialize, Serialize};

/// A form in which other programs read results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// Event files of TensorBoard.
    Tensorboard,
    /// The folder of MLflow's file store.
    Mlflow,
    /// Runs as Weights & Biases keeps them where it has no network.
    WandbOffline,
    /// Tables as plain CSV.
    Csv,
}

impl ExportFormat {
    /// The folder that an export lies in, within that of the output.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Tensorboard => "tensorboard",
            Self::Mlflow => "mlruns",
            Self::WandbOffline => "wandb",
            Self::Csv => "csv",
        }
    }
}
