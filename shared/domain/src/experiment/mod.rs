//! The kinds of experiment and their typed parameters, one file a kind.
//!
//! Parameters are complete (defaults are filled in) and valid once they exist. Their canonical JSON enters a task's id, so
//! a field is never renamed and a meaning never changed without raising the kind's [`Experiment::version`].

use serde::{Deserialize, Serialize};

mod classify;
mod fit_function;

pub use classify::{Classify, ConvNet};
pub use fit_function::{FitFunction, Function};

/// An experiment: its kind with that kind's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Experiment {
    /// A dense network is fitted to a function of one variable.
    FitFunction(FitFunction),
    /// A convolutional or dense network classifies images.
    Classify(Classify),
}

/// What a run records beside its losses. Every field has a default of "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// ‖g‖₂ over all parameters, and the loss of the batch, at every iteration.
    pub gradient_norm: bool,
    /// The flattened weights at initialisation and every so many epochs, kept as tensors of the result.
    pub weights_every: Option<u32>,
}

impl Recording {
    /// The names of the series that these options add.
    pub fn series(&self) -> &'static [&'static str] {
        if self.gradient_norm { &["loss", "gradient_norm"] } else { &[] }
    }
}

impl Experiment {
    /// The kind's name as the sweep file spells it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::FitFunction(_) => FitFunction::KIND,
            Self::Classify(_) => Classify::KIND,
        }
    }

    /// The version of the kind: raised whenever the same parameters would give other results.
    pub const fn version(&self) -> u32 {
        match self {
            Self::FitFunction(_) => FitFunction::VERSION,
            Self::Classify(_) => Classify::VERSION,
        }
    }

    /// The names of the series that a run records (see [`crate::record::Record`]), without those of a single number.
    pub fn series(&self) -> Vec<&'static str> {
        match self {
            Self::FitFunction(parameters) => parameters.series(),
            Self::Classify(parameters) => parameters.series(),
        }
    }

    /// The number of passes over the training data.
    pub const fn epochs(&self) -> u32 {
        match self {
            Self::FitFunction(parameters) => parameters.epochs,
            Self::Classify(parameters) => parameters.epochs,
        }
    }
}
