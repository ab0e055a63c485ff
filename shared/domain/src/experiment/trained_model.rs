//! What a trained network is evaluated on, when it is looked at again by a later task.

use serde::{Deserialize, Serialize};

use super::{ConvNet, Experiment, Function};
use crate::data::DataUse;

/// A network with its examples: what a task needs to know of the tasks whose weights it reads. The data set is the
/// task's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trained", rename_all = "kebab-case")]
pub enum TrainedModel {
    /// A network that classifies images.
    Classify {
        /// The network.
        model: ConvNet,
        /// Which part of the data set, and how its labels are treated.
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
    /// The subject of an experiment that trains a network and keeps it; none for others.
    pub fn of(experiment: &Experiment) -> Option<Self> {
        match experiment {
            Experiment::Classify(it) => Some(Self::Classify { model: it.model.clone(), data: it.data }),
            Experiment::FitFunction(it) => Some(Self::FitFunction {
                function: it.function,
                hidden: it.hidden.clone(),
                interval: it.interval,
                points: it.points,
            }),
            Experiment::CriticalPoint(_) | Experiment::Interpolate(_) | Experiment::Surface(_) => None,
        }
    }

    /// The names of the series that an evaluation on all of its examples gives.
    pub fn series(&self) -> &'static [&'static str] {
        match self {
            Self::Classify { .. } => &["train_loss", "train_accuracy", "test_loss", "test_accuracy"],
            Self::FitFunction { .. } => &["train_loss"],
        }
    }
}
