//! A trained network with its examples, as a later task looks at it again.

use serde::{Deserialize, Serialize};

use super::classify::ConvNet;
use super::fit_function::Function;
use super::series::{names, training};
use crate::data::DataUse;

/// A network with its examples: all that a task must know of the tasks whose weights it reads. The data set is the
/// task's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trained", rename_all = "kebab-case")]
pub enum TrainedModel {
    /// A network that classifies images.
    Classify {
        /// The network.
        model: ConvNet,
        /// The part of the data set, and how its labels are treated.
        data: DataUse,
    },
    /// A dense network fitted to a function.
    FitFunction {
        /// The function.
        function: Function,
        /// The widths of the hidden layers.
        hidden: Vec<u32>,
        /// The interval's ends.
        interval: (f64, f64),
        /// The number of training points.
        points: u32,
    },
}

impl TrainedModel {
    /// The names of the series that an evaluation on all of its examples gives.
    pub fn series(&self) -> Vec<&'static str> {
        match self {
            Self::Classify { .. } => names(&training::LOSSES_AND_ACCURACIES),
            Self::FitFunction { .. } => names(&[training::TRAIN_LOSS]),
        }
    }
}
