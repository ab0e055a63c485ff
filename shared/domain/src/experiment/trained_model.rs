//! A trained network with its examples, as a later task looks at it again.

use serde::{Deserialize, Serialize};

use super::function::{Function, PointLayout};
use super::loss::{ClassificationLoss, ValueLoss};
use super::series::{self, names, training};
use crate::data::DataUse;
use crate::network::Network;

/// A network with its examples: all that a task must know of the tasks whose weights it reads. The data set is the
/// task's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trained", rename_all = "kebab-case")]
pub enum TrainedModel {
    /// A network that classifies images.
    Classify {
        /// The network.
        model: Network,
        /// The part of the data set, and how its labels are treated.
        data: DataUse,
        /// The loss.
        #[serde(default, skip_serializing_if = "ClassificationLoss::is_default")]
        loss: ClassificationLoss,
    },
    /// A network that predicts values.
    Regress {
        /// The network.
        model: Network,
        /// The part of the data set.
        data: DataUse,
        /// The loss.
        #[serde(default, skip_serializing_if = "ValueLoss::is_default")]
        loss: ValueLoss,
    },
    /// A network fitted to a function.
    FitFunction {
        /// The function.
        function: Function,
        /// The widths of the hidden layers; empty where `model` is given.
        hidden: Vec<u32>,
        /// The network, where it isn't dense layers with ReLU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<Network>,
        /// The interval's ends.
        interval: (f64, f64),
        /// The number of training points, of a grid along each axis.
        points: u32,
        /// Where they lie beside that.
        #[serde(default, skip_serializing_if = "PointLayout::is_line")]
        layout: PointLayout,
        /// The loss.
        #[serde(default, skip_serializing_if = "ValueLoss::is_default")]
        loss: ValueLoss,
    },
}

impl TrainedModel {
    /// The names of the series that an evaluation on all of its examples gives.
    pub fn series(&self) -> Vec<&'static str> {
        match self {
            Self::Classify { .. } => names(&training::LOSSES_AND_ACCURACIES),
            Self::Regress { .. } => names(&[training::TRAIN_LOSS, training::TEST_LOSS]),
            Self::FitFunction { .. } => names(&[training::TRAIN_LOSS]),
        }
    }

    /// The sort of loss that it was trained on.
    pub const fn loss(&self) -> series::Loss {
        match self {
            Self::Classify { loss, .. } => loss.sort(),
            Self::Regress { loss, .. } | Self::FitFunction { loss, .. } => loss.sort(),
        }
    }
}
